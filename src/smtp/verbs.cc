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

void do_mail(S& s, std::string_view a) { s.transaction.mail(a); }
void do_rcpt(S& s, std::string_view a) { s.transaction.rcpt(a); }
void do_data(S& s, std::string_view) { s.data.data(); }
void do_bdat(S& s, std::string_view a) { s.chunks.bdat(a); }
void do_ehlo(S& s, std::string_view a) { s.greeting.hello(a, true); }
void do_helo(S& s, std::string_view a) { s.greeting.hello(a, false); }
void do_starttls(S& s, std::string_view) { s.starttls(); }
void do_auth(S& s, std::string_view a) { s.login.auth(a); }
void do_xclient(S& s, std::string_view a) { s.greeting.xclient(a); }
/// RFC 5321 section 4.1.1.5: in any state, and nothing else is changed.
void do_rset(S& s, std::string_view) {
  s.transaction.end();
  s.replies.say("250 2.0.0 ok");
}
void do_noop(S& s, std::string_view) { s.replies.say("250 2.0.0 ok"); }
void do_etrn(S& s, std::string_view a) { s.etrn(a); }
/// RFC 5321 section 3.5.3: says nothing of who exists.
void do_vrfy(S& s, std::string_view) { s.replies.say("252 2.1.5 send mail and it will be tried"); }
void do_help(S& s, std::string_view a) { s.help(a); }
/// RFC 5321 section 4.1.1.10: 221, and only then the connection is closed.
void do_quit(S& s, std::string_view) { s.replies.part("221 2.0.0 bye"); }
void do_not_done(S& s, std::string_view) { s.replies.refuse("502 5.5.1 command not implemented"); }
void do_foreign(S& s, std::string_view) { s.replies.hang_up("421 4.7.0 this is a mail server"); }

// clang-format off
constexpr Verb kVerbs[] = {
    // name       roles  states     arguments  flags       handler      wrong state syntax
    {"MAIL",      kBoth, kIdle,     required, kNeedsLogin, do_mail,     kNested,     "MAIL FROM:<address> [...]"},
    {"RCPT",      kBoth, kInMail,   required, kNeedsLogin, do_rcpt,     kMailFirst,  "RCPT TO:<address> [...]"},
    {"DATA",      kBoth, kInMail,   none,     kNeedsLogin, do_data,     kMailFirst,  "DATA"},
    // Its octets follow whatever is wrong with it: it looks at TLS, state and login itself.
    {"BDAT",      kBoth, kAnyState, optional, kBeforeTls,  do_bdat,     kNever,      "BDAT size [LAST]"},
    {"EHLO",      kSmtp, kAnyState, required, kGreeting,   do_ehlo,     kNever,      "EHLO host"},
    {"HELO",      kSmtp, kAnyState, required, kGreeting,   do_helo,     kNever,      "HELO host"},
    {"LHLO",      kLmtp, kAnyState, required, kBeforeTls,  do_ehlo,     kNever,      "LHLO host"},
    {"STARTTLS",  kBoth, kIdle,     none,     kBeforeTls,  do_starttls, kNotNow,     "STARTTLS"},
    {"AUTH",      kBoth, kIdle,     required, kNoFlags,    do_auth,     kNotNow,     "AUTH mechanism [...]"},
    {"XCLIENT",   kSmtp, kFresh | kIdle, required, kBeforeTls, do_xclient, kNotNow, "XCLIENT attribute=value [...]"},
    {"RSET",      kBoth, kAnyState, none,     kBeforeTls,  do_rset,     kNever,      "RSET"},
    {"NOOP",      kBoth, kAnyState, optional, kBeforeTls,  do_noop,     kNever,      "NOOP"},
    {"ETRN",      kSmtp, kIdle,     required, kNeedsLogin, do_etrn,     kNotNow,     "ETRN [@|#]node"},
    {"VRFY",      kBoth, kAnyState, required, kNoFlags,    do_vrfy,     kNever,      "VRFY address"},
    {"HELP",      kBoth, kAnyState, optional, kBeforeTls,  do_help,     kNever,      "HELP [verb]"},
    {"QUIT",      kBoth, kAnyState, none,     kBeforeTls,  do_quit,     kNever,      "QUIT"},
    // Known and not done (RFC 5321 section 4.2.4: 502).
    {"EXPN",      kBoth, kAnyState, optional, kNoFlags,    do_not_done, kNever,      ""},
    {"TURN",      kBoth, kAnyState, optional, kNoFlags,    do_not_done, kNever,      ""},
    // Another protocol: somebody makes a browser or a proxy speak with us. Nothing that follows is looked at.
    {"GET",       kBoth, kAnyState, optional, kBeforeTls,  do_foreign,  kNever,      ""},
    {"POST",      kBoth, kAnyState, optional, kBeforeTls,  do_foreign,  kNever,      ""},
    {"PUT",       kBoth, kAnyState, optional, kBeforeTls,  do_foreign,  kNever,      ""},
    {"HEAD",      kBoth, kAnyState, optional, kBeforeTls,  do_foreign,  kNever,      ""},
    {"OPTIONS",   kBoth, kAnyState, optional, kBeforeTls,  do_foreign,  kNever,      ""},
    {"DELETE",    kBoth, kAnyState, optional, kBeforeTls,  do_foreign,  kNever,      ""},
    {"PATCH",     kBoth, kAnyState, optional, kBeforeTls,  do_foreign,  kNever,      ""},
    {"TRACE",     kBoth, kAnyState, optional, kBeforeTls,  do_foreign,  kNever,      ""},
    {"CONNECT",   kBoth, kAnyState, optional, kBeforeTls,  do_foreign,  kNever,      ""},
    {"PRI",       kBoth, kAnyState, optional, kBeforeTls,  do_foreign,  kNever,      ""},
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
