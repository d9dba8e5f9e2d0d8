#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "cli/verbs.h"
#include "mail/envelope.h"
#include "smtp/client_session.h"

#include <string>

namespace paquebot::cli {

/// What `send` asks of the server beside delivery.
struct Wishes {
  mail::TlsWish tls = mail::TlsWish::unspecified;
  int priority = 0;
  bool has_priority = false;
  mail::DeliverBy deliver_by;
  mail::Hold hold;
};

/// Reads --require-tls, --priority, --deliver-by, --hold-for and --hold-until. Errc::invalid with what to write
/// instead.
Result<Wishes> read_wishes(const Arguments& arguments, WallTime now);

/// "90", "90s", "15m", "2h" or "3d" in seconds, 1 to 999999999.
Result<std::int64_t> read_seconds(const std::string& option, const std::string& text);

/// Errc::unsupported for the first wish that a server with these features can't fulfil; `where` is its name for people.
Result<> check_offered(const Wishes& wishes, const smtp::PeerFeatures& features, const std::string& where);

} // namespace paquebot::cli
