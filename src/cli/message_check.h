#pragma once

#include "base/result.h"
#include "control/json.h"
#include "dns/resolver.h"
#include "intake/authentication_policy.h"
#include "mail/address.h"
#include "mailauth/ip.h"

#include <memory>
#include <string>
#include <string_view>

namespace paquebot::cli {

namespace json = control::json;

/// What the server would know of a message's way here.
struct MessageWay {
  mailauth::Ip client; ///< 0.0.0.0: not known, SPF then says nothing
  std::string helo;
  mail::Address sender; ///< of MAIL; empty for "<>"
};

/// Asks where messages are from as the server does, without a server: SPF, DKIM, DMARC and ARC, and what the
/// configuration makes of it. Blocks.
class MessageChecker {
public:
  /// `hostname`: ours. Errc::invalid for DNS options that make no sense.
  static Result<MessageChecker> make(const dns::Options& dns, intake::AuthenticationOptions options,
                                     std::string hostname);
  ~MessageChecker();
  MessageChecker(MessageChecker&&) noexcept;
  MessageChecker& operator=(MessageChecker&&) noexcept;

  /// One message: {"action", "words", "spf", "helo", "dkim", "dmarc", "arc"}; docs/operations.md names the members.
  Result<json::object> message(const MessageWay& way, std::string_view content);
  /// SPF alone: {"spf", "helo"}.
  Result<json::object> spf(const MessageWay& way);

private:
  struct Impl;
  explicit MessageChecker(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// A stored message as it came over SMTP: when its first line ends in a bare LF, each bare LF becomes CRLF.
std::string with_network_line_ends(std::string content);

} // namespace paquebot::cli
