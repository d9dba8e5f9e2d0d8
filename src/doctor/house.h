#pragma once

#include "doctor/finding.h"
#include "doctor/world.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What is thought of the queue, the disk and the store, without asking anybody.
namespace paquebot::doctor {

// Settings of the store (store::Upkeep), all in milliseconds since 1970.
inline constexpr std::string_view kBackupSetting = "backup.last"; ///< when a backup was finished
inline constexpr std::string_view kVerifySetting = "verify.last"; ///< when verify had looked at all; " " what it found
inline constexpr std::string_view kVerifyFound = "verify.found";  ///< in the steps of one that is under way
inline constexpr std::string_view kFreeSetting = "doctor.disk";   ///< a day ago or so; " " octets that were free
inline constexpr std::string_view kProbeSetting = "doctor.probe"; ///< written to see how long a commit takes
inline constexpr std::string_view kTlsGoodSetting = "doctor.tls"; ///< since when each round found the certificate good
inline constexpr std::string_view kFoundSetting = "doctor.findings"; ///< changes.h

struct WaitingFacts {
  std::string destination;
  std::uint64_t waiting = 0;
  std::uint32_t failures = 0; ///< attempts in a row
  std::int64_t since = 0;     ///< when the oldest was accepted; 0: not known
  std::string error;
};

struct QueueFacts {
  std::vector<WaitingFacts> destinations;
  std::int64_t oldest = 0;      ///< mail that is not held; 0: there is none
  std::uint64_t held = 0;       ///< messages
  std::uint64_t owed = 0;       ///< reports
  std::int64_t oldest_owed = 0; ///< 0: there is none
};
std::vector<Finding> judge_hooks(const std::vector<store::Hook>& hooks); // hook_check.cc
std::vector<Finding> judge_queue(const QueueFacts& facts, std::int64_t now);

/// How much room there was some time ago.
struct FreeBefore {
  std::int64_t at = 0; ///< 0: not known
  std::uint64_t free = 0;
};
/// Of kFreeSetting.
FreeBefore read_free(std::string_view setting);
std::string write_free(const FreeBefore& facts);

std::vector<Finding> judge_disk(const DiskFacts& disk, const FreeBefore& before, std::int64_t now);
std::vector<Finding> judge_descriptors(const DescriptorFacts& facts);

struct StoreFacts {
  std::int64_t backup = 0;   ///< 0: never
  std::int64_t verified = 0; ///< 0: never
  std::uint64_t problems = 0;
  std::optional<std::chrono::milliseconds> commit{};
};
std::vector<Finding> judge_store(const StoreFacts& facts, std::int64_t now);

} // namespace paquebot::doctor
