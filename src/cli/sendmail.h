#pragma once

#include "cli/verbs.h"
#include "mail/envelope.h"

#include <string>
#include <vector>

namespace paquebot::cli {

/// What the command line of sendmail asks for.
struct SendmailOptions {
  enum class Mode { deliver, smtp, list_queue, run_queue, aliases, verify, help, version } mode = Mode::deliver;
  bool from_headers = false; ///< -t
  bool dot_ends = true;      ///< not -i, not -oi
  bool sender_given = false;
  std::string sender;                             ///< -f, -r
  std::string full_name;                          ///< -F
  std::uint8_t notify = mail::kNotifyUnspecified; ///< -N
  mail::Ret ret = mail::Ret::unspecified;         ///< -R
  std::string envid;                              ///< -V
  std::vector<std::string> recipients;
};

/// Reads sendmail's options: those that mean something here, and those that programs give and that mean nothing. The
/// program's name first: "mailq" and "newaliases" choose a mode.
Result<SendmailOptions> parse_sendmail(const std::vector<std::string>& arguments);

/// Behaves as sendmail: a message from standard input goes into the drop directory, whether the server runs or not.
/// With a configuration that can't be used nothing is taken: nobody would look where it was left. Exit codes of
/// sysexits.h: 64 wrong usage, 65 malformed or too large, 66 the message can't be read, 67 undeliverable (-bv), 73
/// can't write there, 75 try again.
int sendmail(const std::vector<std::string>& arguments, Session& session);

/// -bs: speaks SMTP on the streams, and drops what it takes (sendmail_smtp.cc).
int sendmail_smtp(Session& session, const ServerPlace& place);

/// -bv: says of each address where mail for it would go (sendmail_verify.cc).
int sendmail_verify(Session& session, const SendmailOptions& options, const ServerPlace& place);

/// --help.
extern const char* const kSendmailHelp;

} // namespace paquebot::cli
