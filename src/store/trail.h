#pragma once

#include "base/result.h"
#include "base/task.h"
#include "store/types.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace paquebot::store {

/// Which messages: all that is said holds. One of both at least.
struct TrailFilter {
  std::string address{};    ///< sender or recipient; empty: any
  std::string message_id{}; ///< the field Message-ID, with or without angle brackets; empty: any
};

/// What became of every message, for as long as it is kept.
class Trail {
public:
  virtual ~Trail() = default;

  virtual Task<Result<Trace>> trace(Ulid message) = 0;
  /// Newest first; with `below` only older ones than that. A Message-ID that was made to be taken for another's may be
  /// (message_key.h); messages that were accepted by an older version are not found by theirs.
  virtual Task<Result<std::vector<Ulid>>> find_messages(TrailFilter filter, std::int64_t since,
                                                        std::optional<Ulid> below, std::size_t most) = 0;
  Task<Result<std::vector<Ulid>>> find_messages(std::string address, std::int64_t since, std::size_t most) {
    return find_messages(TrailFilter{.address = std::move(address)}, since, std::nullopt, most);
  }
  /// Messages of strangers with an id of this millisecond that addresses of ours handed on to others, and whose trail
  /// is kept: at most `most`, by id.
  virtual Task<Result<std::vector<Forwarded>>> forwarded_at(std::int64_t time, std::size_t most) = 0;
  /// The same of messages that programs handed in by the API: `onward` counts all recipients elsewhere.
  virtual Task<Result<std::vector<Forwarded>>> sent_at(std::int64_t time, std::size_t most) = 0;
  /// Something comes back about a message as forwarded_at() finds them, as `report`: noted in its trail, unless that
  /// was done `most` times before, or the message is not known. False then.
  virtual Task<Result<bool>> note_return(Ulid message, Ulid report, std::uint64_t most) = 0;
};

} // namespace paquebot::store
