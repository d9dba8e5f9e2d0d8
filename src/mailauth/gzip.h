#pragma once

#include "base/result.h"

#include <functional>
#include <string>
#include <string_view>

namespace paquebot::mailauth {

/// One gzip member (RFC 1952).
std::string gzip(std::string_view octets);

/// Unpacks gzip, zlib, or the first file of a ZIP archive (method deflate), and gives it on in pieces of at most 64
/// KiB; anything else is given on as it is. `take` returns false to stop, which is an error too. Errc::invalid for what
/// is malformed or cut off, and for more than `most` octets of content: a small file can hold gigabytes.
Result<> unpack(std::string_view packed, std::size_t most, const std::function<bool(std::string_view)>& take);

} // namespace paquebot::mailauth
