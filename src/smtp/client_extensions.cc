// Telling the peer when, how fast and how safely a message is to travel: REQUIRETLS (RFC 8689), DELIVERBY (RFC 2852),
// MT-PRIORITY (RFC 6710), FUTURERELEASE (RFC 4865).

#include "base/text.h"
#include "smtp/client_impl.h"
#include "smtp/grammar_extensions.h"

namespace paquebot::smtp {
namespace {

using mail::DeliverBy;

constexpr std::size_t kMaxTimestamp = 40; ///< octets of a time in EHLO that are kept

/// A number of seconds that the peer announced; what is no number, or too large to mean anything, is none.
std::int64_t read_seconds(std::string_view text) {
  const auto number = parse_u64(text);
  return number && *number <= static_cast<std::uint64_t>(mail::kMaxByTime) ? static_cast<std::int64_t>(*number) : 0;
}

} // namespace

using Client = ClientSession::Impl;

void Client::read_sending_feature(const std::vector<std::string_view>& words) {
  const auto is = [&](std::string_view name) { return iequals(words[0], name); };
  auto& f = features_;
  f.requiretls = f.requiretls || is("REQUIRETLS");
  f.priority = f.priority || is("MT-PRIORITY");
  if (is("DELIVERBY")) {
    f.deliver_by = true;
    // Other options may follow behind commas (RFC 2852 section 2).
    if (words.size() > 1) f.deliver_by_least = read_seconds(words[1].substr(0, words[1].find(',')));
  }
  if (is("FUTURERELEASE") && words.size() > 2) { // RFC 4865 section 3: both values are required
    f.future_release = true;
    f.hold_most = read_seconds(words[1]);
    f.hold_latest = words[2].substr(0, kMaxTimestamp);
  }
}

/// RFC 8689 section 2: only in a session that is under TLS, whose server offers it after that.
bool Client::may_require_tls() const { return encrypted_ && features_.requiretls; }

bool Client::lacks_extension(mail::Reply& why) const {
  const auto& s = message_.sender;
  // RFC 8689 section 4.2.1; a report is sent all the same (section 5).
  if (s.tls == mail::TlsWish::required && !may_require_tls() && !s.reverse_path.empty()) {
    why = {550, {5, 7, 30}, "REQUIRETLS support required: the other server does not offer it"};
    return true;
  }
  // RFC 2852 section 4.1.4.1
  const bool by_return = s.deliver_by.mode == DeliverBy::Mode::give_back;
  if (by_return && !features_.deliver_by) {
    why = {554, {5, 3, 3}, "the other server does not promise delivery within a time (DELIVERBY)"};
    return true;
  }
  if (by_return && s.deliver_by.seconds < std::max<std::int64_t>(features_.deliver_by_least, 1)) {
    why = {554,
           {5, 3, 3},
           "the other server promises delivery within " + std::to_string(features_.deliver_by_least) +
               " seconds, and " + std::to_string(s.deliver_by.seconds) + " are left"};
    return true;
  }
  if (s.hold.kind != mail::Hold::Kind::none && !features_.future_release) {
    why = {554, {5, 3, 3}, "the other server does not hold messages for later (FUTURERELEASE)"};
    return true;
  }
  return false;
}

/// With a space in front of each.
std::string Client::extension_parameters() const {
  const auto& s = message_.sender;
  std::string line;
  if (s.tls == mail::TlsWish::required && may_require_tls()) line += " REQUIRETLS";
  if (s.deliver_by.mode != DeliverBy::Mode::none && features_.deliver_by)
    line += " BY=" + write_deliver_by(s.deliver_by);
  // RFC 6710 section 4.2 item 1: always, so that 0 is said to be 0.
  if (features_.priority) line += " MT-PRIORITY=" + std::to_string(s.priority);
  if (s.hold.kind != mail::Hold::Kind::none) line += " " + write_hold(s.hold);
  return line;
}

} // namespace paquebot::smtp
