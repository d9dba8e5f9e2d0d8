#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

/// What the server counts, for whoever watches it (docs/monitoring.md). Labels are enumerations: nothing that comes
/// from outside, such as an address, a domain or a reply, ever becomes one, so their number is fixed when the program
/// is built.
namespace paquebot::metrics {

enum class Role : std::uint8_t { mx, submission, lmtp, pop3, imap, http, control };
enum class TurnedAway : std::uint8_t { full, address, stranger };
enum class ReplyClass : std::uint8_t { success, going_on, temporary, permanent };
enum class LoginResult : std::uint8_t { accepted, wrong, disabled, put_off, temporary };
enum class LoginProtocol : std::uint8_t { smtp, pop3, imap };
enum class Stage : std::uint8_t { sender, recipient, content, filter };
enum class Permanence : std::uint8_t { temporary, permanent };
enum class DeliveryResult : std::uint8_t { relayed, deferred, failed };
enum class DeliveryTls : std::uint8_t { none, encrypted, verified };
enum class AuthMethod : std::uint8_t { spf, dkim, dmarc, arc };
enum class AuthOutcome : std::uint8_t { none, pass, fail, softfail, neutral, policy, temperror, permerror };
enum class FilterKind : std::uint8_t { milter, rspamd, clamd };
enum class Asker : std::uint8_t { deliveries, strangers };
enum class DnsResult : std::uint8_t { answered, failed };
enum class HookResult : std::uint8_t { delivered, failed };
enum class StoreFile : std::uint8_t { main, bulk };
enum class Untaken : std::uint8_t { deferred, failed, returned };
/// As mail::BounceClass, without `none`: in the same order.
enum class Bounce : std::uint8_t {
  no_such_user,
  no_such_domain,
  disabled,
  full,
  rate,
  greylist,
  blocked_source,
  blocked_domain,
  spam_content,
  authentication,
  tls,
  size,
  policy,
  loop,
  expired,
  network,
  protocol,
  unknown
};
enum class Feedback : std::uint8_t { counted, doubted };

/// The name of a label and its words, in the order of the enumeration.
template <class Enum>
struct LabelOf;
#define PAQUEBOT_LABEL(Enum, NAME, ...)                                                                                \
  template <>                                                                                                          \
  struct LabelOf<Enum> {                                                                                               \
    static constexpr std::string_view name = NAME;                                                                     \
    static constexpr auto words = std::to_array<std::string_view>({__VA_ARGS__});                                      \
  }
PAQUEBOT_LABEL(Role, "role", "mx", "submission", "lmtp", "pop3", "imap", "http", "control");
PAQUEBOT_LABEL(TurnedAway, "reason", "full", "address", "stranger");
PAQUEBOT_LABEL(ReplyClass, "class", "2xx", "3xx", "4xx", "5xx");
PAQUEBOT_LABEL(LoginResult, "result", "accepted", "wrong", "disabled", "put_off", "temporary");
PAQUEBOT_LABEL(LoginProtocol, "protocol", "smtp", "pop3", "imap");
PAQUEBOT_LABEL(Stage, "stage", "sender", "recipient", "content", "filter");
PAQUEBOT_LABEL(Permanence, "class", "4xx", "5xx");
PAQUEBOT_LABEL(DeliveryResult, "result", "relayed", "deferred", "failed");
PAQUEBOT_LABEL(DeliveryTls, "tls", "none", "encrypted", "verified");
PAQUEBOT_LABEL(AuthMethod, "method", "spf", "dkim", "dmarc", "arc");
PAQUEBOT_LABEL(AuthOutcome, "result", "none", "pass", "fail", "softfail", "neutral", "policy", "temperror",
               "permerror");
PAQUEBOT_LABEL(FilterKind, "kind", "milter", "rspamd", "clamd");
PAQUEBOT_LABEL(Asker, "for", "deliveries", "strangers");
PAQUEBOT_LABEL(DnsResult, "result", "answered", "failed");
PAQUEBOT_LABEL(HookResult, "result", "delivered", "failed");
PAQUEBOT_LABEL(StoreFile, "file", "main", "bulk");
PAQUEBOT_LABEL(Untaken, "result", "deferred", "failed", "returned");
PAQUEBOT_LABEL(Bounce, "class", "no-such-user", "no-such-domain", "disabled", "full", "rate", "greylist",
               "blocked-source", "blocked-domain", "spam-content", "authentication", "tls", "size", "policy", "loop",
               "expired", "network", "protocol", "unknown");
PAQUEBOT_LABEL(Feedback, "result", "counted", "doubted");
#undef PAQUEBOT_LABEL

} // namespace paquebot::metrics
