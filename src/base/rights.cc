#include "base/rights.h"

#include "base/text.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace paquebot {
namespace {

/// As many as the kernel follows.
constexpr int kMostLinks = 40;
constexpr mode_t kDataMode = 0711;

std::unexpected<Error> failed(const std::string& what) {
  const int number = errno;
  const Errc code = number == EACCES || number == EPERM ? Errc::permission : Errc::io;
  return fail(code, what + ": " + std::strerror(number) + (code == Errc::permission ? " (try sudo)" : ""));
}

/// The parts of a path in front of those that are still to go.
void put_in_front(std::deque<std::string>& parts, std::string_view path) {
  std::deque<std::string> fresh;
  for (const std::string_view part : split(path, '/'))
    if (!part.empty() && part != ".") fresh.emplace_back(part);
  parts.insert(parts.begin(), fresh.begin(), fresh.end());
}

/// What a link says; empty when it can't be read.
std::string read_link(int folder, const std::string& name) {
  std::string text(4096, '\0');
  const ssize_t size = ::readlinkat(folder, name.c_str(), text.data(), text.size());
  text.resize(size > 0 && static_cast<std::size_t>(size) < text.size() ? static_cast<std::size_t>(size) : 0);
  return text;
}

/// One walk from the root of the file system.
class Walk {
public:
  Result<RootsWay> to(const std::string& path) {
    if (!path.starts_with('/'))
      return fail(Errc::invalid, "\"" + printable(path, 200) + "\" does not begin with \"/\"");
    put_in_front(parts_, path);
    for (;;) {
      if (auto entered = enter(); !entered) return std::unexpected(entered.error());
      bool more = true;
      while (more) {
        auto step = go_on();
        if (!step) return std::unexpected(step.error());
        more = *step;
      }
      if (restart_) continue;
      if (name_.empty() && !where_.empty()) return fail(Errc::invalid, printable(path, 200) + " ends in \"..\"");
      return RootsWay{std::move(folder_), std::move(name_)};
    }
  }

private:
  /// Stands in "/".
  Result<> enter() {
    restart_ = false;
    where_ = "";
    folder_ = Descriptor(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!folder_) return failed("can't open /");
    return is_roots();
  }
  /// Nobody but root can exchange what lies in the folder where we are and is root's.
  Result<> is_roots() const {
    struct stat facts{};
    if (::fstat(folder_.get(), &facts) != 0) return failed("can't look at " + shown());
    const bool others_write = (facts.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (facts.st_mode & S_ISVTX) == 0;
    if (facts.st_uid == 0 && !others_write) return {};
    return fail(Errc::permission, "others than root can change " + shown());
  }
  /// False at the end, with `name_`, or when a link leads back to "/".
  Result<bool> go_on() {
    name_.clear();
    if (parts_.empty()) return false;
    const std::string name = std::exchange(parts_.front(), {});
    parts_.pop_front();
    struct stat facts{};
    if (::fstatat(folder_.get(), name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno != ENOENT || !parts_.empty() || name == "..") return failed("can't look at " + shown(name));
      name_ = name;
      return false;
    }
    if (S_ISLNK(facts.st_mode)) return follow(name, facts);
    if (parts_.empty() && name != "..") {
      name_ = name;
      return false;
    }
    Descriptor next(::openat(folder_.get(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next) return failed("can't open " + shown(name));
    folder_ = std::move(next);
    where_ = shown(name);
    if (auto fine = is_roots(); !fine) return std::unexpected(fine.error());
    return true;
  }
  Result<bool> follow(const std::string& name, const struct stat& facts) {
    if (facts.st_uid != 0) return fail(Errc::permission, shown(name) + " is a link that is not root's");
    if (++links_ > kMostLinks) return fail(Errc::invalid, shown(name) + ": too many links");
    const std::string target = read_link(folder_.get(), name);
    if (target.empty()) return failed("can't read the link " + shown(name));
    put_in_front(parts_, target);
    restart_ = target.starts_with('/');
    return !restart_;
  }
  std::string shown(const std::string& name = {}) const {
    const std::string text = name.empty() ? where_ : where_ + "/" + name;
    return text.empty() ? "/" : printable(text, 400);
  }

  std::deque<std::string> parts_;
  Descriptor folder_;
  std::string where_; ///< for errors
  std::string name_;
  int links_ = 0;
  bool restart_ = false;
};

/// By name, or nothing: "root owns it" reads better than a number.
std::string name_of(uid_t user) {
  const passwd* entry = ::getpwuid(user);
  return entry != nullptr ? entry->pw_name : "user " + std::to_string(user);
}

/// Makes it with our own rights, for ourselves.
Result<Owner> make_plainly(const std::string& directory) {
  const bool made = ::mkdir(directory.c_str(), 0700) == 0;
  if (!made && errno != EEXIST) return failed("can't make the data directory " + directory);
  const Descriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat facts{};
  if (!opened) { // somebody else's, where we may not look: that is for whoever needs to
    if (made || ::stat(directory.c_str(), &facts) != 0) return failed("can't open the data directory " + directory);
    if (!S_ISDIR(facts.st_mode)) return fail(Errc::invalid, directory + " is not a directory");
    return Owner{facts.st_uid, facts.st_gid};
  }
  if (made && ::fchmod(opened.get(), kDataMode) != 0) return failed("can't set the mode of " + directory);
  if (::fstat(opened.get(), &facts) != 0) return failed("can't look at " + directory);
  return Owner{facts.st_uid, facts.st_gid};
}

/// As root, where only root could have put anything else.
Result<Owner> make_on_roots_way(const std::string& directory, const RootsWay& way, const Owner& wanted) {
  const bool made = ::mkdirat(way.folder.get(), way.name.c_str(), 0700) == 0;
  if (!made && errno != EEXIST) return failed("can't make the data directory " + directory);
  const Descriptor opened(
      ::openat(way.folder.get(), way.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat facts{};
  if (!opened || ::fstat(opened.get(), &facts) != 0) return failed("can't open the data directory " + directory);
  if (facts.st_uid != 0) return Owner{facts.st_uid, facts.st_gid};
  if (made && ::fchmod(opened.get(), kDataMode) != 0) return failed("can't set the mode of " + directory);
  if (::fchown(opened.get(), wanted.user, wanted.group) != 0)
    return failed("can't give " + directory + " to " + name_of(wanted.user));
  return wanted;
}

} // namespace

Result<Owner> find_user(const std::string& name) {
  const passwd* entry = ::getpwnam(name.c_str());
  if (entry == nullptr)
    return fail(Errc::invalid, "there is no user \"" + printable(name, 64) + "\": make it (adduser --system --group " +
                                   printable(name, 64) + ") or change server.user");
  return Owner{entry->pw_uid, entry->pw_gid};
}

ActAs::ActAs(const std::optional<Owner>& owner) : active_(owner && owner->user != 0 && ::geteuid() == 0) {
  if (active_) failed_ = ::setegid(owner->group) != 0 || ::seteuid(owner->user) != 0;
}

ActAs::~ActAs() {
  // Back to root can fail only if we never were it.
  if (active_ && (::seteuid(0) != 0 || ::setegid(0) != 0)) std::abort();
}

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    if (number_ >= 0) ::close(number_);
    number_ = other.release();
  }
  return *this;
}

int Descriptor::release() { return std::exchange(number_, -1); }

Result<RootsWay> roots_way(const std::string& path) { return Walk().to(path); }

Result<Owner> make_data_directory(const std::string& directory, const std::string& user) {
  if (::geteuid() != 0 || user.empty()) return make_plainly(directory);
  const auto wanted = find_user(user);
  if (!wanted) return std::unexpected(wanted.error());
  const auto way = roots_way(directory);
  if (way && !way->name.empty()) return make_on_roots_way(directory, *way, *wanted);
  if (way) return fail(Errc::invalid, "the data directory can't be " + directory);
  if (way.error().code != Errc::permission) return std::unexpected(way.error());
  const ActAs acting(*wanted);
  if (acting.failed()) return failed("can't act as " + user);
  auto owner = make_plainly(directory);
  if (owner && owner->user == 0)
    return fail(Errc::permission, directory + " is root's, but " + way.error().message +
                                      ": it is not given away there; chown it to " + user + " yourself");
  return owner;
}

Result<> hand_over_files(const std::string& directory) {
  if (::geteuid() != 0) return {};
  const Descriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat facts{};
  if (!opened || ::fstat(opened.get(), &facts) != 0) return failed("can't open " + directory);
  if (facts.st_uid == 0) return {};
  const int listed = ::dup(opened.get());
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(listed), ::closedir);
  if (!entries) {
    ::close(listed);
    return failed("can't read " + directory);
  }
  while (const dirent* entry = ::readdir(entries.get())) {
    const Descriptor file(::openat(opened.get(), entry->d_name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat about{};
    if (!file || ::fstat(file.get(), &about) != 0 || !S_ISREG(about.st_mode) || about.st_nlink != 1) continue;
    if (about.st_uid != 0) continue;
    if (::fchownat(file.get(), "", facts.st_uid, facts.st_gid, AT_EMPTY_PATH) != 0)
      return failed("can't give away " + directory + "/" + entry->d_name);
  }
  return {};
}

} // namespace paquebot
