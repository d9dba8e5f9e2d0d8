#pragma once

#include "base/ulid.h"

#include <cstdint>
#include <string>
#include <vector>

namespace paquebot::store {

/// What a program said and was told when it handed a message in by the API; kept in the transaction that accepts it.
struct Sending {
  std::string key{};      ///< by which it says that it is the same one again (Idempotency-Key); empty: it does not
  std::string digest{};   ///< SHA-256 of what was asked, with a key
  std::string answer{};   ///< what it is told, with a key
  std::string metadata{}; ///< its own words about the message, which its events have in them; JSON
  /// "address: why" of whom it named and who is left out since a suppression list has him.
  std::vector<std::string> suppressed{};
};

/// What was accepted under a key.
struct KeptSending {
  Ulid message;
  std::string digest;
  std::string answer;
};

/// For so long a key is kept, milliseconds.
inline constexpr std::int64_t kKeepSendings = 48LL * 3600 * 1000;

} // namespace paquebot::store
