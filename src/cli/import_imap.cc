#include "cli/import_imap.h"

#include "base/text.h"
#include "cli/imap_client.h"
#include "imap/mailbox_name.h"

#include <algorithm>
#include <fmt/format.h>
#include <ostream>
#include <utility>
#include <vector>

namespace paquebot::cli {
namespace {

constexpr std::size_t kFactsAtOnce = 200;

/// The name of ours with a special use, as an account begins with.
std::string_view name_of_use(std::string_view use) {
  static constexpr std::pair<std::string_view, std::string_view> kUses[] = {
      {"\\Drafts", "Drafts"}, {"\\Sent", "Sent"}, {"\\Junk", "Junk"}, {"\\Trash", "Trash"}, {"\\Archive", "Archive"}};
  for (const auto& [which, name] : kUses)
    if (use == which) return name;
  return {};
}

void take_flag(const std::string& flag, ImportedMessage& message) {
  if (iequals(flag, "\\Seen")) message.seen = true;
  if (iequals(flag, "\\Answered")) message.answered = true;
  if (iequals(flag, "\\Flagged")) message.flagged = true;
  if (iequals(flag, "\\Draft")) message.draft = true;
  if (iequals(flag, "\\Deleted")) message.trashed = true;
  if (!flag.starts_with('\\')) message.keywords.push_back(flag);
}

class ImapImport {
public:
  ImapImport(ImapClient& client, std::string top, ProgressBar& bar, const ImportSink& sink, std::ostream& problems,
             const ImportFolders& folders)
      : client_(client), top_(std::move(top)), bar_(bar), sink_(sink), problems_(problems), folders_(folders) {}

  Result<ImportSummary> run() {
    const auto folders = client_.list();
    if (!folders) return std::unexpected(folders.error());
    // Where all others lie below INBOX, that says nothing of them.
    const bool below = folders->size() > 1 && std::ranges::all_of(*folders, [](const ImapFolder& one) {
                         return one.prefixed || one.name == "INBOX";
                       });
    for (const ImapFolder& folder : *folders) {
      const auto done = all_of(folder, below);
      if (!done && done.error().code == Errc::refused) {
        problem(folder.name, done.error().message);
      } else if (!done) {
        if (summary_.imported + summary_.before + summary_.failed == 0) return std::unexpected(done.error());
        summary_.ended = done.error();
        return summary_;
      }
    }
    client_.quit();
    return summary_;
  }

private:
  void problem(const std::string& source, const std::string& what) {
    ++summary_.failed;
    problems_ << printable(source, 4096) << ": " << printable(what) << "\n";
  }

  Result<std::string> target_of(const ImapFolder& folder, bool below) const {
    std::string name = folder.name;
    if (below && folder.prefixed) name.erase(0, std::string_view("INBOX/").size());
    if (const auto ours = name_of_use(folder.use); !ours.empty()) name = ours;
    if (name == "INBOX")
      name = top_;
    else if (!top_.empty())
      name = top_ + imap::kDelimiter + name;
    if (name.empty()) return name;
    if (const auto refusal = imap::refusal_of_name(name)) return fail(Errc::refused, std::string(*refusal));
    return name;
  }

  Result<> all_of(const ImapFolder& folder, bool below) {
    auto target = target_of(folder, below);
    if (!target) return std::unexpected(target.error());
    auto contents = client_.examine(folder);
    if (!contents) return std::unexpected(contents.error());
    ImportedFolder found{.name = *target, .subscribed = folder.subscribed};
    if (top_.empty() && !target->empty()) found.use = folder.use;
    if (const auto made = folders_ ? folders_(found) : Result<>(); !made) {
      if (made.error().code != Errc::invalid) return std::unexpected(made.error());
      return fail(Errc::refused, made.error().message);
    }
    contents_ = std::move(*contents);
    const std::vector<std::uint32_t>& uids = contents_.uids;
    total_ += uids.size();
    for (std::size_t at = 0; at < uids.size(); at += kFactsAtOnce) {
      const auto from = uids.begin() + static_cast<std::ptrdiff_t>(at);
      const std::size_t many = std::min(kFactsAtOnce, uids.size() - at);
      const auto facts = client_.facts({from, from + static_cast<std::ptrdiff_t>(many)});
      if (!facts) return std::unexpected(facts.error());
      for (const ImapFacts& one : *facts)
        if (auto done = one_message(folder.name, *target, one); !done) return done;
      done_ += many;
      bar_.set(done_, total_);
    }
    return {};
  }

  Result<> one_message(const std::string& shown, const std::string& target, const ImapFacts& facts) {
    ImportedMessage message;
    message.source = fmt::format("{}, uid {}", shown, facts.uid);
    message.folder = target;
    message.internal_date = facts.date;
    message.uid = facts.uid;
    message.uidvalidity = contents_.uidvalidity;
    message.uidnext = contents_.uidnext;
    for (const std::string& flag : facts.flags) take_flag(flag, message);
    message.origin = fmt::format("imap {} {}\n{}", facts.date ? millis(*facts.date) : 0, facts.size, facts.fields);
    bool begun = false, gone = false;
    char last = '\n';
    std::string mended;
    bool ended = false;
    const ImportContent content = [&]() -> Result<std::string_view> {
      if (ended || gone) return std::string_view();
      if (!std::exchange(begun, true)) {
        const auto there = client_.begin(facts.uid);
        if (!there) return std::unexpected(there.error());
        if (!*there) {
          gone = true;
          return fail(Errc::invalid, "it was deleted meanwhile");
        }
      }
      const auto piece = client_.piece();
      if (!piece) return piece;
      mended.clear();
      for (const char c : *piece) {
        if (c == '\n' && last != '\r') mended += '\r';
        mended += last = c;
      }
      if (piece->empty()) {
        ended = true;
        if (last != '\n') mended = "\r\n";
      }
      return std::string_view(mended);
    };
    const auto taken = sink_(message, content);
    if (auto rest = client_.drop(); !rest) return rest;
    if (taken) {
      ++(*taken == Imported::now ? summary_.imported : summary_.before);
      return {};
    }
    if (gone) return {}; // as if it had not been there
    if (taken.error().code != Errc::invalid) return std::unexpected(taken.error());
    problem(message.source, taken.error().message);
    return {};
  }

  ImapClient& client_;
  const std::string top_;
  ProgressBar& bar_;
  const ImportSink& sink_;
  std::ostream& problems_;
  const ImportFolders& folders_;
  ImapContents contents_; ///< of the mailbox that is read
  ImportSummary summary_;
  std::uint64_t done_ = 0, total_ = 0; ///< messages
};

} // namespace

Result<ImportSummary> import_imap(const Target& target, const std::string& folder, ProgressBar& bar,
                                  const ImportSink& sink, std::ostream& problems, const ImportFolders& folders) {
  auto client = ImapClient::open(target);
  if (!client) return std::unexpected(client.error());
  return ImapImport(*client, folder, bar, sink, problems, folders).run();
}

} // namespace paquebot::cli
