#include "store/takeover.h"

#include <algorithm>

namespace paquebot::store {

std::string_view name_of(TakeoverSign signal) {
  switch (signal) {
    case TakeoverSign::new_recipients: return "new_recipients";
    case TakeoverSign::failures: return "failures";
    case TakeoverSign::networks: return "networks";
    case TakeoverSign::operators_order: break;
  }
  return "operator";
}

std::optional<std::string> judge_new_recipients(const TakeoverRules& rules, std::uint64_t count, std::uint64_t usual) {
  if (rules.new_recipients == 0) return {};
  const std::uint64_t most = std::max(rules.new_recipients, rules.times_usual * usual);
  if (count <= most) return {};
  return "it wrote to " + std::to_string(count) + " addresses for the first time on one day, more than " +
         std::to_string(most);
}

std::optional<std::string> judge_failures(const TakeoverRules& rules, std::uint64_t failed, std::uint64_t of) {
  if (rules.failures == 0 || failed < rules.failures || failed * 100 < of * rules.failure_percent) return {};
  return std::to_string(failed) + " of " + std::to_string(std::max(of, failed)) +
         " recipients of one day refused its mail for good";
}

} // namespace paquebot::store
