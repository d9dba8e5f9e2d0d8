#pragma once

#include "base/result.h"

#include <memory>
#include <string>
#include <string_view>

namespace paquebot::filter {

/// Reads one HTTP/1.x response (RFC 9112), bounded; bytes in, no socket.
class HttpAnswer {
public:
  /// Octets of the body at most.
  explicit HttpAnswer(std::size_t max_body);
  ~HttpAnswer();
  HttpAnswer(const HttpAnswer&) = delete;
  HttpAnswer& operator=(const HttpAnswer&) = delete;

  /// Next octets; none: the connection was closed. True when the response is whole; what follows it is not looked at.
  /// `no_space` when it is too large, `invalid` when it is not HTTP or ends too early.
  Result<bool> feed(std::string_view bytes);
  /// When whole.
  unsigned status() const;
  const std::string& body() const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace paquebot::filter
