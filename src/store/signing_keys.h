#pragma once

#include "base/result.h"
#include "base/task.h"
#include "store/types.h"

#include <string>
#include <vector>

namespace paquebot::store {

/// What signs the mail of our domains (DKIM, RFC 6376).
class SigningKeys {
public:
  virtual ~SigningKeys() = default;

  /// All of a domain, or (for an empty name) of all domains: by domain, then oldest first.
  virtual Task<Result<std::vector<DkimKey>>> list_dkim_keys(std::string domain) = 0;
  /// Adds them all or none, with the time of now. not_found without such a domain; conflict when it has a key of that
  /// selector, or one of that algorithm that is `active` or `next` as the new one; no_space when it has 50.
  virtual Task<Result<>> add_dkim_keys(std::string domain, std::vector<DkimKey> keys) = 0;
  /// What is `next` becomes active, what was active of the same algorithm is retired, at once. not_found when nothing
  /// is `next`.
  virtual Task<Result<>> activate_dkim_keys(std::string domain) = 0;
  virtual Task<Result<>> remove_dkim_key(std::string domain, std::string selector) = 0;
};

} // namespace paquebot::store
