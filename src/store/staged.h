#pragma once

#include "base/result.h"
#include "base/task.h"
#include "store/types.h"

#include <string>

namespace paquebot::store {

/// A large body on its way into the store, piece by piece, owned by this node's epoch until it is accepted (NewBody).
/// Letting it go before that gives it up: nobody waits, and who gives up a body deletes nothing; its content goes with
/// the next upkeep, or the sweep of the next start. Nothing happens to what was accepted, or is in doubt. One coroutine
/// at a time; may be let go after its store, and of any thread.
class Staged {
public:
  Staged() = default;
  virtual ~Staged() = default;
  Staged(const Staged&) = delete;
  Staged& operator=(const Staged&) = delete;

  /// Appends a piece (at most kBodyChunk). Waits while the byte budget is used up; no_space when it stays so. After an
  /// error nothing more can be made of it.
  virtual Task<Result<>> append(std::string chunk) = 0;
  /// Makes all pieces durable. After it the body may be accepted.
  virtual Task<Result<>> finish() = 0;
  /// Where ContentStore::read_body finds it once it is finished.
  virtual BodyRef content() const = 0;
};

} // namespace paquebot::store
