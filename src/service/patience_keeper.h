#pragma once

#include "base/clock.h"
#include "base/task.h"
#include "intake/patience.h"
#include "store/upkeep.h"

namespace paquebot::service {

/// Keeps in the store for how long senders have been told to come again, so that a restart does not make them begin
/// anew. Behind the mail: a crash may lose seconds of it. One setting for each: "patience." and its key.
class PatienceKeeper {
public:
  /// Both must outlive it. `clock`: settled() is the calendar, so that one that is wrong forgets nobody.
  PatienceKeeper(store::Upkeep& store, const Clock& clock) : store_(store), clock_(clock) {}

  Task<void> load(intake::Patience& patience);
  /// What has changed, at most a hundred: called every five seconds.
  Task<void> save(intake::Patience& patience);

private:
  store::Upkeep& store_;
  const Clock& clock_;
};

} // namespace paquebot::service
