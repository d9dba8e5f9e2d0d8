#include "intake/dmarc_row_of.h"

namespace paquebot::intake {
namespace {

using mailauth::DmarcOutcome;
using mailauth::DmarcPolicy;
using mailauth::DmarcResult;
using Action = Judgement::Action;

std::string_view action_of(const Judgement& judgement) {
  switch (judgement.action) {
    case Action::refuse: return "reject";
    case Action::hold:
    case Action::tag: return "quarantine";
    case Action::accept: break;
  }
  return "none";
}

/// RFC 9990, "Policy Override Reason": why what was done is not what the domain publishes.
void set_override(mailauth::DmarcReport::Row& row, const DmarcOutcome& dmarc, const Judgement& judgement) {
  if (row.disposition == to_string(dmarc.published)) return;
  if (!judgement.forwarder.empty()) {
    row.override_type = "trusted_forwarder";
    row.override_comment = "sealed by " + judgement.forwarder;
  } else if (dmarc.record && dmarc.record->testing && row.disposition == to_string(dmarc.policy)) {
    row.override_type = "policy_test_mode";
  } else if (dmarc.result != DmarcResult::fail) {
    row.override_type = "other";
    row.override_comment = std::string(to_string(dmarc.result));
  } else {
    row.override_type = "local_policy";
  }
}

} // namespace

mailauth::DmarcReport::Row dmarc_row_of(const Findings& findings, const Judgement& judgement) {
  const DmarcOutcome& dmarc = *findings.dmarc;
  mailauth::DmarcReport::Row row;
  row.source_ip = findings.sender_question.ip.to_string();
  row.dkim = dmarc.dkim_aligned ? "pass" : "fail";
  row.spf = dmarc.spf_aligned ? "pass" : "fail";
  row.header_from = dmarc.author.domain;
  row.envelope_from = findings.sender_question.domain;
  row.spf_domain = findings.sender.domain;
  row.spf_result = std::string(to_string(findings.sender.result));
  for (const auto& verdict : findings.dkim)
    row.signatures.push_back({verdict.domain, verdict.selector, std::string(to_string(verdict.result))});
  if (dmarc.result == DmarcResult::pass) {
    row.disposition = dmarc.published == DmarcPolicy::none ? "none" : "pass";
  } else {
    row.disposition = std::string(action_of(judgement));
    set_override(row, dmarc, judgement);
  }
  return row;
}

} // namespace paquebot::intake
