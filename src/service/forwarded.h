#pragma once

#include "http/site.h"
#include "net/network.h"

namespace paquebot::service {

/// Who visits, as this request has it: the one at the other end of the connection, unless that is a proxy of `proxies`.
/// Then what it says counts, by Forwarded (RFC 7239) or by X-Forwarded-For and X-Forwarded-Proto: the last address
/// that is not a proxy's own, and whether the last one to add something was asked over https. What others in front of
/// it have written is never looked at, and from anybody else these fields are passed over. A proxy writes one kind and
/// hands on the other as it came: where both are there and differ, nobody knows who it is (0.0.0.0).
http::Visitor visitor_for(const http::Request& request, const http::Visitor& peer, const net::Networks& proxies);

} // namespace paquebot::service
