#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

namespace paquebot::store {

/// The part of the disk that new mail may not use, so that deleting, delivering and expiring mail (which all write a
/// little) still work when there is no room for more: a full disk empties itself again.
class Reserve {
public:
  /// `directory`: on the file system in question.
  explicit Reserve(std::string directory) : directory_(std::move(directory)) {}

  /// Whether new mail may be written now, as it was at most kReserveFresh ago. True when the file system does not tell
  /// how full it is. Thread-safe.
  bool spared() const;
  /// Octets to be kept free on a file system of this size: a quarter of a small one, at most 64 MiB.
  static std::uint64_t size(std::uint64_t total);
  /// The same for the file system that `directory` is on; that of a large one when it does not tell.
  static std::uint64_t of(const std::string& directory);

private:
  bool look() const;

  const std::string directory_;
  mutable std::atomic<std::int64_t> looked_{0}; ///< steady clock, nanoseconds
  mutable std::atomic<bool> spared_{true};
};

/// Short enough that what is written meanwhile does not matter beside the reserve.
inline constexpr std::chrono::milliseconds kReserveFresh{20};

} // namespace paquebot::store
