#pragma once

#include "sasl/client.h"
#include "smtp/client_session.h"
#include "smtp/dot_encoder.h"
#include "smtp/reply_parser.h"

#include <deque>
#include <utility>

namespace paquebot::smtp {

/// From the greeting to Ready: EHLO, STARTTLS, login (client_setup.cc).
class ClientSession::Setup {
public:
  explicit Setup(Impl& session) : session_(session) {}
  void say_hello();
  void on_greeting(mail::Reply reply);
  void on_ehlo(mail::Reply reply);
  void on_helo(mail::Reply reply);
  void on_starttls(mail::Reply reply);
  void on_auth(mail::Reply reply);

  const PeerFeatures& features() const { return features_; }
  const std::string& greeting() const { return greeting_; }
  const std::string& refused_login() const { return refused_login_; }
  void set_channel(sasl::Channel channel) { channel_ = std::move(channel); }

private:
  void after_hello();
  void log_in();
  void begin_auth();
  void fail(mail::Reply reply);

  Impl& session_;
  PeerFeatures features_;
  std::string greeting_;
  std::unique_ptr<sasl::ClientMechanism> mechanism_;
  std::string refused_login_; ///< mechanism and reply, before another one was tried
  sasl::Channel channel_;
};

/// One message: its envelope, and what became of each recipient (client_message.cc).
class ClientSession::Message {
public:
  explicit Message(Impl& session) : session_(session) {}
  void send(OutgoingMessage message);
  void advance();
  void on_mail(mail::Reply reply);
  void on_rcpt(std::size_t index, mail::Reply reply);
  void on_data(mail::Reply reply);
  void await_final();
  void on_final(std::size_t index, mail::Reply reply);
  /// A chunk was refused: so is the message.
  void on_refused_chunk(mail::Reply reply);
  /// A refusal came while the content was on its way.
  void on_early_refusal(const mail::Reply& reply);
  /// The session ended, with `reply` for everything unsettled.
  void on_end(const mail::Reply& reply);
  /// It is about to end by no reply of the peer.
  void note_doubt();
  void finish();

  const OutgoingMessage& outgoing() const { return outgoing_; }
  bool binary() const { return outgoing_.sender.body == mail::BodyType::binary; }
  bool refused() const { return refusal_.code != 0; }
  bool take_done() { return std::exchange(done_, false); }
  std::span<const mail::Reply> results() const { return results_; }
  std::span<const Settled> settled() const { return settled_; }
  bool in_doubt() const { return in_doubt_; }
  const mail::Reply& final_reply() const { return final_reply_; }

private:
  enum class RecipientState : std::uint8_t { waiting, accepted, settled };
  void refuse_unsendable();
  void send_group();
  bool send_one();
  bool recipients_said();
  void settle(std::size_t index, mail::Reply reply, Settled what);
  void settle_rest(const mail::Reply& reply, Settled what);

  Impl& session_;
  OutgoingMessage outgoing_;
  std::vector<mail::Reply> results_;
  std::vector<Settled> settled_;
  std::vector<RecipientState> states_;
  std::size_t next_recipient_ = 0;
  std::size_t accepted_ = 0; ///< recipients in state accepted
  bool mail_sent_ = false, data_sent_ = false;
  bool go_ahead_ = false;    ///< DATA was answered with 354
  bool transaction_ = false; ///< the peer has one open that must be reset before the next message
  bool done_ = false;        ///< a MessageDone is due
  bool in_doubt_ = false;
  Settled refused_ = Settled::unsent; ///< which of them refusal_ answers
  mail::Reply refusal_;               ///< to MAIL, DATA or a chunk: for all that is unsettled
  mail::Reply final_reply_;
};

/// The content of the message, behind DATA or in chunks (client_content.cc).
class ClientSession::Content {
public:
  explicit Content(Impl& session) : session_(session) {}
  void begin();
  bool in_chunks() const { return chunks_; }
  bool wanted() const;
  void add(std::string_view bytes);
  void end();
  void on_chunk(mail::Reply reply);

private:
  void send_chunk(bool last);

  Impl& session_;
  DotEncoder encoder_;
  bool chunks_ = false; ///< the content goes by BDAT
  std::string chunk_;   ///< of it, not yet sent
};

/// The client session's inside: input, output, how sessions end, and what the parts above share (client_session.cc).
/// Only these files include this one.
///
/// The heart of it is `expected`: for each command that was sent and not answered, what it was. A reply always
/// belongs to the front of it, whether commands were pipelined or not.
struct ClientSession::Impl {
  enum class Command : std::uint8_t {
    greeting,
    ehlo,
    helo,
    starttls,
    auth,
    rset,
    mail,
    rcpt,
    data,
    bdat,
    final,
    empty_final,
    quit
  };
  struct Expected {
    Command command;
    std::size_t recipient = 0; ///< index, for rcpt and for final in LMTP
  };
  enum class Phase : std::uint8_t {
    setup,     ///< until Ready
    handshake, ///< TLS is being set up
    ready,     ///< between messages
    envelope,  ///< MAIL, RCPT and DATA
    content,   ///< the peer said 354
    final,     ///< all content was given
    quitting,
    closed, ///< nothing is sent or read any more
  };

  Impl(ClientOptions o, bool e);

  ClientAction next();
  void feed(std::string_view bytes);
  bool take_reply();
  void on_reply(Expected what, mail::Reply reply);
  void unexpected_reply(mail::Reply reply);
  void command(Command what, std::string_view line, std::size_t recipient = 0);
  ClientAction need_input();
  /// The session ends by no reply of the peer: `own` is what unsettled recipients (or failure()) get.
  void break_off(Breakage why, mail::Reply own);
  void malformed(std::string_view what);
  /// Ends the session with `reply` for everything unsettled.
  void end_with(const mail::Reply& reply);
  void quit();
  bool in_message() const { return phase == Phase::envelope || phase == Phase::content || phase == Phase::final; }

  ClientOptions options;
  Phase phase = Phase::setup;
  bool encrypted;
  Breakage breakage = Breakage::none;
  mail::Reply failure;

  // Input and output.
  ReplyParser parser;
  std::string input;       ///< fed and not yet parsed
  std::string_view unread; ///< of input
  std::string out, sending;
  std::deque<Expected> expected;
  std::uint32_t window = 0;

  Setup setup{*this};
  Message message{*this};
  Content content{*this};
};

} // namespace paquebot::smtp
