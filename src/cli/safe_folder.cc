#include "cli/safe_folder.h"

#include "base/text.h"
#include "base/visible.h"
#include "cli/trusted_path.h"

#include <cerrno>
#include <climits>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace paquebot::cli {

namespace {

constexpr std::size_t kMaxName = 120;  // octets, with room for "-4294967295" under the 255 of file systems
constexpr std::size_t kMaxEnding = 16; // octets of an ending that is kept when a name is cut

/// At most `most` octets, cut between characters.
std::string_view cut(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
  return text.substr(0, most);
}

std::pair<std::string, std::string> split_ending(const std::string& name) {
  std::size_t dot = name.rfind('.');
  if (dot == std::string::npos || dot == 0 || name.size() - dot > kMaxEnding) return {name, ""};
  return {name.substr(0, dot), name.substr(dot)};
}

} // namespace

std::string safe_name(std::string_view name, std::string_view otherwise) {
  std::string out;
  while (!name.empty()) {
    std::size_t length = printable_length(name);
    std::string_view character = name.substr(0, std::max<std::size_t>(length, 1));
    bool bad = visible_length(name) == 0 ||
               (length == 1 && std::string_view("/\\:*?\"<>|").find(character[0]) != std::string_view::npos);
    if (bad)
      out += '_';
    else
      out += character;
    name.remove_prefix(character.size());
  }
  std::size_t begin = out.find_first_not_of(". ");
  out.erase(0, begin == std::string::npos ? out.size() : begin);
  while (out.ends_with('.') || out.ends_with(' ')) out.pop_back();
  if (out.empty()) return std::string(otherwise);
  auto [stem, ending] = split_ending(out);
  return std::string(cut(stem, kMaxName - ending.size())) + ending;
}

namespace {

std::unexpected<Error> unusable(const std::string& path, const Error& why) {
  return fail(why.code == Errc::not_found || why.code == Errc::permission ? why.code : Errc::io,
              fmt::format("the folder {} can't be used: {}", printable(path), why.message));
}

/// Where the last part of a path begins.
std::size_t last_part(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? 0 : slash + 1;
}

} // namespace

Result<SafeFolder> SafeFolder::open(const std::string& given) {
  std::string path = given;
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  auto opened = open_trusted(path);
  if (!opened && opened.error().code == Errc::not_found) {
    const std::size_t name = last_part(path);
    const auto around = open_trusted(name == 0 ? "." : path.substr(0, name));
    if (!around) return unusable(path, around.error());
    if (::mkdirat(around->descriptor.get(), path.c_str() + name, 0700) != 0 && errno != EEXIST)
      return unusable(path, {errno == EACCES || errno == EPERM ? Errc::permission : Errc::io, std::strerror(errno)});
    opened = open_within(*around, path.substr(name));
  }
  if (!opened) return unusable(path, opened.error());
  if (!S_ISDIR(opened->facts.st_mode)) return unusable(path, {Errc::io, std::strerror(ENOTDIR)});
  return SafeFolder(opened->descriptor.release(), path);
}

SafeFolder::~SafeFolder() {
  if (descriptor_ >= 0) close(descriptor_);
}
SafeFolder::SafeFolder(SafeFolder&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}

Result<SafeFolder::File> SafeFolder::make(std::string_view name, std::string_view otherwise) {
  std::string safe = safe_name(name, otherwise);
  auto [stem, ending] = split_ending(safe);
  const auto known = last_.find(safe);
  // A thousand attachments of one name must not be a million tries.
  for (unsigned i = known == last_.end() ? 1 : known->second + 1; i < UINT_MAX; ++i) {
    std::string tried = i == 1 ? safe : fmt::format("{}-{}{}", stem, i, ending);
    int descriptor = openat(descriptor_, tried.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (descriptor >= 0) {
      last_[safe] = i;
      return File{descriptor, path_ + "/" + tried};
    }
    if (errno == EEXIST) continue;
    return fail(errno == ENOSPC || errno == EDQUOT ? Errc::no_space : Errc::io,
                fmt::format("{}/{} can't be written: {}", printable(path_), tried, std::strerror(errno)));
  }
  return fail(Errc::conflict, fmt::format("{}/{} exists too many times", printable(path_), safe));
}

Result<> SafeFolder::sync() {
  if (syncfs(descriptor_) != 0)
    return fail(Errc::io, fmt::format("the folder {} can't be synced: {}", printable(path_), std::strerror(errno)));
  return {};
}

} // namespace paquebot::cli
