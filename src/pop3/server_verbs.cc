#include "base/text.h"
#include "pop3/server_impl.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

namespace paquebot::pop3 {

namespace {

enum class Takes : std::uint8_t {
  nothing,
  rest, // any text, at least one octet
  optional_rest,
  number, // of a message that isn't deleted
  optional_number,
  number_and_lines,
};

std::string_view without_trailing_blanks(std::string_view text) {
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

/// Reads "number" or "number lines" into `a`, huge values as the largest; what is wrong, or nothing.
std::optional<Text> parse_numbers(std::string_view text, bool with_lines, Arguments& a) {
  auto clamped = [](std::uint64_t n) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(n, std::numeric_limits<std::uint32_t>::max()));
  };
  std::size_t gap = with_lines ? text.find(' ') : text.size();
  auto number = parse_u64(text.substr(0, gap));
  auto lines = gap < text.size() ? parse_u64(text.substr(gap + 1)) : std::nullopt;
  if (with_lines && (!number || !lines)) return Text::needs_number_and_lines;
  if (!number) return Text::needs_number;
  a.numbered = true;
  a.number = clamped(*number);
  a.lines = clamped(lines.value_or(0));
  return {};
}

} // namespace

/// A command of the language.
struct ServerSession::Impl::Verb {
  std::string_view name;
  State states; ///< in which it may come
  Takes takes;
  void (*handler)(Impl&, const Arguments&);
};

void ServerSession::Impl::command(std::string_view line) {
  // The whole language: RFC 1939 sections 4 to 7, RFC 2449 section 5 (CAPA), RFC 2595 section 4 (STLS), RFC 5034
  // (AUTH), RFC 6856 (UTF8, LANG).
  static constexpr Verb kVerbs[] = {
      {"CAPA", both, Takes::nothing, [](Impl& s, const Arguments& a) { s.capa(a); }},
      {"LANG", both, Takes::optional_rest, [](Impl& s, const Arguments& a) { s.lang(a); }},
      {"UTF8", authorization, Takes::nothing, [](Impl& s, const Arguments& a) { s.utf8_on(a); }},
      {"USER", authorization, Takes::rest, [](Impl& s, const Arguments& a) { s.login.user_name(a); }},
      {"PASS", authorization, Takes::rest, [](Impl& s, const Arguments& a) { s.login.pass(a); }},
      {"AUTH", authorization, Takes::rest, [](Impl& s, const Arguments& a) { s.login.auth(a); }},
      {"STLS", authorization, Takes::nothing, [](Impl& s, const Arguments& a) { s.stls(a); }},
      {"STAT", transaction, Takes::nothing, [](Impl& s, const Arguments& a) { s.maildrop.stat(a); }},
      {"LIST", transaction, Takes::optional_number, [](Impl& s, const Arguments& a) { s.maildrop.list(a); }},
      {"UIDL", transaction, Takes::optional_number, [](Impl& s, const Arguments& a) { s.maildrop.uidl(a); }},
      {"RETR", transaction, Takes::number, [](Impl& s, const Arguments& a) { s.maildrop.retr(a); }},
      {"TOP", transaction, Takes::number_and_lines, [](Impl& s, const Arguments& a) { s.maildrop.top(a); }},
      {"DELE", transaction, Takes::number, [](Impl& s, const Arguments& a) { s.maildrop.dele(a); }},
      {"NOOP", transaction, Takes::nothing, [](Impl& s, const Arguments& a) { s.noop(a); }},
      {"RSET", transaction, Takes::nothing, [](Impl& s, const Arguments& a) { s.maildrop.rset(a); }},
      {"QUIT", both, Takes::nothing, [](Impl& s, const Arguments& a) { s.quit(a); }},
      // Another protocol: somebody makes a browser or a proxy speak with us. Nothing that follows is looked at.
      {"GET", both, Takes::optional_rest, [](Impl& s, const Arguments& a) { s.foreign(a); }},
      {"POST", both, Takes::optional_rest, [](Impl& s, const Arguments& a) { s.foreign(a); }},
      {"PUT", both, Takes::optional_rest, [](Impl& s, const Arguments& a) { s.foreign(a); }},
      {"HEAD", both, Takes::optional_rest, [](Impl& s, const Arguments& a) { s.foreign(a); }},
      {"OPTIONS", both, Takes::optional_rest, [](Impl& s, const Arguments& a) { s.foreign(a); }},
      {"DELETE", both, Takes::optional_rest, [](Impl& s, const Arguments& a) { s.foreign(a); }},
      {"PATCH", both, Takes::optional_rest, [](Impl& s, const Arguments& a) { s.foreign(a); }},
      {"TRACE", both, Takes::optional_rest, [](Impl& s, const Arguments& a) { s.foreign(a); }},
      {"CONNECT", both, Takes::optional_rest, [](Impl& s, const Arguments& a) { s.foreign(a); }},
      {"PRI", both, Takes::optional_rest, [](Impl& s, const Arguments& a) { s.foreign(a); }},
  };

  std::size_t space = line.find(' ');
  std::string_view name = line.substr(0, space);
  Arguments a;
  if (space != std::string_view::npos) a.text = line.substr(space + 1);
  const Verb* verb = std::ranges::find_if(kVerbs, [&](const Verb& v) { return iequals(v.name, name); });
  if (verb == std::end(kVerbs)) return error(Text::unknown_command);
  if ((verb->states & state) == 0) {
    return error(state == authorization ? Text::log_in_first : Text::logged_in_already);
  }
  run(*verb, a);
}

void ServerSession::Impl::run(const Verb& verb, Arguments a) {
  if (has_control(a.text)) return error(Text::control_characters);
  if (verb.takes == Takes::rest || verb.takes == Takes::optional_rest) {
    if (a.text.empty() && verb.takes == Takes::rest) return error(Text::needs_argument, verb.name);
    return verb.handler(*this, a);
  }

  std::string_view rest = without_trailing_blanks(a.text);
  if (verb.takes == Takes::nothing) {
    if (!rest.empty()) return error(Text::takes_no_argument, verb.name);
    return verb.handler(*this, a);
  }
  if (verb.takes == Takes::optional_number && rest.empty()) return verb.handler(*this, a);

  if (auto wrong = parse_numbers(rest, verb.takes == Takes::number_and_lines, a)) return error(*wrong, verb.name);
  if (a.number == 0 || a.number > maildrop.count()) return refuse(Text::no_such_message, maildrop.count());
  if (maildrop.is_deleted(a.number)) return refuse(Text::message_deleted, a.number);
  verb.handler(*this, a);
}

void ServerSession::Impl::capa(const Arguments&) {
  ok(Text::capabilities);
  out += "TOP\r\nUIDL\r\n";
  // RFC 2595 section 2.4 and RFC 5034 section 4: passwords are not offered where they may not be used.
  if (encrypted || options->login_in_clear) {
    out += "USER\r\nSASL";
    for (std::string_view mechanism_name : sasl::server_mechanisms(login.offer())) {
      out += ' ';
      out += mechanism_name;
    }
    out += "\r\n";
  }
  if (options->tls_available && !encrypted) out += "STLS\r\n";
  // RFC 2449 sections 6.6, 6.4, 6.9, 6.7, 6.5; RFC 3206 section 5; RFC 6856 sections 2 and 3.
  out += "PIPELINING\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nUTF8 USER\r\nLANG\r\n";
  if (options->expire_days == 0)
    out += "EXPIRE NEVER\r\n";
  else
    fmt::format_to(std::back_inserter(out), "EXPIRE {}\r\n", options->expire_days);
  if (options->login_delay.count() > 0)
    fmt::format_to(std::back_inserter(out), "LOGIN-DELAY {}\r\n", options->login_delay.count());
  out += "IMPLEMENTATION Paquebot\r\n.\r\n";
}

void ServerSession::Impl::lang(const Arguments& a) {
  const std::string_view range = without_trailing_blanks(a.text);
  if (range.empty()) {
    ok(Text::language_list);
    for (const LanguageName& one : languages()) fmt::format_to(std::back_inserter(out), "{} {}\r\n", one.tag, one.name);
    out += ".\r\n";
    return;
  }
  const auto found = range == "*" ? options->language : find_language(range);
  if (!found) return error(Text::language_unknown);
  language = *found;
  // RFC 6856 section 3.2: the tag, a space, and the words in that language.
  fmt::format_to(std::back_inserter(out), "+OK {} {}\r\n", languages()[static_cast<std::size_t>(language)].tag,
                 words_of(Text::language_changed, language));
}

void ServerSession::Impl::utf8_on(const Arguments&) {
  utf8 = true;
  ok(Text::utf8_on);
}

void ServerSession::Impl::stls(const Arguments&) {
  if (encrypted) return error(Text::tls_is_on);
  if (!options->tls_available) return error(Text::no_tls);
  if (utf8) return error(Text::stls_after_utf8); // RFC 6856 section 2.1
  ok(Text::begin_tls);
  input.clear(); // RFC 2595 section 4: nothing may follow STLS before the handshake
  tls_pending = true;
}

void ServerSession::Impl::quit(const Arguments&) {
  if (maildrop.collect()) return ask(Question::commit);
  ok(Text::goodbye);
  close();
}

void ServerSession::Impl::noop(const Arguments&) { ok(Text::nothing_done); }

void ServerSession::Impl::foreign(const Arguments&) {
  refuse(Text::other_protocol);
  input.clear();
  close();
}

} // namespace paquebot::pop3
