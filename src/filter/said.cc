#include "filter/said.h"

#include "base/text.h"

#include <algorithm>

namespace paquebot::filter {

Result<mail::Address> read_address(std::string_view text) {
  text = trim(text);
  if (text.empty() || text == "<>") return mail::Address();
  if (!text.starts_with('<')) return mail::parse_address(text);
  auto path = mail::parse_path(text);
  if (!path) return std::unexpected(path.error());
  if (path->length != text.size()) return fail(Errc::invalid, "there is text behind the address");
  return path->address;
}

std::string reply_text(std::string_view said) {
  constexpr std::size_t longest = 400;
  std::string text;
  for (const char c : said.substr(0, longest)) text += c >= ' ' && c < 127 ? c : '?';
  return std::string(trim(text));
}

namespace {

/// Filters double "%", since Sendmail takes the text for a format.
std::string undouble(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    plain += text[i];
    if (text.substr(i).starts_with("%%")) ++i;
  }
  return plain;
}

/// One line into `reply`, whose code and enhanced code are those of the first.
bool add_line(mail::Reply& reply, std::string_view line, bool last) {
  const auto digit = [&](std::size_t at) { return line[at] >= '0' && line[at] <= '9'; };
  if (line.size() < 3 || !digit(0) || !digit(1) || !digit(2)) return false;
  if (line.size() > 3 && line[3] != ' ' && (line[3] != '-' || last)) return false;
  const auto code = static_cast<std::uint16_t>(*parse_u64(line.substr(0, 3)));
  if (code < 400 || code > 599 || (reply.code != 0 && code != reply.code)) return false;
  std::string_view text = line.substr(std::min<std::size_t>(4, line.size()));
  if (const auto enhanced = mail::EnhancedCode::parse(text)) {
    if (enhanced->klass != code / 100) return false;
    reply.enhanced = *enhanced;
    text.remove_prefix(std::min(text.find_first_of(" \t"), text.size()));
  }
  if (reply.code != 0) reply.text += '\n';
  reply.code = code;
  reply.text += reply_text(undouble(text));
  return true;
}

} // namespace

Result<mail::Reply> read_reply(std::string_view text) {
  constexpr std::size_t most_lines = 32; // libmilter's own bound
  const auto malformed = [&] { return fail(Errc::invalid, "a malformed reply: " + printable(text, 120)); };
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  const auto lines = split(text, '\n');
  if (lines.size() > most_lines) return malformed();
  mail::Reply reply;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::string_view line = lines[i];
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!add_line(reply, line, i + 1 == lines.size())) return malformed();
  }
  if (!reply.enhanced) reply.enhanced = {static_cast<std::uint8_t>(reply.code / 100), 7, 1};
  if (trim(reply.text).empty()) reply.text = "refused by a content filter";
  return reply;
}

bool is_field_name(std::string_view name) {
  constexpr std::size_t longest = 76;
  return !name.empty() && name.size() <= longest &&
         std::ranges::all_of(name, [](char c) { return c > ' ' && c < 127 && c != ':'; });
}

std::string field_value(std::string_view said) {
  said.remove_prefix(std::min(said.find_first_not_of(" \t"), said.size()));
  while (!said.empty() && (said.back() == '\n' || said.back() == '\r')) said.remove_suffix(1);
  std::string value;
  value.reserve(said.size());
  for (std::size_t i = 0; i < said.size(); ++i) {
    if (said[i] == '\n' && (i == 0 || said[i - 1] != '\r')) value += '\r';
    value += said[i];
  }
  return value;
}

mail::Reply refused(std::string_view filter) {
  return {550, {5, 7, 1}, "refused by a content filter", "by the filter " + std::string(filter)};
}

mail::Reply deferred(std::string_view filter) {
  return {
      451, {4, 7, 1}, "a content filter wants this to be tried again later", "by the filter " + std::string(filter)};
}

} // namespace paquebot::filter
