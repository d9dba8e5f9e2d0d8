#pragma once

#include "base/task.h"
#include "directory/directory.h"

#include <mutex>
#include <optional>
#include <string>

namespace paquebot::service {

/// Says whether SCRAM is to be offered when login.scram is "auto": only while every enabled account with a password can
/// do it, since programs that choose it by themselves tell their owner that the right password is wrong. A change is
/// logged with the account that caused it. Thread-safe.
class ScramSwitch {
public:
  /// `directory` must outlive it.
  explicit ScramSwitch(directory::Directory& directory) : directory_(directory) {}

  /// Cheap unless accounts changed. When they can't be read it stays as it was, and not offered when that isn't known.
  Task<bool> offered();

private:
  void note(const directory::WithoutScram& missing);

  directory::Directory& directory_;
  std::mutex mutex_;
  std::optional<bool> last_;
  std::string because_; ///< the first account that could not do it
};

} // namespace paquebot::service
