#pragma once

#include "base/result.h"
#include "base/task.h"
#include "store/types.h"

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace paquebot::store {

/// Which messages: all that is said holds. One of both at least.
struct TrailFilter {
  std::string address{};         ///< sender or recipient; empty: any
  std::string message_id{};      ///< the field Message-ID, with or without angle brackets; empty: any
  std::size_t look_at = 100'000; ///< messages at most in one call; from 1
};

/// What a bounded look back has found.
struct FoundMessages {
  std::vector<Ulid> ids;    ///< newest first
  std::optional<Ulid> next; ///< go on below this one; none: there are no more
};

/// What became of every message, for as long as it is kept.
class Trail {
public:
  virtual ~Trail() = default;

  virtual Task<Result<Trace>> trace(Ulid message) = 0;
  /// Looks back from the newest, or from below `below`, until `most` are found, all that is not older than `since` or
  /// filter.look_at messages have been looked at: there may be none on the way and a next one. There is no index: it
  /// would cost each acceptance more than all such questions. A Message-ID that was made to be taken for another's may
  /// be (message_key.h); messages that were accepted by an older version are not found by theirs.
  virtual Task<Result<FoundMessages>> find_messages(TrailFilter filter, std::int64_t since, std::optional<Ulid> below,
                                                    std::size_t most) = 0;
  Task<Result<FoundMessages>> find_messages(std::string address, std::int64_t since, std::size_t most) {
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
