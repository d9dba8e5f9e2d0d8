#include "smtp/xclient.h"

#include "base/encoding.h"
#include "base/text.h"

#include <algorithm>
#include <arpa/inet.h>

namespace paquebot::smtp {
namespace {

using Value = std::optional<std::string>; ///< nothing: the other side doesn't know it

constexpr Refused kNoName = "501 5.5.4 XCLIENT: that is not a host's name";
constexpr Refused kNoAddress = "501 5.5.4 XCLIENT: that is not an IPv4 address, nor IPV6: and an IPv6 address";
constexpr Refused kNoPort = "501 5.5.4 XCLIENT: that is not a port";
constexpr Refused kNoProtocol = "501 5.5.4 XCLIENT: PROTO is SMTP or ESMTP";
constexpr Refused kNoLogin = "550 5.7.0 XCLIENT: a login is not taken from others; use AUTH";

// Each reader changes one attribute and gives an empty text, or says what is wrong.

Refused read_name(const Value& value, std::string& into) {
  into.clear();
  if (!value) return {};
  const auto name = parse_helo_name(*value);
  if (!name || name->size() != value->size()) return kNoName;
  into = *name;
  return {};
}

Refused read_address(const Value& value, std::string& into) {
  into.clear();
  if (!value) return {};
  const bool six = istarts_with(*value, "IPV6:");
  const std::string text = six ? value->substr(5) : *value;
  unsigned char octets[16];
  char written[INET6_ADDRSTRLEN];
  const int family = six ? AF_INET6 : AF_INET;
  if (text.find('\0') != std::string::npos || inet_pton(family, text.c_str(), octets) != 1) return kNoAddress;
  into = inet_ntop(family, octets, written, sizeof written);
  if (istarts_with(into, "::ffff:") && into.find('.') != std::string::npos) into.erase(0, 7); // IPv4, mapped
  return {};
}

Refused read_port(const Value& value, std::uint16_t& into) {
  into = 0;
  if (!value) return {};
  const auto port = parse_u64(*value);
  if (!port || *port > 65535) return kNoPort;
  into = static_cast<std::uint16_t>(*port);
  return {};
}

Refused read_protocol(const Value& value, std::optional<bool>& into) {
  into.reset();
  if (!value) return {};
  into = iequals(*value, "ESMTP");
  return *into || iequals(*value, "SMTP") ? Refused() : kNoProtocol;
}

/// A row for each attribute, so that none can come twice.
struct Attribute {
  std::string_view name;
  Refused (*read)(const Value& value, ToldPeer& into);
};

constexpr Attribute kAttributes[] = {
    {"NAME", [](const Value& value, ToldPeer& into) { return read_name(value, into.name); }},
    {"ADDR", [](const Value& value, ToldPeer& into) { return read_address(value, into.address); }},
    {"PORT", [](const Value& value, ToldPeer& into) { return read_port(value, into.port); }},
    {"PROTO", [](const Value& value, ToldPeer& into) { return read_protocol(value, into.extended); }},
    {"HELO", [](const Value& value, ToldPeer& into) { return read_name(value, into.helo); }},
    {"LOGIN", [](const Value& value, ToldPeer&) { return value ? kNoLogin : Refused(); }},
    {"DESTADDR", [](const Value& value, ToldPeer& into) { return read_address(value, into.dest_address); }},
    {"DESTPORT", [](const Value& value, ToldPeer& into) { return read_port(value, into.dest_port); }},
};

Refused read_one(std::string_view word, ToldPeer& into, unsigned& seen) {
  const auto equals = word.find('=');
  if (equals == std::string_view::npos) return "501 5.5.4 XCLIENT: attributes are NAME=value";
  const auto* attribute =
      std::ranges::find_if(kAttributes, [&](const auto& one) { return iequals(one.name, word.substr(0, equals)); });
  if (attribute == std::end(kAttributes)) return "501 5.5.4 XCLIENT: an attribute that is not known";
  const unsigned bit = 1u << (attribute - std::begin(kAttributes));
  if ((std::exchange(seen, seen | bit) & bit) != 0) return "501 5.5.4 XCLIENT: an attribute comes twice";
  Value value = xtext_decode(word.substr(equals + 1));
  if (!value || value->empty()) return "501 5.5.4 XCLIENT: a value is xtext and not empty";
  if (iequals(*value, "[UNAVAILABLE]") || iequals(*value, "[TEMPUNAVAIL]")) value.reset();
  return attribute->read(value, into);
}

} // namespace

Parsed<ToldPeer> parse_xclient(std::string_view arguments, ToldPeer before) {
  unsigned seen = 0;
  for (const auto word : split(arguments, ' ')) {
    if (word.empty()) continue;
    if (const auto wrong = read_one(word, before, seen); !wrong.empty()) return std::unexpected(wrong);
  }
  return before;
}

} // namespace paquebot::smtp
