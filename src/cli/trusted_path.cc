#include "cli/trusted_path.h"

#include "base/text.h"

#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <deque>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <unistd.h>

namespace paquebot::cli {
namespace {

constexpr int kMaxLinks = 40; // as the kernel has it

std::unexpected<Error> failed(int why) {
  const Errc code = why == ENOENT || why == ENOTDIR ? Errc::not_found
                    : why == EACCES || why == EPERM ? Errc::permission
                                                    : Errc::io;
  return fail(code, std::strerror(why));
}

std::deque<std::string> parts_of(std::string_view path) {
  std::deque<std::string> parts;
  for (const std::string_view part : split(path, '/'))
    if (!part.empty() && part != ".") parts.emplace_back(part);
  return parts;
}

class Walk {
public:
  explicit Walk(const std::string& path) : parts_(parts_of(path)) { begin(path); }

  Result<Opened> run() {
    if (!at_) return failed(errno);
    while (!parts_.empty()) {
      const std::string name = std::move(parts_.front());
      parts_.pop_front();
      if (auto went = step(name); !went) return std::unexpected(went.error());
    }
    Opened opened;
    opened.folder_owner = owner_;
    // What at_ stands for can't be changed any more; it is only opened for reading.
    const std::string itself = "/proc/self/fd/" + std::to_string(at_.get());
    opened.descriptor = Descriptor(::open(itself.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!opened.descriptor || ::fstat(opened.descriptor.get(), &opened.facts) != 0) return failed(errno);
    return opened;
  }

private:
  void begin(std::string_view path) {
    at_ = Descriptor(::open(path.starts_with('/') ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  }

  Result<> step(const std::string& name) {
    struct stat around{};
    Descriptor next(::openat(at_.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat facts{};
    if (!next || ::fstat(next.get(), &facts) != 0 || ::fstat(at_.get(), &around) != 0) return failed(errno);
    if (S_ISLNK(facts.st_mode)) return follow(next, facts, name);
    owner_ = around.st_uid;
    at_ = std::move(next);
    return {};
  }

  Result<> follow(const Descriptor& link, const struct stat& facts, const std::string& name) {
    if (facts.st_uid != 0 && facts.st_uid != ::geteuid())
      return fail(Errc::permission, "\"" + printable(name, 256) + "\" is a link that user " +
                                        std::to_string(facts.st_uid) +
                                        " made: it is not followed; name what it leads to");
    if (++links_ > kMaxLinks) return failed(ELOOP);
    std::array<char, PATH_MAX> target{};
    const ssize_t length = ::readlinkat(link.get(), "", target.data(), target.size());
    if (length < 0) return failed(errno);
    if (static_cast<std::size_t>(length) == target.size()) return failed(ENAMETOOLONG);
    const std::string_view leads(target.data(), static_cast<std::size_t>(length));
    auto more = parts_of(leads);
    parts_.insert(parts_.begin(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    if (leads.starts_with('/')) begin("/");
    if (!at_) return failed(errno);
    return {};
  }

  std::deque<std::string> parts_; ///< still to be walked
  Descriptor at_;
  std::uint32_t owner_ = 0; ///< of the folder that at_ is in
  int links_ = 0;
};

} // namespace

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

Result<Opened> open_trusted(const std::string& path) {
  if (path.empty()) return failed(ENOENT);
  return Walk(path).run();
}

Result<Opened> open_within(const Opened& folder, const std::string& name) {
  Opened opened;
  opened.folder_owner = folder.facts.st_uid;
  opened.descriptor = Descriptor(
      ::openat(folder.descriptor.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!opened.descriptor && errno == ELOOP) return fail(Errc::permission, "it is a link, which is not followed");
  if (!opened.descriptor || ::fstat(opened.descriptor.get(), &opened.facts) != 0) return failed(errno);
  return opened;
}

Result<std::vector<std::string>> names_within(const Opened& folder, bool hidden_too) {
  // A descriptor of its own: the position in it would be shared otherwise.
  const int copy = ::openat(folder.descriptor.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return failed(errno);
  const auto closing = [](DIR* open) { ::closedir(open); };
  const std::unique_ptr<DIR, decltype(closing)> entries(::fdopendir(copy), closing);
  if (!entries) {
    ::close(copy);
    return failed(ENOMEM);
  }
  std::vector<std::string> names;
  for (errno = 0; const dirent* entry = ::readdir(entries.get()); errno = 0) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != ".." && (hidden_too || !name.starts_with('.'))) names.emplace_back(name);
  }
  if (errno != 0) return failed(errno);
  return names;
}

} // namespace paquebot::cli
