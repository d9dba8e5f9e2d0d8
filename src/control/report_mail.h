#pragma once

#include "control/call.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

/// Reports that other servers send by mail: where they lie, and what is attached to them.
namespace paquebot::control {

/// Whether a message with this head may be a report on DMARC or TLS.
bool looks_like_report(const std::string& head);
/// The account that gets mail for the address.
Task<Result<store::Id>> reader_of(Context& context, mail::Address address);
Task<Result<std::string>> read_whole(store::Store& store, store::EntryContent content);

/// What is attached to a message, decoded and unpacked, each at most kMostUnpacked octets; what can't be read is left
/// out. Bounded in number, depth and size, whatever a stranger sends.
std::vector<std::string> attached_texts(std::string_view message);
inline constexpr std::size_t kMostUnpacked = 4u << 20;

/// Calls `use` with every message that looks like a report in INBOX of whoever gets mail for postmaster at one of these
/// domains, since that time (ms since 1970). How many were passed over: too large, or beyond what is looked at at once.
Task<Result<std::uint64_t>> each_report(Context& context, std::vector<std::string> domains, std::int64_t since,
                                        std::function<void(const std::string& message)> use);

} // namespace paquebot::control
