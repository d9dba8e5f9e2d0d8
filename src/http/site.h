#pragma once

#include "base/result.h"
#include "base/task.h"
#include "http/message.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

/// What stands behind a listener that speaks HTTP: a site answers requests, a driver does the rest.
namespace paquebot::http {

/// Who is at the other end, as far as the connection tells. What a request says of it (Forwarded, Authorization) is not
/// in here.
struct Visitor {
  std::string address;              ///< as text, without a port; empty on a local socket
  std::uint16_t port = 0;           ///< of ours, that was connected to; 0 on a local socket
  bool encrypted = false;           ///< under TLS
  std::string server_name;          ///< that TLS named (SNI), lower case; may be empty
  std::optional<std::uint32_t> uid; ///< of the process at the other end of a local socket
};

/// One request with its whole content, which is no longer than Site::most_content() allowed.
struct Exchange {
  Request request;
  std::string content;
  Visitor visitor;
};

/// Content of an answer that comes piece by piece. Destroyed with the answer, also when the client has gone before its
/// end.
class ContentSource {
public:
  virtual ~ContentSource() = default;
  /// The next piece; an empty one is the end. An error breaks the connection, so that nobody takes the answer for
  /// whole.
  virtual Task<Result<std::string>> next() = 0;
  /// The server goes down, or the connection is cut off: a wait of next() under way, and all that come, end soon.
  /// Called on the connection's executor. For those that wait for something to happen; others need not know.
  virtual void stop() {}
};

struct Answer {
  Response response;
  std::unique_ptr<ContentSource> source; ///< with Response::streamed, else nothing
};

/// Called from the threads of all connections at once.
class Site {
public:
  virtual ~Site() = default;
  /// Octets of content that this request may bring (413 beyond), decided by its head, before anything of it is read or
  /// kept in memory. 0: none of it is read, and answer() is called at once, without it: for what is refused anyway
  /// (401, 404, 405), and for what brings no content.
  virtual std::uint64_t most_content(const Request& request, const Visitor& visitor) const = 0;
  /// The answer. Never fails otherwise than by its status.
  virtual Task<Answer> answer(Exchange exchange) = 0;
};

} // namespace paquebot::http
