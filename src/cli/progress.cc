#include "cli/progress.h"

#include "base/clock.h"
#include "cli/output.h"

#include <algorithm>
#include <fmt/format.h>
#include <ostream>

namespace paquebot::cli {

ProgressBar::ProgressBar(std::ostream* terminal, std::string label, std::uint64_t total, std::string noun)
    : terminal_(terminal), label_(std::move(label)), noun_(std::move(noun)), total_(total) {}

ProgressBar::~ProgressBar() {
  if (drawn_) *terminal_ << "\r\x1b[K" << std::flush;
}

void ProgressBar::add(std::uint64_t octets) {
  done_ += octets;
  draw();
}

void ProgressBar::set(std::uint64_t done, std::uint64_t total) {
  done_ = done;
  total_ = total;
  draw();
}

void ProgressBar::draw() {
  constexpr std::size_t kWidth = 30;
  auto now = system_clock().now();
  if (terminal_ == nullptr || total_ == 0 || now < next_) return;
  next_ = now + std::chrono::milliseconds(100);
  drawn_ = true;
  auto share = std::min(1.0, static_cast<double>(done_) / static_cast<double>(total_));
  auto full = static_cast<std::size_t>(share * kWidth);
  *terminal_ << fmt::format("\r{} [{}{}] {:3.0f} % of {}", label_, std::string(full, '#'),
                            std::string(kWidth - full, ' '), share * 100,
                            noun_.empty() ? size_text(total_) : count_text(static_cast<std::int64_t>(total_), noun_))
             << std::flush;
}

} // namespace paquebot::cli
