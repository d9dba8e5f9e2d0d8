#pragma once

#include "directory/directory.h"
#include "service/sessions.h"
#include "store/store.h"

#include <string>

namespace paquebot::service {

/// Where a login belongs to; all outlive it.
struct LoginParts {
  store::Store& store;
  directory::Directory& directory;
  Sessions& sessions;
  Sessions::Token token;
};

/// Checks a password and makes the session the account's, so that it ends when the account is disabled or removed: also
/// when that happens while the password is being checked.
Task<directory::Login> log_in(LoginParts parts, std::string authzid, std::string user, std::string password);

} // namespace paquebot::service
