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

/// Answers for as long as their time to live says, the least recently used ones dropped beyond `most`. Thread-safe.
class Cache {
public:
  explicit Cache(std::size_t most) : most_(most) {}

  /// The answer, if there is one that still lives.
  std::shared_ptr<const Answer> find(const Question& question, Instant now);
  /// Keeps the answer for answer->ttl seconds; nothing for none.
  void keep(const Question& question, std::shared_ptr<const Answer> answer, Instant now);
  std::size_t size() const;

private:
  struct Entry {
    Question question;
    std::shared_ptr<const Answer> answer;
    Instant until;
  };
  using Entries = std::list<Entry>;
  void drop(Entries::iterator entry);

  const std::size_t most_;
  mutable std::mutex mutex_;
  Entries entries_; ///< the most recently used first
  std::unordered_map<Question, Entries::iterator, QuestionHash> index_;
};

} // namespace paquebot::dns
