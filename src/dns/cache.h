#pragma once

#include "base/clock.h"
#include "dns/resolver.h"

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace paquebot::dns {

/// One question, the name in lower case.
struct Question {
  std::string name;
  Type type = Type::a;
  bool operator==(const Question&) const = default;
};

struct QuestionHash {
  std::size_t operator()(const Question& question) const;
};

/// What an answer to this question costs in memory, about, with all that a cache needs for it.
std::size_t octets_of(const Question& question, const Answer& answer);

/// Answers for as long as their time to live says, the least recently used ones dropped beyond `most` of them or
/// `octets` of memory (octets_of). Who asks chooses the answers: a record of 60 KB is worth 300 usual ones.
/// Thread-safe.
class Cache {
public:
  Cache(std::size_t most, std::size_t octets) : most_(most), octets_most_(octets) {}

  /// The answer, if there is one that still lives.
  std::shared_ptr<const Answer> find(const Question& question, Instant now);
  /// Keeps the answer for answer->ttl seconds; nothing for none, and none that is more than an eighth of all by itself.
  void keep(const Question& question, std::shared_ptr<const Answer> answer, Instant now);
  std::size_t size() const;
  std::size_t octets() const;

private:
  struct Entry {
    Question question;
    std::shared_ptr<const Answer> answer;
    Instant until;
    std::size_t octets = 0;
  };
  using Entries = std::list<Entry>;
  void drop(Entries::iterator entry);

  const std::size_t most_;
  const std::size_t octets_most_;
  mutable std::mutex mutex_;
  Entries entries_; ///< the most recently used first
  std::size_t octets_ = 0;
  std::unordered_map<Question, Entries::iterator, QuestionHash> index_;
};

} // namespace paquebot::dns
