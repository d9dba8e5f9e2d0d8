#include "app/reader.h"

#include "base/text.h"
#include "base/units.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace paquebot::app {
namespace {

/// Edit distance of two short names.
std::size_t edits_between(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t corner = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, corner + (a[i - 1] == b[j - 1] ? 0 : 1)});
      corner = above;
    }
  }
  return row[b.size()];
}

bool within(std::int64_t value, const Bounds& bounds) {
  return value >= bounds.least.value_or(value) && value <= bounds.most.value_or(value);
}

/// Digits, or the words that they are written with; "" for what is neither.
std::string scaled_text(const Node& node) {
  if (node.kind == Node::Kind::text) return node.text;
  return node.kind == Node::Kind::number && node.number >= 0 ? std::to_string(node.number) : std::string();
}

} // namespace

std::optional<std::chrono::seconds> parse_duration(std::string_view text) {
  const auto seconds = parse_seconds(text);
  if (!seconds || *seconds > 10LL * 365 * 86400) return std::nullopt;
  return std::chrono::seconds(*seconds);
}

std::optional<std::uint64_t> parse_size(std::string_view text) { return parse_octets(text); }

std::string nearest(std::string_view name, const std::vector<std::string_view>& known) {
  std::string best;
  std::size_t least = std::max<std::size_t>(name.size() / 3, 1) + 1;
  for (std::string_view candidate : known)
    if (std::size_t d = edits_between(name, candidate); d < least) {
      least = d;
      best = std::string(candidate);
    }
  return best;
}

void Reader::error(std::uint32_t line, std::string_view what) {
  errors_.push_back(fmt::format("{}:{}: {}", file_, line, what));
}

void Reader::error(const Node& table, std::string_view key, std::string_view what) {
  const Node* node = table.find(key);
  error(node != nullptr ? *node : table, what);
}

void Reader::warning(std::uint32_t line, std::string_view what) {
  warnings_.push_back(fmt::format("{}:{}: {}", file_, line, what));
}

std::string Reader::errors() const { return fmt::format("{}", fmt::join(errors_, "\n")); }

void Reader::only(const Node& table, std::string_view name, const std::vector<std::string_view>& known) {
  for (const Node& node : table.nodes) {
    if (std::ranges::find(known, node.key) != known.end()) continue;
    const std::string meant = nearest(node.key, known);
    const bool section = node.kind == Node::Kind::table || node.is_list_of_tables();
    error(node.key_line,
          fmt::format("unknown {} \"{}\" in {}{}", section ? "section" : "key", printable(node.key, 60), name,
                      meant.empty() ? fmt::format("; known are {}", fmt::join(known, ", "))
                                    : fmt::format(": do you mean \"{}\"?", meant)));
  }
}

const Node& Reader::section(const Node& root, std::string_view name) {
  static const Node nothing{.kind = Node::Kind::table};
  const auto dot = name.find('.');
  const Node* node = root.find(name.substr(0, dot));
  if (node == nullptr) return nothing;
  if (dot != std::string_view::npos) return section(*node, name.substr(dot + 1));
  if (node->kind == Node::Kind::table) return *node;
  error(*node, fmt::format("{} must be a section: write [{}] on a line of its own", name, name));
  return nothing;
}

std::vector<const Node*> Reader::sections(const Node& root, std::string_view name) {
  std::vector<const Node*> found;
  const Node* node = root.find(name);
  if (node == nullptr) return found;
  if (node->kind == Node::Kind::list)
    for (const Node& one : node->nodes)
      if (one.kind == Node::Kind::table) found.push_back(&one);
  if (found.empty())
    error(*node, fmt::format("{} must be written as [[{}]] on a line of its own, once for each", name, name));
  return found;
}

std::optional<bool> Reader::flag(const Node& node) {
  if (node.kind == Node::Kind::flag) return node.flag;
  error(node, node.key + " must be true or false");
  return std::nullopt;
}

std::optional<std::int64_t> Reader::number(const Node& node, const Bounds& bounds) {
  if (node.kind != Node::Kind::number) {
    error(node, node.key + " must be a number");
    return std::nullopt;
  }
  if (within(node.number, bounds)) return node.number;
  error(node, fmt::format("{} = {} is out of bounds: from {} to {}", node.key, node.number, bounds.least.value_or(0),
                          bounds.most.value_or(0)));
  return std::nullopt;
}

std::optional<std::chrono::seconds> Reader::duration(const Node& node, const Bounds& bounds) {
  const std::string written = scaled_text(node);
  const auto read = parse_duration(written);
  if (!read) {
    error(node, node.key + " must be a duration such as \"30s\", \"5m\", \"4h\" or \"5d\"");
    return std::nullopt;
  }
  if (bounds.least && read->count() < *bounds.least) {
    error(node, fmt::format("{} = {} is too short: at least {} seconds", node.key, written, *bounds.least));
    return std::nullopt;
  }
  if (bounds.most && read->count() > *bounds.most) {
    error(node, fmt::format("{} = {} is too long: at most {} seconds{}{}", node.key, written, *bounds.most,
                            bounds.why.empty() ? "" : ", ", bounds.why));
    return std::nullopt;
  }
  return read;
}

std::optional<std::uint64_t> Reader::size(const Node& node, const Bounds& bounds) {
  const std::string written = scaled_text(node);
  const auto read = parse_size(written);
  if (!read) {
    error(node, node.key + " must be a size such as \"50MiB\"");
    return std::nullopt;
  }
  if (within(static_cast<std::int64_t>(*read), bounds)) return read;
  error(node, fmt::format("{} = {} is out of bounds: from {} to {} octets", node.key, written, bounds.least.value_or(0),
                          bounds.most.value_or(0)));
  return std::nullopt;
}

std::optional<std::string> Reader::text(const Node& node) {
  if (node.kind == Node::Kind::text) return node.text;
  error(node, node.key + " must be a text in quotes");
  return std::nullopt;
}

std::optional<std::string> Reader::path(const Node& node) {
  auto written = text(node);
  if (!written || written->empty() || written->starts_with('/')) return written;
  error(node,
        fmt::format("{} = \"{}\" does not begin with \"/\": write the whole path", node.key, printable(*written, 200)));
  return std::nullopt;
}

std::optional<std::size_t> Reader::word(const Node& node, std::span<const std::string_view> words) {
  if (node.kind != Node::Kind::text) {
    error(node, node.key + " must be a word in quotes");
    return std::nullopt;
  }
  const auto found = std::ranges::find(words, node.text);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  error(node, fmt::format("{} = \"{}\" is not known: use one of {}", node.key, printable(node.text, 60),
                          fmt::join(words, ", ")));
  return std::nullopt;
}

const std::vector<Node>* Reader::texts(const Node& node) {
  if (node.kind != Node::Kind::list) {
    error(node, node.key + " must be a list of texts, such as [\"…\"]");
    return nullptr;
  }
  const auto odd = std::ranges::find_if(node.nodes, [](const Node& one) { return one.kind != Node::Kind::text; });
  if (odd == node.nodes.end()) return &node.nodes;
  error(*odd, node.key + " must be a list of texts");
  return nullptr;
}

std::optional<net::Networks> Reader::networks(const Node& node) {
  const std::vector<Node>* listed = texts(node);
  if (listed == nullptr) return std::nullopt;
  std::vector<std::string> written;
  for (const Node& one : *listed) written.push_back(one.text);
  auto read = net::Networks::parse(written);
  if (read) return std::move(*read);
  error(node, fmt::format("{}: {}", node.key, read.error().message));
  return std::nullopt;
}

std::string Reader::contents(const Node& node, const std::string& path) {
  if (path.empty()) return {};
  auto bytes = files_(path);
  if (bytes) return std::move(*bytes);
  error(node, fmt::format("can't read {} = \"{}\": {}", node.key, printable(path, 200), bytes.error().message));
  return {};
}

} // namespace paquebot::app
