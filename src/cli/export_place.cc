#include "cli/export_place.h"

#include "base/text.h"
#include "cli/temp_file.h"
#include "imap/mailbox_name.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

namespace paquebot::cli {
namespace {

constexpr const char* kMark = "paquebot-export";
constexpr std::size_t kLongestName = 240; // of the 255 octets of file systems, with room for an ending

std::unexpected<Error> failed(const std::string& name, int why) {
  const Errc code = why == ENOSPC || why == EDQUOT  ? Errc::no_space
                    : why == EEXIST                 ? Errc::conflict
                    : why == EACCES || why == EPERM ? Errc::permission
                                                    : Errc::io;
  return fail(code, fmt::format("{} can't be written: {}", printable(name, 300), std::strerror(why)));
}

/// The folder itself, made when it is missing.
Result<Opened> open_or_make(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  auto opened = open_trusted(path);
  if (!opened && opened.error().code == Errc::not_found) {
    const std::size_t slash = path.rfind('/');
    const std::size_t name = slash == std::string::npos ? 0 : slash + 1;
    const auto around = open_trusted(name == 0 ? "." : path.substr(0, name));
    if (!around) return std::unexpected(around.error());
    return make_within(*around, path.substr(name));
  }
  if (opened && !S_ISDIR(opened->facts.st_mode)) return fail(Errc::conflict, "it is no folder");
  return opened;
}

Result<std::string> read_mark(const Opened& folder) {
  const auto file = open_within(folder, kMark);
  if (!file) return std::unexpected(file.error());
  std::string text(4096, '\0');
  const ssize_t got = ::read(file->descriptor.get(), text.data(), text.size());
  if (got < 0) return failed(kMark, errno);
  text.resize(static_cast<std::size_t>(got));
  return text;
}

/// Whether it is ours already, or free to become ours.
Result<> take(const Opened& folder, const std::string& of) {
  const std::string wanted = of + "\n";
  const auto mark = read_mark(folder);
  if (mark && *mark == wanted) return {};
  if (mark) return fail(Errc::conflict, "it has an export of something else in it");
  if (mark.error().code != Errc::not_found) return std::unexpected(mark.error());
  const auto names = names_within(folder, true);
  if (!names) return std::unexpected(names.error());
  if (!names->empty()) return fail(Errc::conflict, "it is not empty: name a folder that is not there yet");
  return write_list(folder, kMark, wanted);
}

} // namespace

Result<Opened> open_export(const std::string& path, const std::string& of) {
  auto folder = open_or_make(path);
  auto taken = folder ? Result<>() : std::unexpected(folder.error());
  if (taken && ::flock(folder->descriptor.get(), LOCK_EX | LOCK_NB) != 0)
    taken = fail(Errc::conflict, "another export is at work in it");
  if (taken) taken = take(*folder, of);
  if (!taken)
    return fail(taken.error().code,
                fmt::format("{} can't be exported to: {}", printable(path, 4096), taken.error().message));
  return folder;
}

Result<Opened> make_within(const Opened& folder, const std::string& name) {
  if (::mkdirat(folder.descriptor.get(), name.c_str(), 0700) != 0 && errno != EEXIST) return failed(name, errno);
  auto made = open_within(folder, name);
  if (!made) return made;
  if (!S_ISDIR(made->facts.st_mode) || made->facts.st_uid != ::geteuid())
    return fail(Errc::permission, printable(name, 300) + " is no folder of the user who exports");
  return made;
}

Result<Descriptor> create_within(const Opened& folder, const std::string& name) {
  Descriptor file(
      ::openat(folder.descriptor.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return failed(name, errno);
  return file;
}

Result<> write_list(const Opened& folder, const std::string& name, std::string_view content) {
  const std::string fresh = name + ".new";
  if (::unlinkat(folder.descriptor.get(), fresh.c_str(), 0) != 0 && errno != ENOENT) return failed(fresh, errno);
  const auto file = create_within(folder, fresh);
  if (!file) return std::unexpected(file.error());
  if (auto done = write_all(file->get(), content, name); !done) return done;
  if (::fsync(file->get()) != 0) return failed(name, errno);
  if (::renameat(folder.descriptor.get(), fresh.c_str(), folder.descriptor.get(), name.c_str()) != 0)
    return failed(name, errno);
  if (::fsync(folder.descriptor.get()) != 0) return failed(name, errno);
  return {};
}

Result<> move_new(const Opened& from, const std::string& name, const Opened& to, const std::string& wanted) {
  const int source = from.descriptor.get(), target = to.descriptor.get();
  if (::renameat2(source, name.c_str(), target, wanted.c_str(), RENAME_NOREPLACE) == 0) return {};
  if (errno != EINVAL && errno != ENOSYS) return failed(wanted, errno);
  // A file system that does not know it.
  if (::linkat(source, name.c_str(), target, wanted.c_str(), 0) != 0) return failed(wanted, errno);
  if (::unlinkat(source, name.c_str(), 0) != 0) return failed(name, errno);
  return {};
}

Result<> sync_within(const Opened& folder) {
  if (::syncfs(folder.descriptor.get()) != 0) return failed("the export", errno);
  return {};
}

Result<std::string> file_of_folder(std::string_view folder) {
  std::string out;
  bool begins = true; // of a level
  for (const char c : folder) {
    const bool dots = c == '.' || c == '\\' || (begins && c == '~');
    // One of these in front of all others is left out when it is read, since Courier has it there.
    const bool inbox = out.empty() && istarts_with(folder, "INBOX/");
    if (c == imap::kDelimiter)
      out += '.';
    else if (dots || inbox)
      out += fmt::format("\\{:02x}", static_cast<unsigned char>(c));
    else
      out += c;
    begins = c == imap::kDelimiter;
  }
  std::string name = imap::write_name(out, false);
  if (name.size() > kLongestName) return fail(Errc::refused, "its name is too long for a file");
  return name;
}

std::string undo_escapes(std::string_view level) {
  const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
  std::string out;
  for (std::size_t i = 0; i < level.size(); ++i) {
    const int high = level[i] == '\\' && i + 2 < level.size() ? digit(level[i + 1]) : -1;
    const int low = high >= 0 ? digit(level[i + 2]) : -1;
    if (low >= 0 && high * 16 + low != 0 && high * 16 + low != imap::kDelimiter) {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += level[i];
    }
  }
  return out;
}

} // namespace paquebot::cli
