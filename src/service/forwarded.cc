#include "service/forwarded.h"

#include "base/text.h"
#include "net/endpoint.h"

#include <vector>

namespace paquebot::service {
namespace {

struct Hop {
  std::string_view node; ///< as it was written, without quotes; empty: not told
  std::string_view proto;
};

/// The parts between `separator`s outside quotes, trimmed.
std::vector<std::string_view> parts_of(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t at = 0; at <= text.size(); ++at) {
    if (at < text.size() && text[at] == '"') quoted = !quoted;
    if (at < text.size() && (quoted || text[at] != separator)) continue;
    parts.push_back(trim(text.substr(begin, at - begin)));
    begin = at + 1;
  }
  return parts;
}

std::string_view unquoted(std::string_view text) {
  const bool quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
  return quoted ? text.substr(1, text.size() - 2) : text;
}

Hop read_hop(std::string_view element) {
  Hop hop;
  for (const std::string_view pair : parts_of(element, ';')) {
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = trim(pair.substr(0, equals)), value = unquoted(trim(pair.substr(equals + 1)));
    if (iequals(name, "for")) hop.node = value;
    if (iequals(name, "proto")) hop.proto = value;
  }
  return hop;
}

/// In the order of the request's way, from the client on.
std::vector<Hop> hops_of(const http::Request& request) {
  std::vector<Hop> hops;
  for (const http::Field& field : request.fields)
    if (field.name == "forwarded")
      for (const std::string_view element : parts_of(field.value, ',')) hops.push_back(read_hop(element));
  if (!hops.empty()) return hops;
  for (const std::string_view node : http::list_of(request.fields, "x-forwarded-for")) hops.push_back({node, {}});
  const auto protos = http::list_of(request.fields, "x-forwarded-proto");
  if (!hops.empty() && !protos.empty()) hops.back().proto = protos.back();
  return hops;
}

/// "192.0.2.1", "192.0.2.1:4711", "[2001:db8::1]:4711", "2001:db8::1"; empty for "unknown", "_hidden" and all else.
std::string address_of(std::string_view node) {
  if (net::is_ip_address(node)) return std::string(node);
  if (node.starts_with('[')) {
    const std::string_view inner = node.substr(1, node.find(']') == std::string_view::npos ? 0 : node.find(']') - 1);
    return net::is_ip_address(inner) ? std::string(inner) : std::string();
  }
  const std::string_view host = node.substr(0, node.find(':'));
  return net::is_ip_address(host) ? std::string(host) : std::string();
}

} // namespace

http::Visitor visitor_for(const http::Request& request, const http::Visitor& peer, const net::Networks& proxies) {
  http::Visitor visitor = peer;
  if (!proxies.contains(peer.address)) return visitor;
  const std::vector<Hop> hops = hops_of(request);
  if (hops.empty()) return visitor;
  if (!hops.back().proto.empty()) visitor.encrypted = iequals(hops.back().proto, "https");
  for (auto hop = hops.rbegin(); hop != hops.rend(); ++hop) {
    const std::string address = address_of(hop->node);
    if (address.empty()) break;
    visitor.address = address;
    if (!proxies.contains(address)) break;
  }
  return visitor;
}

} // namespace paquebot::service
