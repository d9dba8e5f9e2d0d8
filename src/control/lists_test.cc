#include "control/control.h"
#include "control/json.h"
#include "directory/test_server.h"

#include <gtest/gtest.h>

namespace paquebot::control {
namespace {

using directory::run_task;

class ListsTest : public ::testing::Test {
protected:
  ListsTest() {
    Hooks hooks;
    hooks.put_listed = [this](const policy::Listed& entry) { told.push_back("+" + entry.what); };
    hooks.drop_listed = [this](const std::string& what) { told.push_back("-" + what); };
    control = std::make_unique<Control>(server.store(), server.directory(), hooks);
  }
  /// The status, and in `body` what was said.
  unsigned call(std::string method, std::string target, std::string request = {}) {
    const auto response = run_task(control->handle({std::move(method), std::move(target), std::move(request), "test"}));
    body = parse_json(response.body, "x").value_or(json::value());
    return response.status;
  }
  std::vector<std::string> entries(const std::string& list) {
    EXPECT_EQ(call("GET", "/v1/lists/" + list), 200U);
    std::vector<std::string> names;
    for (const auto& one : get_list(body, "entries")) names.push_back(get_text(one, "what"));
    return names;
  }

  directory::TestServer server;
  std::vector<std::string> told;
  std::unique_ptr<Control> control;
  json::value body;
};

using Names = std::vector<std::string>;

TEST_F(ListsTest, PutAndDrop) {
  EXPECT_EQ(call("POST", "/v1/lists/block", R"({"what":"Spam.Example","reason":"spam","seconds":60})"), 200U);
  EXPECT_EQ(get_text(body, "what"), "spam.example");
  EXPECT_EQ(get_text(body, "reason"), "spam");
  EXPECT_EQ(get_time(body, "expires") - get_time(body, "added"), 60'000);
  EXPECT_EQ(call("POST", "/v1/lists/allow", R"({"what":"192.0.2.0/24"})"), 200U);
  EXPECT_EQ(entries("block"), Names{"spam.example"});
  EXPECT_EQ(entries("allow"), Names{"192.0.2.0/24"});
  EXPECT_EQ(call("DELETE", "/v1/lists/allow/spam.example"), 404U) << "it is on the other one";
  EXPECT_EQ(call("POST", "/v1/lists/allow", R"({"what":"spam.example"})"), 409U);
  EXPECT_EQ(call("DELETE", "/v1/lists/allow/192.0.2.0%2F24"), 200U);
  EXPECT_EQ(call("DELETE", "/v1/lists/allow/192.0.2.0%2F24"), 404U);
  EXPECT_EQ(entries("allow"), Names{});
  EXPECT_EQ(told, (Names{"+spam.example", "+192.0.2.0/24", "-192.0.2.0/24"}));
}

TEST_F(ListsTest, Refusals) {
  EXPECT_EQ(call("GET", "/v1/lists/grey"), 404U);
  for (const char* wrong :
       {R"({})", R"({"what":"two words"})", R"({"what":"0.0.0.0/0"})", R"({"what":"spam.example","seconds":0})",
        R"({"what":"spam.example","for":"1h"})", R"({"what":"spam.example","seconds":99999999999})"})
    EXPECT_EQ(call("POST", "/v1/lists/block", wrong), 400U) << wrong;
  EXPECT_EQ(call("DELETE", "/v1/lists/block/two%20words"), 400U);
  EXPECT_TRUE(told.empty());
}

TEST_F(ListsTest, WhatHasRunOutIsForgotten) {
  const policy::Listed old{"old.example", false, "", 1, 2};
  ASSERT_TRUE(run_task(server.store().upkeep().set_setting("guard.listed old.example", policy::packed(old))));
  EXPECT_EQ(entries("block"), Names{});
  EXPECT_EQ(call("POST", "/v1/lists/allow", R"({"what":"old.example"})"), 200U) << "in nobody's way";
  EXPECT_EQ(told, (Names{"-old.example", "+old.example"}));
  EXPECT_EQ(entries("allow"), Names{"old.example"});
}

} // namespace
} // namespace paquebot::control
