// sendmail -bv: what the directory says of addresses, told one a line.
#include "base/text.h"
#include "cli/sendmail.h"
#include "control/target.h"
#include "mail/loose_list.h"

#include <ostream>

namespace paquebot::cli {
namespace {

/// "mailbox ann@example.org, out@elsewhere.test by the mail host of elsewhere.test"
std::string ways_text(const json::value& answer) {
  std::string text;
  for (const auto& way : control::get_list(answer, "leads_to")) {
    const std::string how = control::get_text(way, "how");
    const std::string address = control::get_text(way, "address");
    if (how == "expanded") continue;
    text += text.empty() ? "" : ", ";
    if (how == "mailbox")
      text += "mailbox " + control::get_text(way, "account");
    else if (how == "remote")
      text += address + " at another server";
    else
      text += address + " held: " + control::get_text(way, "why");
  }
  return text;
}

/// True when mail for it would go somewhere.
Result<bool> tell(Session& session, const std::string& shown, const std::string& address) {
  const auto answer = session.call("GET", "/v1/addresses/" + control::path_encode(address));
  if (!answer) return std::unexpected(answer.error());
  const std::string problem = control::get_text(*answer, "problem");
  session.out() << printable(shown, 512) << "... "
                << (problem.empty() ? "deliverable: " + printable(ways_text(*answer), 4096)
                                    : "undeliverable: " + printable(problem))
                << '\n';
  return problem.empty();
}

} // namespace

int sendmail_verify(Session& session, const SendmailOptions& options, const ServerPlace& place) {
  if (options.recipients.empty()) {
    session.err() << "sendmail: -bv needs addresses\n";
    return kUsage;
  }
  bool all = true;
  for (const std::string& text : options.recipients) {
    for (const mail::LooseAddress& one : mail::read_loosely(text, place.origin)) {
      if (!one.address) {
        session.out() << printable(one.text, 512) << "... undeliverable: it is not an address\n";
        all = false;
        continue;
      }
      const auto good = tell(session, one.text, one.address->to_string());
      if (!good) return session.report(good.error());
      all = *good && all;
    }
  }
  return all ? kOk : kNoUser;
}

} // namespace paquebot::cli
