#pragma once

#include "smtp/server_impl.h"

#include <cstdint>
#include <span>
#include <string_view>

namespace paquebot::smtp {

/// Where a session stands when a command comes; the states a verb may come in are a set of these.
enum State : std::uint8_t {
  kFresh = 1,      ///< before HELO, EHLO or LHLO
  kIdle = 2,       ///< greeted, no transaction
  kMail = 4,       ///< MAIL was accepted, no RCPT yet
  kRecipients = 8, ///< at least one RCPT was accepted
  kInMail = kMail | kRecipients,
  kGreeted = kIdle | kInMail,
  kAnyState = kFresh | kGreeted,
};

/// Which listeners know a verb.
enum Roles : std::uint8_t {
  kSmtp = 1, ///< mx and submission
  kLmtp = 2, ///< RFC 2033
  kBoth = kSmtp | kLmtp,
};

enum class Arguments : std::uint8_t { none, optional, required };

/// A verb's flags.
enum Flags : std::uint8_t {
  kNoFlags = 0,
  kBeforeTls = 1,  ///< allowed in clear where TLS is required (RFC 3207 section 4)
  kNeedsLogin = 2, ///< refused before login where login is required (RFC 6409 section 4.3)
  kGreets = 4,     ///< its argument is the client's name
};

/// All that is to know about one verb. Dispatch does nothing but walk this row: role, TLS,
/// state, arguments, login, handler.
struct Verb {
  std::string_view name;
  std::uint8_t roles;
  std::uint8_t states;
  Arguments arguments;
  std::uint8_t flags;
  /// Runs the command; `arguments` is what followed the verb and one space.
  void (*handler)(ServerSession::Impl& session, std::string_view arguments);
  /// Reply without CRLF in a wrong state; before EHLO the reply is always to say EHLO first.
  std::string_view wrong_state;
  /// For HELP.
  std::string_view syntax;
};

/// The row of `name` (any case), or nullptr.
const Verb* find_verb(std::string_view name);
/// Every row, for HELP and for tests.
std::span<const Verb> all_verbs();

} // namespace paquebot::smtp
