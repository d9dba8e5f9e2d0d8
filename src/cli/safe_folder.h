#pragma once

#include "base/result.h"

#include <string>
#include <string_view>
#include <unordered_map>

namespace paquebot::cli {

/// A file name from a stranger made harmless: no folders, no control or direction-changing characters, no leading dot,
/// valid UTF-8, at most 120 octets with the ending kept. `otherwise` when nothing is left.
std::string safe_name(std::string_view name, std::string_view otherwise);

/// A folder into which new files are written; nothing in it is ever overwritten and no link in it is followed.
class SafeFolder {
public:
  /// Makes the folder, with mode 0700, when it isn't there; the one around it must exist. A link on the way to it is
  /// followed only when root or the caller made it (open_trusted).
  static Result<SafeFolder> open(const std::string& path);
  ~SafeFolder();
  SafeFolder(SafeFolder&& other) noexcept;
  SafeFolder& operator=(SafeFolder&&) = delete;

  struct File {
    int descriptor;   ///< the caller closes it
    std::string path; ///< of the file, under the folder's
  };
  /// Makes a file of this name (made safe), or "name-2.ending", "name-3.ending", … when it exists; mode 0600.
  Result<File> make(std::string_view name, std::string_view otherwise);
  /// Makes what was written durable, with all else on its file system: one wait for any number of files.
  Result<> sync();

private:
  SafeFolder(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
  int descriptor_;
  std::string path_;
  std::unordered_map<std::string, unsigned> last_; ///< of names that were there: the number that was given last
};

} // namespace paquebot::cli
