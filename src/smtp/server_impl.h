#pragma once

#include "mail/content_scan.h"
#include "mail/line_mender.h"
#include "sasl/server.h"
#include "smtp/dot_decoder.h"
#include "smtp/grammar.h"
#include "smtp/line_reader.h"
#include "smtp/server_session.h"
#include "smtp/xclient.h"

#include <optional>

namespace paquebot::smtp {

struct Verb;

/// The server session's inside, shared by server_session.cc (input, output, questions), server_commands.cc (the
/// handlers of the verbs), server_extensions.cc (what the MAIL parameters of grammar_extensions.h and ETRN add),
/// server_auth.cc (the exchange of AUTH), server_data.cc and server_bdat.cc (the content). Only these include this file.
struct ServerSession::Impl {
  /// What the next input is.
  enum class Mode : std::uint8_t {
    command, ///< a command line
    auth,    ///< a line of an AUTH exchange
    data,    ///< message content, up to its end
    chunk,   ///< the octets that BDAT announced
    tls,     ///< nothing: the handshake comes next
    closing, ///< nothing: replies go out, then the end
    closed,
  };
  /// What the outside was asked last.
  enum class Question : std::uint8_t { none, peer, helo, login, mail, recipient, data, content, etrn };

  Impl(std::shared_ptr<const ServerOptions> options, ConnectionInfo connection);

  // ---- server_session.cc ----
  Action next();
  void answer(std::uint32_t id, std::span<mail::Reply> verdicts);
  void feed(std::string_view bytes);
  void lost();
  void timed_out(std::string_view line);
  void tls_started();

  /// Puts a question with a fresh id; the session stands still until answer().
  template <class Ask>
  void ask(Question question, Ask what) {
    what.id = ++question_id_;
    question_ = question;
    asked_ = what;
  }
  /// Appends a reply of ours: a line without CRLF.
  void say(std::string_view line);
  /// The same, counted as an error of the peer's.
  void refuse(std::string_view line, std::uint32_t weight = 1);
  /// Appends a verdict of the outside's; `standard` (a line of ours) stands in for an empty text.
  void say(mail::Reply verdict, std::string_view standard);
  /// Appends `line` and ends the session.
  void hang_up(std::string_view line);
  /// The same, and there is nothing to remark.
  void part(std::string_view line);
  void remark(Remark::Kind kind, std::string_view reply);
  void after_error(std::uint32_t weight);
  void end_transaction();
  void rest();
  std::uint8_t state() const;
  std::size_t line_bound() const;
  bool lenient_greeting(std::string_view line) const;

  bool take_line();
  void run_line(std::string_view line);
  void dispatch(const Verb& verb, std::string_view arguments);
  Action need_input();
  Action flush();

  // ---- server_commands.cc: one handler a row of verbs.cc ----
  void do_ehlo(std::string_view arguments);
  void do_helo(std::string_view arguments);
  void do_mail(std::string_view arguments);
  void do_rcpt(std::string_view arguments);
  void do_data(std::string_view arguments);
  void do_rset(std::string_view arguments);
  void do_noop(std::string_view arguments);
  void do_vrfy(std::string_view arguments);
  void do_help(std::string_view arguments);
  void do_quit(std::string_view arguments);
  void do_starttls(std::string_view arguments);
  void do_not_done(std::string_view arguments);
  void do_foreign(std::string_view arguments);
  void greet(std::string_view arguments, bool extended);
  void peer_answered(mail::Reply verdict);
  void helo_answered(mail::Reply verdict);
  void mail_answered(mail::Reply verdict);
  void recipient_answered(mail::Reply verdict);
  void say_extensions();
  void say_limits();

  // ---- server_extensions.cc ----
  void do_etrn(std::string_view arguments);
  void etrn_answered(mail::Reply verdict);
  void say_parameter_extensions();
  bool etrn_offered() const;
  Offers mail_offers() const;
  bool lower_priority();

  // ---- server_auth.cc ----
  void do_auth(std::string_view arguments);
  void auth_line(std::string_view line);
  void auth_step(const std::string* response);
  void auth_take(sasl::Step step);
  void login_answered(mail::Reply verdict);
  void answer_keys(std::uint32_t id, sasl::ScramCredentials credentials);
  sasl::Offer offer() const;
  void end_auth();
  void note_refusal(std::string cause);
  bool auth_offered() const;

  // ---- server_xclient.cc ----
  void do_xclient(std::string_view arguments);

  // ---- server_data.cc ----
  void data_answered(mail::Reply verdict);
  std::string_view data_step();
  void finish_data();
  void content_answered(std::span<mail::Reply> verdicts);
  bool too_large() const;
  static mail::Reply holds_nul();
  static mail::Reply holds_bare();
  static mail::Reply larger_than_taken();
  bool mends_bare_lf() const;
  std::string_view mended(std::string_view& piece);
  void refuse_content_now(mail::Reply refusal);
  void drop_content();
  void refuse_content(mail::Reply verdict);
  void begin_content();
  std::uint64_t most_swallowed() const;

  // ---- server_bdat.cc ----
  void do_bdat(std::string_view arguments);
  mail::Reply out_of_place() const;
  void fail_chunks(mail::Reply why);
  std::string_view chunk_step();
  std::string_view finish_chunk();
  void finish_chunks();
  bool chunk_is_broken() const;
  void answer_stray();
  void give_up_chunk();

  const std::shared_ptr<const ServerOptions> options_;
  const ConnectionInfo connection_;

  // Input and output.
  Mode mode_ = Mode::command;
  std::string_view input_; ///< what is left of the last feed()
  LineReader lines_;
  std::string out_;     ///< replies not yet given to the driver
  std::string sending_; ///< replies that the last Send action shows
  std::uint32_t window_ = 0;
  std::uint32_t total_window_ = 0;
  bool heard_ = false; ///< something was fed
  bool shutting_down_ = false;
  bool logged_out_ = false;
  bool lost_ = false; ///< the connection is gone: nothing is sent any more
  bool injected_ = false;
  static constexpr std::string_view kAuth = "AUTH"; ///< said_ within an exchange
  std::string_view said_;                           ///< the command line that is looked at
  bool secrets_ = false; ///< AUTH was said: what is no command may be a password that went astray
  std::vector<Remark> remarks_;

  // The open question.
  Question question_ = Question::none;
  std::uint32_t question_id_ = 0;
  Action asked_ = Close{};

  // The session.
  std::string helo_, asked_helo_;
  bool extended_ = false, asked_extended_ = false;
  bool encrypted_;
  std::string login_;
  std::uint32_t errors_ = 0, commands_ = 0, messages_ = 0;
  std::unique_ptr<ToldPeer> told_; ///< null before XCLIENT

  // The AUTH exchange.
  std::unique_ptr<sasl::ServerMechanism> mechanism_;
  std::string mechanism_name_;
  std::unique_ptr<sasl::Question> asked_login_;
  sasl::Channel channel_;
  std::unique_ptr<sasl::Refusal> refusal_; ///< not taken yet
  bool judged_ = false;                    ///< somebody outside was asked about this exchange
  std::optional<bool> scram_;              ///< instead of the options'

  // The transaction.
  bool transaction_ = false;
  mail::Sender sender_;
  bool lowered_ = false; ///< its priority, which was more than the client may ask for
  std::string asked_node_;
  std::vector<mail::Recipient> recipients_;
  mail::Recipient asked_recipient_;
  bool staged_ = false;  ///< AskData was put and nothing has ended the transaction
  bool discard_ = false; ///< a Discard action is due

  // The content.
  DotDecoder decoder_;
  mail::LineMender mender_;
  std::string_view unmended_;                    ///< what is left of the last piece that came, decoded
  std::uint64_t content_size_ = 0;               ///< octets decoded so far
  std::uint64_t swallowed_ = 0;                  ///< octets read of a message that is refused already
  std::unique_ptr<mail::Reply> content_refusal_; ///< the outside's, or why a chunk was refused

  // Content in chunks.
  bool chunks_ = false;        ///< this transaction has had a BDAT
  bool chunks_failed_ = false; ///< and the refusal of one was said
  std::uint64_t chunk_size_ = 0, chunk_left_ = 0;
  bool chunk_last_ = false;
  mail::Reply stray_;      ///< the answer to a chunk that belongs to no content; code 0: it does
  mail::ContentScan scan_; ///< of the lines so far
  bool open_line_ = false; ///< the content so far does not end with a line end
};

} // namespace paquebot::smtp
