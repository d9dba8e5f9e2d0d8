#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string>

namespace paquebot::cli {

/// A bar on a terminal, redrawn at most ten times a second. Removes itself.
class ProgressBar {
public:
  /// Shows nothing when `terminal` is null. Octets are counted, or what `noun` says ("message").
  ProgressBar(std::ostream* terminal, std::string label, std::uint64_t total, std::string noun = {});
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  void add(std::uint64_t octets);
  /// What is done by now, and what there is to do as far as known by now.
  void set(std::uint64_t done, std::uint64_t total);

private:
  void draw();

  std::ostream* terminal_;
  std::string label_, noun_;
  std::uint64_t total_, done_ = 0;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point next_{};
};

} // namespace paquebot::cli
