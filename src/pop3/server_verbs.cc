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

void ServerSession::Impl::command(std::string_view line) {
  struct Verb {
    std::string_view name;
    State states; // in which it may come
    Takes takes;
    void (Impl::*handler)(const Arguments&);
  };
  // The whole language: RFC 1939 sections 4 to 7, RFC 2449 section 5 (CAPA), RFC 2595 section 4 (STLS), RFC 5034 (AUTH),
  // RFC 6856 (UTF8, LANG).
  static constexpr Verb kVerbs[] = {
      {"CAPA", both, Takes::nothing, &Impl::capa},
      {"LANG", both, Takes::optional_rest, &Impl::lang},
      {"UTF8", authorization, Takes::nothing, &Impl::utf8_on},
      {"USER", authorization, Takes::rest, &Impl::user_name},
      {"PASS", authorization, Takes::rest, &Impl::pass},
      {"AUTH", authorization, Takes::rest, &Impl::auth},
      {"STLS", authorization, Takes::nothing, &Impl::stls},
      {"STAT", transaction, Takes::nothing, &Impl::stat},
      {"LIST", transaction, Takes::optional_number, &Impl::list},
      {"UIDL", transaction, Takes::optional_number, &Impl::uidl},
      {"RETR", transaction, Takes::number, &Impl::retr},
      {"TOP", transaction, Takes::number_and_lines, &Impl::top},
      {"DELE", transaction, Takes::number, &Impl::dele},
      {"NOOP", transaction, Takes::nothing, &Impl::noop},
      {"RSET", transaction, Takes::nothing, &Impl::rset},
      {"QUIT", both, Takes::nothing, &Impl::quit},
      // Another protocol: somebody makes a browser or a proxy speak with us. Nothing that follows is looked at.
      {"GET", both, Takes::optional_rest, &Impl::foreign},
      {"POST", both, Takes::optional_rest, &Impl::foreign},
      {"PUT", both, Takes::optional_rest, &Impl::foreign},
      {"HEAD", both, Takes::optional_rest, &Impl::foreign},
      {"OPTIONS", both, Takes::optional_rest, &Impl::foreign},
      {"DELETE", both, Takes::optional_rest, &Impl::foreign},
      {"PATCH", both, Takes::optional_rest, &Impl::foreign},
      {"TRACE", both, Takes::optional_rest, &Impl::foreign},
      {"CONNECT", both, Takes::optional_rest, &Impl::foreign},
      {"PRI", both, Takes::optional_rest, &Impl::foreign},
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
  if (has_control(a.text)) return error(Text::control_characters);
  if (verb->takes == Takes::rest || verb->takes == Takes::optional_rest) {
    if (a.text.empty() && verb->takes == Takes::rest) return error(Text::needs_argument, verb->name);
    return (this->*verb->handler)(a);
  }

  std::string_view rest = without_trailing_blanks(a.text);
  if (verb->takes == Takes::nothing) {
    if (!rest.empty()) return error(Text::takes_no_argument, verb->name);
    return (this->*verb->handler)(a);
  }
  if (verb->takes == Takes::optional_number && rest.empty()) return (this->*verb->handler)(a);

  if (auto wrong = parse_numbers(rest, verb->takes == Takes::number_and_lines, a)) return error(*wrong, verb->name);
  if (a.number == 0 || a.number > count) return refuse(Text::no_such_message, count);
  if (is_deleted(a.number)) return refuse(Text::message_deleted, a.number);
  (this->*verb->handler)(a);
}

void ServerSession::Impl::capa(const Arguments&) {
  ok(Text::capabilities);
  out += "TOP\r\nUIDL\r\n";
  // RFC 2595 section 2.4 and RFC 5034 section 4: passwords are not offered where they may not be used.
  if (encrypted || options->login_in_clear) {
    out += "USER\r\nSASL";
    for (std::string_view mechanism_name : sasl::server_mechanisms(offer())) {
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
  if (deleted_count == 0) {
    ok(Text::goodbye);
    return close();
  }
  commit.reserve(deleted_count);
  for (std::uint32_t number = 1; number <= count; ++number) {
    if (is_deleted(number)) commit.push_back(number);
  }
  ask(Question::commit);
}

void ServerSession::Impl::noop(const Arguments&) { ok(Text::nothing_done); }

void ServerSession::Impl::foreign(const Arguments&) {
  refuse(Text::other_protocol);
  input.clear();
  close();
}

void ServerSession::Impl::stat(const Arguments&) {
  out += fmt::format("+OK {} {}\r\n", count - deleted_count, octets - deleted_octets);
}

void ServerSession::Impl::list(const Arguments& a) { start_listing(a.numbered ? Listing::list_one : Listing::list, a); }
void ServerSession::Impl::uidl(const Arguments& a) { start_listing(a.numbered ? Listing::uidl_one : Listing::uidl, a); }
void ServerSession::Impl::dele(const Arguments& a) { start_listing(Listing::remove, a); }
void ServerSession::Impl::retr(const Arguments& a) { start_message(a, {}); }
void ServerSession::Impl::top(const Arguments& a) { start_message(a, a.lines); }

void ServerSession::Impl::rset(const Arguments&) {
  deleted.clear();
  deleted_count = 0;
  deleted_octets = 0;
  ok(Text::messages, count, octets);
}

} // namespace paquebot::pop3
