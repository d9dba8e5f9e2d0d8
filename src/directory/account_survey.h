#pragma once

#include "base/result.h"
#include "base/task.h"
#include "store/directory_store.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace paquebot::directory {

/// What the passwords of all accounts have in common.
struct Survey {
  /// A hash of each form that some account has beside ours: what one of them costs, each of that form does (hash_form).
  /// At most kForms; of more, those that most accounts have.
  std::vector<std::string> samples;
  /// Enabled accounts with a password that can't do SCRAM yet, by name: the first kNamed, and how many there are.
  std::vector<std::string> without_scram;
  std::size_t without_scram_count = 0;

  static constexpr std::size_t kForms = 4;
  static constexpr std::size_t kNamed = 20;
};

/// Reads the accounts once for each change of the directory. Thread-safe.
class AccountSurvey {
public:
  explicit AccountSurvey(store::DirectoryStore& store) : store_(store) {}

  /// As of now; while another coroutine reads them anew, as it was before.
  Task<Result<std::shared_ptr<const Survey>>> look();
  /// An account got keys for SCRAM, which is no change of the directory.
  void keys_made() { ++keys_; }

private:
  struct Reading;
  using Age = std::pair<std::uint64_t, std::uint64_t>; ///< the directory's generation, and keys_

  store::DirectoryStore& store_;
  std::atomic<std::uint64_t> keys_{0};
  std::mutex mutex_;
  std::shared_ptr<const Survey> known_;
  Age age_{0, 0};
  bool reading_ = false;
};

Survey survey_of(const std::vector<store::Account>& accounts);

} // namespace paquebot::directory
