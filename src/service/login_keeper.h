#pragma once

#include "base/task.h"
#include "directory/login_throttle.h"
#include "store/store.h"

namespace paquebot::service {

/// Keeps in the store from where accounts log in (LoginThrottle), so that a restart does not make strangers of their
/// owners. Behind the mail: a crash may lose seconds of it. One setting an account: "login.known." and its name.
class LoginKeeper {
public:
  /// Both must outlive it.
  LoginKeeper(store::Store& store, directory::LoginThrottle& throttle) : store_(store), throttle_(throttle) {}

  Task<void> load();
  /// What has changed, at most a hundred accounts: called every five seconds.
  Task<void> save();

private:
  store::Store& store_;
  directory::LoginThrottle& throttle_;
};

} // namespace paquebot::service
