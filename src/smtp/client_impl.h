#pragma once

#include "sasl/client.h"
#include "smtp/client_session.h"
#include "smtp/dot_encoder.h"
#include "smtp/reply_parser.h"

#include <deque>

namespace paquebot::smtp {

/// The client session's inside, shared by client_session.cc (input, output, how sessions end), client_setup.cc
/// (greeting, EHLO, TLS, login), client_message.cc (a message) and client_bdat.cc (its content in chunks). Only these
/// include this file.
///
/// The heart of it is `expected_`: for each command that was sent and not answered, what it was. A reply always
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
  enum class RecipientState : std::uint8_t { waiting, accepted, settled };

  Impl(ClientOptions options, bool encrypted);

  // ---- client_session.cc ----
  ClientAction next();
  void feed(std::string_view bytes);
  bool take_reply();
  void on_reply(Expected expected, mail::Reply reply);
  void unexpected_reply(mail::Reply reply);
  void command(Command what, std::string_view line, std::size_t recipient = 0);
  ClientAction need_input();
  /// The session ends by no reply of the peer: `own` is what unsettled recipients (or failure()) get.
  void break_off(Breakage breakage, mail::Reply own);
  void malformed(std::string_view what);
  /// Ends the session with `reply` for everything unsettled.
  void end_with(const mail::Reply& reply);
  void quit();
  bool in_message() const { return phase_ == Phase::envelope || phase_ == Phase::content || phase_ == Phase::final; }

  // ---- client_setup.cc ----
  void on_greeting(mail::Reply reply);
  void on_ehlo(mail::Reply reply);
  void on_helo(mail::Reply reply);
  void on_starttls(mail::Reply reply);
  void on_auth(mail::Reply reply);
  void say_hello();
  void after_hello();
  void log_in();
  void begin_auth();
  void fail_setup(mail::Reply reply);
  void read_feature(std::string_view line);
  void read_limit(std::string_view word);
  void read_auth(std::string_view line);

  // ---- client_extensions.cc ----
  void read_sending_feature(const std::vector<std::string_view>& words);
  std::string extension_parameters() const;
  bool may_require_tls() const;
  bool lacks_extension(mail::Reply& why) const;

  // ---- client_message.cc ----
  void send(OutgoingMessage message);
  void refuse_unsendable();
  bool unsendable(const mail::Recipient& recipient, mail::Reply& why) const;
  void send_group();
  bool send_one();
  void advance();
  void on_mail(mail::Reply reply);
  void on_rcpt(std::size_t index, mail::Reply reply);
  void on_data(mail::Reply reply);
  void on_final(std::size_t index, mail::Reply reply);
  void content(std::string_view bytes);
  void end_content();
  void settle(std::size_t index, mail::Reply reply, Settled what);
  void settle_rest(const mail::Reply& reply, Settled what);
  void message_done();
  std::string mail_line() const;
  std::string rcpt_line(const mail::Recipient& recipient) const;

  // ---- client_bdat.cc ----
  bool wants_chunks() const;
  bool envelope_over();
  bool wants_content() const;
  void add_to_chunk(std::string_view bytes);
  void send_chunk(bool last);
  void on_chunk(mail::Reply reply);

  ClientOptions options_;
  Phase phase_ = Phase::setup;
  bool encrypted_;
  PeerFeatures features_;
  std::string greeting_;
  mail::Reply failure_;
  Breakage breakage_ = Breakage::none;
  std::unique_ptr<sasl::ClientMechanism> mechanism_;
  std::string refused_login_; ///< mechanism and reply, before another one was tried
  sasl::Channel channel_;

  // Input and output.
  ReplyParser parser_;
  std::string input_;       ///< fed and not yet parsed
  std::string_view unread_; ///< of input_
  std::string out_, sending_;
  std::deque<Expected> expected_;
  std::uint32_t window_ = 0;

  // The message.
  OutgoingMessage message_;
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
  mail::Reply refusal_;               ///< to MAIL, DATA or a chunk: for all that is unsettled
  Settled refused_ = Settled::unsent; ///< which of them refusal_ answers
  mail::Reply final_reply_;
  DotEncoder encoder_;
  bool chunks_ = false; ///< the content goes by BDAT
  std::string chunk_;   ///< of it, not yet sent
};

} // namespace paquebot::smtp
