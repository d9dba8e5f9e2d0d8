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
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// ">From ", ">>From " and so on.
bool is_quoted_from(std::string_view line) {
  std::size_t signs = line.find_first_not_of('>');
  return signs != 0 && signs != std::string_view::npos && line.substr(signs).starts_with("From ");
}

/// Can it be the first line of a header field (RFC 5322 section 2.2)?
bool is_field(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == 0 || colon == std::string_view::npos) return false;
  std::string_view name = line.substr(0, colon);
  while (!name.empty() && (name.back() == ' ' || name.back() == '\t'))
    name.remove_suffix(1); // obsolete: before the colon
  return !name.empty() && std::ranges::all_of(name, [](char c) { return c > 0x20 && c < 0x7F; });
}

/// "2026-11-23" with the time "12:00:00…".
std::optional<WallTime> iso_date(std::string_view day, std::string_view time) {
  static constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (day.size() != 10 || day[4] != '-' || day[7] != '-' || time.size() < 8) return {};
  const auto month = parse_u64(day.substr(5, 2));
  if (!parse_u64(day.substr(0, 4)) || !month || *month < 1 || *month > 12) return {};
  return mail::parse_date(
      fmt::format("{} {} {} {} +0000", day.substr(8), kMonths[*month - 1], day.substr(0, 4), time.substr(0, 8)));
}

} // namespace

std::optional<WallTime> mbox_date(std::string_view from_line) {
  if (!from_line.starts_with("From ") || from_line.size() > kMaxFromLine) return {};
  std::vector<std::string_view> words;
  for (std::string_view word : split(from_line, ' ')) {
    if (!word.empty()) words.push_back(word);
  }
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::size_t t = words[i].find('T');
    const auto day = words[i].substr(0, t);
    const auto time = t != std::string_view::npos ? words[i].substr(t + 1)
                      : i + 1 < words.size()      ? words[i + 1]
                                                  : std::string_view();
    if (auto date = iso_date(day, time)) return date;
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

MboxReader::MboxReader(int descriptor, MboxDoubt doubt) : descriptor_(descriptor), doubt_(std::move(doubt)) {}
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

/// Looks ahead: can the next line be a header field? line_ stays what it is, in from_line_.
Result<bool> MboxReader::field_follows() {
  from_line_.assign(line_);
  line_ = from_line_;
  std::size_t end = buffer_.find('\n', at_);
  while (end == std::string::npos && buffer_.size() - at_ < kMaxFromLine) {
    auto more = fill();
    if (!more) return more;
    if (!*more) break;
    end = buffer_.find('\n', at_);
  }
  const std::size_t stop = std::min(end, buffer_.size());
  return is_field(std::string_view(buffer_).substr(at_, std::min(stop - at_, kMaxFromLine)));
}

Result<bool> MboxReader::at_separator() {
  if (!line_begins_ || !line_ends_ || !line_.starts_with("From ") || line_.size() > kMaxFromLine) return false;
  const bool dated = mbox_date(line_).has_value();
  if (after_blank_ && dated) return true;
  auto field = field_follows();
  if (!field) return field;
  if (doubt_)
    doubt_(line_offset_,
           !*field  ? "a line \"From …\" is taken for text: no header field follows it"
           : !dated ? "a line \"From …\" without a date is taken for the beginning of a message"
                    : "a line \"From …\" with no empty line before it is taken for the beginning of a message");
  return *field;
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
    if (first && *first && line_.starts_with(kByteOrderMark)) line_.remove_prefix(kByteOrderMark.size());
    while (first && *first && line_begins_ && line_ends_ && line_.empty()) first = take_line();
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
    } else {
      auto separator = at_separator();
      if (!separator) return std::unexpected(separator.error());
      if (*separator) {
        in_message_ = false;
        separator_waits_ = true;
      } else {
        emit_line();
      }
    }
  }
  return std::string_view(out_);
}

} // namespace paquebot::cli
