#pragma once

#include <string>
#include <vector>

/// What the tables of settings say, for people and for programs.
namespace paquebot::app {

/// The table of one section as docs/configuration.md has it.
struct SectionTable {
  std::string heading; ///< "[server]", "[[listener]]"
  std::string table;   ///< Markdown, lines
};
std::vector<SectionTable> reference_tables();

/// All of them below their headings: `tools/reference` brings them into docs/configuration.md.
std::string reference_markdown();

/// {"sections": [{"name", "list", "settings": [{"key", "form", "least", "most", "words", "default", "otherwise",
/// "required", "restart", "text"}]}]}; durations in seconds, sizes in octets, what does not apply is left out.
std::string reference_json();

/// A configuration file that says what holds without one, with every key and what it is for. What has no default, and
/// what depends on the machine, stands in comments.
std::string defaults_toml();

} // namespace paquebot::app
