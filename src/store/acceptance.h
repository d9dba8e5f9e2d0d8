#pragma once

#include "base/result.h"
#include "base/task.h"
#include "store/staged.h"
#include "store/types.h"

#include <memory>
#include <optional>
#include <string>

namespace paquebot::store {

/// How mail becomes ours: the promise behind every 250, and what is staged for it before.
class Acceptance {
public:
  virtual ~Acceptance() = default;

  /// Begins a large body.
  virtual Task<Result<std::shared_ptr<Staged>>> stage() = 0;
  /// Takes responsibility: the promise behind every 250. Takes everything waiting as one commit. `request` is shared:
  /// the queue may deliver from the same memory. What is not accepted leaves nothing in hand of this node. A failure of
  /// the store itself is AcceptStatus::failed or no_space (answer 4xx).
  virtual Task<AcceptResult> accept(std::shared_ptr<const AcceptRequest> request) = 0;
  /// True while commits work; false after one failed for lack of room, until one works again (asked before DATA).
  virtual bool has_room() = 0;
  /// What the account had accepted under this key within kKeepSendings before `now`.
  virtual Task<Result<std::optional<KeptSending>>> find_sending(Id account, std::string key, std::int64_t now) = 0;
};

} // namespace paquebot::store
