#include "smtp/verbs.h"

#include "base/text.h"

namespace paquebot::smtp {
namespace {

using S = ServerSession::Impl;
using enum Arguments;

constexpr std::string_view kMailFirst = "503 5.5.1 say MAIL first";
constexpr std::string_view kNested = "503 5.5.1 a mail transaction is open already; RSET ends it";
constexpr std::string_view kNotNow = "503 5.5.1 not within a mail transaction";
constexpr std::string_view kNever = "";
constexpr std::uint8_t kGreeting = kBeforeTls | kGreets;

// clang-format off
constexpr Verb kVerbs[] = {
    // name       roles  states     arguments  flags       handler          wrong state syntax
    {"MAIL",      kBoth, kIdle,     required, kNeedsLogin, &S::do_mail,     kNested,     "MAIL FROM:<address> [...]"},
    {"RCPT",      kBoth, kInMail,   required, kNeedsLogin, &S::do_rcpt,     kMailFirst,  "RCPT TO:<address> [...]"},
    {"DATA",      kBoth, kInMail,   none,     kNeedsLogin, &S::do_data,     kMailFirst,  "DATA"},
    // Its octets follow whatever is wrong with it: it looks at TLS, state and login itself.
    {"BDAT",      kBoth, kAnyState, optional, kBeforeTls,  &S::do_bdat,     kNever,      "BDAT size [LAST]"},
    {"EHLO",      kSmtp, kAnyState, required, kGreeting,   &S::do_ehlo,     kNever,      "EHLO host"},
    {"HELO",      kSmtp, kAnyState, required, kGreeting,   &S::do_helo,     kNever,      "HELO host"},
    {"LHLO",      kLmtp, kAnyState, required, kBeforeTls,  &S::do_ehlo,     kNever,      "LHLO host"},
    {"STARTTLS",  kBoth, kIdle,     none,     kBeforeTls,  &S::do_starttls, kNotNow,     "STARTTLS"},
    {"AUTH",      kBoth, kIdle,     required, kNoFlags,    &S::do_auth,     kNotNow,     "AUTH mechanism [...]"},
    {"XCLIENT",   kSmtp, kFresh | kIdle, required, kBeforeTls, &S::do_xclient, kNotNow, "XCLIENT attribute=value [...]"},
    {"RSET",      kBoth, kAnyState, none,     kBeforeTls,  &S::do_rset,     kNever,      "RSET"},
    {"NOOP",      kBoth, kAnyState, optional, kBeforeTls,  &S::do_noop,     kNever,      "NOOP"},
    {"ETRN",      kSmtp, kIdle,     required, kNeedsLogin, &S::do_etrn,     kNotNow,     "ETRN [@|#]node"},
    {"VRFY",      kBoth, kAnyState, required, kNoFlags,    &S::do_vrfy,     kNever,      "VRFY address"},
    {"HELP",      kBoth, kAnyState, optional, kBeforeTls,  &S::do_help,     kNever,      "HELP [verb]"},
    {"QUIT",      kBoth, kAnyState, none,     kBeforeTls,  &S::do_quit,     kNever,      "QUIT"},
    // Known and not done (RFC 5321 section 4.2.4: 502).
    {"EXPN",      kBoth, kAnyState, optional, kNoFlags,    &S::do_not_done, kNever,      ""},
    {"TURN",      kBoth, kAnyState, optional, kNoFlags,    &S::do_not_done, kNever,      ""},
    // Another protocol: somebody makes a browser or a proxy speak with us. Nothing that follows is looked at.
    {"GET",       kBoth, kAnyState, optional, kBeforeTls,  &S::do_foreign,  kNever,      ""},
    {"POST",      kBoth, kAnyState, optional, kBeforeTls,  &S::do_foreign,  kNever,      ""},
    {"PUT",       kBoth, kAnyState, optional, kBeforeTls,  &S::do_foreign,  kNever,      ""},
    {"HEAD",      kBoth, kAnyState, optional, kBeforeTls,  &S::do_foreign,  kNever,      ""},
    {"OPTIONS",   kBoth, kAnyState, optional, kBeforeTls,  &S::do_foreign,  kNever,      ""},
    {"DELETE",    kBoth, kAnyState, optional, kBeforeTls,  &S::do_foreign,  kNever,      ""},
    {"PATCH",     kBoth, kAnyState, optional, kBeforeTls,  &S::do_foreign,  kNever,      ""},
    {"TRACE",     kBoth, kAnyState, optional, kBeforeTls,  &S::do_foreign,  kNever,      ""},
    {"CONNECT",   kBoth, kAnyState, optional, kBeforeTls,  &S::do_foreign,  kNever,      ""},
    {"PRI",       kBoth, kAnyState, optional, kBeforeTls,  &S::do_foreign,  kNever,      ""},
};
// clang-format on

} // namespace

const Verb* find_verb(std::string_view name) {
  for (const Verb& verb : kVerbs) {
    if (iequals(verb.name, name)) return &verb;
  }
  return nullptr;
}

std::span<const Verb> all_verbs() { return kVerbs; }

} // namespace paquebot::smtp
