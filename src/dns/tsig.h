#pragma once

#include "base/result.h"
#include "dns/update.h"

#include <string>
#include <string_view>

namespace paquebot::dns {

/// The HMAC of RFC 8945 section 5.3 over those octets. `unsupported` for an algorithm that is none of TsigKey's.
Result<std::string> tsig_mac(const TsigKey& key, std::string_view octets);

} // namespace paquebot::dns
