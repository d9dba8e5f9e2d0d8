#pragma once

#include "base/result.h"

#include <optional>
#include <string>
#include <sys/types.h>

/// What root may do for another user without being led astray by him.
namespace paquebot {

/// Who owns a file.
struct Owner {
  uid_t user = 0;
  gid_t group = 0;
  bool operator==(const Owner&) const = default;
};

/// The user of that name. `invalid` with what to do when there is none.
Result<Owner> find_user(const std::string& name);

/// Acts as `owner` while it lives; does nothing when we are not root or the owner is. For processes with one thread, or
/// where no other thread opens files meanwhile: the whole process changes.
class ActAs {
public:
  explicit ActAs(const std::optional<Owner>& owner);
  ~ActAs();
  ActAs(const ActAs&) = delete;
  ActAs& operator=(const ActAs&) = delete;
  bool failed() const { return failed_; }

private:
  bool active_;
  bool failed_ = false;
};

/// A descriptor that closes itself; -1 for none.
class Descriptor {
public:
  explicit Descriptor(int number = -1) : number_(number) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  int get() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }
  int release();

private:
  int number_;
};

/// The last step of a way that only root can change.
struct RootsWay {
  Descriptor folder; ///< O_PATH, of the folder in which `name` is or may be made
  std::string name;  ///< no link, and not "." or ".."; empty for "/" itself
};

/// Goes from "/" to `path` (absolute), by links too, as long as nobody but root can exchange what it goes over: folders
/// of root's where nobody else may write, or only with the sticky bit, and links in them that are root's. The last part
/// may be missing, or belong to somebody. `permission` names the folder or link that is not root's alone; io what is
/// missing.
Result<RootsWay> roots_way(const std::string& path);

/// Makes `directory` (mode 0711 whatever the umask: others pass to the drop directory in it, and see nothing else) when
/// it is absent. As root, with a `user`, it is given to him, when nobody else can have put it there; below a folder
/// that others can change he makes it himself. Gives the owner: another one than `user` when it was there already.
Result<Owner> make_data_directory(const std::string& directory, const std::string& user);

/// As root: gives the plain files that lie in `directory` itself to its owner. A file with a second name is left.
Result<> hand_over_files(const std::string& directory);

} // namespace paquebot
