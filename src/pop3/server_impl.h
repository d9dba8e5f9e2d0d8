#pragma once

#include "mail/surrogate.h"
#include "pop3/line_buffer.h"
#include "pop3/message_encoder.h"
#include "pop3/server_session.h"
#include "pop3/texts.h"
#include "sasl/server.h"

#include <fmt/format.h>
#include <optional>

namespace paquebot::pop3 {

/// The parsed arguments of a command: what its row of the table allows.
struct Arguments {
  std::string_view text;    ///< all after the verb and one space
  bool numbered = false;    ///< a message number was given
  std::uint32_t number = 0; ///< one of the mailbox, not deleted
  std::uint32_t lines = 0;  ///< TOP
};

/// The state of a session. server_session.cc holds the loop and the answers, server_verbs.cc the table of verbs and what
/// each does.
struct ServerSession::Impl {
  /// Bits, so that a row of the table can name several. After QUIT (RFC 1939's UPDATE state) no command is read.
  enum State : std::uint8_t { authorization = 1, transaction = 2, both = 3 };
  enum class Question : std::uint8_t { none, login, open, list, message, commit };
  enum class Listing : std::uint8_t { list, uidl, list_one, uidl_one, remove };

  Impl(std::shared_ptr<const ServerOptions> o, bool e);
  ~Impl();

  // The loop.
  Action next();
  Action question_action();
  Send send();
  std::size_t line_bound() const;
  void handle_input(LineBuffer::Status status, std::string_view line);
  void ask(Question what);
  bool answered(Question what, std::uint32_t id); ///< false for a late answer

  // Replies.
  void reply(std::string_view status, Text text, fmt::format_args values);
  template <class... Values>
  void ok(Text text, const Values&... values) {
    reply("+OK ", text, fmt::make_format_args(values...));
  }
  template <class... Values>
  void refuse(Text text, const Values&... values) { ///< -ERR
    reply("-ERR ", text, fmt::make_format_args(values...));
  }
  template <class... Values>
  void error(Text text, const Values&... values) { ///< -ERR that counts towards max_errors
    if (++errors < options->max_errors) return refuse(text, values...);
    refuse(Text::too_many_errors);
    close();
  }
  void close() { closing = true; }
  void drop(); ///< closes, and nothing more is sent

  // Commands (server_verbs.cc).
  void command(std::string_view line);
  void capa(const Arguments&);
  void lang(const Arguments& a);
  void utf8_on(const Arguments&);
  void user_name(const Arguments& a);
  void pass(const Arguments& a);
  void auth(const Arguments& a);
  void stls(const Arguments&);
  void quit(const Arguments&);
  void noop(const Arguments&);
  void stat(const Arguments&);
  void list(const Arguments& a);
  void uidl(const Arguments& a);
  void top(const Arguments& a);
  void retr(const Arguments& a);
  void dele(const Arguments& a);
  void rset(const Arguments&);
  void foreign(const Arguments&);

  // Login (server_login.cc).
  bool login_allowed(); ///< false: refused already
  void auth_response(std::string_view line);
  void sasl_step(sasl::Step step);
  void answer_login(LoginVerdict verdict);
  void refuse_login(LoginVerdict verdict);
  void answer_keys(sasl::ScramCredentials credentials);
  sasl::Offer offer() const;
  void note_refusal(std::string cause);
  void wipe_login();

  // Listings and deletions.
  void start_listing(Listing what, const Arguments& a);
  void list_page(const std::vector<ListItem>& rows, bool failed);
  void one_row(const ListItem& row);
  void page_rows(const std::vector<ListItem>& rows);
  bool is_deleted(std::uint32_t number) const;
  void start_message(const Arguments& a, std::optional<std::uint32_t> lines);
  void message_bytes(std::string_view bytes, bool last, bool failed, bool international);

  std::shared_ptr<const ServerOptions> options;
  bool encrypted;
  State state = authorization;
  LineBuffer input;
  std::uint32_t window = 1;
  std::uint32_t errors = 0;
  std::uint32_t login_failures = 0;

  Language language = Language::en;
  bool utf8 = false; ///< the client takes UTF-8 in header fields (RFC 6856)

  std::string out;
  bool out_given = false; ///< out is with the driver; the next call of next() means it was sent
  bool flush = false;     ///< send what waits before the question
  bool tls_pending = false;
  bool closing = false; ///< close when out is sent
  bool going_down = false;
  bool logged_out = false;
  bool taken_away = false;
  bool heard = false; ///< some input has come

  Question question = Question::none;
  std::uint32_t question_id = 0;

  std::string name;                                 ///< USER's, until PASS
  std::unique_ptr<sasl::ServerMechanism> mechanism; ///< while AUTH goes on
  bool auth_waits = false;                          ///< the next line is a response, not a command
  std::string mechanism_name;                       ///< of the login that goes on
  sasl::Question login;
  sasl::Channel channel;
  std::optional<bool> scram;                  ///< instead of the options'
  std::optional<sasl::Refusal> refusal_;      ///< not taken yet
  bool judged = false;                        ///< somebody outside was asked about this exchange
  LoginVerdict refusal = LoginVerdict::wrong; ///< of the exchange that is about to end
  std::string logged_in;

  std::uint32_t count = 0;            ///< messages at open
  std::uint64_t octets = 0;           ///< of all of them
  std::vector<std::uint64_t> deleted; ///< bitmap by number - 1, empty before the first DELE
  std::uint32_t deleted_count = 0;
  std::uint64_t deleted_octets = 0;
  std::vector<std::uint32_t> commit; ///< what AskCommit shows

  Listing listing = Listing::list;
  std::uint32_t list_next = 0; ///< first number of the page asked for
  bool started = false;        ///< the +OK of a listing or message is out
  std::uint32_t message = 0;
  MessageEncoder encoder;
  std::optional<mail::Surrogate> surrogate; ///< of the message, for a client without UTF8
};

} // namespace paquebot::pop3
