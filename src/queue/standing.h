#pragma once

#include "queue/core.h"

#include <cstdint>
#include <string>

namespace paquebot::queue {

/// How destinations fare, as far as memory knows: whether they answered lately, whether they fail, until when they
/// rest. Thread-safe.
class Standing {
public:
  explicit Standing(Core& core) : core_(core) {}

  /// It said what it thinks of a message: what waits for it is not among what is for strangers any more.
  void answered(const std::string& key);
  /// It kept us waiting in vain: as if it had never answered.
  void kept_silent(const std::string& key);
  /// Whether it answered lately. `domain`: any spelling.
  bool knows(const std::string& domain) const;

  /// Whether the destination waits for its time.
  bool resting(const std::string& key) const;
  /// Whether the last attempt to reach it failed.
  bool failing(const std::string& key) const;
  /// How many attempts to reach it failed in a row.
  std::uint32_t failures(const std::string& key) const;
  /// When it is to be tried again if it fails now (wall milliseconds); the same for all that fail before that.
  std::int64_t back_off_until(const std::string& key) const;

private:
  Core& core_;
};

} // namespace paquebot::queue
