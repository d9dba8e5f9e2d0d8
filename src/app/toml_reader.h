#pragma once

// For config.cc only: toml++ is slow to compile.

#include "app/config.h"
#include "app/config_reader.h"
#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>
namespace paquebot::app {
/// toml++ asserts where some malformed files could be refused, such as a section "[%name]": load_config() refuses them.
struct TomlAssertion {};
[[noreturn]] inline void fail_toml_assertion() { throw TomlAssertion(); }
} // namespace paquebot::app
#define TOML_ASSERT(expression) (static_cast<bool>(expression) ? void() : paquebot::app::fail_toml_assertion())
#include <toml++/toml.h>

namespace paquebot::app {

/// Reads keys of tables, remembers every error with its line, and finds keys that nobody asked for.
class Reader {
public:
  Reader(std::string file, const FileSource& files) : file_(std::move(file)), files_(files) {}

  void error(std::uint32_t line, std::string_view what) {
    errors_.push_back(fmt::format("{}:{}: {}", file_, line, what));
  }
  void error(const toml::node& node, std::string_view what) { error(node.source().begin.line, what); }
  bool ok() const { return errors_.empty(); }
  std::string errors() const { return fmt::format("{}", fmt::join(errors_, "\n")); }

  /// Complains about keys of `table` that are not known.
  void only(const toml::table& table, std::string_view name, const std::vector<std::string_view>& known) {
    for (const auto& [key, node] : table) {
      if (std::ranges::find(known, key.str()) != known.end()) continue;
      std::string meant = nearest(key.str(), known);
      error(key.source().begin.line, fmt::format("unknown key \"{}\" in {}{}", printable(key.str(), 60), name,
                                                 meant.empty() ? fmt::format("; known are {}", fmt::join(known, ", "))
                                                               : fmt::format(": do you mean \"{}\"?", meant)));
    }
  }

  void text(const toml::table& table, std::string_view key, std::string& into) {
    with<std::string>(table, key, "a text in quotes",
                      [&](const std::string& value, const toml::node&) { into = value; });
  }

  void flag(const toml::table& table, std::string_view key, bool& into) {
    with<bool>(table, key, "true or false", [&](bool value, const toml::node&) { into = value; });
  }

  template <class I>
  void number(const toml::table& table, std::string_view key, std::int64_t least, std::int64_t most, I& into) {
    with<std::int64_t>(table, key, "a number", [&](std::int64_t value, const toml::node& node) {
      if (value < least || value > most)
        error(node, fmt::format("{} = {} is out of bounds: from {} to {}", key, value, least, most));
      else
        into = static_cast<I>(value);
    });
  }

  void duration(const toml::table& table, std::string_view key, std::chrono::seconds least,
                std::chrono::seconds& into) {
    scaled(table, key, "a duration such as \"30s\", \"5m\", \"4h\" or \"5d\"",
           [&](std::string_view value, const toml::node& node) {
             auto parsed = parse_duration(value);
             if (!parsed) return false;
             if (*parsed < least)
               error(node, fmt::format("{} = {} is too short: at least {} seconds", key, value, least.count()));
             else
               into = *parsed;
             return true;
           });
  }

  void size(const toml::table& table, std::string_view key, std::uint64_t least, std::uint64_t most,
            std::uint64_t& into) {
    scaled(table, key, "a size such as \"50MiB\"", [&](std::string_view value, const toml::node& node) {
      auto parsed = parse_size(value);
      if (!parsed) return false;
      if (*parsed < least || *parsed > most)
        error(node, fmt::format("{} = {} is out of bounds: from {} to {} octets", key, value, least, most));
      else
        into = *parsed;
      return true;
    });
  }

  /// One of a few words.
  template <class T>
  void choice(const toml::table& table, std::string_view key, const std::vector<std::pair<std::string_view, T>>& words,
              T& into) {
    with<std::string>(table, key, "a word in quotes", [&](const std::string& value, const toml::node& node) {
      std::vector<std::string_view> known;
      for (const auto& [word, meaning] : words) {
        known.push_back(word);
        if (word == value) {
          into = meaning;
          return;
        }
      }
      error(node,
            fmt::format("{} = \"{}\" is not known: use one of {}", key, printable(value, 60), fmt::join(known, ", ")));
    });
  }

  void texts(const toml::table& table, std::string_view key, std::vector<std::string>& into) {
    const toml::node* node = table.get(key);
    if (!node) return;
    const toml::array* array = node->as_array();
    if (!array) {
      error(*node, fmt::format("{} must be a list of texts, such as [\"…\"]", key));
      return;
    }
    into.clear();
    for (const toml::node& one : *array) {
      if (auto value = one.value_exact<std::string>())
        into.push_back(*value);
      else
        error(one, fmt::format("{} must be a list of texts", key));
    }
  }

  /// A list of networks.
  void networks(const toml::table& table, std::string_view key, net::Networks& into) {
    std::vector<std::string> listed;
    texts(table, key, listed);
    auto parsed = net::Networks::parse(listed);
    if (parsed)
      into = std::move(*parsed);
    else
      error(*table.get(key), fmt::format("{}: {}", key, parsed.error().message));
  }

  /// What the file named by `key` holds; "" without the key.
  std::string contents(const toml::table& table, std::string_view key) {
    std::string path;
    text(table, key, path);
    if (path.empty()) return path;
    auto bytes = files_(path);
    if (bytes) return *bytes;
    error(*table.get(key), fmt::format("can't read {} = \"{}\": {}", key, printable(path, 200), bytes.error().message));
    return std::string();
  }

private:
  template <class T, class F>
  void with(const toml::table& table, std::string_view key, std::string_view form, F use) {
    const toml::node* node = table.get(key);
    if (!node) return;
    if (auto value = node->value_exact<T>())
      use(*value, *node);
    else
      error(*node, fmt::format("{} must be {}", key, form));
  }

  template <class F>
  void scaled(const toml::table& table, std::string_view key, std::string_view form, F use) {
    const toml::node* node = table.get(key);
    if (!node) return;
    std::string value;
    if (auto words = node->value_exact<std::string>())
      value = *words;
    else if (auto number = node->value_exact<std::int64_t>(); number && *number >= 0)
      value = std::to_string(*number);
    if (value.empty() || !use(value, *node)) error(*node, fmt::format("{} must be {}", key, form));
  }

  std::string file_;
  const FileSource& files_;
  std::vector<std::string> errors_;
};

inline const toml::table kNothing;

inline const toml::table& section(Reader& read, const toml::table& root, std::string_view name) {
  const toml::node* node = root.get(name);
  if (!node) return kNothing;
  if (const toml::table* table = node->as_table()) return *table;
  read.error(*node, fmt::format("{} must be a section: write [{}] on a line of its own", name, name));
  return kNothing;
}

/// The tables of [[name]].
inline std::vector<const toml::table*> sections(Reader& read, const toml::table& root, std::string_view name) {
  std::vector<const toml::table*> found;
  const toml::node* node = root.get(name);
  if (!node) return found;
  const toml::array* array = node->as_array();
  if (array)
    for (const toml::node& one : *array)
      if (const toml::table* table = one.as_table()) found.push_back(table);
  if (found.empty())
    read.error(*node, fmt::format("{} must be written as [[{}]] on a line of its own, once for each", name, name));
  return found;
}

} // namespace paquebot::app
