#include "dns/questions.h"
#include "dns/test_server.h"

#include <gtest/gtest.h>

namespace paquebot::dns {
namespace {

using namespace std::chrono_literals;

/// Where libunbound takes no more, nothing comes of hurrying those that wait: there would be no end to it.
TEST(Questions, AFullLibunboundIsNotLookedAtAgainAndAgain) {
  test::Server server([](const std::string&, unsigned) { return test::Reply{.silent = true}; });
  Options options;
  options.resolvers = {server.address()};
  options.trust_anchor = "none";
  options.timeout = 1h;
  for (const bool full : {false, true}) {
    options.at_once = full ? 20 : 3; // with the latter the line is behind those that are waited for
    Questions questions(options, make_unbound_context(options).value(), full ? 3 : 20);
    for (int i = 0; i < 4; ++i) {
      const Question question{std::to_string(i) + ".silent.test", Type::txt};
      const Promised<Questions::Shared> nobody;
      ASSERT_TRUE(questions.join(question, nobody));
      questions.start(question);
    }
    const bool soon = questions.next_look() - system_clock().now() < 30min;
    EXPECT_EQ(soon, !full);
    questions.end_all("the test ends");
  }
}

} // namespace
} // namespace paquebot::dns
