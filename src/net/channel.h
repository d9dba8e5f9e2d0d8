#pragma once

#include "sasl/channel.h"

namespace paquebot::net {

class Stream;

/// What a login over this connection can be bound to, and who its client certificate says the client is. Empty without
/// TLS. Bindings: tls-exporter under TLS 1.3 (RFC 9266); below it tls-unique (RFC 5929), only when the extended master
/// secret (RFC 7627) makes it unique. Names: the rfc822Name entries of a certificate that the context's roots vouch
/// for, in ASCII, at most 16.
sasl::Channel channel_of(const Stream& stream);

} // namespace paquebot::net
