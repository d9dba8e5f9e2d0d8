#pragma once

#include "store/store.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace paquebot::faults {

/// Where messages in folders may be by a point of the log, and with which flags, as notes say:
///   folder NAME UIDVALIDITY         it is there
///   may ID FOLDER UID FLAGS         something was begun that brings the message there ("-": deletes it; UID 0:
///   unknown) is ID FOLDER UID FLAGS MODSEQ   that was acknowledged (MODSEQ 0: unknown)
///   may-copy ID FOLDER UID FLAGS, copy ID FOLDER UID FLAGS MODSEQ
///                                   likewise of a copy beside it
/// `FLAGS`: numbers as stored, of system flags. Names have no spaces.
class FolderPromises {
public:
  void take(const std::string& note);
  /// A line for each that the store does not keep.
  std::vector<std::string> broken_in(store::Store& store, store::Id account) const;
  std::size_t count() const { return acknowledged_; }

private:
  struct Place {
    std::string folder; ///< "-": nowhere
    std::uint32_t uid = 0;
    std::uint64_t flags = 0;
    std::int64_t modseq = 0;
    bool fits(const Place& found) const;
  };
  using Found = std::map<std::string, std::vector<Place>>;
  bool explains(const std::string& id, const std::vector<Place>& found) const;
  void look(store::Store& store, const std::string& name, const store::MailboxInfo& info, Found& found,
            std::vector<std::string>& problems) const;

  std::map<std::string, std::uint32_t> folders_;
  std::map<std::string, std::vector<Place>> messages_; ///< by id: one of these
  std::map<std::string, std::vector<Place>> copies_;   ///< likewise, of those that have one
  std::size_t acknowledged_ = 0;
};

} // namespace paquebot::faults
