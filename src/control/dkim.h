#pragma once

#include "control/handlers.h"

/// DKIM keys as operators see them, and the records that go into the DNS.
namespace paquebot::control {

/// How long the record of a retired key is needed at least (RFC 6376 section 5.2): mail that it signed may still be on
/// its way, other servers try for 4 to 5 days (RFC 5321 section 4.5.4.1).
inline constexpr std::int64_t kKeepRetiredMs = 7LL * 24 * 3600 * 1000;

/// A new key of each algorithm, under selectors named for the day that no key in `taken` has. Burns about 100 ms in the
/// processor pool; `temporary` when its line is full.
Task<Result<std::vector<store::DkimKey>>> make_dkim_keys(Context& context, store::DkimKey::State state,
                                                         std::vector<store::DkimKey> taken);

/// The record that verifies what the key signs; nothing when the stored key can't be read.
std::optional<json::object> dkim_record(const store::DkimKey& key);

std::string_view name_of(store::DkimKey::State state);
std::string_view name_of(store::DkimKey::Algorithm algorithm);

} // namespace paquebot::control
