#pragma once

#include "base/clock.h"
#include "directory/directory.h"
#include "policy/srs.h"
#include "store/store.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

namespace paquebot::policy {

/// Return addresses of what we forward, with the secret of this store. Thread-safe.
class ReturnPaths {
public:
  /// All must outlive it.
  ReturnPaths(store::Store& store, directory::Directory& directory, const Clock& clock)
      : store_(store), directory_(directory), clock_(clock) {}

  /// Whether forwarded mail gets a return address of ours. What was given out before is taken back all the same.
  void configure(bool rewrite) { rewrite_ = rewrite; }

  /// The return address with which a message of `sender` leaves that an address of ours, `via`, forwards to others: under
  /// the domain of `via`. `sender` itself when it is ours, empty, or too long to be wrapped.
  Task<mail::Address> leaving(mail::Address sender, std::string via);
  /// Whom the bounce to an address of ours is for. Nothing when it is not one that leaving() made, or too old. Errors are those
  /// of the store.
  Task<Result<std::optional<mail::Address>>> returning(mail::Address address);

private:
  Task<Result<std::shared_ptr<const Srs>>> srs();
  std::int64_t today() const { return millis(clock_.wall()) / (24LL * 3600 * 1000); }

  store::Store& store_;
  directory::Directory& directory_;
  const Clock& clock_;
  std::atomic<bool> rewrite_ = true;
  std::mutex mutex_;
  std::shared_ptr<const Srs> srs_; ///< once it was needed
};

} // namespace paquebot::policy
