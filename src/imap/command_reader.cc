#include "imap/command_reader.h"

#include "base/text.h"
#include "sasl/secret.h"

#include <algorithm>
#include <cassert>
#include <fmt/format.h>
#include <string.h>

namespace paquebot::imap {
namespace {
constexpr std::size_t kKeptCapacity = 4096; // octets that an idle connection may keep
constexpr std::size_t kMostDigits = 20;
constexpr std::size_t kMostFirstWord = 64;
constexpr std::size_t kMostAnnounced = kMostDigits + 5; // octets at the end of a line that announce a literal, with CR
} // namespace

CommandReader::~CommandReader() { clear(); }

/// Grown by hand: the old memory must be overwritten before it is freed.
void CommandReader::grow(std::string& text, std::string_view bytes) {
  if (text.size() + bytes.size() > text.capacity()) {
    std::string other;
    other.reserve(std::max(2 * text.size(), text.size() + bytes.size()));
    other.append(text);
    sasl::wipe(text);
    text.swap(other);
  }
  text.append(bytes);
}

void CommandReader::drop_used() {
  if (used_ == 0) return;
  const std::size_t left = input_.size() - used_;
  std::copy(input_.begin() + static_cast<std::ptrdiff_t>(used_), input_.end(), input_.begin());
  explicit_bzero(input_.data() + left, used_);
  input_.resize(left);
  scanned_ = scanned_ > used_ ? scanned_ - used_ : 0;
  used_ = 0;
  if (input_.empty() && input_.capacity() > kKeptCapacity) std::string().swap(input_);
}

void CommandReader::append(std::string_view bytes) {
  drop_used();
  grow(input_, bytes);
}

/// The command before is over.
void CommandReader::begin() {
  if (!text_.empty()) explicit_bzero(text_.data(), text_.size());
  text_.clear();
  if (text_.capacity() > kKeptCapacity) std::string().swap(text_);
  fresh_ = false;
}

/// A line that ends in "{5}", "{5+}" or "~{5}".
bool CommandReader::announces_literal(std::string_view line) {
  if (!line.ends_with('}')) return false;
  const auto open = line.rfind('{');
  if (open == std::string_view::npos) return false;
  std::string_view number = line.substr(open + 1, line.size() - open - 2);
  const bool waits = !number.ends_with('+') && !number.ends_with('-');
  if (!waits) number.remove_suffix(1);
  const auto size = number.size() <= kMostDigits ? parse_u64(number) : std::nullopt;
  if (!size) return false;
  literal_ = {*size, waits, open > 0 && line[open - 1] == '~'};
  return true;
}

CommandReader::Status CommandReader::too_long(std::string_view line) {
  const std::string_view all = text_.empty() ? line : text_;
  const auto end = all.substr(0, kMostFirstWord + 1).find(' ');
  first_word_ = end == std::string_view::npos ? std::string_view() : all.substr(0, end);
  return Status::too_long;
}

CommandReader::Status CommandReader::next(std::size_t most, bool lines_only) {
  for (;;) {
    if (mode_ == Mode::stream) return Status::none;
    const std::string_view here = std::string_view(input_).substr(used_);
    if (mode_ == Mode::literal || mode_ == Mode::skip) {
      const std::string_view part = here.substr(0, std::min<std::uint64_t>(left_, here.size()));
      if (mode_ == Mode::literal) grow(text_, part);
      used_ += part.size();
      left_ -= part.size();
      if (left_ > 0) return Status::none;
      mode_ = mode_ == Mode::literal ? Mode::line : Mode::skip_line;
      continue;
    }
    if (fresh_) begin();
    const auto end = input_.find('\n', std::max(scanned_, used_));
    if (end == std::string::npos) {
      scanned_ = input_.size();
      // Its end may announce a literal, wherever the octets are cut.
      if (mode_ == Mode::skip_line) used_ = std::max(used_, scanned_ - std::min(scanned_, kMostAnnounced));
      if (mode_ == Mode::skip_line || text_.size() + (scanned_ - used_) <= most) return Status::none;
      used_ = scanned_;
      mode_ = Mode::skip_line;
      return too_long(here);
    }
    std::string_view line = std::string_view(input_).substr(used_, end - used_);
    used_ = scanned_ = end + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (mode_ == Mode::skip_line) {
      // A literal of what is skipped, whose octets come all the same.
      if (announces_literal(line) && !literal_.waits) {
        left_ = literal_.size;
        mode_ = Mode::skip;
        continue;
      }
      mode_ = Mode::line;
      fresh_ = true;
      continue;
    }
    if (text_.size() + line.size() > most) {
      fresh_ = true;
      if (announces_literal(line) && !literal_.waits) {
        left_ = literal_.size;
        mode_ = Mode::skip;
      }
      return too_long(line);
    }
    grow(text_, line);
    if (!lines_only && announces_literal(line)) {
      grow(text_, "\r\n");
      return Status::literal;
    }
    fresh_ = true;
    return Status::command;
  }
}

void CommandReader::take() {
  left_ = literal_.size;
  mode_ = Mode::literal;
}

void CommandReader::stream() {
  left_ = literal_.size;
  mode_ = left_ > 0 ? Mode::stream : Mode::line;
}

void CommandReader::skip() {
  left_ = literal_.size;
  mode_ = Mode::skip;
  fresh_ = true;
}

void CommandReader::abandon() {
  mode_ = Mode::line;
  left_ = 0;
  fresh_ = true;
}

std::string_view CommandReader::piece(std::size_t most) {
  assert(mode_ == Mode::stream);
  const std::string_view here = std::string_view(input_).substr(used_);
  const std::string_view part = here.substr(0, std::min<std::uint64_t>(left_, std::min(most, here.size())));
  used_ += part.size();
  scanned_ = used_;
  left_ -= part.size();
  if (left_ == 0) mode_ = Mode::line;
  return part;
}

void CommandReader::clear() {
  sasl::wipe(input_);
  sasl::wipe(text_);
  used_ = scanned_ = 0;
  left_ = 0;
  mode_ = Mode::line;
  fresh_ = true;
}

} // namespace paquebot::imap
