#include "net/transcript.h"

#include <algorithm>

namespace paquebot::net {

void Transcript::watch_until(std::int64_t until) {
  const std::scoped_lock lock(mutex_);
  until_ = std::max(until_, until);
}

bool Transcript::watched(std::int64_t now) const {
  const std::scoped_lock lock(mutex_);
  return now < until_;
}

void Transcript::push(Line line) {
  lines_.push_back(std::move(line));
  if (lines_.size() <= kMostLines) return;
  lines_.pop_front();
  ++lost_;
}

void Transcript::add(Who who, std::string_view text, std::int64_t now) {
  const std::scoped_lock lock(mutex_);
  content_ = 0;
  std::string kept(text.substr(0, kMostText));
  if (text.size() > kMostText) kept += "…";
  push({now, who, std::move(kept)});
}

void Transcript::add_lines(Who who, std::string_view bytes, std::int64_t now) {
  while (!bytes.empty()) {
    const std::size_t end = std::min(bytes.find('\n'), bytes.size());
    std::string_view line = bytes.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    add(who, line, now);
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
  }
}

void Transcript::add_content(Who who, std::size_t octets, std::int64_t now) {
  if (octets == 0) return;
  const std::scoped_lock lock(mutex_);
  const bool goes_on = content_ > 0 && !lines_.empty() && lines_.back().who == who;
  content_ = goes_on ? content_ + octets : octets;
  std::string text = "(" + std::to_string(content_) + " octets of content)";
  if (goes_on)
    lines_.back() = {now, who, std::move(text)};
  else
    push({now, who, std::move(text)});
}

std::vector<Transcript::Line> Transcript::lines() const {
  const std::scoped_lock lock(mutex_);
  return {lines_.begin(), lines_.end()};
}

std::uint64_t Transcript::lost() const {
  const std::scoped_lock lock(mutex_);
  return lost_;
}

} // namespace paquebot::net
