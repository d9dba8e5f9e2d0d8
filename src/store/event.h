#pragma once

#include "store/types.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::store {

/// The details of an event are cut at this many octets.
inline constexpr std::size_t kMaxEventDetail = 2048;
inline constexpr std::size_t kMaxNodeName = 255;

/// Packs the events that one transaction writes for one message into one row: a version octet, the number of events,
/// and for each its kind, time, times, recipients (ascending, as differences) and detail. Numbers are LEB128. Version 2
/// has the class of each behind its times; version 1, where no event has one, does not. Version 3 is version 2 with the
/// name of the node in front, of which kMaxNodeName octets are kept; the events' own are not looked at.
std::string pack_events(const std::vector<Event>& events, std::string_view node = {});
/// The reverse; nothing when the row is damaged or of a version we do not know. Allocates no more than the row's own
/// size allows.
std::optional<std::vector<Event>> unpack_events(std::string_view packed);

} // namespace paquebot::store
