#pragma once

#include "base/result.h"
#include "base/task.h"
#include "store/types.h"

#include <string>
#include <vector>

namespace paquebot::store {

/// With what accounts log in, beside the password that is in Account.
class Credentials {
public:
  virtual ~Credentials() = default;

  /// Sets what belongs to SCRAM only, and only while the password is still `account.password` (else conflict). Not a
  /// change of the directory for its generation.
  virtual Task<Result<>> set_scram(Account account) = 0;
  /// By label.
  virtual Task<Result<std::vector<AppPassword>>> list_app_passwords(Id account) = 0;
  /// conflict when the account has one of that label, no_space when it has 100.
  virtual Task<Result<AppPassword>> add_app_password(AppPassword password) = 0;
  virtual Task<Result<>> remove_app_password(Id account, Id id) = 0;
  /// Notes a login with it; one that is gone is passed over.
  virtual Task<Result<>> use_app_password(Id id, std::int64_t when, std::string from) = 0;
};

} // namespace paquebot::store
