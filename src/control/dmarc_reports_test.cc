#include "base/encoding.h"
#include "control/control.h"
#include "control/json.h"
#include "directory/test_server.h"

#include <gtest/gtest.h>

namespace paquebot::control {
namespace {

using directory::run_task;

class DmarcReportsTest : public ::testing::Test {
protected:
  DmarcReportsTest() {
    server.domain("example.org");
    server.account("ann@example.org");
    server.alias("dmarc", "example.org", {"ann@example.org"});
  }
  Response call(std::string method, std::string target, std::string body = {}) {
    return run_task(control.handle({std::move(method), std::move(target), std::move(body), "operator test"}));
  }
  void put(const std::string& head, std::int64_t date = 86400000, const std::string& body = "x\r\n") {
    const auto answer =
        call("POST", "/v1/accounts/ann@example.org/messages?date=" + std::string(time_value(date).as_string()),
             head + "\r\n\r\n" + body);
    ASSERT_EQ(answer.status, 200U) << answer.body;
  }
  json::value list(const std::string& query) {
    const auto answer = call("GET", "/v1/dmarc-reports?" + query);
    EXPECT_EQ(answer.status, 200U) << answer.body;
    return parse_json(answer.body, "x").value_or(json::value());
  }
  unsigned status(const std::string& query) { return call("GET", "/v1/dmarc-reports?" + query).status; }

  directory::TestServer server;
  Control control{server.store(), server.directory(), Hooks{}};
};

TEST_F(DmarcReportsTest, OnlyWhatLooksLikeAReportIsGiven) {
  put("Subject: a secret");
  put("Subject: Report Domain: example.org\r\n Submitter: big.test Report-ID: <1>");
  put("Subject: report domain: example.org");
  put("Subject: x\r\nContent-Type: application/zip; name=x.zip");
  put("Subject: x\r\nContent-Type: text/plain");
  for (const char* address : {"ann@example.org", "DMARC@example.org"}) {
    const auto found = list("address=" + std::string(address));
    ASSERT_EQ(get_list(found, "messages").size(), 3U);
    const auto text = base64_decode(get_text(get_list(found, "messages").at(0), "content")).value();
    EXPECT_NE(text.find("Submitter: big.test"), std::string::npos);
    EXPECT_TRUE(text.ends_with("\r\n\r\nx\r\n"));
    EXPECT_EQ(get_number(found, "next"), 5);
    EXPECT_EQ(get_list(list("address=ann@example.org&after=5"), "messages").size(), 0U);
  }
}

TEST_F(DmarcReportsTest, OldOnesAreLeftOut) {
  put("Subject: Report Domain: example.org", 1000);
  put("Subject: Report Domain: example.org", 2000);
  EXPECT_EQ(get_list(list("address=ann@example.org&since=1970-01-01T00:00:02Z"), "messages").size(), 1U);
}

TEST_F(DmarcReportsTest, Wrong) {
  EXPECT_EQ(status("address=nobody@example.org"), 404U);
  EXPECT_EQ(status("address=ann@elsewhere.example"), 404U);
  EXPECT_EQ(status("address=ann"), 400U);
  EXPECT_EQ(status(""), 400U);
  EXPECT_EQ(status("address=ann@example.org&after=-1"), 400U);
}

} // namespace
} // namespace paquebot::control
