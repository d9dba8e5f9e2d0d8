#pragma once

#include <string_view>

namespace paquebot::store {

/// From where an account logs in: a setting of this and the account's name, which goes with the account.
inline constexpr std::string_view kKnownNetworks = "login.known.";

} // namespace paquebot::store
