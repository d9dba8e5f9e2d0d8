#pragma once

#include "app/reader.h"

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

/// The row of a table of settings, and the kinds of values that a row can have. A row says all of a key: how it is
/// read, checked and written, what holds without it, and what the documents say. The tables themselves are in
/// settings_*.cc.
namespace paquebot::app {

/// Where a value is kept: a function from what the section describes (its owner: Config, a listener, …) to the member.
template <class Owner, class T>
using Place = T& (*)(Owner&);
// AT(Config, server.threads) is the place of that member: a pointer to a member can't lead through another one.
#define AT(Owner, member) (+[](std::add_lvalue_reference_t<Owner> one) -> auto& { return one.member; })

template <class Owner>
struct Value {
  std::string_view form; ///< "number", "list of texts"
  Bounds bounds{};
  std::vector<std::string_view> words{}; ///< the only ones that it may be, or hold
  std::function<void(Owner&)> reset{};   ///< to the default
  std::function<void(Reader&, const Node&, Owner&)> read{};
  std::function<std::string(const Owner&)>
      write{}; ///< as the file would have it; two values are one when this is the same
};

template <class Owner>
struct Setting {
  std::string_view key;
  Value<Owner> value;
  bool required = false;           ///< there is no default
  std::string_view otherwise = ""; ///< what holds without the key, in words, where it depends on something
  bool restart = false;            ///< takes effect at the next start, not with a reload
  std::string_view text;           ///< for the documents: Markdown, blanks and line ends count as one blank
};

/// [name]: what it describes is an Owner.
template <class Owner>
struct Section {
  std::string_view name; ///< "server", "limits.account"
  std::vector<Setting<Owner>> settings;
  /// What concerns several keys, or that one is missing, and what follows from them.
  void (*check)(Reader& read, const Node& table, Owner& owner) = nullptr;
  std::string_view heading = ""; ///< of the texts, in the documents
};

struct Config;

/// [[name]]: each describes one more Item.
template <class Item>
struct List {
  Section<Item> each;
  std::vector<Item>& (*items)(Config& config);
  /// What concerns others: `config` has those that stand before it.
  void (*compare)(Reader& read, const Node& table, Item& item, const Config& config) = nullptr;
  std::size_t most = 0;         ///< 0: any number
  std::vector<Item> standard{}; ///< those of a file that has none
};

// ---- How values are written ----

inline std::string toml_text(bool value) { return value ? "true" : "false"; }
/// Exact, in the largest unit that leaves no rest: "\"90s\"", "\"4h\"".
std::string toml_duration(std::chrono::seconds value);
/// Likewise: "\"64KiB\"".
std::string toml_size(std::uint64_t octets);
std::string toml_list(const std::vector<std::string>& texts);

/// The normal form of a text; an error says what is wrong with it, such as "is not a domain name".
using Normal = Result<std::string> (*)(const std::string& text);
/// A list of texts in their normal forms (null: as they are). What is wrong is told as "x" in KEY and the words of
/// `normal`.
std::optional<std::vector<std::string>> read_texts(Reader& read, const Node& node, Normal normal);

// ---- The kinds of values ----

namespace kinds {

/// The value at `place`, to look at. Places only lead there, so the const may go for the call.
template <class Owner, class T>
const T& of(Place<Owner, T> place, const Owner& owner) {
  return place(const_cast<Owner&>(owner));
}

/// What most kinds are made of: `read` takes it from a node, or tells an error and gives nothing.
template <class Owner, class T, class Read, class Write>
Value<Owner> make(std::string_view form, Place<Owner, T> place, T standard, Read read, Write write) {
  return {.form = form,
          .reset = [place, standard](Owner& owner) { place(owner) = standard; },
          .read =
              [place, read](Reader& reader, const Node& node, Owner& owner) {
                if (auto value = read(reader, node)) place(owner) = std::move(*value);
              },
          .write = [place, write](const Owner& owner) { return write(of(place, owner)); }};
}

template <class T>
T from_seconds(std::chrono::seconds seconds) {
  if constexpr (std::integral<T>)
    return static_cast<T>(seconds.count());
  else
    return seconds;
}

template <class T>
std::chrono::seconds to_seconds(const T& value) {
  if constexpr (std::integral<T>)
    return std::chrono::seconds(value);
  else
    return std::chrono::duration_cast<std::chrono::seconds>(value);
}

} // namespace kinds

template <class Owner>
Value<Owner> flag(bool& (*place)(Owner&), bool standard) {
  return kinds::make(
      "true or false", place, standard, [](Reader& read, const Node& node) { return read.flag(node); },
      [](bool value) { return toml_text(value); });
}

template <class Owner, std::integral T>
Value<Owner> number(T& (*place)(Owner&), std::int64_t standard, std::int64_t least, std::int64_t most) {
  const Bounds bounds{.least = least, .most = most};
  const auto read = [bounds](Reader& reader, const Node& node) -> std::optional<T> {
    const auto value = reader.number(node, bounds);
    return value ? std::optional<T>(static_cast<T>(*value)) : std::nullopt;
  };
  auto made =
      kinds::make("number", place, static_cast<T>(standard), read, [](T value) { return std::to_string(value); });
  made.bounds = bounds;
  return made;
}

/// T is a duration, or a number of seconds.
template <class Owner, class T>
Value<Owner> duration(T& (*place)(Owner&), std::chrono::seconds standard, std::chrono::seconds least,
                      std::optional<std::chrono::seconds> most = {}, std::string_view why = "") {
  const Bounds bounds{
      .least = least.count(), .most = most ? std::optional<std::int64_t>(most->count()) : std::nullopt, .why = why};
  const auto read = [bounds](Reader& reader, const Node& node) -> std::optional<T> {
    const auto value = reader.duration(node, bounds);
    return value ? std::optional<T>(kinds::from_seconds<T>(*value)) : std::nullopt;
  };
  auto made = kinds::make("duration", place, kinds::from_seconds<T>(standard), read,
                          [](const T& value) { return toml_duration(kinds::to_seconds(value)); });
  made.bounds = bounds;
  return made;
}

/// In octets.
template <class Owner>
Value<Owner> size(std::uint64_t& (*place)(Owner&), std::uint64_t standard, std::uint64_t least, std::uint64_t most) {
  const Bounds bounds{.least = static_cast<std::int64_t>(least), .most = static_cast<std::int64_t>(most)};
  auto made = kinds::make(
      "size", place, standard, [bounds](Reader& read, const Node& node) { return read.size(node, bounds); }, toml_size);
  made.bounds = bounds;
  return made;
}

template <class Owner>
Value<Owner> text(std::string& (*place)(Owner&), std::string standard, Normal normal = nullptr) {
  const auto read = [normal](Reader& reader, const Node& node) -> std::optional<std::string> {
    auto value = reader.text(node);
    if (!value || normal == nullptr) return value;
    auto better = normal(*value);
    if (better) return std::move(*better);
    reader.error(node, node.key + " " + better.error().message);
    return std::nullopt;
  };
  return kinds::make("text", place, std::move(standard), read, toml_quoted);
}

/// A whole path, or "".
template <class Owner>
Value<Owner> path(std::string& (*place)(Owner&), std::string standard) {
  return kinds::make(
      "path", place, std::move(standard), [](Reader& read, const Node& node) { return read.path(node); }, toml_quoted);
}

/// The path of a file whose contents are read with the configuration, and where both are kept.
template <class Owner>
Value<Owner> file(std::string& (*place)(Owner&), std::string& (*contents)(Owner&)) {
  auto made = path(place, "");
  made.form = "file";
  made.read = [place, contents](Reader& reader, const Node& node, Owner& owner) {
    place(owner) = reader.path(node).value_or("");
    contents(owner) = reader.contents(node, place(owner));
  };
  return made;
}

/// Words and what each stands for.
template <class T>
using Words = std::vector<std::pair<std::string_view, T>>;

namespace kinds {

template <class T>
std::vector<std::string_view> only_words(const Words<T>& words) {
  std::vector<std::string_view> all;
  for (const auto& [word, meaning] : words) all.push_back(word);
  return all;
}

template <class T>
std::string word_for(const Words<T>& words, const T& value) {
  for (const auto& [word, meaning] : words)
    if (meaning == value) return std::string(word);
  return {};
}

} // namespace kinds

/// One of a few words.
template <class Owner, class T>
Value<Owner> word(T& (*place)(Owner&), std::type_identity_t<T> standard, std::type_identity_t<Words<T>> words) {
  const auto known = kinds::only_words(words);
  const auto read = [words, known](Reader& reader, const Node& node) -> std::optional<T> {
    const auto index = reader.word(node, known);
    return index ? std::optional<T>(words[*index].second) : std::nullopt;
  };
  auto made = kinds::make("word", place, standard, read,
                          [words](const T& value) { return toml_quoted(kinds::word_for(words, value)); });
  made.words = known;
  return made;
}

template <class Owner>
Value<Owner> texts(std::vector<std::string>& (*place)(Owner&), std::vector<std::string> standard,
                   Normal normal = nullptr) {
  const auto read = [normal](Reader& reader, const Node& node) { return read_texts(reader, node, normal); };
  return kinds::make("list of texts", place, std::move(standard), read, toml_list);
}

template <class Owner>
Value<Owner> networks(net::Networks& (*place)(Owner&), const std::vector<std::string>& standard) {
  return kinds::make(
      "list of networks", place, net::Networks::parse(standard).value(),
      [](Reader& read, const Node& node) { return read.networks(node); },
      [](const net::Networks& value) { return toml_list(value.to_texts()); });
}

} // namespace paquebot::app
