#include "dns/cache.h"

#include <functional>

namespace paquebot::dns {

std::size_t QuestionHash::operator()(const Question& question) const {
  return std::hash<std::string>{}(question.name) * 31 + static_cast<std::size_t>(question.type);
}

std::size_t octets_of(const Question& question, const Answer& answer) {
  constexpr std::size_t kNodes = 192; // of the list, the index and the shared answer, with what the allocator adds
  std::size_t octets =
      kNodes + sizeof(Answer) + 2 * question.name.capacity() + answer.why.capacity() + answer.canonical.capacity();
  for (const Record& record : answer.records) octets += sizeof(Record) + record.text.capacity();
  return octets;
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
  const std::size_t octets = octets_of(question, *answer);
  const Instant until = now + std::chrono::seconds(answer->ttl);
  const std::lock_guard lock(mutex_);
  if (const auto found = index_.find(question); found != index_.end()) drop(found->second);
  if (octets > octets_most_ / 8) return;
  while (entries_.size() >= most_ || octets_ + octets > octets_most_) drop(std::prev(entries_.end()));
  octets_ += octets;
  entries_.push_front({question, std::move(answer), until, octets});
  index_.emplace(question, entries_.begin());
}

std::size_t Cache::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

std::size_t Cache::octets() const {
  const std::lock_guard lock(mutex_);
  return octets_;
}

void Cache::drop(Entries::iterator entry) {
  octets_ -= entry->octets;
  index_.erase(entry->question);
  entries_.erase(entry);
}

} // namespace paquebot::dns
