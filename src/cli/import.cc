#include "cli/import.h"

#include "base/text.h"
#include "cli/mbox_reader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <ostream>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace paquebot::cli {

namespace {

namespace fs = std::filesystem;
constexpr std::size_t kBlock = 64 * 1024;

/// A regular file as a message: LF becomes CRLF, and one stands at the end.
class FileContent {
public:
  explicit FileContent(int descriptor) : descriptor_(descriptor) {}
  ~FileContent() { close(descriptor_); }
  FileContent(const FileContent&) = delete;
  FileContent& operator=(const FileContent&) = delete;

  Result<std::string_view> piece() {
    out_.clear();
    if (ended_) return std::string_view();
    block_.resize(kBlock);
    ssize_t got;
    do {
      got = read(descriptor_, block_.data(), block_.size());
    } while (got < 0 && errno == EINTR);
    if (got < 0) return fail(Errc::invalid, fmt::format("it can't be read: {}", std::strerror(errno)));
    for (char c : std::string_view(block_).substr(0, static_cast<std::size_t>(got))) {
      if (c == '\n' && last_ != '\r') out_ += '\r';
      out_ += last_ = c;
    }
    if (got == 0) {
      ended_ = true;
      if (last_ != '\n') out_ += "\r\n";
    }
    return std::string_view(out_);
  }

private:
  int descriptor_;
  std::string block_, out_;
  char last_ = '\n';
  bool ended_ = false;
};

class Importer {
public:
  Importer(const ImportSink& sink, std::ostream& problems) : sink_(sink), problems_(problems) {}

  Result<ImportSummary> maildir(const fs::path& folder);
  Result<ImportSummary> mbox(const std::string& path);

private:
  Result<> one_file(const fs::path& path, const std::string& shown);
  Result<> give(const ImportedMessage& message, const ImportContent& content);
  void problem(const std::string& source, const std::string& what) {
    ++summary_.failed;
    problems_ << printable(source, 4096) << ": " << printable(what) << "\n";
  }

  const ImportSink& sink_;
  std::ostream& problems_;
  ImportSummary summary_;
};

Result<> Importer::give(const ImportedMessage& message, const ImportContent& content) {
  auto taken = sink_(message, content);
  if (taken) {
    ++summary_.imported;
    return {};
  }
  if (taken.error().code != Errc::invalid) return taken;
  problem(message.source, taken.error().message);
  return {};
}

Result<> Importer::one_file(const fs::path& path, const std::string& shown) {
  int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat facts{};
  if (descriptor < 0 || fstat(descriptor, &facts) != 0 || !S_ISREG(facts.st_mode)) {
    problem(shown, descriptor < 0 ? fmt::format("it can't be read: {}", std::strerror(errno)) : "it is not a file");
    if (descriptor >= 0) close(descriptor);
    return {};
  }
  FileContent file(descriptor);
  ImportedMessage message;
  message.source = shown;
  message.internal_date = from_millis(facts.st_mtim.tv_sec * 1000 + facts.st_mtim.tv_nsec / 1'000'000);
  std::string name = path.filename().string();
  std::size_t info = name.rfind(":2,");
  std::string_view flags = info == std::string::npos ? std::string_view() : std::string_view(name).substr(info + 3);
  message.seen = flags.contains('S');
  message.answered = flags.contains('R');
  message.flagged = flags.contains('F');
  message.draft = flags.contains('D');
  message.trashed = flags.contains('T');
  return give(message, [&] { return file.piece(); });
}

Result<ImportSummary> Importer::maildir(const fs::path& folder) {
  std::vector<std::pair<std::uint64_t, fs::path>> files; // by the second in their names, then by name
  std::error_code error;
  for (const char* part : {"cur", "new"}) {
    for (fs::directory_iterator at(folder / part, error), end; !error && at != end; at.increment(error)) {
      std::string name = at->path().filename().string();
      if (name.starts_with('.')) continue;
      files.emplace_back(parse_u64(name.substr(0, name.find('.'))).value_or(0), fs::path(part) / name);
    }
    if (error) return fail(Errc::io, fmt::format("{}: {}", printable((folder / part).string(), 4096), error.message()));
  }
  std::ranges::sort(files);
  for (const auto& [second, file] : files) {
    if (auto done = one_file(folder / file, file.string()); !done) return std::unexpected(done.error());
  }
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::string name = at->path().filename().string();
    if (name.starts_with('.') && fs::is_directory(at->path() / "cur", error)) {
      problems_ << printable(name) << ": a further folder, not imported; name it to import it\n";
    }
  }
  return summary_;
}

Result<ImportSummary> Importer::mbox(const std::string& path) {
  int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return fail(Errc::io, fmt::format("{} can't be read: {}", printable(path, 4096), std::strerror(errno)));
  MboxReader reader(descriptor);
  for (;;) {
    auto more = reader.next_message();
    if (!more) return fail(more.error().code, fmt::format("{}: {}", printable(path, 4096), more.error().message));
    if (!*more) return summary_;
    ImportedMessage message;
    message.source = fmt::format("{}, octet {}", path, reader.offset());
    message.internal_date = reader.date();
    auto first = reader.piece();
    if (first && first->empty()) {
      problem(message.source, "the message is empty");
      continue;
    }
    bool given = false;
    auto done = give(message, [&]() -> Result<std::string_view> {
      if (!given) {
        given = true;
        return first;
      }
      return reader.piece();
    });
    if (!done) return std::unexpected(done.error());
  }
}

} // namespace

Result<ImportSummary> import_mailbox(const std::string& path, const ImportSink& sink, std::ostream& problems) {
  std::error_code error;
  fs::file_status status = fs::status(path, error);
  Importer importer(sink, problems);
  if (fs::is_directory(status)) {
    if (fs::is_directory(fs::path(path) / "cur", error) && fs::is_directory(fs::path(path) / "new", error)) {
      return importer.maildir(path);
    }
    return fail(Errc::invalid,
                fmt::format("{} is not a Maildir: it has no folders cur and new", printable(path, 4096)));
  }
  if (fs::is_regular_file(status)) return importer.mbox(path);
  return fail(Errc::not_found, fmt::format("{} is neither a Maildir nor an mbox file", printable(path, 4096)));
}

} // namespace paquebot::cli
