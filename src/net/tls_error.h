#pragma once

#include <string>

namespace paquebot::net {

/// The reasons in this thread's OpenSSL error queue, for people, at most three; empties the queue.
std::string take_tls_errors();

} // namespace paquebot::net
