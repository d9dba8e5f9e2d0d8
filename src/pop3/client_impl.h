#pragma once

#include "pop3/client_session.h"
#include "pop3/line_buffer.h"
#include "pop3/listing.h"
#include "pop3/message_decoder.h"
#include "sasl/client.h"

#include <cstdint>
#include <deque>
#include <fmt/format.h>
#include <memory>
#include <string>

namespace paquebot::pop3 {

struct ClientSession::Impl {
  /// What the next line from the server answers.
  enum class Awaits : std::uint8_t {
    nothing,
    greeting,
    capa,
    capa_lines,
    stls,
    utf8,
    auth,
    user,
    pass,
    list,
    list_lines,
    uidl,
    uidl_lines,
    retrieve,
    message,
    remove,
    quit,
  };

  Impl(ClientOptions o, bool e) : options(std::move(o)), encrypted(e) {}
  ~Impl() { forget_secrets(); }

  ClientAction next();
  ClientAction action_of_input();
  void line(std::string_view text);
  void reply(bool good, std::string_view text);
  void command_reply(bool good, std::string_view text);
  void listing_line(std::string_view text);
  void message_input();

  void send(Awaits what, std::string_view command);
  void start(Awaits what, const std::string& command);
  void capabilities_known();
  void set_utf8();
  void log_in();
  void begin_auth();
  bool fall_back();
  void ask_ahead();
  void one_retrieved();
  void auth_challenge(std::string_view text);
  void logged_in();
  void forget_secrets();
  void fail(ClientFailure kind, std::string text); // a command failed, the session goes on
  void give_up(ClientFailure kind, std::string text, bool polite = false);
  void broken(std::string_view what) {
    give_up(ClientFailure::malformed, fmt::format("the server broke the protocol: {}", what));
  }

  ClientOptions options;
  bool encrypted;
  Awaits awaits = Awaits::greeting;
  LineBuffer input;
  MessageDecoder decoder;
  std::string waiting; // message octets not decoded yet
  std::string chunk;
  std::string out;
  bool out_given = false;
  bool start_tls = false;
  bool ready = false;
  bool done = false;
  bool closed = false;
  std::uint32_t window = 1;
  std::size_t since_window = 0;

  Capabilities offers;
  std::unique_ptr<sasl::ClientMechanism> mechanism;
  sasl::Channel channel;
  bool fell_back = false; ///< from SCRAM to PLAIN

  std::deque<std::uint32_t> wanted; ///< messages not asked for yet
  long wanted_lines = -1;
  std::size_t in_flight = 0; ///< retrievals asked for and not answered

  Listing listing;
  ClientFailure failure = ClientFailure::none;
  std::string error;
};

} // namespace paquebot::pop3
