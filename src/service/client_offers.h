#pragma once

#include "service/snapshot.h"
#include "setup/facts.h"

#include <optional>
#include <string_view>

namespace paquebot::service {

/// What a listener offers to users' programs; nothing when it is not for them, or takes passwords without TLS only.
/// `at` is its socket, whose port counts.
std::optional<setup::Offer> offer_of(const ListenerSnapshot& listener, const net::Endpoint& at);
/// Whether only this machine reaches that address.
bool is_loopback(std::string_view address);

} // namespace paquebot::service
