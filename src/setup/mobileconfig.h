#pragma once

#include "base/result.h"
#include "mail/address.h"
#include "setup/client_settings.h"

#include <string>
#include <string_view>

namespace paquebot::setup {

/// What HTTP calls it.
inline constexpr std::string_view kMobileconfigType = "application/x-apple-aspen-config";

/// A configuration profile for programs of Apple: opened there it sets up the account and asks for the password, which
/// it does not have. `name` is the user's own, for From; may be empty. Of the same address it has the same identifiers,
/// so that a later one takes the place of an earlier one. `unsupported` when there is nothing to fetch mail from or
/// nothing to send it by.
Result<std::string> mobileconfig(const ClientSettings& settings, const mail::Address& address, std::string_view name);

} // namespace paquebot::setup
