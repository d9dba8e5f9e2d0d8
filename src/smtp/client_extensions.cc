#include "smtp/client_extensions.h"

#include "smtp/grammar_extensions.h"

#include <algorithm>

namespace paquebot::smtp {

using mail::DeliverBy;

namespace {

/// RFC 8689 section 2: only in a session that is under TLS, whose server offers it after that.
bool may_require_tls(const PeerFeatures& features, bool encrypted) { return encrypted && features.requiretls; }

} // namespace

bool lacks_extension(const mail::Sender& s, const PeerFeatures& features, bool encrypted, mail::Reply& why) {
  // RFC 8689 section 4.2.1; a report is sent all the same (section 5).
  if (s.tls == mail::TlsWish::required && !may_require_tls(features, encrypted) && !s.reverse_path.empty()) {
    why = {550, {5, 7, 30}, "REQUIRETLS support required: the other server does not offer it"};
    return true;
  }
  // RFC 2852 section 4.1.4.1
  const bool by_return = s.deliver_by.mode == DeliverBy::Mode::give_back;
  if (by_return && !features.deliver_by) {
    why = {554, {5, 3, 3}, "the other server does not promise delivery within a time (DELIVERBY)"};
    return true;
  }
  if (by_return && s.deliver_by.seconds < std::max<std::int64_t>(features.deliver_by_least, 1)) {
    why = {554,
           {5, 3, 3},
           "the other server promises delivery within " + std::to_string(features.deliver_by_least) + " seconds, and " +
               std::to_string(s.deliver_by.seconds) + " are left"};
    return true;
  }
  if (s.hold.kind != mail::Hold::Kind::none && !features.future_release) {
    why = {554, {5, 3, 3}, "the other server does not hold messages for later (FUTURERELEASE)"};
    return true;
  }
  return false;
}

std::string extension_parameters(const mail::Sender& s, const PeerFeatures& features, bool encrypted) {
  std::string line;
  if (s.tls == mail::TlsWish::required && may_require_tls(features, encrypted)) line += " REQUIRETLS";
  if (s.deliver_by.mode != DeliverBy::Mode::none && features.deliver_by)
    line += " BY=" + write_deliver_by(s.deliver_by);
  // RFC 6710 section 4.2 item 1: always, so that 0 is said to be 0.
  if (features.priority) line += " MT-PRIORITY=" + std::to_string(s.priority);
  if (s.hold.kind != mail::Hold::Kind::none) line += " " + write_hold(s.hold);
  return line;
}

} // namespace paquebot::smtp
