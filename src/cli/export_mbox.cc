#include "base/text.h"
#include "cli/export.h"
#include "cli/export_place.h"
#include "cli/folder_lists.h"
#include "cli/temp_file.h"
#include "store/types.h"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

namespace paquebot::cli {
namespace {

constexpr std::size_t kHeldLine = 256 * 1024;

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

/// "From MAILER-DAEMON Tue Nov 14 22:13:20 2023": who sent it is in the head.
std::string from_line(std::int64_t date) {
  const std::time_t second = date / 1000;
  return fmt::format("From MAILER-DAEMON {:%a %b %d %H:%M:%S %Y}\n", fmt::gmtime(second));
}

bool begins_from(std::string_view line) {
  const std::size_t signs = line.find_first_not_of('>');
  return signs != std::string_view::npos && line.substr(signs).starts_with("From ");
}

/// The lines of a message as they stand in an mbox file: LF, ">" in front of "From ", and fields of its own in front of
/// the empty line that ends the head.
class MboxLines {
public:
  explicit MboxLines(std::string fields) : fields_(std::move(fields)) {}

  void add(std::string_view piece, std::string& out) {
    held_ += piece;
    std::size_t at = 0;
    for (std::size_t end = held_.find('\n'); end != std::string::npos; end = held_.find('\n', at)) {
      std::string_view line = std::string_view(held_).substr(at, end - at);
      if (line.ends_with('\r')) line.remove_suffix(1);
      put(line, out);
      out += '\n';
      begins_ = true;
      at = end + 1;
    }
    held_.erase(0, at);
    // A line that does not end is nobody's to keep in memory; a CR may be half of its end.
    if (held_.size() <= kHeldLine) return;
    put(std::string_view(held_).substr(0, held_.size() - 1), out);
    begins_ = false;
    held_.erase(0, held_.size() - 1);
  }
  void end(std::string& out) {
    if (!held_.empty() || !begins_) {
      put(held_, out);
      out += '\n';
    }
    if (!std::exchange(told_, true)) out += fields_ + "\n"; // no empty line in it
    out += '\n';
  }

private:
  void put(std::string_view line, std::string& out) {
    if (begins_ && line.empty() && !std::exchange(told_, true)) out += fields_;
    if (begins_ && begins_from(line)) out += '>';
    out += line;
  }

  const std::string fields_;
  std::string held_;
  bool begins_ = true; ///< of a line
  bool told_ = false;
};

class MboxWriter final : public ExportWriter {
public:
  explicit MboxWriter(const Opened& root) : root_(root) {}

  Result<> begin(const ExportedFolder& folder, const std::vector<std::string>& keywords) override {
    folder_ = folder;
    keywords_ = keywords;
    first_ = true;
    const auto name = file_of_folder(folder.name);
    if (!name) return std::unexpected(name.error());
    name_ = *name + ".mbox";
    whole_ = ::faccessat(root_.descriptor.get(), name_.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    if (whole_) return {};
    // Of a run that was broken off.
    if (::unlinkat(root_.descriptor.get(), part().c_str(), 0) != 0 && errno != ENOENT)
      return fail(Errc::io, printable(part(), 300) + " can't be written: " + std::strerror(errno));
    auto file = create_within(root_, part());
    if (!file) return std::unexpected(file.error());
    file_ = std::move(*file);
    return {};
  }
  bool has(const ExportedMessage&) override { return whole_; }

  Result<> write(const ExportedMessage& message, const ExportContent& content) override {
    MboxLines lines(fields_of(message));
    std::string out = from_line(message.date);
    for (;;) {
      const auto piece = content();
      if (!piece) return std::unexpected(piece.error());
      if (piece->empty())
        lines.end(out);
      else
        lines.add(*piece, out);
      if (auto done = write_all(file_.get(), out, name_); !done) return done;
      out.clear();
      if (piece->empty()) return {};
    }
  }

  Result<> end() override {
    if (whole_) return {};
    if (::fsync(file_.get()) != 0) return fail(Errc::io, name_ + " can't be synced: " + std::strerror(errno));
    file_ = Descriptor();
    if (auto moved = move_new(root_, part(), root_, name_); !moved) return moved;
    return sync_within(root_);
  }

  Result<> finish(const std::vector<ExportedFolder>& folders) override { return write_folder_lists(root_, folders); }

private:
  std::string part() const { return name_ + ".part"; }

  std::string fields_of(const ExportedMessage& message) {
    std::string fields;
    if (std::exchange(first_, false))
      fields += fmt::format("X-IMAPbase: {} {:010} {}\n", folder_.uidvalidity, folder_.uidnext - 1, joined(keywords_));
    const auto has = [&](std::uint64_t flag) { return (message.flags & flag) != 0; };
    fields += fmt::format("X-UID: {}\nStatus: {}O\n", message.uid, has(store::kSeen) ? "R" : "");
    std::string status;
    if (has(store::kAnswered)) status += 'A';
    if (has(store::kDeleted)) status += 'D';
    if (has(store::kFlagged)) status += 'F';
    if (has(store::kDraft)) status += 'T';
    if (!status.empty()) fields += "X-Status: " + status + "\n";
    if (!message.keywords.empty()) fields += "X-Keywords: " + joined(message.keywords) + "\n";
    if (!message.uidl.empty()) fields += "X-UIDL: " + message.uidl + "\n";
    return fields;
  }

  const Opened& root_;
  ExportedFolder folder_;
  std::vector<std::string> keywords_;
  std::string name_;
  Descriptor file_;
  bool whole_ = false, first_ = true;
};

} // namespace

std::unique_ptr<ExportWriter> mbox_writer(const Opened& root) { return std::make_unique<MboxWriter>(root); }

} // namespace paquebot::cli
