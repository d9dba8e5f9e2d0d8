#pragma once

#include "base/result.h"
#include "http/body_reader.h"
#include "http/head_reader.h"
#include "http/message.h"
#include "http/server_session.h"

namespace paquebot::http {

struct ClientOptions {
  HeadBounds head;
  BodyBounds body;
  std::uint64_t max_content = 1u << 20;             ///< octets of an answer's content, all of which is kept in memory
  std::uint32_t max_interim = 8;                    ///< answers 1xx before the one that counts
  std::chrono::milliseconds answer_timeout{60'000}; ///< from the request that was sent to the whole head of its answer
  /// For each `body_step` octets of content, and for its last ones: the two are the least speed.
  std::chrono::milliseconds body_timeout{30'000};
  std::uint32_t body_step = 65536;
  /// An answer must tell its own end. Where the end of the connection may stand for it, somebody in between can cut it
  /// short, also under TLS unless that ends with a word of its own (RFC 9112 section 9.8).
  bool delimited = false;
};

/// A request to send.
struct Call {
  std::string method = "GET"; ///< a token; not CONNECT
  std::string host;           ///< for Host: a name or an address, with the port if it is not the scheme's
  std::string target;         ///< origin form, percent-encoded: "/path?query"
  Fields fields; ///< neither framing (Content-Length, Transfer-Encoding) nor Host, Connection, Expect, TE or Upgrade
  std::string content;
  /// Octets of content behind `content`, which are not given to the engine: whoever drives it sends them himself when
  /// the first Send is out, before he reads. For what is too large to be kept.
  std::uint64_t rest = 0;
  bool close = false; ///< the last one of this connection
};

/// What the server answered, whole. A redirect is an answer like any other: nobody is followed anywhere.
struct Reply {
  unsigned status = 0; ///< 200 to 599
  Fields fields;
  std::string content;
};

/// The answer has come; valid until the next call() or feed(). `reusable`: another call() may follow on this
/// connection.
struct Answered {
  const Reply* answer;
  bool reusable;
};
/// There will be no answer: close. `untouched`: nothing at all came back, so that a request whose repetition does no
/// harm may be sent once more on a new connection (RFC 9110 section 9.2.2).
struct Failed {
  Error error;
  bool untouched;
};
/// No request is in hand: call(), or close.
struct Rest {};

using ClientAction = std::variant<Send, NeedInput, Answered, Failed, Rest>;

/// The client side of one HTTP/1.1 connection (RFC 9110, 9112): a state machine over bytes, no I/O. One request at a
/// time, no pipelining, no upgrade, no proxy. Answers are held to the same grammar as requests (server_session.h); what
/// follows an answer unasked makes the connection unusable and is never taken for another answer (RFC 9112 section
/// 6.3).
class ClientSession {
public:
  explicit ClientSession(std::shared_ptr<const ClientOptions> options);
  ~ClientSession();

  /// Only when next() said Rest or Answered with `reusable`. `invalid` for a request that can't be sent (a field that
  /// is none, one of the engine's, a target or host that is none): nothing of it goes out.
  Result<> call(Call call);
  /// Input bytes; copied, at most as the bounds allow.
  void feed(std::string_view bytes);
  void timed_out();
  /// The server closed: the end of an answer that has no other one, else a failure.
  void eof();

  /// Answered and Failed are repeated until a call().
  ClientAction next();

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace paquebot::http
