#pragma once

#include "base/result.h"

#include <filesystem>
#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::dialogs {

enum class StepKind {
  client,
  server,
  server_reply,
  server_raw,
  tls,
  eof,
  timeout,
  closed,
  content,
  no_content,
  answer
};

/// One step of a conversation; the format is in README.md.
struct Step {
  StepKind kind;
  std::string text; ///< client: the bytes to send; server: a pattern; server_raw: the bytes; content: a pattern;
                    ///< answer: "rcpt 550 5.1.1 text"
  int line = 0;     ///< of the file, for messages
};

/// A dialog file, read.
struct Dialog {
  std::string name; ///< of the file, without folder and ending
  std::string protocol = "smtp";
  bool engine_only = false;
  std::map<std::string, std::string> options;
  std::vector<Step> steps;

  /// The option's value, or `otherwise`.
  std::string option(const std::string& name, const std::string& otherwise) const;
};
/// For GoogleTest's messages.
inline void PrintTo(const Dialog& dialog, std::ostream* out) { *out << dialog.name; }

/// Reads the text of one file; an error names the line.
Result<Dialog> parse_dialog(std::string name, std::string_view text);
/// All *.dialog files of a folder in the order of their names; an error names file and line.
Result<std::vector<Dialog>> read_dialogs(const std::filesystem::path& folder);

/// Does `text` match `pattern`, in which `*` stands for any octets?
bool matches(std::string_view pattern, std::string_view text);
/// Undoes \r \n \t \0 \\ \xHH.
Result<std::string> unescape(std::string_view text);

} // namespace paquebot::dialogs
