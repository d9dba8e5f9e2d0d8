#include "cli/import.h"

#include "base/text.h"
#include "cli/folder_lists.h"
#include "cli/maildir_folders.h"
#include "cli/maildir_uidls.h"
#include "cli/mbox_reader.h"
#include "cli/trusted_path.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <optional>
#include <ostream>
#include <sys/stat.h>
#include <tuple>
#include <unistd.h>
#include <vector>

namespace paquebot::cli {

namespace {

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
  Importer(const std::string& path, const std::string& folder, const ImportSink& sink, std::ostream& problems,
           const ImportFolders& folders)
      : path_(path), sink_(sink), problems_(problems), folders_(folders), folder_(folder) {}

  Result<ImportSummary> run();

private:
  Result<> maildir(const Opened& folder);
  Result<> further_folders(const Opened& folder);
  Result<> mail_of(const Opened& folder, const std::vector<Opened>& parts, const std::string& place);
  Result<> mbox(Opened file);
  Result<> mboxes(const Opened& folder);
  Result<bool> begin_folder(const std::string& shown);
  Result<> one_file(const Opened& part, const std::string& name, const std::string& shown, std::uint32_t uid);
  Result<> give(const ImportedMessage& message, const ImportContent& content);
  void tell(const std::string& source, const std::string& what) {
    problems_ << printable(source, 4096) << ": " << printable(what) << "\n";
  }
  void problem(const std::string& source, const std::string& what) {
    ++summary_.failed;
    tell(source, what);
  }
  void doubt(std::uint64_t offset, const std::string& what);
  std::unexpected<Error> wrong(Errc code, const std::string& what) const {
    return fail(code, fmt::format("{}{}", printable(path_, 4096), what));
  }

  const std::string& path_;
  const ImportSink& sink_;
  std::ostream& problems_;
  const ImportFolders& folders_;
  ImportSummary summary_;
  std::uint64_t doubts_ = 0;
  std::string folder_; ///< of what is read now
  FolderLists lists_;
  std::optional<MaildirUidls> uidls_;
  std::vector<std::string> keywords_; ///< by their letters
};

Result<> Importer::give(const ImportedMessage& message, const ImportContent& content) {
  auto taken = sink_(message, content);
  if (taken) {
    ++(*taken == Imported::now ? summary_.imported : summary_.before);
    return {};
  }
  if (taken.error().code != Errc::invalid) return std::unexpected(taken.error());
  problem(message.source, taken.error().message);
  return {};
}

/// False: it can't be made, which is told.
Result<bool> Importer::begin_folder(const std::string& shown) {
  if (!folders_) return true;
  const auto made = folders_(lists_.of(folder_));
  if (made) return true;
  if (made.error().code != Errc::invalid) return std::unexpected(made.error());
  problem(shown, made.error().message);
  return false;
}

void Importer::doubt(std::uint64_t offset, const std::string& what) {
  constexpr std::uint64_t kTold = 20; // a file that is no mbox has one in every other line
  if (++doubts_ <= kTold) tell(fmt::format("{}, octet {}", path_, offset), what);
}

Result<> Importer::one_file(const Opened& part, const std::string& name, const std::string& shown, std::uint32_t uid) {
  auto file = open_within(part, name);
  if (!file) {
    problem(shown, "it can't be read: " + file.error().message);
    return {};
  }
  if (!S_ISREG(file->facts.st_mode)) {
    problem(shown, "it is not a file");
    return {};
  }
  if (file->facts.st_uid != part.facts.st_uid) {
    problem(shown, fmt::format("it belongs to user {}, the Maildir to user {}: not imported", file->facts.st_uid,
                               part.facts.st_uid));
    return {};
  }
  ImportedMessage message;
  message.source = shown;
  message.folder = folder_;
  message.internal_date = from_millis(file->facts.st_mtim.tv_sec * 1000 + file->facts.st_mtim.tv_nsec / 1'000'000);
  message.uidl = uidls_->of(name);
  message.uid = uid;
  message.uidvalidity = uidls_->validity();
  message.uidnext = uidls_->next();
  std::size_t info = name.rfind(":2,");
  std::string_view flags = info == std::string::npos ? std::string_view() : std::string_view(name).substr(info + 3);
  message.seen = flags.contains('S');
  message.answered = flags.contains('R');
  message.flagged = flags.contains('F');
  message.draft = flags.contains('D');
  message.trashed = flags.contains('T');
  for (std::size_t i = 0; i < keywords_.size(); ++i)
    if (!keywords_[i].empty() && flags.contains(static_cast<char>('a' + i))) message.keywords.push_back(keywords_[i]);
  FileContent content(file->descriptor.release());
  return give(message, [&] { return content.piece(); });
}

constexpr std::array kParts{"cur", "new"};

/// cur and new, which must belong to the Maildir's owner.
Result<std::vector<Opened>> open_parts(const Opened& folder) {
  std::vector<Opened> parts;
  for (const char* name : kParts) {
    auto part = open_within(folder, name);
    if (!part) return fail(part.error().code, fmt::format("/{} can't be used: {}", name, part.error().message));
    if (!S_ISDIR(part->facts.st_mode)) return fail(Errc::invalid, fmt::format("/{} is not a folder", name));
    if (part->facts.st_uid != folder.facts.st_uid)
      return fail(Errc::permission, fmt::format("/{} belongs to user {}, the folder around it to user {}", name,
                                                part->facts.st_uid, folder.facts.st_uid));
    parts.push_back(std::move(*part));
  }
  return parts;
}

Result<> Importer::maildir(const Opened& folder) {
  const auto parts = open_parts(folder);
  if (!parts && parts.error().code == Errc::not_found) return mboxes(folder);
  if (!parts) return wrong(parts.error().code, parts.error().message);
  if (auto done = mail_of(folder, *parts, ""); !done) return done;
  return further_folders(folder);
}

/// Those of Maildir++, which stand beside cur and new. One that can't be read is told of, and left out.
Result<> Importer::further_folders(const Opened& folder) {
  auto names = names_within(folder, true);
  if (!names) return {};
  std::ranges::sort(*names);
  const std::string top = folder_;
  for (const std::string& name : *names) {
    if (!name.starts_with('.')) continue;
    const auto further = open_within(folder, name);
    if (!further || !S_ISDIR(further->facts.st_mode) || !open_within(*further, "cur")) continue;
    const auto wanted = folder_of_maildir(name, top);
    if (!wanted) {
      problem(name, wanted.error().message);
      continue;
    }
    auto parts = open_parts(*further);
    if (further->facts.st_uid != folder.facts.st_uid)
      parts = fail(Errc::permission, "it belongs to another user than the folder around it");
    if (!parts) {
      problem(name, parts.error().message);
      continue;
    }
    folder_ = *wanted;
    if (auto done = mail_of(*further, *parts, name + "/"); !done) return done;
  }
  folder_ = top;
  return {};
}

/// The files of one folder; `place` stands in front of what people are told.
Result<> Importer::mail_of(const Opened& folder, const std::vector<Opened>& parts, const std::string& place) {
  const auto begun = begin_folder(place);
  if (!begun || !*begun) return begun ? Result<>() : std::unexpected(begun.error());
  uidls_.emplace(folder);
  keywords_ = keywords_of_maildir(folder);
  struct File {
    std::uint32_t uid;    ///< those that have none yet get the next ones, as they would have there
    std::uint64_t second; ///< in its name: of its delivery
    std::string name;
    std::size_t part;
  };
  std::vector<File> files;
  for (std::size_t part = 0; part < parts.size(); ++part) {
    auto names = names_within(parts[part]);
    if (!names) return wrong(names.error().code, fmt::format("/{}{}: {}", place, kParts[part], names.error().message));
    for (std::string& name : *names)
      files.push_back(
          {uidls_->uid_of(name), parse_u64(name.substr(0, name.find('.'))).value_or(0), std::move(name), part});
  }
  std::ranges::sort(files, [](const File& a, const File& b) {
    const std::uint32_t first = a.uid - 1, second = b.uid - 1; // those without one last
    return std::tie(first, a.second, a.name, a.part) < std::tie(second, b.second, b.name, b.part);
  });
  std::uint32_t next = uidls_->next();
  for (const File& file : files) {
    const std::string shown = place + kParts[file.part] + "/" + file.name;
    const std::uint32_t uid = file.uid != 0 || next == 0 ? file.uid : next++;
    if (auto done = one_file(parts[file.part], file.name, shown, uid); !done) return done;
  }
  return {};
}

Result<> Importer::mbox(Opened file) {
  MboxReader reader(file.descriptor.release(),
                    [this](std::uint64_t offset, const std::string& what) { doubt(offset, what); });
  for (;;) {
    auto more = reader.next_message();
    if (!more) return wrong(more.error().code, ": " + more.error().message);
    if (!*more) return {};
    ImportedMessage message;
    message.source = fmt::format("{}, octet {}", path_, reader.offset());
    message.internal_date = reader.date();
    message.folder = folder_;
    message.of_mbox = true;
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
    if (!done) return done;
  }
}

/// A folder of files NAME.mbox.
Result<> Importer::mboxes(const Opened& folder) {
  constexpr std::string_view kEnding = ".mbox";
  auto names = names_within(folder);
  if (!names) return wrong(names.error().code, ": " + names.error().message);
  std::erase_if(*names, [&](const std::string& name) { return !name.ends_with(kEnding); });
  if (names->empty()) return wrong(Errc::invalid, " is not a Maildir: it has no folders cur and new");
  std::ranges::sort(*names);
  const std::string top = folder_;
  for (const std::string& name : *names) {
    const std::string stem = name.substr(0, name.size() - kEnding.size());
    const auto wanted = iequals(stem, "INBOX") ? Result<std::string>(top) : folder_of_maildir("." + stem, top);
    auto file = open_within(folder, name);
    if (!wanted || !file || !S_ISREG(file->facts.st_mode) || file->facts.st_uid != folder.facts.st_uid) {
      problem(name, !wanted ? wanted.error().message
                    : !file ? file.error().message
                            : "it is no file of the folder's owner");
      continue;
    }
    folder_ = *wanted;
    const auto begun = begin_folder(name);
    if (!begun) return std::unexpected(begun.error());
    if (!*begun || file->facts.st_size == 0) continue;
    if (auto done = mbox(std::move(*file)); !done && done.error().code == Errc::invalid)
      problem(name, done.error().message);
    else if (!done)
      return done;
  }
  folder_ = top;
  return {};
}

Result<Opened> open_mailbox(const std::string& path) {
  auto opened = open_trusted(path);
  if (!opened) {
    const std::string what = opened.error().code == Errc::not_found ? " is neither a Maildir nor an mbox file"
                                                                    : " can't be read: " + opened.error().message;
    return fail(opened.error().code, printable(path, 4096) + what);
  }
  const struct stat& facts = opened->facts;
  if (!S_ISDIR(facts.st_mode) && !S_ISREG(facts.st_mode))
    return fail(Errc::not_found, printable(path, 4096) + " is neither a Maildir nor an mbox file");
  if (S_ISREG(facts.st_mode) && facts.st_nlink > 1 && facts.st_uid != opened->folder_owner)
    return fail(
        Errc::permission,
        fmt::format("{} has {} names, and belongs to user {}, its folder to user {}: copy it to another file first",
                    printable(path, 4096), facts.st_nlink, facts.st_uid, opened->folder_owner));
  return opened;
}

Result<ImportSummary> Importer::run() {
  auto opened = open_mailbox(path_);
  if (!opened) return std::unexpected(opened.error());
  const bool folder = S_ISDIR(opened->facts.st_mode);
  if (folder) lists_ = FolderLists(*opened, folder_);
  auto done = folder ? maildir(*opened) : mbox(std::move(*opened));
  constexpr std::uint64_t kTold = 20;
  if (doubts_ > kTold) tell(path_, fmt::format("and {} more such lines", doubts_ - kTold));
  if (!done && summary_.imported + summary_.before + summary_.failed == 0) return std::unexpected(done.error());
  if (!done) summary_.ended = done.error();
  if (done && summary_.imported + summary_.before + summary_.failed == 0)
    return wrong(Errc::not_found, folder ? ": there is nothing to import in it" : ": there is nothing to import");
  return summary_;
}

} // namespace

Result<ImportSummary> import_mailbox(const std::string& path, const std::string& folder, const ImportSink& sink,
                                     std::ostream& problems, const ImportFolders& folders) {
  return Importer(path, folder, sink, problems, folders).run();
}

namespace {

std::uint64_t octets_of_folder(const Opened& folder) {
  const auto parts = open_parts(folder);
  if (!parts) return 0;
  std::uint64_t octets = 0;
  for (const Opened& part : *parts) {
    const auto names = names_within(part);
    for (const std::string& name : names ? *names : std::vector<std::string>()) {
      struct stat facts{};
      if (::fstatat(part.descriptor.get(), name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(facts.st_mode))
        octets += static_cast<std::uint64_t>(facts.st_size);
    }
  }
  return octets;
}

} // namespace

std::uint64_t octets_of_mailbox(const std::string& path) {
  const auto opened = open_mailbox(path);
  if (!opened) return 0;
  if (S_ISREG(opened->facts.st_mode)) return static_cast<std::uint64_t>(opened->facts.st_size);
  std::uint64_t octets = octets_of_folder(*opened);
  const auto names = names_within(*opened, true);
  for (const std::string& name : names ? *names : std::vector<std::string>()) {
    if (!name.starts_with('.') && !name.ends_with(".mbox")) continue;
    const auto further = open_within(*opened, name);
    if (further && S_ISDIR(further->facts.st_mode)) octets += octets_of_folder(*further);
    if (further && S_ISREG(further->facts.st_mode)) octets += static_cast<std::uint64_t>(further->facts.st_size);
  }
  return octets;
}

} // namespace paquebot::cli
