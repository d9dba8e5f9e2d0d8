#include "app/setting_list.h"

#include "app/settings.h"

#include <fmt/format.h>

namespace paquebot::app {
namespace {

std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\n';
    if (!blank || (!line.empty() && line.back() != ' ')) line += blank ? ' ' : c;
  }
  return line;
}

/// `name` is the section's, with the item's number in a list.
template <class Owner>
void tell(const Section<Owner>& section, const std::string& name, const Owner& owner, const Lines& lines,
          std::vector<control::SettingFacts>& all) {
  for (const Setting<Owner>& setting : section.settings) {
    Owner standard{};
    setting.value.reset(standard);
    control::SettingFacts facts{.key = fmt::format("{}.{}", name, setting.key),
                                .value = setting.value.write(owner),
                                .standard = setting.required            ? std::string()
                                            : setting.otherwise.empty() ? setting.value.write(standard)
                                                                        : std::string(setting.otherwise),
                                .line = 0,
                                .restart = setting.restart,
                                .text = one_line(setting.text)};
    if (const auto line = lines.find(facts.key); line != lines.end()) facts.line = line->second;
    all.push_back(std::move(facts));
  }
}

void tell(const Section<Config>& section, const Config& config, std::vector<control::SettingFacts>& all) {
  tell(section, std::string(section.name), config, config.lines, all);
}

template <class Item>
void tell(const List<Item>& list, const Config& config, std::vector<control::SettingFacts>& all) {
  std::size_t number = 0;
  for (const Item& item : list.items(const_cast<Config&>(config)))
    tell(list.each, fmt::format("{}.{}", list.each.name, ++number), item, config.lines, all);
}

} // namespace

std::vector<control::SettingFacts> setting_list(const Config& config) {
  std::vector<control::SettingFacts> all;
  for (const AnySection& any : settings()) std::visit([&](const auto& section) { tell(section, config, all); }, any);
  return all;
}

} // namespace paquebot::app
