#include "mailauth/author.h"

#include "base/text.h"

#include <algorithm>

namespace paquebot::mailauth {
namespace {

constexpr std::size_t kMaxAuthors = 100;

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

/// Folding is fine, other control characters are not; nor is what is not UTF-8 (RFC 6532).
bool is_clean(std::string_view value) {
  for (std::size_t i = 0; i < value.size(); ++i) {
    const auto c = static_cast<unsigned char>(value[i]);
    if (c == '\r' && i + 1 < value.size() && value[i + 1] == '\n') continue;
    if (c == '\n' && i > 0 && value[i - 1] == '\r') continue;
    if ((c < ' ' && c != '\t') || c == 127) return false;
  }
  return is_utf8(value);
}

} // namespace

Author author_of(const mail::Head& head) {
  const mail::Field* from = nullptr;
  for (const auto& field : head) {
    if (resembles_from(field)) return {Author::State::malformed, {}, "a line resembles a From field and is none"};
    if (!field.is("From")) continue;
    if (from) return {Author::State::several, {}, "the message has more than one From field"};
    from = &field;
  }
  if (!from) return {Author::State::missing, {}, "the message has no From field"};
  if (!is_clean(from->value())) return {Author::State::malformed, {}, "From has characters that are not allowed"};
  const auto addresses = mail::addresses_of(from->value(), {.default_domain = {}, .most = kMaxAuthors});
  if (!addresses) return {Author::State::malformed, {}, "From is malformed: " + addresses.error().message};
  if (addresses->empty()) return {Author::State::missing, {}, "From has no address"};
  const std::string& domain = addresses->front().domain;
  if (std::ranges::any_of(*addresses, [&](const auto& a) { return a.domain != domain; }))
    return {Author::State::several, {}, "From has addresses of several domains"};
  if (addresses->front().is_literal() || domain.empty())
    return {Author::State::malformed, {}, "From has an address without a domain name"};
  return {Author::State::one, domain, {}};
}

} // namespace paquebot::mailauth
