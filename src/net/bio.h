#pragma once

#include <openssl/bio.h>

namespace paquebot::net {

/// A connected, non-blocking descriptor as our BIO sees it. Belongs to the stream.
struct Socket {
  int descriptor = -1;
  bool at_end = false;
};

/// A BIO on the socket, which must outlive it. Unlike OpenSSL's own socket BIO it never raises SIGPIPE.
BIO* make_socket_bio(Socket& socket);

} // namespace paquebot::net
