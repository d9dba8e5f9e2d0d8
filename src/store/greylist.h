#pragma once

#include <cstdint>
#include <string>

namespace paquebot::store {

/// One row of greylisting. Times are wall milliseconds.
struct GreyRow {
  /// Numbers are stored, but for `gone`.
  enum class State : std::uint8_t {
    gone = 0,    ///< to be deleted
    waiting = 1, ///< came once
    passed = 2,  ///< came again in time
    network = 3, ///< a network, by how many of its tuples have passed
  };
  std::string key; ///< hexadecimal digits of a hash, at most 64: whom it is about can't be read from it
  State state = State::waiting;
  std::int64_t first = 0;
  std::int64_t last = 0;
  std::uint32_t count = 0;
  std::int64_t expires = 0; ///< maintain() deletes it then

  bool operator==(const GreyRow&) const = default;
};

} // namespace paquebot::store
