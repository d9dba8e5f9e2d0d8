#include "intake/dmarc_row_of.h"

#include <gtest/gtest.h>

namespace paquebot::intake {
namespace {

using mailauth::DmarcPolicy;
using mailauth::DmarcResult;
using Action = Judgement::Action;

Findings findings(DmarcResult result, const std::string& record) {
  Findings f;
  f.sender_question.ip = *mailauth::parse_ip("192.0.2.1");
  f.sender_question.domain = "b.test";
  f.sender.result = mailauth::SpfResult::fail;
  f.sender.domain = "b.test";
  f.dkim.resize(1);
  f.dkim[0].domain = "a.test";
  f.dkim[0].selector = "s";
  f.dkim[0].result = mailauth::DkimResult::pass;
  f.dmarc.emplace();
  f.dmarc->result = result;
  f.dmarc->record = mailauth::parse_dmarc_record(record);
  f.dmarc->published = f.dmarc->record->p;
  f.dmarc->policy = f.dmarc->record->testing ? mailauth::one_level_less(f.dmarc->record->p) : f.dmarc->record->p;
  f.dmarc->author.domain = "a.test";
  f.dmarc->dkim_aligned = true;
  return f;
}

TEST(DmarcRowOf, SaysWhatWasFound) {
  const auto row = dmarc_row_of(findings(DmarcResult::pass, "v=DMARC1; p=reject"), Judgement{});
  EXPECT_EQ(row.source_ip, "192.0.2.1");
  EXPECT_EQ(row.dkim, "pass");
  EXPECT_EQ(row.spf, "fail");
  EXPECT_EQ(row.header_from, "a.test");
  EXPECT_EQ(row.envelope_from, "b.test");
  EXPECT_EQ(row.spf_domain, "b.test");
  EXPECT_EQ(row.spf_result, "fail");
  ASSERT_EQ(row.signatures.size(), 1u);
  EXPECT_EQ(row.signatures[0].domain + row.signatures[0].selector + row.signatures[0].result, "a.testspass");
}

TEST(DmarcRowOf, WhatWasDoneAndWhy) {
  struct Case {
    const char* record;
    DmarcResult result;
    Action action;
    const char* forwarder;
    const char* disposition;
    const char* why;
  };
  const Case cases[] = {
      {"v=DMARC1; p=none", DmarcResult::pass, Action::accept, "", "none", ""},
      {"v=DMARC1; p=reject", DmarcResult::pass, Action::accept, "", "pass", ""},
      {"v=DMARC1; p=reject", DmarcResult::pass, Action::refuse, "", "pass", ""}, // for another reason
      {"v=DMARC1; p=none", DmarcResult::fail, Action::accept, "", "none", ""},
      {"v=DMARC1; p=none", DmarcResult::fail, Action::refuse, "", "reject", "local_policy"}, // SPF, say
      {"v=DMARC1; p=quarantine", DmarcResult::fail, Action::tag, "", "quarantine", ""},
      {"v=DMARC1; p=quarantine", DmarcResult::fail, Action::hold, "", "quarantine", ""},
      {"v=DMARC1; p=reject", DmarcResult::fail, Action::refuse, "", "reject", ""},
      {"v=DMARC1; p=reject", DmarcResult::fail, Action::tag, "", "quarantine", "local_policy"},
      {"v=DMARC1; p=reject", DmarcResult::fail, Action::accept, "list.test", "none", "trusted_forwarder"},
      {"v=DMARC1; p=reject; t=y", DmarcResult::fail, Action::tag, "", "quarantine", "policy_test_mode"},
      {"v=DMARC1; p=reject", DmarcResult::temperror, Action::accept, "", "none", "other"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(std::string(c.record) + " " + c.disposition);
    Judgement judgement;
    judgement.action = c.action;
    judgement.forwarder = c.forwarder;
    const auto row = dmarc_row_of(findings(c.result, c.record), judgement);
    EXPECT_EQ(row.disposition, c.disposition);
    EXPECT_EQ(row.override_type, c.why);
  }
}

} // namespace
} // namespace paquebot::intake
