#include "metrics/counters.h"
#include "metrics/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <regex>
#include <set>
#include <thread>

namespace paquebot::metrics {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Counters, HaveAPlaceEachAndNoGaps) {
  std::size_t next = 0;
  std::set<std::string_view> names;
  for (const FamilyFacts& one : families()) {
    EXPECT_EQ(one.first, next) << one.name;
    next = one.first + one.size;
    EXPECT_TRUE(names.insert(one.name).second) << one.name;
  }
  EXPECT_EQ(next, kSlots);
}

TEST(Counters, AreNamedAsPrometheusWantsIt) {
  const std::regex name("paquebot_[a-z0-9_]+_(total|seconds)");
  for (const FamilyFacts& one : families()) {
    EXPECT_TRUE(std::regex_match(std::string(one.name), name)) << one.name;
    EXPECT_TRUE(one.help.ends_with('.')) << one.name;
  }
}

/// No family may ever have a label for what comes from outside.
TEST(Counters, HaveLabelsOfAFewWordsOnly) {
  EXPECT_LT(kSlots, 1000u) << "each thread has so many places";
  for (const FamilyFacts& one : families())
    for (const auto label : one.labels)
      for (const char* forbidden : {"address", "domain", "client", "host", "user", "account", "reply"})
        EXPECT_NE(label, forbidden) << one.name;
}

TEST(Counters, AddUpOverThreadsAlsoThoseThatHaveEnded) {
  const std::size_t slot = connections.first + static_cast<std::size_t>(Role::pop3);
  const auto before = total_of(slot);
  connections.add(Role::pop3);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([] {
      for (int n = 0; n < 1000; ++n) connections.add(Role::pop3);
    });
  threads.clear();
  EXPECT_EQ(total_of(slot), before + 8001);
}

TEST(Counters, TellLabelsApart) {
  const auto text_of = [](const char* line) {
    const std::string text = metrics_text({});
    const auto at = text.find(line);
    return at == std::string::npos ? std::string("?") : text.substr(at, text.find('\n', at) - at);
  };
  const std::string start = "paquebot_refused_total{stage=\"recipient\",class=\"5xx\"} ";
  const auto before = text_of(start.c_str());
  refused.add(Stage::recipient, Permanence::permanent, 3);
  refused.add(Stage::content, Permanence::permanent);
  refused.add(Stage::recipient, Permanence::temporary);
  EXPECT_EQ(std::stod(text_of(start.c_str()).substr(start.size())), std::stod(before.substr(start.size())) + 3);
}

TEST(Histograms, CountWhatIsAtMostTheBound) {
  const auto count_at = [](const std::string& bound) {
    const std::string text = metrics_text({});
    const std::string start = "paquebot_filter_seconds_bucket{kind=\"clamd\",le=\"" + bound + "\"} ";
    const auto at = text.find(start);
    EXPECT_NE(at, std::string::npos) << bound << text;
    return at == std::string::npos ? -1 : std::stod(text.substr(at + start.size()));
  };
  const auto low = count_at("0.005"), mid = count_at("0.01"), all = count_at("+Inf");
  filters.observe(FilterKind::clamd, std::chrono::milliseconds(10)); // the bound itself is within
  filters.observe(FilterKind::clamd, std::chrono::hours(1));
  filters.observe(FilterKind::clamd, std::chrono::nanoseconds(-5)); // a clock that was set back
  EXPECT_EQ(count_at("0.005"), low + 1);
  EXPECT_EQ(count_at("0.01"), mid + 2);
  EXPECT_EQ(count_at("+Inf"), all + 3);
  EXPECT_THAT(metrics_text({}), HasSubstr("paquebot_filter_seconds_sum{kind=\"clamd\"} 3600.01"));
}

TEST(MetricsText, HasAllWithHelpAndType) {
  const Gauge disk{.name = "paquebot_queue_recipients", .help = "Recipients.", .values = {{{{"state", "ready"}}, 7}}};
  const std::string text = metrics_text({disk, gauge("paquebot_up_seconds", "Up.", 1.5)});
  for (const FamilyFacts& one : families())
    EXPECT_THAT(text, HasSubstr("# HELP " + std::string(one.name) + " " + std::string(one.help) + "\n# TYPE " +
                                std::string(one.name) + " "));
  EXPECT_THAT(text, HasSubstr("paquebot_queue_recipients{state=\"ready\"} 7\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE paquebot_up_seconds gauge\npaquebot_up_seconds 1.5\n"));
  EXPECT_THAT(text, HasSubstr("paquebot_connections_total{role=\"lmtp\"} 0\n")) << "also what has not happened yet";
}

TEST(MetricsText, LeavesOutWhatIsNotKnown) {
  EXPECT_THAT(metrics_text({{.name = "paquebot_unknown", .help = "Unknown."}}), Not(HasSubstr("paquebot_unknown")));
}

} // namespace
} // namespace paquebot::metrics
