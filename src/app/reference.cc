#include "app/reference.h"

#include "app/settings.h"
#include "base/text.h"
#include "control/json.h"

#include <algorithm>
#include <fmt/format.h>

namespace paquebot::app {
namespace {

/// What a row says, whoever its owner is.
struct Told {
  std::string_view key, form, otherwise;
  Bounds bounds;
  std::vector<std::string_view> words;
  std::string standard; ///< as the file would have it
  bool required = false, restart = false;
  std::string text; ///< in one line
};

struct ToldSection {
  std::string_view name, heading;
  bool list = false;
  std::vector<Told> settings;
  std::vector<std::vector<std::string>> standard; ///< of a list: the lines of those that hold without any
};

std::string in_one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\n';
    if (!blank || (!line.empty() && line.back() != ' ')) line += blank ? ' ' : c;
  }
  return line;
}

template <class Owner>
ToldSection told(const Section<Owner>& section, const Owner& standard) {
  ToldSection told{.name = section.name, .heading = section.heading};
  for (const Setting<Owner>& setting : section.settings)
    told.settings.push_back({.key = setting.key,
                             .form = setting.value.form,
                             .otherwise = setting.otherwise,
                             .bounds = setting.value.bounds,
                             .words = setting.value.words,
                             .standard = setting.value.write(standard),
                             .required = setting.required,
                             .restart = setting.restart,
                             .text = in_one_line(setting.text)});
  return told;
}

ToldSection told(const Section<Config>& section) {
  static const Config kStandard =
      load_config("defaults", [](const std::string&) { return Result<std::string>(""); }).value();
  return told(section, kStandard);
}

template <class Item>
ToldSection told(const List<Item>& list) {
  Item standard;
  for (const Setting<Item>& setting : list.each.settings) setting.value.reset(standard);
  ToldSection section = told(list.each, standard);
  section.list = true;
  for (const Item& item : list.standard) {
    std::vector<std::string>& lines = section.standard.emplace_back();
    for (const Setting<Item>& setting : list.each.settings)
      if (const std::string value = setting.value.write(item);
          setting.required || value != setting.value.write(standard))
        lines.push_back(fmt::format("{} = {}", setting.key, value));
  }
  return section;
}

std::vector<ToldSection> all_told() {
  std::vector<ToldSection> all;
  for (const AnySection& any : settings())
    all.push_back(std::visit([](const auto& section) { return told(section); }, any));
  return all;
}

std::string heading_of(const ToldSection& section) {
  return section.list ? fmt::format("[[{}]]", section.name) : fmt::format("[{}]", section.name);
}

/// A bound as a person writes it.
std::string bound_text(const Told& setting, std::int64_t bound) {
  std::string text = setting.form == "duration" ? toml_duration(std::chrono::seconds(bound))
                     : setting.form == "size"   ? toml_size(static_cast<std::uint64_t>(bound))
                                                : std::to_string(bound);
  std::erase(text, '"');
  return text;
}

std::string bounds_text(const Told& setting) {
  const auto& [least, most, why] = setting.bounds;
  if (setting.form == "mode" || !least) return {};
  if (most) return bound_text(setting, *least) + " to " + bound_text(setting, *most);
  return *least > 0 ? "from " + bound_text(setting, *least) : std::string();
}

std::string default_text(const Told& setting) {
  if (setting.required) return "must be given";
  if (!setting.otherwise.empty()) return std::string(setting.otherwise);
  return setting.standard == "\"\"" || setting.standard == "[]" ? "none" : "`" + setting.standard + "`";
}

std::string cell(const std::string& text) { return text.empty() ? " |" : " " + text + " |"; }

std::string table_of(const ToldSection& section) {
  const bool bounded = std::ranges::any_of(section.settings, [](const Told& one) { return !bounds_text(one).empty(); });
  const std::string_view heading = section.heading;
  std::string table = fmt::format("| key | default |{} {}{}|\n|---|---|---|{}\n", bounded ? " bounds |" : "", heading,
                                  heading.empty() ? "" : " ", bounded ? "---|" : "");
  for (const Told& setting : section.settings)
    table += fmt::format("| `{}`{} | {} |{} {}{}|\n", setting.key, setting.restart ? " ↻" : "", default_text(setting),
                         bounded ? cell(bounds_text(setting)) : "", setting.text, setting.text.empty() ? "" : " ");
  return table;
}

/// Lines of comment, at most 100 columns.
std::string commented(std::string_view text) {
  std::string lines, line;
  for (const std::string_view word : split(text, ' ')) {
    if (line.size() + word.size() > 98 && !line.empty()) {
      lines += "#" + line + "\n";
      line.clear();
    }
    (line += ' ') += word;
  }
  return text.empty() ? "" : lines + "#" + line + "\n";
}

/// A key with what it is for. In a comment it says what it would have to be.
std::string key_lines(const ToldSection& section, const Told& setting, bool live) {
  const std::string text =
      section.heading.empty() ? setting.text : fmt::format("{}: {}", section.heading, setting.text);
  std::string facts;
  const auto add = [&](std::string_view name, std::string_view what) {
    if (!what.empty()) facts += fmt::format("{}{}{}.", facts.empty() ? "" : " ", name, what);
  };
  if (setting.required) add("", "Must be given");
  add("Default: ", setting.otherwise);
  add("Bounds: ", bounds_text(setting));
  add("", setting.restart ? "Takes effect at the next start" : "");
  const bool open = setting.standard == "\"\"" || setting.standard == "[]" || setting.standard == "0";
  const bool set = live && setting.otherwise.empty() && !setting.required;
  return commented(text) + commented(facts) +
         fmt::format("{}{} ={}{}\n\n", set ? "" : "#", setting.key, set || !open ? " " : "",
                     set || !open ? setting.standard : "");
}

control::json::object json_of(const Told& setting) {
  control::json::object object{{"key", setting.key}, {"form", setting.form}};
  if (setting.bounds.least) object["least"] = *setting.bounds.least;
  if (setting.bounds.most) object["most"] = *setting.bounds.most;
  if (!setting.words.empty()) {
    control::json::array words;
    for (const std::string_view word : setting.words) words.emplace_back(word);
    object["words"] = std::move(words);
  }
  if (!setting.otherwise.empty()) {
    object["otherwise"] = setting.otherwise;
  } else if (!setting.required) { // what we write is JSON too, but for modes
    auto value = control::parse_json(setting.standard, "the default");
    object["default"] = value ? std::move(*value) : control::json::value(setting.standard);
  }
  object["required"] = setting.required;
  object["restart"] = setting.restart;
  object["text"] = setting.text;
  return object;
}

} // namespace

std::vector<SectionTable> reference_tables() {
  std::vector<SectionTable> tables;
  for (const ToldSection& section : all_told()) tables.push_back({heading_of(section), table_of(section)});
  return tables;
}

std::string reference_markdown() {
  std::string text;
  for (const auto& [heading, table] : reference_tables())
    text += fmt::format("{}## {}\n\n{}", text.empty() ? "" : "\n", heading, table);
  return text;
}

std::string reference_json() {
  control::json::array sections;
  for (const ToldSection& section : all_told()) {
    control::json::array rows;
    for (const Told& setting : section.settings) rows.push_back(json_of(setting));
    sections.push_back(
        control::json::object{{"name", section.name}, {"list", section.list}, {"settings", std::move(rows)}});
  }
  return control::to_pretty_text(control::json::object{{"sections", std::move(sections)}});
}

std::string defaults_toml() {
  std::string text =
      "# Every key of the configuration, as it is without this file (docs/configuration.md). What stands in\n"
      "# a comment has no default, or one that depends on this machine or on another key.\n\n";
  for (const ToldSection& section : all_told()) {
    const bool live = !section.list && std::ranges::none_of(section.settings, &Told::required);
    text += fmt::format("{}{}\n\n", live ? "" : "#", heading_of(section));
    for (const Told& setting : section.settings) text += key_lines(section, setting, live);
    for (const std::vector<std::string>& lines : section.standard) {
      text += heading_of(section) + "\n";
      for (const std::string& line : lines) text += line + "\n";
      text += "\n";
    }
  }
  return text;
}

} // namespace paquebot::app
