#pragma once

#include "control/control.h"
#include "doctor/changes.h"
#include "doctor/checks.h"
#include "service/assembly.h"
#include "service/rounds.h"
#include "setup/facts.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace paquebot::service {

/// The doctor in the running server: what it can see of it, and its daily round.
class DoctorDesk {
public:
  /// `parts` must outlive it; `stopping` ends a round.
  DoctorDesk(Assembly& parts, const bool& stopping);

  /// The listeners as they are; set before anything is asked.
  std::function<std::vector<doctor::ListenerFacts>()> listeners;
  std::function<setup::Facts()> setup; ///< what users' programs are told
  std::int64_t started = 0;            ///< wall milliseconds

  /// From any thread.
  doctor::World world();
  /// All checks; what changed since the last time is logged and written to whom [doctor] names. Nothing when it is not
  /// wanted.
  Task<void> round();
  /// What the last round found. From any thread.
  control::Examined examined() const;
  /// What actions reach of it.
  void add_to(control::Hooks& hooks);
  /// A round some minutes after the start and then each day, by one node for all.
  Task<void> run() { return rounds_.run(stopping_); }

private:
  Task<void> daily();
  Task<void> make_round();
  Task<bool> tell(doctor::Changes changes);
  Task<bool> send(doctor::Letter letter, std::string to);
  Task<void> tell_hooks(doctor::Changes changes, std::vector<std::string> domains);
  Task<void> keep_free_space();
  Task<void> note_certificate(const std::vector<doctor::Finding>& findings);
  void count(const std::vector<doctor::Finding>& findings);

  Assembly& parts_;
  const bool& stopping_;
  bool busy_ = false; ///< a round is under way
  mutable std::mutex mutex_;
  control::Examined examined_; ///< under `mutex_`
  Rounds rounds_;
};

} // namespace paquebot::service
