#include "cli/mbox_reader.h"

#include "base/text.h"
#include "mail/date.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <unistd.h>
#include <vector>

namespace paquebot::cli {

namespace {

constexpr std::size_t kReadBlock = 64 * 1024;
constexpr std::size_t kMaxFromLine = 1000; // octets of a "From " line

/// ">From ", ">>From " and so on.
bool is_quoted_from(std::string_view line) {
  std::size_t signs = line.find_first_not_of('>');
  return signs != 0 && signs != std::string_view::npos && line.substr(signs).starts_with("From ");
}

} // namespace

std::optional<WallTime> mbox_date(std::string_view from_line) {
  if (!from_line.starts_with("From ") || from_line.size() > kMaxFromLine) return {};
  std::vector<std::string_view> words;
  for (std::string_view word : split(from_line, ' ')) {
    if (!word.empty()) words.push_back(word);
  }
  // … Mon Nov 23 12:00:00 [zone] 2026 [zone]
  for (std::size_t i = 1; i + 3 < words.size(); ++i) {
    static constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    if (std::ranges::find(kMonths, words[i]) == std::end(kMonths) || !words[i + 2].contains(':')) continue;
    for (std::size_t year = i + 3; year < std::min(words.size(), i + 6); ++year) {
      if (words[year].size() != 4 || !parse_u64(words[year])) continue;
      return mail::parse_date(fmt::format("{} {} {} {} +0000", words[i + 1], words[i], words[year], words[i + 2]));
    }
  }
  return {};
}

MboxReader::MboxReader(int descriptor) : descriptor_(descriptor) {}
MboxReader::~MboxReader() { close(descriptor_); }

/// Reads another block behind what is there. False at the end of the file.
Result<bool> MboxReader::fill() {
  if (end_of_file_) return false;
  buffer_.erase(0, at_);
  at_ = 0;
  std::size_t had = buffer_.size();
  buffer_.resize(had + kReadBlock);
  ssize_t got;
  do {
    got = read(descriptor_, buffer_.data() + had, kReadBlock);
  } while (got < 0 && errno == EINTR);
  buffer_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (got < 0) return fail(Errc::io, fmt::format("it can't be read: {}", std::strerror(errno)));
  end_of_file_ = got == 0;
  return got > 0;
}

/// Takes a line, or a block of a longer one, into line_. False at the end of the file.
Result<bool> MboxReader::take_line() {
  std::size_t end = buffer_.find('\n', at_);
  while (end == std::string::npos && buffer_.size() - at_ < kReadBlock) {
    auto more = fill();
    if (!more) return more;
    if (!*more) break;
    end = buffer_.find('\n', at_);
  }
  if (at_ == buffer_.size()) return false;
  line_begins_ = line_ends_;
  line_ends_ = end != std::string::npos;
  std::size_t stop = line_ends_ ? end + 1 : buffer_.size();
  line_ = std::string_view(buffer_).substr(at_, stop - at_);
  line_offset_ = taken_;
  taken_ += line_.size();
  at_ = stop;
  if (line_ends_) line_.remove_suffix(1);
  // A CR at the cut of a very long line could be half of a CRLF: leave it for the next part.
  if (line_ends_ && line_.ends_with('\r'))
    line_.remove_suffix(1);
  else if (!line_ends_ && !end_of_file_ && line_.ends_with('\r') && line_.size() > 1) {
    line_.remove_suffix(1);
    --at_;
    --taken_;
  }
  return true;
}

bool MboxReader::at_separator() const {
  return line_begins_ && line_ends_ && after_blank_ && line_.starts_with("From ") && mbox_date(line_).has_value();
}

Result<bool> MboxReader::next_message() {
  while (in_message_) {
    auto left = piece();
    if (!left) return std::unexpected(left.error());
    if (left->empty()) break;
  }
  if (!started_) {
    started_ = true;
    auto first = take_line();
    if (!first || !*first) return first;
    if (!line_.starts_with("From ") || line_.size() > kMaxFromLine) {
      return fail(Errc::invalid, "it is not an mbox file: it doesn't begin with a line \"From …\"");
    }
    separator_waits_ = true;
  }
  if (!separator_waits_) return false;
  separator_waits_ = false;
  message_offset_ = line_offset_;
  date_ = mbox_date(line_);
  in_message_ = true;
  blank_held_ = after_blank_ = false;
  return true;
}

void MboxReader::emit_line() {
  if (blank_held_) out_ += "\r\n";
  blank_held_ = false;
  after_blank_ = line_begins_ && line_ends_ && line_.empty();
  if (after_blank_) {
    blank_held_ = true; // the last one in front of a separator belongs to it
    return;
  }
  out_ += line_begins_ && is_quoted_from(line_) ? line_.substr(1) : line_;
  if (line_ends_) out_ += "\r\n";
}

Result<std::string_view> MboxReader::piece() {
  out_.clear();
  while (in_message_ && out_.size() < kReadBlock) {
    auto more = take_line();
    if (!more) return std::unexpected(more.error());
    if (!*more) {
      in_message_ = false;
      if (!line_ends_) out_ += "\r\n";
      line_ends_ = true;
    } else if (at_separator()) {
      in_message_ = false;
      separator_waits_ = true;
    } else {
      emit_line();
    }
  }
  return std::string_view(out_);
}

} // namespace paquebot::cli
