// What a judged message is told to carry.

#include "intake/authentication.h"
#include "mailauth/auth_results.h"

#include <utility>

namespace paquebot::intake {
namespace {

constexpr std::string_view kQuarantine = "X-Paquebot-Quarantine";

} // namespace

std::string Authentication::results() const {
  mailauth::AuthResults all{hostname_, {}};
  all.results.push_back(auth_result(findings_.sender, findings_.sender_question));
  if (findings_.helo && findings_.helo->result != mailauth::SpfResult::none)
    all.results.push_back(auth_result(*findings_.helo, findings_.helo_question));
  for (const auto& verdict : findings_.dkim) all.results.push_back(auth_result(verdict));
  if (findings_.dkim.empty()) all.results.push_back({"dkim", "none", {}, {}});
  if (findings_.dmarc) {
    mailauth::AuthResult dmarc = auth_result(*findings_.dmarc);
    if (judgement_.device) dmarc.reason = "accepted all the same: from a device of ours";
    if (!judgement_.forwarder.empty()) dmarc.reason = "accepted all the same: sealed by " + judgement_.forwarder;
    all.results.push_back(std::move(dmarc));
    for (const auto& further : findings_.further_dmarc) all.results.push_back(auth_result(further));
  }
  if (findings_.arc.result != mailauth::ArcResult::none) all.results.push_back(auth_result(findings_.arc));
  return mailauth::compose_auth_results(all);
}

void Authentication::stamp(mail::Head& head) const {
  if (judgement_.action == Judgement::Action::tag) {
    head.prepend(kQuarantine, mailauth::ascii_text(judgement_.reason));
    head.prepend("X-Spam-Flag", "YES");
  }
  head.prepend("Authentication-Results", results());
}

void remove_forged_fields(mail::Head& head, const std::string& hostname) {
  mailauth::remove_forged_results(head, hostname);
  head.remove_alike(kQuarantine);
}

} // namespace paquebot::intake
