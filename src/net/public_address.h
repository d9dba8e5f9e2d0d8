#pragma once

#include <string_view>

namespace paquebot::net {

/// Whether an address is one of the public Internet: none of the registries of special purposes (RFC 6890; loopback,
/// private, link-local, shared, documentation, multicast, reserved), whichever way it is written: mapped into IPv6, or
/// behind the prefix of a translation (RFC 6052), IPv4 counts as IPv4. What leads through tunnels of old (6to4, Teredo)
/// is none. False for what is no address. Names that others chose are asked only at such addresses: else a stranger
/// could make this machine ask its neighbours, or itself.
bool is_public_address(std::string_view address);

} // namespace paquebot::net
