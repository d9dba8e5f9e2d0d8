#pragma once

#include "net/stream.h"

namespace paquebot::service {

/// Reads the PROXY header that a trusted proxy puts in front of a connection, before TLS and before our greeting, and
/// no octet more; the stream's ends are then the real ones. Takes at most five seconds. Errors: `invalid` when there is
/// no header, `closed`, `timeout`: drop the connection without a word.
Task<Result<>> read_proxy_header(net::Stream& stream);

} // namespace paquebot::service
