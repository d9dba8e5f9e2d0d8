#pragma once

#include "app/toml_file.h"
#include "net/network.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::app {

/// Reads a whole file: the configuration and what it names. The server asks its keeper (keeper.h) once it is no longer
/// root.
using FileSource = std::function<Result<std::string>(const std::string& path)>;

/// As base/units.h reads it, at most ten years; nothing otherwise.
std::optional<std::chrono::seconds> parse_duration(std::string_view text);
/// Likewise, in octets.
std::optional<std::uint64_t> parse_size(std::string_view text);
/// The name among `known` that a person most likely meant; empty when none is near.
std::string nearest(std::string_view name, const std::vector<std::string_view>& known);

/// What a number, a duration (in seconds) or a size (in octets) may be.
struct Bounds {
  std::optional<std::int64_t> least{}, most{};
  std::string_view why = ""; ///< what would come of a longer duration
};

/// Takes values out of a configuration file in the form that is wanted, and remembers every error with its line and how
/// to mend it. What gives nothing has told an error.
class Reader {
public:
  Reader(std::string file, FileSource files) : file_(std::move(file)), files_(std::move(files)) {}

  void error(std::uint32_t line, std::string_view what);
  void error(const Node& node, std::string_view what) { error(node.line, what); }
  /// At the key of a table; without it at the table.
  void error(const Node& table, std::string_view key, std::string_view what);
  /// What works and should be looked at.
  void warning(std::uint32_t line, std::string_view what);
  const std::vector<std::string>& warnings() const { return warnings_; }
  bool ok() const { return errors_.empty(); }
  std::string errors() const;

  /// Complains about keys of `table` that are not known. `name` is told: "[server]", "the file".
  void only(const Node& table, std::string_view name, const std::vector<std::string_view>& known);
  /// The table of [name], "a.b" for one within another; an empty one when there is none.
  const Node& section(const Node& root, std::string_view name);
  /// The tables of [[name]].
  std::vector<const Node*> sections(const Node& root, std::string_view name);

  std::optional<bool> flag(const Node& node);
  std::optional<std::int64_t> number(const Node& node, const Bounds& bounds);
  std::optional<std::chrono::seconds> duration(const Node& node, const Bounds& bounds);
  std::optional<std::uint64_t> size(const Node& node, const Bounds& bounds);
  std::optional<std::string> text(const Node& node);
  /// The server may be started in any folder: a path that is not empty must begin with "/".
  std::optional<std::string> path(const Node& node);
  /// Which of a few words it is.
  std::optional<std::size_t> word(const Node& node, std::span<const std::string_view> words);
  /// A list of texts; null: an error.
  const std::vector<Node>* texts(const Node& node);
  std::optional<net::Networks> networks(const Node& node);
  /// What the file holds that a key names; "" when none is named, or after an error.
  std::string contents(const Node& node, const std::string& path);

private:
  std::string file_;
  FileSource files_;
  std::vector<std::string> errors_;
  std::vector<std::string> warnings_;
};

} // namespace paquebot::app
