#pragma once

#include "doctor/finding.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

/// What is told of a finding only once: when it comes, and when it goes.
namespace paquebot::doctor {

/// Findings that were told of: "check about" and the level, "warning" or "wrong".
using Told = std::map<std::string, std::string>;
/// As a setting of the store keeps it (kFoundSetting); at most 200 of them. What can't be read is nothing.
Told read_told(std::string_view setting);
std::string write_told(const Told& told);

struct Changes {
  std::vector<Finding> worse;      ///< warnings and what is wrong, not told of before or graver than then
  std::vector<std::string> better; ///< "check about" of what is good again
  Told told;                       ///< from now on
  bool empty() const { return worse.empty() && better.empty(); }
};
/// What can't be seen now stays as it was told.
Changes compare(const Told& before, const std::vector<Finding>& now);

/// The mail about it.
struct Letter {
  std::string subject;
  std::string text; ///< lines end with CRLF
};
Letter compose(const std::string& hostname, const Changes& changes);

} // namespace paquebot::doctor
