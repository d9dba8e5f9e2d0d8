#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace paquebot::pop3 {

/// Languages of our replies (RFC 6856 section 3).
enum class Language : std::uint8_t { en, de, fr, es };

/// Everything that the server says to people. A name ends in what fmt puts into it.
enum class Text : std::uint8_t {
  greeting, ///< {} host
  goodbye,
  nothing_done,
  capabilities,
  language_list,
  language_changed,
  language_unknown,
  utf8_on,
  stls_after_utf8,
  begin_tls,
  tls_is_on,
  no_tls,
  clear_send_stls,
  clear_use_tls_port,
  send_pass,
  user_first,
  bad_login_text,
  unknown_mechanism,
  login_cancelled,
  bad_base64,
  bad_response,
  wrong_login,
  login_unchecked,
  account_disabled,
  too_many_logins,
  mailbox_in_use,
  mailbox_not_opened,
  mailbox_unreadable,
  message_unreadable,
  messages, ///< {} count {} octets
  message_follows,
  will_be_deleted,  ///< {} number
  messages_deleted, ///< {} count
  not_deleted,
  no_such_message, ///< {} count
  message_deleted, ///< {} number
  unknown_command,
  log_in_first,
  logged_in_already,
  control_characters,
  needs_argument,         ///< {} verb
  takes_no_argument,      ///< {} verb
  needs_number,           ///< {} verb
  needs_number_and_lines, ///< {} verb
  line_too_long,
  too_many_errors,
  going_down,
  logged_out,
  taken_over,
  other_protocol,
  tls_on_clear_port,
  last = tls_on_clear_port,
};

/// The response code with its brackets (RFC 2449 section 8, RFC 3206), the same in every language; empty for most
/// texts.
std::string_view code_of(Text text);
/// The words, with as many {} in each language, in the same order. English is ASCII; the others are UTF-8.
std::string_view words_of(Text text, Language language);

struct LanguageName {
  std::string_view tag;  ///< RFC 5646
  std::string_view name; ///< in the language itself
};
/// By Language.
std::span<const LanguageName> languages();
/// The language for a basic language range (RFC 4647 section 2.1), found by lookup (section 3.4): "de-AT" finds "de".
std::optional<Language> find_language(std::string_view range);

} // namespace paquebot::pop3
