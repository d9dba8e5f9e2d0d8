#pragma once

#include "base/result.h"
#include "base/task.h"
#include "store/types.h"

#include <memory>
#include <string>

namespace paquebot::store {

/// How mail becomes ours: the promise behind every 250, and what is staged for it before.
class Acceptance {
public:
  virtual ~Acceptance() = default;

  /// Begins a staged body, owned by this node's epoch until accepted; swept when the epoch ends.
  virtual Task<Result<Id>> stage_begin() = 0;
  /// Appends a chunk (at most kBodyChunk). Waits while the byte budget is used up; no_space when it stays so.
  virtual Task<Result<>> stage_append(Id staged, std::string chunk) = 0;
  /// Makes all chunks durable. After it the body may be named in an AcceptRequest.
  virtual Task<Result<>> stage_finish(Id staged) = 0;
  /// Gives it up. Nobody waits, and who gives up a body deletes nothing: its content goes with the next upkeep, or the
  /// sweep of the next start. Nothing happens to what was accepted, or is in doubt.
  virtual void stage_abandon(Id staged) = 0;
  /// Takes responsibility: the promise behind every 250. Takes everything waiting as one commit. `request` is shared: the
  /// queue may deliver from the same memory. A failure of the store itself is AcceptStatus::failed or no_space (answer 4xx).
  virtual Task<AcceptResult> accept(std::shared_ptr<const AcceptRequest> request) = 0;
  /// True while commits work; false after one failed for lack of room, until one works again (asked before DATA).
  virtual bool has_room() = 0;
};

} // namespace paquebot::store
