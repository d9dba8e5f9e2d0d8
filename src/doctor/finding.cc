#include "doctor/finding.h"

#include "mailauth/dkim_key.h"

#include <algorithm>
#include <utility>

namespace paquebot::doctor {

std::string_view name_of(Level level) {
  switch (level) {
    case Level::good: return "good";
    case Level::note: return "note";
    case Level::unknown: return "unknown";
    case Level::warning: return "warning";
    case Level::wrong: break;
  }
  return "wrong";
}

Record text_record(std::string name, std::string text, std::string purpose) {
  std::string zone = mailauth::txt_zone_line(name, text);
  return {std::move(name), "TXT", std::move(text), std::move(zone), std::move(purpose)};
}

Record plain_record(std::string name, std::string type, std::string value, std::string purpose,
                    std::string zone_value) {
  std::string zone = name + ". IN " + type + " " + (zone_value.empty() ? value : zone_value);
  return {std::move(name), std::move(type), std::move(value), std::move(zone), std::move(purpose)};
}

Level worst_of(const std::vector<Finding>& findings) {
  Level worst = Level::good;
  for (const Finding& one : findings) worst = std::max(worst, one.level);
  return worst;
}

} // namespace paquebot::doctor
