#pragma once

#include "http/server_session.h"

namespace paquebot::http {

/// The state of a session. server_session.cc holds the loop and the answers, server_request.cc what is asked of a head,
/// server_response.cc how answers are written.
struct ServerSession::Impl {
  enum class State : std::uint8_t {
    head,    ///< reading one, or waiting for one
    asked,   ///< AskRequest
    content, ///< reading content for the driver
    due,     ///< AskResponse
    stream,  ///< AskContent
    drain,   ///< the answer is out, the content is passed over
    finish,  ///< EndOutput comes next
    linger,
    closed,
  };

  explicit Impl(std::shared_ptr<const ServerOptions> o);

  // The loop.
  Action next();
  std::optional<Action> step();
  void read_head();
  void start_line(bool whole);
  void whole_head();
  std::optional<Action> read_content();
  Action linger();
  NeedInput need();
  std::string_view unread() const { return std::string_view(input).substr(used); }
  void use(std::string_view rest) { used = input.size() - rest.size(); }
  void drop(); ///< closes, and nothing more is sent
  void renew();
  bool answered(std::uint32_t which, State a, State b, State c) const;

  // Heads (server_request.cc).
  Parsed<void> take_start_line(std::string_view line);
  Parsed<void> take_head(Fields fields);
  Parsed<void> take_host();
  std::optional<Response> answer_at_once();

  // Answers (server_response.cc).
  void respond(Response response);
  void write_head(const Response& response);
  void error(const Fault& what, bool linger_on = true);
  void fail_content(const Fault& what, bool linger_on = true);
  void stream_piece(std::string_view bytes, bool last);
  void answer_done();
  bool content_stays() const;

  std::shared_ptr<const ServerOptions> options;
  State state = State::head;
  std::string input;
  std::size_t used = 0; ///< octets of input that were read
  std::string out;
  bool out_given = false; ///< out is with the driver; the next call of next() means it was sent
  std::uint32_t window = 1;
  std::uint32_t requests = 0;
  std::uint64_t since_step = 0; ///< octets of content since the window began, or dropped while lingering

  HeadReader head;
  BodyReader body;
  Request request;
  std::uint32_t id = 0;
  bool forget = false;      ///< the driver is told to forget the request
  bool close_after = false; ///< this answer is the last
  bool close_hard = false;  ///< without lingering
  bool going_down = false;
  bool head_only = false; ///< the answer goes to HEAD, or its status has no content
  bool stream_chunked = false;
  bool stream_sized = false;
  std::uint64_t stream_left = 0; ///< octets of a sized stream to come
  std::optional<Fault> last_fault;
};

} // namespace paquebot::http
