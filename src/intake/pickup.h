#pragma once

#include "directory/directory.h"
#include "intake/drop.h"
#include "intake/incoming.h"

#include <map>
#include <string>

namespace paquebot::intake {

/// Dropped files that could not be taken, by name: when each is tried again. They must not hold up those behind them.
struct Postponed {
  struct Entry {
    Instant next;
    std::chrono::seconds wait;
  };
  std::map<std::string, Entry> files;
};

/// Takes one round of dropped messages into the queue. Files that were accepted are removed, malformed ones and those that can never
/// be accepted set aside, and those that can't be taken now stay, tried again after 5 seconds, 10, 20 … up to 10 minutes.
/// Nobody waits for the answer: a recipient that a session would refuse fails, and the sender gets a report. Returns how many
/// were taken.
Task<std::size_t> pick_up(std::string drop_directory, Services services, directory::Directory& directory,
                          const Options& options, Postponed& postponed);

} // namespace paquebot::intake
