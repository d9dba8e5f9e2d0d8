#pragma once

#include "base/clock.h"
#include "http/body_reader.h"
#include "http/head_reader.h"
#include "http/message.h"

#include <chrono>
#include <memory>
#include <variant>

namespace paquebot::http {

struct ServerOptions {
  bool encrypted = false; ///< under TLS: a target that names the scheme must name this one (421)
  /// Host names (lower case) that are served here; others get 421, which is what keeps a foreign name that was pointed
  /// at us (DNS rebinding) from being answered. None: any name, and none.
  std::vector<std::string> hosts;
  /// Methods that may come: of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS. Others that are known get 405, unknown
  /// ones 501.
  std::vector<std::string> methods = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
  bool http10 = true; ///< else HTTP/1.0 gets 426
  Fields always;      ///< with every answer that has no field of that name
  HeadBounds head;
  BodyBounds body;
  std::uint32_t max_requests = 1000; ///< of a connection; the answer to the last one says so
  std::uint64_t max_drain =
      65536; ///< octets of content that nobody wanted and that are passed over to keep the connection
  /// Octets that are dropped behind the last answer, so that a client which still sends too large a content gets to
  /// read why it was refused; `linger_timeout` bounds it too.
  std::uint64_t max_linger = 4 << 20;
  std::chrono::milliseconds idle_timeout{60'000}; ///< for the first octet of a request
  std::chrono::milliseconds head_timeout{20'000}; ///< for the whole of a head, from its first octet
  /// For each `body_step` octets of content, and for its last ones: the two are the least speed.
  std::chrono::milliseconds body_timeout{30'000};
  std::uint32_t body_step = 65536;
  std::chrono::milliseconds linger_timeout{2'000}; ///< for the client to close, once we have said our last
  const Clock* clock = nullptr;                    ///< for Date; without one there is no Date (RFC 9110 section 6.6.1)
};

// ---- Actions: small views, valid until the next input call ----

/// Write these bytes, then call next() again.
struct Send {
  std::string_view bytes;
};
/// Read and feed(). `within` counts from the moment `window` last changed. `idle`: between two requests.
struct NeedInput {
  std::chrono::milliseconds within;
  std::uint32_t window;
  bool idle;
};
/// A request whose head is whole: respond() at once, or read_content() first. Valid until the answer is out.
struct AskRequest {
  std::uint32_t id;
  const Request* request;
};
/// A piece of the content that read_content() asked for, never empty. respond() may come here too, instead of reading
/// on.
struct Content {
  std::uint32_t id;
  std::string_view bytes;
};
/// The content is whole: respond().
struct AskResponse {
  std::uint32_t id;
};
/// The next piece of a streamed answer: content().
struct AskContent {
  std::uint32_t id;
};
/// This request is over and gets no answer of the driver's: its content broke off, is malformed or too large, or the
/// client is gone. What was made of it so far is to be undone.
struct Forget {
  std::uint32_t id;
};
/// Everything is sent: close our direction (close_notify, shutdown) and go on reading, so that the client gets to read
/// the answer before a reset (RFC 9112 section 9.6).
struct EndOutput {};
/// Close. Always last.
struct Close {};

using Action = std::variant<Send, NeedInput, AskRequest, Content, AskResponse, AskContent, Forget, EndOutput, Close>;

/// The server side of one HTTP/1.1 connection (RFC 9110, 9112): a state machine over bytes and answers, no I/O. One
/// request is in hand at a time; others that were sent behind it (pipelining) wait unread. Every request has an id: an
/// answer with another one is late and ignored, and next() repeats an Ask until it is answered. What can't be read for
/// sure is refused and ends the connection: bare CR and LF, white space where none belongs, two framings, lengths that
/// differ.
///
/// Answers made here (400, 405, 408, 411, 413, 414, 417, 421, 426, 431, 500, 501, 505; 204 to `OPTIONS *`) are problems
/// of RFC 9457.
class ServerSession {
public:
  explicit ServerSession(std::shared_ptr<const ServerOptions> options);
  ~ServerSession();

  /// Input bytes; copied. Only after NeedInput, so that at most one read waits in memory.
  void feed(std::string_view bytes);
  /// The deadline passed: 408 within a request (RFC 9110 section 15.5.9), else the connection ends without a word.
  void timed_out();
  /// The client closed or the connection broke: nothing is sent any more.
  void eof();
  /// The server is going down: the request in hand is answered, with `Connection: close`, and none is read any more.
  void shut_down();

  /// Give me the content, at most so many octets (413 beyond). A client that waits for a word gets its 100 Continue.
  /// `sized`: it must tell its length (411).
  void read_content(std::uint32_t id, std::uint64_t most, bool sized = false);
  /// The answer. One that holds what does not belong there (a field that is none, framing, Connection, Date, a status
  /// outside 200 to 599) becomes 500: what others gave us never gets between lines. Answers to HEAD are given with
  /// their content, which is then not sent and not asked for. Content that was not read is passed over, or the
  /// connection ends with this answer.
  void respond(std::uint32_t id, Response response);
  /// The next piece of a streamed answer (used up before returning; may be empty) and whether it was the last.
  /// `failed`, more or less than the length said: the connection breaks, so that nobody takes the answer for whole.
  void content(std::uint32_t id, std::string_view bytes, bool last, bool failed = false);

  Action next();

  /// Why the engine itself refused a request, since the last call: for the log.
  std::optional<Fault> take_fault();
  /// More than the request at hand has come.
  bool has_input() const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace paquebot::http
