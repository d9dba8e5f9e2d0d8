// What several actions read from their requests.

#include "base/clock.h"
#include "base/text.h"
#include "control/call.h"
#include "mail/timestamp.h"

namespace paquebot::control {

std::string Call::ask(const std::string& name) const {
  const auto it = query.find(name);
  return it == query.end() ? std::string() : it->second;
}

Found<std::string> read_domain(std::string_view text) {
  auto name = mail::normalize_domain(text);
  if (!name)
    return refuse(Errc::invalid, "\"" + printable(text, 256) + "\" is not a domain name: " + name.error().message);
  return *name;
}

Found<mail::Address> read_address(std::string_view text, std::string_view what) {
  auto address = mail::parse_address(text);
  if (!address) {
    return refuse(Errc::invalid, std::string(what) + " \"" + printable(text, 256) +
                                     "\" is not an address: " + address.error().message);
  }
  if (address->is_literal())
    return refuse(Errc::invalid, std::string(what) + " must have a domain name, not an IP address");
  address->local = to_lower(address->local);
  return *address;
}

Found<Ulid> read_id(std::string_view text) {
  auto id = Ulid::parse(istarts_with(text, "id=") ? text.substr(3) : text);
  if (!id) {
    return refuse(Errc::invalid, "\"" + printable(text, 64) +
                                     "\" is not a message id: it has 26 letters and digits, as in the 250 reply "
                                     "(id=01J...)");
  }
  return *id;
}

Found<std::size_t> read_limit(const Call& call, std::size_t standard, std::size_t most) {
  const std::string text = call.ask("limit");
  if (text.empty()) return standard;
  const auto number = parse_u64(text);
  if (!number || *number == 0 || *number > most)
    return refuse(Errc::invalid, "\"limit\" must be a number from 1 to " + std::to_string(most), {}, "limit");
  return static_cast<std::size_t>(*number);
}

Found<std::int64_t> read_time_to_come(const std::string& text) {
  if (text.empty()) return 0;
  constexpr std::int64_t kLast = 7'258'118'400'000; // 2200: clocks of nanoseconds end in 2262
  const auto at = mail::parse_timestamp(text);
  if (at && millis(*at) > millis(system_clock().wall()) && millis(*at) <= kLast) return millis(*at);
  return refuse(Errc::invalid, "\"until\" must be a time to come before 2200, like 2026-12-31T00:00:00Z", {}, "until");
}

Found<std::int64_t> read_time(const Call& call, const std::string& name) {
  const std::string text = call.ask(name);
  if (text.empty()) return 0;
  const auto time = mail::parse_timestamp(text);
  if (!time) return refuse(Errc::invalid, "\"" + name + "\" must be a time like 2026-11-30T09:41:07Z", {}, name);
  return millis(*time);
}

Task<Found<>> need_domain(Context& context, std::string domain) {
  const auto ours = co_await context.directory.is_our_domain(domain);
  if (!ours) co_return std::unexpected(ours.error());
  if (!*ours) co_return std::unexpected(no_domain(domain));
  co_return Found<>();
}

Task<Found<store::Account>> need_account(Context& context, std::string login) {
  const auto address = read_address(login, "the account");
  if (!address) co_return std::unexpected(address.error());
  const std::string name = address->local + "@" + address->domain;
  auto account = co_await context.store.directory().find_account(name);
  if (!account && account.error().code == Errc::not_found) co_return std::unexpected(no_account(name));
  if (!account) co_return std::unexpected(account.error());
  co_return std::move(*account);
}

} // namespace paquebot::control
