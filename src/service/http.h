#pragma once

#include "base/result.h"

#include <memory>
#include <string>
#include <string_view>

/// HTTP/1.1 messages as bytes (RFC 9112): no sockets here. The head is bounded at 16 KiB, the body at the size given.
namespace paquebot::service {

struct HttpRequest {
  std::string method;
  std::string target;
  std::string body;
  bool keep_alive = true;
};

struct HttpResponse {
  unsigned status = 0;
  std::string body;
  bool keep_alive = true;
};

/// Reads one message after the other from bytes as they come; what follows a message is kept for the next one.
template <class Message>
class HttpReader {
public:
  explicit HttpReader(std::size_t max_body);
  ~HttpReader();

  void feed(std::string_view bytes);
  /// True when a whole message is there. Errors: `invalid` for what is not HTTP, `no_space` for what is too large;
  /// nothing can be read after an error.
  Result<bool> complete();
  /// The message; only after complete() was true. The reader then begins with the next one.
  Message take();
  /// True once for a request that waits for "100 Continue" before its body (RFC 9110 section 10.1.1).
  bool take_expectation();
  /// True while nothing of a message has come.
  bool idle() const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};
extern template class HttpReader<HttpRequest>;
extern template class HttpReader<HttpResponse>;

/// A response with a JSON body. `head_only`: the answer to HEAD.
std::string format_response(unsigned status, std::string_view body, bool keep_alive, bool head_only = false);
/// A request to a local socket. `target` is percent-encoded already.
std::string format_request(std::string_view method, std::string_view target, std::string_view body);

} // namespace paquebot::service
