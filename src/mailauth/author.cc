#include "mailauth/author.h"

#include "base/text.h"
#include "mail/readings.h"

#include <algorithm>

namespace paquebot::mailauth {
namespace {

constexpr std::size_t kMaxAddresses = 100;

/// Of what is quoted, in octets, all fields together.
constexpr std::size_t kShownFrom = 160;
/// And as many of them.
constexpr std::size_t kQuoted = 4;

using Fields = std::vector<const mail::Field*>;

/// `why`, with the fields as they came.
Author nobody(Author::State state, std::string_view why, const Fields& fields) {
  std::string reason(why);
  const std::size_t quoted = std::min(fields.size(), kQuoted);
  for (std::size_t n = 0; n < quoted; ++n) {
    reason += n == 0 ? ": " : ", ";
    reason += '"' + printable(mail::unfold(fields[n]->value()), kShownFrom / quoted) + '"';
  }
  if (fields.size() > quoted) reason += ", ...";
  return {state, {}, {}, std::move(reason)};
}

void add_domains(const mail::Readings& read, std::vector<std::string>& domains) {
  for (const mail::Address& address : read.addresses) {
    if (address.is_literal() || address.domain.empty()) continue;
    if (std::ranges::find(domains, address.domain) == domains.end()) domains.push_back(address.domain);
  }
}

/// The domains of one field into `domains`; false, and `why`: there are none, or too many.
bool read_field(const mail::Field& from, std::vector<std::string>& domains, Author& why) {
  using State = Author::State;
  const mail::Readings read = mail::readings_of(from.value(), kMaxAddresses);
  if (read.more) {
    why = nobody(State::several, "From has too many addresses", {&from});
    return false;
  }
  std::vector<std::string> own;
  add_domains(read, own);
  add_domains(read, domains);
  if (!own.empty()) return true;
  if (!read.addresses.empty())
    why = nobody(State::malformed, "From has an address without a domain name", {&from});
  else if (read.tidy)
    why = nobody(State::missing, "From has no address", {&from});
  else
    why = nobody(State::malformed, "From is malformed: " + read.why, {&from});
  return false;
}

/// What a program reads that makes one list of all fields of a name. False: too much.
bool read_as_one(const Fields& fields, std::vector<std::string>& domains) {
  std::string all;
  for (const mail::Field* field : fields) {
    if (!all.empty()) all += ", ";
    all += field->value();
  }
  const mail::Readings read = mail::readings_of(all, kMaxAddresses);
  add_domains(read, domains);
  return !read.more;
}

} // namespace

Author Author::of(std::string domain) { return {State::one, domain, {domain}, {}}; }

Author author_of(const mail::Head& head) {
  using State = Author::State;
  Fields fields;
  for (const auto& field : head) {
    if (field.resembles("From")) return {State::malformed, {}, {}, "a line resembles a From field and is none"};
    if (field.is("From")) fields.push_back(&field);
  }
  if (fields.empty()) return {State::missing, {}, {}, "the message has no From field"};
  const std::string what = fields.size() == 1 ? "From has" : std::to_string(fields.size()) + " From fields have";
  if (fields.size() > kMostAuthors) return nobody(State::several, "the message has too many From fields", fields);
  std::vector<std::string> domains;
  Author why;
  for (const mail::Field* field : fields)
    if (!read_field(*field, domains, why)) return why;
  if (fields.size() > 1 && !read_as_one(fields, domains))
    return nobody(State::several, what + " too many addresses", fields);
  if (domains.size() == 1) return Author::of(std::move(domains.front()));
  if (domains.size() > kMostAuthors)
    return nobody(State::several, what + ", or may be read to have, addresses of too many domains", fields);
  Author several = nobody(State::several, what + ", or may be read to have, addresses of several domains", fields);
  several.domains = std::move(domains);
  return several;
}

} // namespace paquebot::mailauth
