#pragma once

#include "base/result.h"
#include "folder_promises.h"
#include "log_vfs.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace paquebot::faults {

/// What the workload was promised by a point of the log, as its notes say:
///   account ID | accepted ID LETTER SIZE | relayed ID | deleting UID | deleted UID, and those of FolderPromises
/// A message has one recipient with a mailbox and one far away; its body is one letter, again and again.
class Promises {
public:
  void take(const std::string& note);
  /// A line for each promise that the store in `directory` does not keep; none: all are kept. Opens it as a start
  /// would.
  std::vector<std::string> broken_in(const std::string& directory) const;
  std::size_t count() const { return accepted_.size() + relayed_.size() + deleted_.size() + folders_.count(); }
  std::vector<std::string> accepted() const;

private:
  struct Message {
    char letter;
    std::uint64_t size;
  };
  std::int64_t account_ = 0;
  std::map<std::string, Message> accepted_;
  std::set<std::string> relayed_;
  std::set<std::uint32_t> deleting_, deleted_;
  FolderPromises folders_;
};

/// Works with a store in `directory` for some rounds, noting every promise: accepts small and large mail (several at a
/// time), claims and records, deletes, changes folders (FolderWork), does upkeep. `seed` chooses. A store that fails
/// answers with errors, which promise nothing. Ends without closing the store in order when the process is to die: see
/// `linger`.
struct WorkOptions {
  std::string directory;
  unsigned seed = 1;
  int rounds = 12;
  bool linger = false; ///< the store is left open: the caller ends the process at once
};
void work(LogVfs& vfs, const WorkOptions& options);

} // namespace paquebot::faults
