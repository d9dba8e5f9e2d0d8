#include "service/forwarded.h"

#include "base/text.h"
#include "net/endpoint.h"

#include <algorithm>
#include <vector>

namespace paquebot::service {
namespace {

/// An address that nobody has.
constexpr const char* kNobody = "0.0.0.0";

struct Hop {
  std::string_view node; ///< as it was written, without quotes; empty: not told
  std::string_view proto;
};

/// The parts between `separator`s outside quotes, trimmed. Quotes are counted from the end: a visitor who opens one and
/// never closes it, in front of what the proxy adds, hides nothing of that.
std::vector<std::string_view> parts_of(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  bool quoted = false;
  std::size_t end = text.size();
  for (std::size_t at = text.size(); at-- > 0;) {
    if (text[at] == '"') quoted = !quoted;
    if (quoted || text[at] != separator) continue;
    parts.push_back(trim(text.substr(at + 1, end - at - 1)));
    end = at;
  }
  parts.push_back(trim(text.substr(0, end)));
  std::ranges::reverse(parts);
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

/// Both in the order of the request's way, from the client on.
std::vector<Hop> standard_hops(const http::Request& request) {
  std::vector<Hop> hops;
  for (const http::Field& field : request.fields)
    if (field.name == "forwarded")
      for (const std::string_view element : parts_of(field.value, ',')) hops.push_back(read_hop(element));
  return hops;
}

std::vector<Hop> usual_hops(const http::Request& request) {
  std::vector<Hop> hops;
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

http::Visitor follow(const std::vector<Hop>& hops, http::Visitor visitor, const net::Networks& proxies) {
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

} // namespace

http::Visitor visitor_for(const http::Request& request, const http::Visitor& peer, const net::Networks& proxies) {
  if (!proxies.contains(peer.address)) return peer;
  const std::vector<Hop> standard = standard_hops(request), usual = usual_hops(request);
  if (standard.empty() || usual.empty()) return follow(standard.empty() ? usual : standard, peer, proxies);
  http::Visitor one = follow(standard, peer, proxies);
  const http::Visitor other = follow(usual, peer, proxies);
  if (one.address != other.address) one.address = kNobody;
  one.encrypted = one.encrypted && other.encrypted;
  return one;
}

} // namespace paquebot::service
