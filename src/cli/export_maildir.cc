#include "base/text.h"
#include "cli/export.h"
#include "cli/export_place.h"
#include "cli/folder_lists.h"
#include "cli/maildir_folders.h"
#include "cli/maildir_uidls.h"
#include "cli/temp_file.h"
#include "store/types.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <ostream>
#include <sys/stat.h>
#include <unistd.h>

namespace paquebot::cli {
namespace {

constexpr std::size_t kLetters = 26;
constexpr std::size_t kAtOnce = 200; ///< files that become durable together

/// "1700000000.U17V1690000000.paquebot": of a file that an export wrote.
std::string base_of(const ExportedMessage& message, std::uint32_t validity) {
  return fmt::format("{}.U{}V{}.paquebot", message.date / 1000, message.uid, validity);
}

struct OwnName {
  std::uint32_t uid = 0, validity = 0;
};
std::optional<OwnName> read_own(std::string_view name) {
  const auto parts = split(name.substr(0, name.find(',')), '.');
  if (parts.size() != 3 || parts[2] != "paquebot" || !parts[1].starts_with('U')) return {};
  const std::size_t v = parts[1].find('V');
  if (v == std::string_view::npos) return {};
  const auto uid = parse_u64(parts[1].substr(1, v - 1)), validity = parse_u64(parts[1].substr(v + 1));
  if (!uid || !validity || *uid > UINT32_MAX || *validity > UINT32_MAX) return {};
  return OwnName{static_cast<std::uint32_t>(*uid), static_cast<std::uint32_t>(*validity)};
}

/// CRLF becomes LF.
class LineFeeds {
public:
  std::string_view of(std::string_view piece) {
    out_.clear();
    for (const char c : piece) {
      if (held_ && c != '\n') out_ += '\r';
      held_ = c == '\r';
      if (!held_) out_ += c;
    }
    return out_;
  }
  std::string_view rest() const { return held_ ? "\r" : ""; }

private:
  std::string out_;
  bool held_ = false;
};

class MaildirWriter final : public ExportWriter {
public:
  MaildirWriter(const Opened& root, std::ostream& problems) : root_(root), problems_(problems) {}

  Result<> begin(const ExportedFolder& folder, const std::vector<std::string>& keywords) override;
  bool has(const ExportedMessage& message) override { return there_.contains(message.uid); }
  Result<> write(const ExportedMessage& message, const ExportContent& content) override;
  Result<> end() override;
  Result<> finish(const std::vector<ExportedFolder>& folders) override { return write_folder_lists(root_, folders); }

private:
  struct Waiting {
    std::string name, wanted; ///< in tmp, and in cur
  };
  const Opened& top() const { return inbox_ ? root_ : own_; }
  Result<> find_before();
  Result<> name_keywords(const std::vector<std::string>& keywords);
  std::string letters_of(const ExportedMessage& message) const;
  Result<std::uint64_t> copy(int file, const std::string& name, const ExportContent& content) const;
  Result<> finish_waiting();

  const Opened& root_;
  std::ostream& problems_;
  ExportedFolder folder_;
  bool inbox_ = true;
  Opened own_, cur_, tmp_;                     ///< of the mailbox
  std::map<std::uint32_t, std::string> there_; ///< names without flags, by uid
  std::map<std::uint32_t, std::string> uidls_;
  std::vector<std::string> keywords_; ///< by their letters
  std::vector<Waiting> waiting_;
};

Result<> MaildirWriter::begin(const ExportedFolder& folder, const std::vector<std::string>& keywords) {
  folder_ = folder;
  there_.clear();
  uidls_.clear();
  waiting_.clear();
  inbox_ = folder.name == "INBOX";
  if (!inbox_) {
    const auto name = file_of_folder(folder.name);
    if (!name) return std::unexpected(name.error());
    auto own = make_within(root_, "." + *name);
    if (!own) return std::unexpected(own.error());
    own_ = std::move(*own);
    if (const auto mark = create_within(own_, "maildirfolder"); !mark && mark.error().code != Errc::conflict)
      return std::unexpected(mark.error());
  }
  auto cur = make_within(top(), "cur"), fresh = make_within(top(), "new"), tmp = make_within(top(), "tmp");
  for (const auto* part : {&cur, &fresh, &tmp})
    if (!*part) return std::unexpected(part->error());
  cur_ = std::move(*cur);
  tmp_ = std::move(*tmp);
  if (auto found = find_before(); !found) return found;
  return name_keywords(keywords);
}

Result<> MaildirWriter::find_before() {
  const auto names = names_within(cur_);
  if (!names) return std::unexpected(names.error());
  for (const std::string& name : *names) {
    const auto own = read_own(name);
    if (!own) continue;
    if (own->validity != folder_.uidvalidity)
      return fail(Errc::refused, "it was exported before under other uids: export it into another folder");
    there_[own->uid] = name.substr(0, name.find(':'));
  }
  return {};
}

/// Letters that were given stay.
Result<> MaildirWriter::name_keywords(const std::vector<std::string>& keywords) {
  keywords_ = keywords_of_maildir(top());
  const std::size_t before = keywords_.size();
  for (const std::string& word : keywords) {
    if (std::ranges::find(keywords_, word) != keywords_.end()) continue;
    if (keywords_.size() < kLetters)
      keywords_.push_back(word);
    else
      problems_ << printable(folder_.name, 4096) << ": a Maildir has 26 keywords at most: without "
                << printable(word, 200) << '\n';
  }
  if (keywords_.size() == before) return {};
  std::string list;
  for (std::size_t i = 0; i < keywords_.size(); ++i) list += fmt::format("{} {}\n", i, keywords_[i]);
  return write_list(top(), "dovecot-keywords", list);
}

std::string MaildirWriter::letters_of(const ExportedMessage& message) const {
  std::string letters;
  const auto add = [&](std::uint64_t flag, char letter) {
    if ((message.flags & flag) != 0) letters += letter;
  };
  add(store::kDraft, 'D');
  add(store::kFlagged, 'F');
  add(store::kAnswered, 'R');
  add(store::kSeen, 'S');
  add(store::kDeleted, 'T');
  for (std::size_t i = 0; i < keywords_.size(); ++i)
    if (std::ranges::find(message.keywords, keywords_[i]) != message.keywords.end())
      letters += static_cast<char>('a' + i);
  return letters;
}

/// How many octets it has.
Result<std::uint64_t> MaildirWriter::copy(int file, const std::string& name, const ExportContent& content) const {
  LineFeeds lines;
  std::uint64_t size = 0;
  for (;;) {
    const auto piece = content();
    if (!piece) return std::unexpected(piece.error());
    const std::string_view octets = piece->empty() ? lines.rest() : lines.of(*piece);
    if (auto done = write_all(file, octets, name); !done) return std::unexpected(done.error());
    size += octets.size();
    if (piece->empty()) return size;
  }
}

Result<> MaildirWriter::write(const ExportedMessage& message, const ExportContent& content) {
  const std::string name = base_of(message, folder_.uidvalidity);
  // Of a run that was broken off.
  if (::unlinkat(tmp_.descriptor.get(), name.c_str(), 0) != 0 && errno != ENOENT)
    return fail(Errc::io, name + " can't be written: " + std::strerror(errno));
  const auto file = create_within(tmp_, name);
  if (!file) return std::unexpected(file.error());
  const auto size = copy(file->get(), name, content);
  if (!size) return std::unexpected(size.error());
  const timespec when{message.date / 1000, message.date % 1000 * 1'000'000};
  const timespec times[2] = {when, when};
  if (::futimens(file->get(), times) != 0) return fail(Errc::io, name + ": " + std::strerror(errno));
  const std::string whole = fmt::format("{},S={}", name, *size);
  waiting_.push_back({name, whole + ":2," + letters_of(message)});
  there_[message.uid] = whole;
  if (!message.uidl.empty()) uidls_[message.uid] = message.uidl;
  return waiting_.size() < kAtOnce ? Result<>() : finish_waiting();
}

Result<> MaildirWriter::finish_waiting() {
  if (waiting_.empty()) return {};
  if (auto synced = sync_within(tmp_); !synced) return synced;
  for (const Waiting& one : waiting_)
    if (auto moved = move_new(tmp_, one.name, cur_, one.wanted); !moved) return moved;
  waiting_.clear();
  return {};
}

Result<> MaildirWriter::end() {
  if (auto done = finish_waiting(); !done) return done;
  const MaildirUidls before(top());
  std::string list = fmt::format("3 V{} N{}\n", folder_.uidvalidity, folder_.uidnext);
  for (const auto& [uid, name] : there_) {
    const auto own = uidls_.find(uid);
    const std::string uidl = own != uidls_.end() ? own->second : before.of(name);
    list += uidl.empty() ? fmt::format("{} :{}\n", uid, name) : fmt::format("{} P{} :{}\n", uid, uidl, name);
  }
  if (auto done = write_list(top(), "dovecot-uidlist", list); !done) return done;
  return sync_within(top());
}

} // namespace

std::unique_ptr<ExportWriter> maildir_writer(const Opened& root, std::ostream& problems) {
  return std::make_unique<MaildirWriter>(root, problems);
}

} // namespace paquebot::cli
