// What the pages of whoever looks after the server show, and lists that come in pages.
#include "base/encoding.h"
#include "control/test_world.h"
#include "control/typescript.h"

#include <gmock/gmock.h>

namespace paquebot::control {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using test::outcome_of;
using test::run_task;
using test::World;

class PagesTest : public ::testing::Test {
protected:
  /// All of a list, in pages of `limit`; each but the last is full.
  std::vector<std::string> all(const Asker& who, const std::string& path, const char* list, const char* member,
                               std::size_t limit) {
    std::vector<std::string> found;
    std::string after;
    for (int rounds = 0; rounds < 100; ++rounds) {
      const std::string join = path.find('?') == path.npos ? "?" : "&";
      const auto page = world.ok(who, "GET",
                                 path + join + "limit=" + std::to_string(limit) +
                                     (after.empty() ? "" : "&after=" + percent_encode(after)));
      EXPECT_LE(get_list(page, list).size(), limit);
      for (const auto& one : get_list(page, list)) found.push_back(get_text(one, member));
      after = get_text(page, "next");
      if (after.empty()) return found;
      EXPECT_EQ(get_list(page, list).size(), limit);
    }
    ADD_FAILURE() << path << " has no end";
    return found;
  }

  World world;
  const Asker root = root_asker("root"), dora = world.asker(world.dora), ann = world.asker(world.ann);
};

TEST_F(PagesTest, AccountsDomainsAndAliasesComeInPages) {
  EXPECT_THAT(
      all(root, "/v1/accounts", "accounts", "login", 2),
      ElementsAre("ann@example.org", "bob@example.net", "dave@example.net", "dora@example.org", "olga@example.com"));
  EXPECT_THAT(all(root, "/v1/accounts?domain=example.org", "accounts", "login", 1),
              ElementsAre("ann@example.org", "dora@example.org"));
  EXPECT_THAT(all(dora, "/v1/accounts", "accounts", "login", 1), ElementsAre("ann@example.org", "dora@example.org"));
  EXPECT_THAT(all(root, "/v1/domains", "domains", "name", 1), ElementsAre("example.com", "example.net", "example.org"));
  EXPECT_THAT(all(dora, "/v1/domains", "domains", "name", 1), ElementsAre("example.org"));
  world.server.alias("a", "example.org", {"x@far.example"});
  world.server.address("second", "example.org", world.ann.id);
  EXPECT_THAT(all(root, "/v1/aliases", "aliases", "address", 1),
              ElementsAre("team@example.net", "a@example.org", "second@example.org", "team@example.org"));
  EXPECT_THAT(all(dora, "/v1/aliases", "aliases", "address", 2),
              ElementsAre("a@example.org", "second@example.org", "team@example.org"));
}

TEST_F(PagesTest, TokensQueueAndTrailsComeInPages) {
  for (const char* label : {"b", "a", "c"})
    ASSERT_EQ(
        world.outcome(ann, "POST", "/v1/tokens", std::string(R"({"scopes":["queue.read"],"label":")") + label + "\"}"),
        "200");
  ASSERT_EQ(world.outcome(root, "POST", "/v1/tokens", R"({"scopes":["queue.read"],"label":"root's"})"), "200");
  EXPECT_THAT(all(ann, "/v1/tokens", "tokens", "label", 2), ElementsAre("b", "a", "c"));
  EXPECT_THAT(all(root, "/v1/tokens", "tokens", "label", 3), ElementsAre("b", "a", "c", "root's"));
  EXPECT_TRUE(all(world.asker(world.bob), "/v1/tokens", "tokens", "label", 3).empty());
  const std::string second = world.mail(world.ann, world.bob), third = world.mail(world.ann, world.bob);
  EXPECT_THAT(all(ann, "/v1/queue", "messages", "id", 1), ElementsAre(world.anns_mail, second, third));
  EXPECT_THAT(all(ann, "/v1/messages?address=ann@example.org", "messages", "id", 1),
              ElementsAre(third, second, world.anns_mail));
  EXPECT_THAT(all(world.asker(world.dave), "/v1/queue", "messages", "id", 1), ElementsAre(world.bobs_mail))
      << "what he does not see takes no place in his pages";
}

TEST_F(PagesTest, AnAccountIsShownByItsOwnRows) {
  world.server.alias("more", "example.net", {"ANN@example.org"});
  const auto shown = world.ok(ann, "GET", "/v1/accounts/ann@example.org");
  EXPECT_EQ(to_text(get_list(shown, "aliases")), R"(["more@example.net","team@example.org"])");
  EXPECT_EQ(to_text(get_list(shown, "owner_of")), R"(["example.org"])");
}

TEST_F(PagesTest, TodayIsOneSentence) {
  const auto calm = world.ok(root, "GET", "/v1/today");
  EXPECT_EQ(get_text(calm, "sentence"), "All is well.");
  EXPECT_EQ(get_text(calm, "level"), "good");
  EXPECT_EQ(get_number(calm, "waiting"), 2);
  ASSERT_EQ(world.outcome(dora, "POST", "/v1/accounts/ann@example.org/suspicion"), "200");
  ASSERT_EQ(world.outcome(root, "POST", "/v1/queue/hold", R"({"address":"ann@example.org"})"), "200");
  const auto worse = world.ok(root, "GET", "/v1/today");
  EXPECT_EQ(get_text(worse, "sentence"), "One account looks taken over.");
  EXPECT_EQ(get_text(worse, "level"), "warning");
  EXPECT_EQ(get_number(worse, "held"), 1);
  EXPECT_EQ(get_number(worse, "suspected"), 1);
  Control down(world.server.store(), world.server.directory(), Hooks{});
  const auto answer = run_task(down.handle(Request{"GET", "/v1/today", "", "root", ""}));
  EXPECT_THAT(answer.body, HasSubstr("The server does not run."));
}

TEST_F(PagesTest, WhatOnlyARunningServerKnowsSaysSo) {
  for (const char* path : {"/v1/traffic", "/v1/connections", "/v1/connections/2", "/v1/settings"})
    EXPECT_EQ(world.outcome(root, "GET", path), "503 closed") << path;
}

/// A running server's, with one of each.
Hooks live_hooks() {
  Hooks hooks;
  hooks.status = [] { return std::string(R"({"running":true,"version":"0.1.0"})"); };
  hooks.live.traffic = [](std::size_t hours) { return Traffic{1000, std::vector<metrics::Hour>(hours)}; };
  hooks.live.settings = [] {
    return std::vector<SettingFacts>{{"b.key", "1", "2", 7, true, "x"}, {"a.key", "\"y\"", "none", 0, false, ""}};
  };
  hooks.live.connections = [](std::optional<bool> out, std::uint64_t after,
                              std::size_t most) -> Task<std::vector<LiveConnection>> {
    std::vector<LiveConnection> all;
    for (std::uint64_t id = 2; id < 8 && all.size() < most; ++id)
      if (id > after && (!out || *out == (id % 2 == 1)))
        all.push_back({id, id % 2 == 1, 1000, {.protocol = "smtp", .name = "\x1b[31mevil"}});
    co_return all;
  };
  hooks.live.watch = [](std::uint64_t id) -> Task<std::optional<LiveTranscript>> {
    if (id != 2) co_return std::nullopt;
    co_return LiveTranscript{{2, false, 1000, {}}, {{5000, net::Transcript::Who::peer, "EHLO \x1b[0m"}}, 3};
  };
  hooks.live.end = [](std::uint64_t id) -> Task<bool> { co_return id == 2; };
  return hooks;
}

TEST_F(PagesTest, ConnectionsAreListedShownAndEnded) {
  Control control(world.server.store(), world.server.directory(), live_hooks());
  const auto ask = [&](const std::string& method, const std::string& target) {
    const auto response = run_task(control.handle(Request{method, target, "", "", ""}, root));
    EXPECT_EQ(test::mismatch(method, target, response), "") << response.body;
    return response;
  };
  EXPECT_THAT(ask("GET", "/v1/connections?limit=2").body, HasSubstr(R"("next":"3")"));
  EXPECT_THAT(ask("GET", "/v1/connections?direction=out&after=3&limit=5").body, HasSubstr(R"("id":5)"));
  EXPECT_EQ(ask("GET", "/v1/connections?direction=sideways").status, 400U);
  EXPECT_THAT(ask("GET", "/v1/connections").body, ::testing::Not(HasSubstr("\x1b")));
  const auto shown = ask("GET", "/v1/connections/2");
  EXPECT_THAT(shown.body, HasSubstr(R"("who":"peer")"));
  EXPECT_THAT(shown.body, ::testing::Not(HasSubstr("\x1b")));
  EXPECT_EQ(outcome_of(ask("GET", "/v1/connections/3")), "404 not_found");
  EXPECT_EQ(ask("DELETE", "/v1/connections/2").status, 200U);
  EXPECT_EQ(outcome_of(ask("DELETE", "/v1/connections/x")), "404 not_found");
  EXPECT_EQ(ask("GET", "/v1/traffic?hours=48").status, 200U);
  EXPECT_EQ(ask("GET", "/v1/traffic?hours=49").status, 400U);
  EXPECT_EQ(ask("GET", "/v1/traffic?hours=0").status, 400U);
  EXPECT_THAT(ask("GET", "/v1/settings").body, HasSubstr(R"("key":"a.key")"));
}

// ---- Reports ----

class ReportSumsTest : public PagesTest {
protected:
  void put(const std::string& text) {
    const auto answer = world.call(root, "POST", "/v1/accounts/ann@example.org/messages", text);
    ASSERT_EQ(answer.status, 200U) << answer.body;
  }
  void put_report(const std::string& type, const std::string& content) {
    put("Subject: Report Domain: example.org Submitter: big.test Report-ID: <" + std::to_string(++number_) +
        ">\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n\r\nhello\r\n--b\r\nContent-Type: text/plain\r\n\r\nsee "
        "below\r\n--b\r\nContent-Type: " +
        type + "\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64_encode(content) + "\r\n--b--\r\n");
  }
  static std::string dmarc(const std::string& domain, const std::string& id, const std::string& org = "big.test") {
    return "<?xml version=\"1.0\"?><feedback><report_metadata><org_name>" + org +
           "</org_name><email>a@b</email>"
           "<report_id>" +
           id +
           "</report_id><date_range><begin>1700000000</begin><end>1700086399</end></date_range>"
           "</report_metadata><policy_published><domain>" +
           domain +
           "</domain><p>reject</p></policy_published>"
           "<record><row><source_ip>192.0.2.1</source_ip><count>5</count><policy_evaluated><disposition>none"
           "</disposition><dkim>pass</dkim><spf>fail</spf></policy_evaluated></row><identifiers><header_from>" +
           domain + "</header_from></identifiers></record></feedback>";
  }
  static std::string tls(const std::string& domain, const std::string& id) {
    return R"({"organization-name":"big.test","date-range":{"start-datetime":"2026-11-01T00:00:00Z",)"
           R"("end-datetime":"2026-11-01T23:59:59Z"},"report-id":")" +
           id +
           R"(","policies":[{"policy":)"
           R"({"policy-type":"sts","policy-domain":")" +
           domain +
           R"("},"summary":{"total-successful-session-count":9,)"
           R"("total-failure-session-count":2},"failure-details":[{"result-type":"certificate-expired",)"
           R"("receiving-mx-hostname":"mx.example.org","failed-session-count":2}]}]})";
  }

private:
  int number_ = 0;
};

TEST_F(ReportSumsTest, DmarcIsSummedUpForOurDomainsOnce) {
  world.server.address("postmaster", "example.org", world.ann.id);
  put_report("application/xml", dmarc("example.org", "1"));
  put_report("application/xml", dmarc("example.org", "1")); // again
  put_report("text/xml", dmarc("example.org", "2", "&lt;b&gt;other"));
  put_report("application/xml", dmarc("example.net", "3")); // about somebody else's
  put_report("application/gzip", "no report at all");
  put("Subject: lunch?\r\n\r\n" + dmarc("example.org", "4"));
  const auto sums = world.ok(dora, "GET", "/v1/reports/dmarc?days=365");
  ASSERT_EQ(get_list(sums, "domains").size(), 1U) << to_text(sums);
  const auto& one = get_list(sums, "domains").at(0);
  EXPECT_EQ(get_text(one, "domain"), "example.org");
  EXPECT_EQ(get_number(one, "reports"), 2);
  EXPECT_EQ(get_number(one, "messages"), 10);
  EXPECT_EQ(get_number(one, "passed"), 10);
  EXPECT_EQ(get_text(one, "policy"), "reject");
  EXPECT_EQ(get_number(get_list(one, "senders").at(0), "dkim"), 10);
  EXPECT_EQ(get_list(one, "days").size(), 1U);
  EXPECT_EQ(world.outcome(dora, "GET", "/v1/reports/dmarc?domain=example.net"), "404 not_found");
  EXPECT_EQ(world.outcome(ann, "GET", "/v1/reports/dmarc"), "403 permission");
  EXPECT_EQ(world.outcome(root, "GET", "/v1/reports/dmarc?days=366"), "400 invalid");
}

TEST_F(ReportSumsTest, TlsIsSummedUpWithTheKindsOfFailure) {
  world.server.address("postmaster", "example.org", world.ann.id);
  put_report("application/tlsrpt+json", tls("example.org", "1"));
  put_report("application/tlsrpt+json", tls("example.org", "1"));
  put_report("application/tlsrpt+json", tls("EXAMPLE.ORG", "2"));
  put_report("application/tlsrpt+json", tls("example.net", "3"));
  put_report("application/tlsrpt+json", R"({"policies":[{"policy":7}],"date-range":1})");
  put_report("application/tlsrpt+json", std::string(100, '[') + std::string(100, ']'));
  const auto sums = world.ok(dora, "GET", "/v1/reports/tls");
  ASSERT_EQ(get_list(sums, "domains").size(), 1U) << to_text(sums);
  const auto& one = get_list(sums, "domains").at(0);
  EXPECT_EQ(get_number(one, "successes"), 18);
  EXPECT_EQ(get_number(one, "failures"), 4);
  EXPECT_EQ(to_text(get_list(one, "kinds")),
            R"([{"kind":"certificate-expired","server":"mx.example.org","reason":"","count":4}])");
}

// ---- Types ----

TEST(TypeScript, HasEveryActionAndShape) {
  const std::string text = typescript();
  for (const Action& action : actions())
    EXPECT_THAT(text, HasSubstr("  \"" + std::string(action.id) + "\": { names: "));
  for (const Shape& shape : shapes())
    EXPECT_THAT(text, HasSubstr("export interface " + std::string(shape.name) + " {"));
  EXPECT_THAT(text, HasSubstr("\"account.list\": { names: undefined; query: { domain?: string; limit?: number; after?: "
                              "string; }; request: undefined; answer: { accounts: Account[]; next?: string; } };"));
  EXPECT_THAT(text, HasSubstr("\"limit.change\": { names: { login: string; }; query: undefined; request: { [name: "
                              "string]: number | null }; answer: { login: string; limits: Limit[]; } };"));
  EXPECT_THAT(text, HasSubstr("answer: Account & { addresses: string[];"));
  EXPECT_THAT(text, HasSubstr("  \"today.show\": [\"GET\", \"/v1/today\", \"server.read\"],"));
}

} // namespace
} // namespace paquebot::control
