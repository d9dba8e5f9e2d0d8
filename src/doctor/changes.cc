#include "doctor/changes.h"

#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace paquebot::doctor {
namespace {

constexpr std::size_t kMostRemembered = 200;
constexpr std::size_t kMostOctets = 400; ///< of one name
constexpr std::size_t kMostLetter = 96u << 10;

std::string name_of_finding(const Finding& finding) {
  std::string name = finding.check + (finding.about.empty() ? "" : " " + finding.about);
  name = printable(name, kMostOctets);
  std::ranges::replace(name, '\n', ' ');
  return name;
}

bool is_bad(Level level) { return level >= Level::warning; }

} // namespace

Told read_told(std::string_view setting) {
  Told told;
  for (const std::string_view line : split(setting, '\n')) {
    const auto space = line.find(' ');
    if (space == std::string_view::npos || told.size() >= kMostRemembered) continue;
    told.emplace(line.substr(space + 1), line.substr(0, space));
  }
  return told;
}

std::string write_told(const Told& told) {
  std::string text;
  for (const auto& [name, level] : told) text += level + " " + name + "\n";
  return text;
}

Changes compare(const Told& before, const std::vector<Finding>& now) {
  Changes changes;
  std::set<std::string> unseen, seen;
  for (const Finding& one : now) {
    const std::string name = name_of_finding(one);
    if (one.level == Level::unknown) unseen.insert(name), unseen.insert(one.check);
    if (!is_bad(one.level) || !seen.insert(name).second) continue;
    const auto known = before.find(name);
    const std::string level(name_of(one.level));
    const bool graver = known != before.end() && known->second == "warning" && level == "wrong";
    if (known == before.end() || graver) changes.worse.push_back(one);
    if (changes.told.size() < kMostRemembered) changes.told.emplace(name, level);
  }
  for (const auto& [name, level] : before) {
    if (seen.contains(name)) continue;
    const std::string check = name.substr(0, name.find(' '));
    if (unseen.contains(name) || unseen.contains(check))
      changes.told.emplace(name, level);
    else
      changes.better.push_back(name);
  }
  return changes;
}

Letter compose(const std::string& hostname, const Changes& changes) {
  Letter letter;
  letter.subject =
      changes.worse.empty()
          ? "Good again on " + hostname
          : fmt::format("{} new on {}",
                        changes.worse.size() == 1 ? "1 finding" : fmt::format("{} findings", changes.worse.size()),
                        hostname);
  std::string& text = letter.text;
  for (const Finding& one : changes.worse) {
    text += fmt::format("[{}] {}\r\n", name_of(one.level), printable(one.seen, 1000));
    if (!one.means.empty()) text += "  " + printable(one.means, 1000) + "\r\n";
    for (const std::string_view line : split(one.advice, '\n'))
      if (!line.empty()) text += "  " + printable(line, 1000) + "\r\n";
    for (const Record& record : one.records)
      for (const std::string_view line : split(record.zone, '\n')) text += "    " + printable(line, 900) + "\r\n";
    text += "\r\n";
  }
  if (!changes.better.empty()) text += "Good again:\r\n";
  for (const std::string& name : changes.better) text += "  " + printable(name, kMostOctets) + "\r\n";
  if (text.size() > kMostLetter) text.resize(text.rfind("\r\n", kMostLetter) + 2);
  text += "\r\nThe whole picture: paquebot doctor\r\n"
          "This is told once for each change; [doctor] in the configuration says whether and to whom.\r\n";
  return letter;
}

} // namespace paquebot::doctor
