#pragma once

#include "setup/client_settings.h"

#include <string>
#include <string_view>

namespace paquebot::setup {

/// Octets of an address that anybody may ask with; a longer one counts as none.
inline constexpr std::size_t kMaxAsked = 512;

/// The domain of an address as a program sends it, in its normal form; empty when it is none.
std::string domain_of(std::string_view address);

/// The document of Thunderbird and others, "config-v1.1.xml". It is the same for every user of the domain, whether
/// there is one or not: programs put the address in where it has %EMAILADDRESS%. `domain` is in its normal form.
std::string autoconfig(const ClientSettings& settings, std::string_view domain);

} // namespace paquebot::setup
