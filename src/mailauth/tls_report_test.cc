#include "mailauth/gzip.h"
#include "mailauth/tls_report.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace paquebot::mailauth {
namespace {

TlsSessions some_sessions() {
  TlsSessions one;
  one.policy = {TlsPolicyType::sts, {"version: STSv1", "mode: enforce", "mx: mx.far.test"}, {"mx.far.test"}};
  one.result = TlsResult::certificate_expired;
  one.mx = "mx.far.test";
  one.sending_ip = "192.0.2.1";
  one.receiving_ip = "2001:db8::1";
  one.reason = "certificate has expired";
  one.count = 3;
  return one;
}

TEST(TlsReport, SessionsArePackedAndRead) {
  const TlsSessions one = some_sessions();
  const std::string packed = pack_tls_sessions(one, 2048);
  const auto back = unpack_tls_sessions(packed);
  ASSERT_TRUE(back) << packed;
  EXPECT_EQ(back->policy, one.policy);
  EXPECT_EQ(back->result, one.result);
  EXPECT_EQ(back->sending_ip, one.sending_ip);
  EXPECT_EQ(back->receiving_ip, one.receiving_ip);
  EXPECT_EQ(back->reason, one.reason);
  TlsSessions good = one;
  good.result = TlsResult::success;
  TlsSessions other = good;
  other.receiving_ip = "192.0.2.9";
  EXPECT_EQ(pack_tls_sessions(good, 2048), pack_tls_sessions(other, 2048)) << "successes are only counted";
  for (const char* bad : {"", "x", "[]", "{}", "{\"t\":9,\"r\":0}", "{\"t\":0,\"r\":99}"})
    EXPECT_EQ(unpack_tls_sessions(bad).has_value(), std::string(bad) == "{}") << bad;
}

TEST(TlsReport, WhatIsPackedIsBounded) {
  TlsSessions one = some_sessions();
  one.policy.text.assign(300, std::string(300, '"'));
  one.policy.mx.assign(300, "mx.far.test");
  one.reason = std::string(5000, '\x01');
  const std::string packed = pack_tls_sessions(one, 2048);
  EXPECT_LE(packed.size(), 2048u);
  EXPECT_TRUE(unpack_tls_sessions(packed));
}

TEST(TlsReport, IsComposedByTheSchemaAndReadBack) {
  TlsReport report{.organization = "mx.our.test", .contact = "tls@our.test", .id = "01J"};
  report.begin = 1'795'392'000;
  report.end = 1'795'478'399;
  TlsSessions failed = some_sessions(), good = failed, plain = failed;
  good.result = TlsResult::success;
  good.count = 90;
  plain.policy = {};
  plain.result = TlsResult::starttls_not_supported;
  for (const TlsSessions& one : {failed, good, plain}) add_sessions(report, "far.test", one);
  ASSERT_EQ(report.policies.size(), 2u);
  const std::string text = compose_tls_report(report);
  const auto json = boost::json::parse(text).as_object(); // RFC 8460 section 4.4
  EXPECT_EQ(json.at("organization-name"), "mx.our.test");
  EXPECT_EQ(json.at("date-range").at("start-datetime"), "2026-11-23T00:00:00Z");
  EXPECT_EQ(json.at("date-range").at("end-datetime"), "2026-11-23T23:59:59Z");
  const auto& first = json.at("policies").at(0);
  EXPECT_EQ(first.at("policy").at("policy-type"), "sts");
  EXPECT_EQ(first.at("policy").at("policy-domain"), "far.test");
  EXPECT_EQ(first.at("policy").at("mx-host").at(0), "mx.far.test");
  EXPECT_EQ(first.at("summary").at("total-successful-session-count"), 90);
  EXPECT_EQ(first.at("summary").at("total-failure-session-count"), 3);
  EXPECT_EQ(first.at("failure-details").at(0).at("result-type"), "certificate-expired");
  EXPECT_EQ(first.at("failure-details").at(0).at("receiving-mx-hostname"), "mx.far.test");
  EXPECT_EQ(json.at("policies").at(1).at("policy").at("policy-type"), "no-policy-found");
  const auto back = parse_tls_report(text);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->begin, report.begin);
  ASSERT_EQ(back->policies.size(), 2u);
  EXPECT_EQ(back->policies[0].successes, 90u);
  EXPECT_EQ(back->policies[0].details[0].count, 3u);
}

TEST(TlsReport, StrangersReportsAreReadWithCare) {
  for (const char* bad : {"", "null", "[]", "{}", "{\"policies\":{}}", "<xml/>"})
    EXPECT_FALSE(parse_tls_report(bad)) << bad;
  const auto odd = parse_tls_report(
      "{\"organization-name\":7,\"date-range\":{\"start-datetime\":\"yesterday\"},\"policies\":[1,{},{\"policy\":{"
      "\"policy-type\":\"sts\",\"policy-domain\":\"FAR.test\\u001b[2J\",\"policy-string\":\"one line\"},\"summary\":{"
      "\"total-successful-session-count\":-5},\"failure-details\":[3,{\"failed-session-count\":\"x\"}]}]}");
  ASSERT_TRUE(odd);
  ASSERT_EQ(odd->policies.size(), 1u);
  EXPECT_EQ(odd->policies[0].domain.find('\x1b'), std::string::npos);
  EXPECT_EQ(odd->policies[0].successes, 0u);
  EXPECT_EQ(odd->policies[0].text, (std::vector<std::string>{"one line"}));
  EXPECT_EQ(odd->policies[0].details.size(), 1u);
  std::string many = "{\"policies\":[";
  for (int i = 0; i < 3000; ++i) many += "{\"policy\":{}},";
  EXPECT_LE(parse_tls_report(many + "{}]}")->policies.size(), kMostTlsPolicies);
  EXPECT_FALSE(parse_tls_report(std::string(kMostTlsReport + 1, ' ')));
  EXPECT_FALSE(parse_tls_report(std::string(100'000, '['))) << "depth";
}

TEST(TlsReport, ARecordSaysWhereTo) {
  using Texts = std::vector<std::string>;
  struct Case {
    Texts texts, uris;
  };
  const Case cases[] = {
      {{"v=TLSRPTv1; rua=mailto:a@far.test"}, {"mailto:a@far.test"}},
      {{"v=TLSRPTv1;rua=mailto:a@far.test,https://far.test/r"}, {"mailto:a@far.test", "https://far.test/r"}},
      {{"v=spf1 -all", "v=TLSRPTv1; rua=mailto:a@far.test;"}, {"mailto:a@far.test"}},
      {{"v=TLSRPTv1; rua=mailto:a@far.test", "v=TLSRPTv1; rua=mailto:b@far.test"}, {}},
      {{"v=TLSRPTv1;"}, {}},
      {{"v=TLSRPTv2; rua=mailto:a@far.test"}, {}},
      {{}, {}},
  };
  for (const auto& [texts, uris] : cases) EXPECT_EQ(tlsrpt_uris(texts), uris) << (texts.empty() ? "" : texts[0]);
}

TEST(TlsReport, TheMessageIsAReport) {
  TlsReport report{.organization = "o", .contact = "c@our.test", .id = "01J"};
  add_sessions(report, "far.test", some_sessions());
  const auto message =
      compose_tls_message(report, "far.test", {"mx.our.test", *mail::parse_address("tls@our.test", false)},
                          {*mail::parse_address("r@far.test", false)}, from_millis(0));
  for (const char* field : {"TLS-Report-Domain: far.test\r\n", "TLS-Report-Submitter: mx.our.test\r\n",
                            "TLS-Required: No\r\n", "report-type=\"tlsrpt\"", "Auto-Submitted: auto-generated\r\n"})
    EXPECT_NE(message.head.find(field), std::string::npos) << field;
  EXPECT_NE(message.body.find("Content-Type: application/tlsrpt+gzip"), std::string::npos);
  EXPECT_NE(message.body.find("mx.our.test!far.test!0!0!01J.json.gz"), std::string::npos);
}

} // namespace
} // namespace paquebot::mailauth
