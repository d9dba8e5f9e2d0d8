#pragma once

#include "mail/surrogate.h"
#include "pop3/line_buffer.h"
#include "pop3/message_encoder.h"
#include "pop3/server_session.h"
#include "pop3/texts.h"
#include "sasl/exchange.h"

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

/// Who logs in: USER and PASS, or AUTH.
class ServerSession::Login {
public:
  explicit Login(Impl& session) : session_(session) {}
  void user_name(const Arguments& a);
  void pass(const Arguments& a);
  void auth(const Arguments& a);

  bool waits() const { return exchange_.waits(); } ///< the next line is a response, not a command
  void respond(std::string_view line) { show(exchange_.respond(line)); }
  void too_long() { exchange_.end("a response of more octets than may be"); }
  void answer(LoginVerdict verdict);
  void answer_keys(sasl::ScramCredentials credentials) { show(exchange_.answer_keys(std::move(credentials))); }

  sasl::Offer offer() const;
  void offer_scram(bool offered) { scram_ = offered; }
  void set_channel(sasl::Channel channel) { channel_ = std::move(channel); }
  const std::string& mechanism_name() const { return exchange_.mechanism(); }
  const sasl::Question& question() const { return exchange_.question(); }
  std::optional<sasl::Refusal> take_refusal() { return exchange_.take_refusal(); }
  void forget_name();
  void wipe() { exchange_.end(); }

private:
  bool allowed(); ///< false: refused already
  void show(sasl::Exchange::Outcome outcome);
  void refuse(LoginVerdict verdict);

  Impl& session_;
  std::string name_; ///< USER's, until PASS
  sasl::Exchange exchange_;
  sasl::Channel channel_;
  std::optional<bool> scram_;                  ///< instead of the options'
  LoginVerdict verdict_ = LoginVerdict::wrong; ///< of the exchange that is about to end
  std::uint32_t failures_ = 0;
};

/// The open mailbox, as RFC 1939 calls it: listings, messages and what is to be deleted.
class ServerSession::Maildrop {
public:
  explicit Maildrop(Impl& session) : session_(session) {}
  void open(std::uint32_t count, std::uint64_t octets);
  void stat(const Arguments&);
  void list(const Arguments& a);
  void uidl(const Arguments& a);
  void top(const Arguments& a);
  void retr(const Arguments& a);
  void dele(const Arguments& a);
  void rset(const Arguments&);

  AskList list_question(std::uint32_t id) const;
  AskMessage message_question(std::uint32_t id) const;
  void list_page(const std::vector<ListItem>& rows, bool failed);
  void message_bytes(std::string_view bytes, bool last, bool failed, bool international);

  std::uint32_t count() const { return count_; } ///< messages at open
  bool is_deleted(std::uint32_t number) const;
  std::uint32_t deleted_count() const { return deleted_count_; }
  bool collect();
  const std::vector<std::uint32_t>& commit() const { return commit_; } ///< what collect() found

private:
  enum class Listing : std::uint8_t { list, uidl, list_one, uidl_one, remove };
  void start_listing(Listing what, const Arguments& a);
  void one_row(const ListItem& row);
  void page_rows(const std::vector<ListItem>& rows);
  void start_message(const Arguments& a, std::optional<std::uint32_t> lines);

  Impl& session_;
  std::uint32_t count_ = 0;
  std::uint64_t octets_ = 0;           ///< of all of them
  std::vector<std::uint64_t> deleted_; ///< bitmap by number - 1, empty before the first DELE
  std::uint32_t deleted_count_ = 0;
  std::uint64_t deleted_octets_ = 0;
  std::vector<std::uint32_t> commit_;

  Listing listed_ = Listing::list;
  std::uint32_t next_ = 0; ///< first number of the page asked for
  bool started_ = false;   ///< the +OK of a listing or message is out
  std::uint32_t message_ = 0;
  MessageEncoder encoder_;
  std::optional<mail::Surrogate> surrogate_; ///< of the message, for a client without UTF8
};

/// The state of a session. server_session.cc holds the loop and the answers, server_verbs.cc the table of verbs and
/// what each does.
struct ServerSession::Impl {
  /// Bits, so that a row of the table can name several. After QUIT (RFC 1939's UPDATE state) no command is read.
  enum State : std::uint8_t { authorization = 1, transaction = 2, both = 3 };
  enum class Question : std::uint8_t { none, login, open, list, message, commit };
  struct Verb;

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
  void run(const Verb& verb, Arguments a);
  void capa(const Arguments&);
  void lang(const Arguments& a);
  void utf8_on(const Arguments&);
  void stls(const Arguments&);
  void quit(const Arguments&);
  void noop(const Arguments&);
  void foreign(const Arguments&);

  /// A line of the client's for somebody who watches: before the login only of verbs that take no secret.
  std::string without_secrets(std::string_view line) const;

  std::unique_ptr<std::function<void(std::string_view)>> listener; ///< null: nobody watches
  std::shared_ptr<const ServerOptions> options;
  bool encrypted;
  State state = authorization;
  LineBuffer input;
  std::uint32_t window = 1;
  std::uint32_t errors = 0;

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

  std::string logged_in;
  Login login{*this};
  Maildrop maildrop{*this};
};

} // namespace paquebot::pop3
