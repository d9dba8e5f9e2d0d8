#pragma once

#include "store/types.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::store {

/// The details of an event are cut at this many octets.
inline constexpr std::size_t kMaxEventDetail = 2048;

/// Packs the events that one transaction writes for one message into one row: a version octet, the number of events,
/// and for each its kind, time, times, recipients (ascending, as differences) and detail. Numbers are LEB128. Version 2
/// has the class of each behind its times; version 1, where no event has one, does not.
std::string pack_events(const std::vector<Event>& events);
/// The reverse; nothing when the row is damaged or of a version we do not know. Allocates no more than the row's own
/// size allows.
std::optional<std::vector<Event>> unpack_events(std::string_view packed);

} // namespace paquebot::store
