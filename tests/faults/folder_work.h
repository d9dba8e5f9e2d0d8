#pragma once

#include "base/ulid.h"
#include "log_vfs.h"
#include "store/store.h"

#include <cstdint>
#include <map>
#include <random>
#include <string>

namespace paquebot::faults {

/// What an IMAP client does to two folders of an account: APPEND, STORE, COPY, MOVE, REPLACE, EXPUNGE. Writes down what
/// it is promised (FolderPromises). A store that fails promises nothing, and what was begun then is not touched again.
class FolderWork {
public:
  FolderWork(LogVfs& vfs, store::Store& store, UlidSource& ids, store::Id account, unsigned seed);
  /// A few of them, one after the other.
  void change_some();

private:
  struct Message {
    std::string folder;
    std::uint32_t uid;
    std::uint64_t flags;
  };
  using Messages = std::map<std::string, Message>; ///< by id
  bool append();                                   ///< whether it was acknowledged
  void mark(Messages::iterator message);
  void move(Messages::iterator message);
  void copy(Messages::iterator message);
  void replace(Messages::iterator message);
  void expunge(Messages::iterator message);
  void note(const char* what, const std::string& id, const Message& message, std::int64_t modseq = 0);

  LogVfs& vfs_;
  store::Store& store_;
  UlidSource& ids_;
  const store::Id account_;
  std::mt19937 chance_;
  std::map<std::string, store::Id> folders_;
  Messages messages_;
};

} // namespace paquebot::faults
