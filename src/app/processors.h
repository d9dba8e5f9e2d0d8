#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace paquebot::app {

/// How many processors this process may use, at least 1: those that it is bound to (taskset, a container's cpuset), and
/// no more than its control group's quota lets run at a time (as containers and systemd's CPUQuota set it).
unsigned usable_processors();

/// Of a control group's file cpu.max ("QUOTA PERIOD" in microseconds, or "max PERIOD"): the quota in processors,
/// rounded up. Nothing when there is none, or the text is something else.
std::optional<unsigned> quota_of(std::string_view cpu_max);

/// Threads for connections, when the configuration does not say: one is left for the store's writer, which is as busy
/// as they are when much mail comes in.
unsigned default_session_threads(unsigned processors);

/// Octets of memory that this process may use: the machine's, and no more than its control group's bound.
std::uint64_t usable_memory();

/// Deliveries at the same time, when the configuration does not say: one for each MiB of memory, 1000 at least, 4000 at
/// most.
unsigned default_deliveries(std::uint64_t memory);

/// Octets that messages on their way in may hold together: an eighth of the memory, 64 MiB at least, 1 GiB at most.
std::uint64_t default_message_memory(std::uint64_t memory);

} // namespace paquebot::app
