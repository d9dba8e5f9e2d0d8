#include "base/text.h"
#include "pop3/server_impl.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

namespace paquebot::pop3 {

namespace {

enum class Takes : std::uint8_t {
  nothing,
  rest,   // any text, at least one octet
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
std::string_view parse_numbers(std::string_view text, bool with_lines, Arguments& a) {
  auto clamped = [](std::uint64_t n) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(n, std::numeric_limits<std::uint32_t>::max()));
  };
  std::size_t gap = with_lines ? text.find(' ') : text.size();
  auto number = parse_u64(text.substr(0, gap));
  auto lines = gap < text.size() ? parse_u64(text.substr(gap + 1)) : std::nullopt;
  if (with_lines && (!number || !lines)) return "needs a message number and a number of lines";
  if (!number) return "needs one message number";
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
  // The whole language: RFC 1939 sections 4 to 7, RFC 2449 section 5 (CAPA), RFC 2595 section 4 (STLS), RFC 5034 (AUTH).
  static constexpr Verb kVerbs[] = {
      {"CAPA", both, Takes::nothing, &Impl::capa},
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
  };

  std::size_t space = line.find(' ');
  std::string_view name = line.substr(0, space);
  Arguments a;
  if (space != std::string_view::npos) a.text = line.substr(space + 1);
  const Verb* verb = std::ranges::find_if(kVerbs, [&](const Verb& v) { return iequals(v.name, name); });
  if (verb == std::end(kVerbs)) return error("unknown command");
  if ((verb->states & state) == 0) {
    return error(state == authorization ? "log in first" : "you are logged in already");
  }
  if (has_control(a.text)) return error("control characters are not allowed");
  if (verb->takes == Takes::rest) {
    if (a.text.empty()) return error(fmt::format("{} needs an argument", verb->name));
    return (this->*verb->handler)(a);
  }

  std::string_view rest = without_trailing_blanks(a.text);
  if (verb->takes == Takes::nothing) {
    if (!rest.empty()) return error(fmt::format("{} takes no argument", verb->name));
    return (this->*verb->handler)(a);
  }
  if (verb->takes == Takes::optional_number && rest.empty()) return (this->*verb->handler)(a);

  if (auto wrong = parse_numbers(rest, verb->takes == Takes::number_and_lines, a); !wrong.empty()) {
    return error(fmt::format("{} {}", verb->name, wrong));
  }
  if (a.number == 0 || a.number > count) return refuse(fmt::format("no such message, there are {}", count));
  if (is_deleted(a.number)) return refuse(fmt::format("message {} is deleted", a.number));
  (this->*verb->handler)(a);
}

void ServerSession::Impl::capa(const Arguments&) {
  ok("this server can");
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
  // RFC 2449 sections 6.6, 6.4, 6.9; RFC 3206 section 5.
  out += "PIPELINING\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nIMPLEMENTATION Paquebot\r\n.\r\n";
}

void ServerSession::Impl::stls(const Arguments&) {
  if (encrypted) return error("TLS is on already");
  if (!options->tls_available) return error("TLS is not available here");
  ok("begin TLS now");
  input.clear(); // RFC 2595 section 4: nothing may follow STLS before the handshake
  tls_pending = true;
}

void ServerSession::Impl::quit(const Arguments&) {
  if (deleted_count == 0) {
    ok("goodbye");
    return close();
  }
  commit.reserve(deleted_count);
  for (std::uint32_t number = 1; number <= count; ++number) {
    if (is_deleted(number)) commit.push_back(number);
  }
  ask(Question::commit);
}

void ServerSession::Impl::noop(const Arguments&) { ok("nothing done"); }

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
  ok(fmt::format("{} messages ({} octets)", count, octets));
}

} // namespace paquebot::pop3
