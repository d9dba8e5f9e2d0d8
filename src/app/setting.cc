#include "app/setting.h"

#include "base/text.h"

#include <array>
#include <fmt/format.h>

namespace paquebot::app {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

/// The number in the first unit that leaves no rest.
std::string in_units(std::uint64_t number, std::span<const Unit> units) {
  for (const Unit& unit : units)
    if (number > 0 && number % unit.factor == 0) return fmt::format("\"{}{}\"", number / unit.factor, unit.name);
  return {};
}

} // namespace

std::string toml_duration(std::chrono::seconds value) {
  static constexpr std::array<Unit, 4> kUnits{{{"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}}};
  const std::string text = in_units(static_cast<std::uint64_t>(value.count()), kUnits);
  return text.empty() ? "\"0s\"" : text;
}

std::string toml_size(std::uint64_t octets) {
  static constexpr std::array<Unit, 4> kUnits{
      {{"TiB", 1ull << 40}, {"GiB", 1u << 30}, {"MiB", 1u << 20}, {"KiB", 1u << 10}}};
  const std::string text = in_units(octets, kUnits);
  return text.empty() ? std::to_string(octets) : text;
}

std::string toml_list(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) list += (list.empty() ? "" : ", ") + toml_quoted(text);
  return "[" + list + "]";
}

std::optional<std::vector<std::string>> read_texts(Reader& read, const Node& node, Normal normal) {
  const std::vector<Node>* listed = read.texts(node);
  if (listed == nullptr) return std::nullopt;
  std::vector<std::string> texts;
  for (const Node& one : *listed) {
    auto text = normal != nullptr ? normal(one.text) : Result<std::string>(one.text);
    if (text)
      texts.push_back(std::move(*text));
    else
      read.error(one, fmt::format("\"{}\" in {} {}", printable(one.text, 80), node.key, text.error().message));
  }
  return texts;
}

} // namespace paquebot::app
