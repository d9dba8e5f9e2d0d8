#include "dialog.h"

#include "base/text.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

namespace paquebot::dialogs {
namespace {

struct Word {
  std::string_view text;
  StepKind kind;
  bool escapes;
};

/// The longer ones first where one begins another.
constexpr Word kWords[] = {
    {"S*: ", StepKind::server_reply, false}, {"S: ", StepKind::server, false}, {"S<< ", StepKind::server_raw, true},
    {"content ", StepKind::content, true},   {"? ", StepKind::answer, true},
};
constexpr Word kAlone[] = {
    {"tls", StepKind::tls, false},         {"eof", StepKind::eof, false},
    {"timeout", StepKind::timeout, false}, {"closed", StepKind::closed, false},
    {"content", StepKind::content, false}, {"no content", StepKind::no_content, false},
};

Result<std::string> raw_bytes(std::string_view text) {
  std::size_t times = 1;
  if (text.starts_with('*')) {
    const auto space = std::min(text.find(' '), text.size());
    const auto count = parse_u64(text.substr(1, space - 1));
    if (!count || *count > 10'000'000) return fail(Errc::invalid, "C<< *N: bad count");
    times = *count;
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  auto once = unescape(text);
  if (!once) return once;
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += *once;
  return out;
}

Result<> add_line(Dialog& dialog, std::string_view line, int number) {
  for (const Word& word : kAlone) {
    if (line != word.text) continue;
    dialog.steps.push_back({word.kind, "", number});
    return {};
  }
  for (const Word& word : kWords) {
    if (!line.starts_with(word.text)) continue;
    auto text = word.escapes ? unescape(line.substr(word.text.size())) : std::string(line.substr(word.text.size()));
    if (!text) return std::unexpected(text.error());
    dialog.steps.push_back({word.kind, std::move(*text), number});
    return {};
  }
  if (line == "C:" || line.starts_with("C: ")) {
    dialog.steps.push_back(
        {StepKind::client, std::string(line.substr(std::min<std::size_t>(3, line.size()))) + "\r\n", number});
    return {};
  }
  if (line.starts_with("C<< ")) {
    auto text = raw_bytes(line.substr(4));
    if (!text) return std::unexpected(text.error());
    dialog.steps.push_back({StepKind::client, std::move(*text), number});
    return {};
  }
  return fail(Errc::invalid, "what is this line? " + std::string(line));
}

/// Lines that may stand before the conversation only.
bool add_heading(Dialog& dialog, std::string_view line) {
  if (line.starts_with("protocol ")) {
    dialog.protocol = line.substr(9);
    return true;
  }
  if (line == "engine only") return dialog.engine_only = true;
  const auto equals = line.find('=');
  if (!line.starts_with("option ") || equals == std::string_view::npos) return false;
  dialog.options[std::string(line.substr(7, equals - 7))] = line.substr(equals + 1);
  return true;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

} // namespace

std::string Dialog::option(const std::string& key, const std::string& otherwise) const {
  const auto found = options.find(key);
  return found == options.end() ? otherwise : found->second;
}

Result<Dialog> parse_dialog(std::string name, std::string_view text) {
  Dialog dialog;
  dialog.name = std::move(name);
  int number = 0;
  for (std::string_view line : split(text, '\n')) {
    ++number;
    if (line.empty() || line.starts_with('#') || (dialog.steps.empty() && add_heading(dialog, line))) continue;
    if (auto added = add_line(dialog, line, number); !added) {
      return fail(Errc::invalid, dialog.name + ".dialog:" + std::to_string(number) + ": " + added.error().message);
    }
  }
  return dialog;
}

Result<std::vector<Dialog>> read_dialogs(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".dialog") paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  std::vector<Dialog> dialogs;
  for (const auto& path : paths) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    auto dialog = parse_dialog(path.stem().string(), text.str());
    if (!dialog) return std::unexpected(dialog.error());
    dialogs.push_back(std::move(*dialog));
  }
  return dialogs;
}

bool matches(std::string_view pattern, std::string_view text) {
  // Where the last "*" was, and how much of the text it has swallowed.
  std::size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

Result<std::string> unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    const char c = ++i < text.size() ? text[i] : ' ';
    if (c == 'x' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
      continue;
    }
    const auto at = std::string_view("rnt0\\").find(c);
    if (at == std::string_view::npos) return fail(Errc::invalid, "bad escape");
    out += std::string_view("\r\n\t\0\\", 5)[at];
  }
  return out;
}

} // namespace paquebot::dialogs
