#pragma once

#include <string>
#include <string_view>

namespace paquebot::setup {

/// A name-based UUID (RFC 9562 section 5.5, version 5) of a URL, in upper case as Apple writes them.
std::string uuid_of(std::string_view url);
/// 16 lower-case hexadecimal digits: another text has others.
std::string short_digest(std::string_view text);

} // namespace paquebot::setup
