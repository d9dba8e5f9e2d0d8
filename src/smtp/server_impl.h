#pragma once

#include "mail/content_scan.h"
#include "mail/line_mender.h"
#include "sasl/exchange.h"
#include "smtp/dot_decoder.h"
#include "smtp/grammar.h"
#include "smtp/line_reader.h"
#include "smtp/server_session.h"
#include "smtp/xclient.h"

#include <cassert>
#include <optional>

namespace paquebot::smtp {

struct Verb;

/// What the peer is told, and what of it the log is told: replies, refusals, remarks (server_replies.cc).
class ServerSession::Replies {
public:
  static constexpr std::string_view kAuth = "AUTH"; ///< about() within an exchange

  explicit Replies(Impl& session) : session_(session) {}

  /// The command line that what follows is the reply to; it must live as long.
  void about(std::string_view line) { said_ = line; }
  /// AUTH was said: what is no command may be a password that went astray.
  void keep_secrets() { secrets_ = true; }

  /// Appends a reply of ours: a line without CRLF.
  void say(std::string_view line);
  /// Appends a verdict of the outside's; `standard` (a line of ours) stands in for an empty text.
  void say(mail::Reply verdict, std::string_view standard);
  /// A line of ours, remarked and counted as an error of the peer's.
  void refuse(std::string_view line, std::uint32_t weight = 1);
  /// A refusal of the outside's; counted when it is for good.
  void pass_on(mail::Reply refusal, std::uint32_t weight = 1);
  /// Appends `line` and ends the session.
  void hang_up(std::string_view line);
  /// The same, and there is nothing to remark.
  void part(std::string_view line);
  void remark(Remark::Kind kind, std::string_view reply);
  void count_error(std::uint32_t weight);

  std::uint32_t errors() const { return errors_; } ///< since the last forgive()
  void forgive() { errors_ = 0; }
  /// A line of the peer's for somebody who watches: nothing of a login but its mechanism.
  std::string without_secrets(std::string_view line) const;
  std::vector<Remark> take_remarks() { return std::exchange(remarks_, {}); }

  bool empty() const { return out_.empty(); }
  bool full() const; ///< has to be sent before anything else is done
  Send flush();
  void sent() { sending_.clear(); }
  void drop() { out_.clear(); }
  void rest(); ///< gives memory back; both are empty

private:
  Impl& session_;
  std::string out_;     ///< not yet given to the driver
  std::string sending_; ///< what the last Send action shows
  std::string_view said_;
  std::vector<Remark> remarks_;
  std::uint32_t errors_ = 0;
  bool secrets_ = false;
};

/// Who speaks with us: HELO, EHLO, LHLO, and XCLIENT, which says for whom (server_greeting.cc).
class ServerSession::Greeting {
public:
  explicit Greeting(Impl& session) : session_(session) {}
  void peer_answered(mail::Reply verdict);
  void hello(std::string_view arguments, bool extended);
  void answered(mail::Reply verdict);
  void xclient(std::string_view arguments);
  void forget(); ///< all but what XCLIENT told

  const std::string& name() const { return helo_; } ///< empty before HELO
  bool extended() const { return extended_; }
  const ToldPeer* told() const { return told_.get(); } ///< null before XCLIENT

private:
  void say_extensions();
  void say_limits();
  void say_parameter_extensions();

  Impl& session_;
  std::string helo_, asked_helo_;
  std::unique_ptr<ToldPeer> told_;
  bool extended_ = false, asked_extended_ = false;
};

/// Who has logged in, and the exchange of AUTH (server_auth.cc).
class ServerSession::Login {
public:
  explicit Login(Impl& session) : session_(session) {}
  void auth(std::string_view arguments);
  void respond(std::string_view line); ///< a line of the exchange
  void answered(mail::Reply verdict);
  void answer_keys(std::uint32_t id, sasl::ScramCredentials credentials);
  void end(); ///< of the exchange, if there is one; its secrets are wiped

  const std::string& identity() const { return identity_; } ///< empty before
  void forget() { identity_.clear(); }
  bool offered() const;
  sasl::Offer offer() const;
  void offer_scram(bool offered) { scram_ = offered; }
  void set_channel(sasl::Channel channel) { channel_ = std::move(channel); }
  std::string_view mechanism_name() const { return exchange_ ? exchange_->mechanism() : std::string_view(); }
  std::optional<sasl::Refusal> take_refusal();

private:
  void show(sasl::Exchange::Outcome outcome);

  Impl& session_;
  std::string identity_;
  std::unique_ptr<sasl::Exchange> exchange_; ///< from the first AUTH on: most sessions have none
  sasl::Channel channel_;
  std::optional<bool> scram_; ///< instead of the options'
};

/// The envelope: MAIL and RCPT (server_transaction.cc).
class ServerSession::Transaction {
public:
  explicit Transaction(Impl& session) : session_(session) {}
  void mail(std::string_view arguments);
  void mail_answered(mail::Reply verdict);
  void rcpt(std::string_view arguments);
  void recipient_answered(mail::Reply verdict);
  void end(); ///< with its content, whatever became of it
  void rest() { recipients_.shrink_to_fit(); }

  Offers offers() const;              ///< for the parameters of MAIL
  bool open() const { return open_; } ///< MAIL was accepted
  const mail::Sender& sender() const { return sender_; }
  const std::vector<mail::Recipient>& recipients() const { return recipients_; }
  bool binary() const { return sender_.body == mail::BodyType::binary; }
  void count_message() { ++messages_; }
  std::uint32_t messages() const { return messages_; } ///< accepted in this session

private:
  bool lower_priority();

  Impl& session_;
  mail::Sender sender_;
  std::vector<mail::Recipient> recipients_;
  mail::Recipient asked_recipient_;
  std::uint32_t messages_ = 0;
  bool open_ = false;
  bool lowered_ = false; ///< its priority, which was more than the client may ask for
};

/// The content of a message, by whichever way it comes: what is handed on, and why it may be refused
/// (server_content.cc). It is staged from AskData on until it is dropped or belongs to the outside.
class ServerSession::Content {
public:
  explicit Content(Impl& session) : session_(session) {}
  void stage();
  bool staged() const { return staged_; }
  void begin(); ///< octets come now
  void drop();
  bool take_discard() { return std::exchange(discard_, false); }
  bool discard_due() const { return discard_; }
  void forget(); ///< the transaction is over

  // Octets: decoded ones come in, and go out as they have to be.
  void came(std::string_view bytes) { unmended_ = bytes; }
  bool waits() const { return !unmended_.empty(); }
  std::size_t waiting() const { return unmended_.size(); }
  std::string_view take(bool lines);
  std::string_view line_end();        ///< that the last line is without
  void swallow(std::uint64_t octets); ///< read of a message that is refused already; nothing waits then
  void bound_swallowed();             ///< ends the session when they are too many
  std::uint64_t most_swallowed() const;

  // Refusals.
  bool mends_bare_lf() const;
  bool too_large(std::uint64_t more = 0) const; ///< when `more` octets are added
  static mail::Reply broken_lines(bool nul);
  static mail::Reply larger_than_taken();
  void refuse(mail::Reply verdict); ///< the outside's
  void fail(mail::Reply why);       ///< the first thing that goes wrong is what the message is refused with
  mail::Reply* refusal() { return refusal_.get(); }
  void refuse_now(mail::Reply refusal);
  void judged(std::span<mail::Reply> verdicts);

private:
  Impl& session_;
  mail::LineMender mender_;
  std::string_view unmended_; ///< what is left of the last piece that came, decoded
  std::uint64_t size_ = 0;    ///< octets taken so far
  std::uint64_t swallowed_ = 0;
  std::unique_ptr<mail::Reply> refusal_; ///< the outside's, or why a chunk was refused
  bool staged_ = false;
  bool discard_ = false; ///< a Discard action is due
};

/// Content between 354 and the dot: DATA (server_data.cc).
class ServerSession::Data {
public:
  explicit Data(Impl& session) : session_(session) {}
  void data();
  void answered(mail::Reply verdict);
  std::string_view step();

private:
  void finish();
  bool broken() const;

  Impl& session_;
  DotDecoder decoder_;
};

/// Content in chunks: BDAT (server_bdat.cc).
class ServerSession::Chunks {
public:
  explicit Chunks(Impl& session) : session_(session) {}
  void bdat(std::string_view arguments);
  void answered(mail::Reply verdict);
  std::string_view step();
  bool begun() const { return begun_; }     ///< this transaction has had a BDAT
  bool whole() const { return left_ == 0; } ///< all octets of this one were read
  void forget() { begun_ = failed_ = open_line_ = false; }

private:
  mail::Reply out_of_place() const;
  std::string_view finish_chunk();
  void finish_content();
  bool broken() const;
  void say_refusal();
  void answer_stray();
  void give_up();

  Impl& session_;
  std::uint64_t size_ = 0, left_ = 0;
  mail::Reply stray_;      ///< the answer to a chunk that belongs to no content; code 0: it does
  mail::ContentScan scan_; ///< of the lines so far
  bool last_ = false;
  bool begun_ = false;
  bool failed_ = false;    ///< the refusal of a chunk was said
  bool open_line_ = false; ///< the content so far does not end with a line end
};

/// The server session's inside: input, questions, and what the parts above share (server_session.cc; verbs.cc has the
/// table of verbs, server_commands.cc those that belong to no part). Only these files include this one.
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

  Impl(std::shared_ptr<const ServerOptions> o, ConnectionInfo c);

  // ---- server_session.cc ----
  Action next();
  void answer(std::uint32_t id, std::span<mail::Reply> verdicts);
  void feed(std::string_view bytes);
  void lost();
  void timed_out(std::string_view line);
  void tls_started();

  /// Puts a question with a fresh id; the session stands still until answer().
  template <class Ask>
  void ask(Question what, Ask action) {
    assert(question == Question::none && "one question at a time");
    action.id = ++question_id;
    question = what;
    asked = action;
  }
  void close();  ///< when the replies are out
  void forget(); ///< whatever the peer said: another one speaks, or the same under TLS
  void rest();
  std::uint8_t state() const;
  std::size_t line_bound() const;
  bool lenient_greeting(std::string_view line) const;

  bool take_line();
  void run_line(std::string_view line);
  void dispatch(const Verb& verb, std::string_view arguments);
  Action need_input();

  // ---- server_commands.cc ----
  void help(std::string_view arguments);
  void starttls();
  void etrn(std::string_view arguments);
  void etrn_answered(mail::Reply verdict);
  bool etrn_offered() const;

  const std::shared_ptr<const ServerOptions> options;
  const ConnectionInfo connection;

  std::string_view input; ///< what is left of the last feed()
  LineReader lines;
  std::uint32_t window = 0;
  std::uint32_t total_window = 0;
  std::uint32_t commands = 0;
  Mode mode = Mode::command;
  bool encrypted;
  bool heard = false; ///< something was fed
  bool shutting_down = false;
  bool logged_out = false;
  bool gone = false;                                               ///< the connection is lost: nothing is sent any more
  std::unique_ptr<std::function<void(std::string_view)>> listener; ///< null: nobody watches

  // The open question.
  Question question = Question::none;
  std::uint32_t question_id = 0;
  Action asked = Close{};
  std::string asked_node; ///< ETRN's

  Replies replies{*this};
  Greeting greeting{*this};
  Login login{*this};
  Transaction transaction{*this};
  Content content{*this};
  Data data{*this};
  Chunks chunks{*this};
};

} // namespace paquebot::smtp
