#include "dns/cache.h"

#include <functional>

namespace paquebot::dns {

std::size_t QuestionHash::operator()(const Question& question) const {
  return std::hash<std::string>{}(question.name) * 31 + static_cast<std::size_t>(question.type);
}

std::shared_ptr<const Answer> Cache::find(const Question& question, Instant now) {
  const std::lock_guard lock(mutex_);
  const auto found = index_.find(question);
  if (found == index_.end()) return nullptr;
  const auto entry = found->second;
  if (entry->until <= now) {
    drop(entry);
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, entry);
  return entry->answer;
}

void Cache::keep(const Question& question, std::shared_ptr<const Answer> answer, Instant now) {
  if (answer->ttl == 0 || most_ == 0) return;
  const Instant until = now + std::chrono::seconds(answer->ttl);
  const std::lock_guard lock(mutex_);
  if (const auto found = index_.find(question); found != index_.end()) drop(found->second);
  while (entries_.size() >= most_) drop(std::prev(entries_.end()));
  entries_.push_front({question, std::move(answer), until});
  index_.emplace(question, entries_.begin());
}

std::size_t Cache::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

void Cache::drop(Entries::iterator entry) {
  index_.erase(entry->question);
  entries_.erase(entry);
}

} // namespace paquebot::dns
