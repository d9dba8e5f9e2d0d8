#include "policy/refusals.h"

#include "base/text.h"

#include <ranges>

namespace paquebot::policy {
namespace {

/// No more memory than the text that is kept takes.
void cut(std::string& text, std::size_t most) {
  if (text.size() > most) text.resize(most);
  text.shrink_to_fit();
}

bool concerns(const Refusal& refusal, const std::string& address) {
  return iequals(refusal.to, address) || iequals(refusal.from, address) || iequals(refusal.account, address);
}

} // namespace

void Refusals::add(Refusal refusal) {
  for (std::string* text : {&refusal.client, &refusal.account, &refusal.from, &refusal.to}) cut(*text, kMostAddress);
  cut(refusal.reply, kMostReply);
  std::lock_guard lock(mutex_);
  if (refusals_.size() >= kMost) refusals_.pop_front();
  refusals_.push_back(std::move(refusal));
}

std::vector<Refusal> Refusals::find(const std::string& address, std::int64_t since, std::size_t most) const {
  std::vector<Refusal> found;
  if (address.empty()) return found;
  std::lock_guard lock(mutex_);
  for (const Refusal& one : std::views::reverse(refusals_)) {
    if (found.size() >= most) break;
    if (one.at >= since && concerns(one, address)) found.push_back(one);
  }
  return found;
}

} // namespace paquebot::policy
