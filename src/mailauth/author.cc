#include "mailauth/author.h"

#include "base/text.h"
#include "mail/readings.h"

#include <algorithm>

namespace paquebot::mailauth {
namespace {

constexpr std::size_t kMaxAddresses = 100;

/// A line that is no field, but that a tolerant program may take for From: " From: x", "From x: y" don't count.
bool resembles_from(const mail::Field& field) {
  if (field.name_length != 0) return false;
  std::string name;
  for (const char c : field.raw) {
    if (c == ':') return iequals(name, "from");
    const auto octet = static_cast<unsigned char>(c);
    if (octet <= ' ' || octet == 127) continue; // some programs end a name at NUL, others pass over it
    name += c;
    if (name.size() > 4) return false;
  }
  return false;
}

constexpr std::size_t kShownField = 160;

/// `why`, with the field as it came.
Author nobody(Author::State state, std::string_view why, const mail::Field& from) {
  const std::string value = mail::unfold(from.value());
  return {state, {}, {}, std::string(why) + ": \"" + printable(value, kShownField) + "\""};
}

} // namespace

Author Author::of(std::string domain) { return {State::one, domain, {domain}, {}}; }

Author author_of(const mail::Head& head) {
  using State = Author::State;
  const mail::Field* from = nullptr;
  for (const auto& field : head) {
    if (resembles_from(field)) return {State::malformed, {}, {}, "a line resembles a From field and is none"};
    if (!field.is("From")) continue;
    if (from) return {State::several, {}, {}, "the message has more than one From field"};
    from = &field;
  }
  if (!from) return {State::missing, {}, {}, "the message has no From field"};
  const mail::Readings read = mail::readings_of(from->value(), kMaxAddresses);
  if (read.more) return nobody(State::several, "From has too many addresses", *from);
  std::vector<std::string> domains;
  for (const mail::Address& address : read.addresses) {
    if (address.is_literal() || address.domain.empty()) continue;
    if (std::ranges::find(domains, address.domain) == domains.end()) domains.push_back(address.domain);
  }
  if (domains.size() == 1) return Author::of(std::move(domains.front()));
  if (domains.size() > kMostAuthors)
    return nobody(State::several, "From has, or may be read to have, addresses of too many domains", *from);
  if (!domains.empty()) {
    Author several = nobody(State::several, "From has, or may be read to have, addresses of several domains", *from);
    several.domains = std::move(domains);
    return several;
  }
  if (!read.addresses.empty()) return nobody(State::malformed, "From has an address without a domain name", *from);
  return read.tidy ? nobody(State::missing, "From has no address", *from)
                   : nobody(State::malformed, "From is malformed: " + read.why, *from);
}

} // namespace paquebot::mailauth
