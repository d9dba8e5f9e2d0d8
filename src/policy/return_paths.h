#pragma once

#include "base/clock.h"
#include "directory/directory.h"
#include "policy/bounce_path.h"
#include "policy/report_bounds.h"
#include "policy/srs.h"
#include "store/store.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

namespace paquebot::policy {

/// How long after its message came a return address is taken back: the message waits in queues for up to five days, and
/// so does its report.
inline constexpr std::chrono::hours kReturnPathLife{14 * 24};
/// How many reports may come for each recipient that a message was handed on to (delays, the failure, an automatic
/// answer), and for the message as a whole.
inline constexpr std::uint64_t kReportsEach = 4;
inline constexpr std::uint64_t kReportsOfMessage = 100;

/// What a return address of ours says: something comes back about `about`.
struct Returned {
  store::Forwarded about;
  bool vouched = false;                     ///< its sender's domain said that the message was his
  bool own = false;                         ///< a program of ours sent it by the API; nobody forwarded it
  std::optional<std::uint32_t> recipient{}; ///< of `own`: whom the address served alone
  /// How many reports there may be.
  std::uint64_t most() const { return std::min(about.onward * kReportsEach, kReportsOfMessage); }
};

/// Return addresses of what we forward and of what programs send by the API, with the secret of this store. Each serves
/// one message, for some days and a few reports: whoever gets hold of one can write to the sender of that message only,
/// and not often. And who has many for one sender can write to him no more than ReportBounds lets through. Thread-safe.
class ReturnPaths {
public:
  /// All must outlive it.
  ReturnPaths(store::Store& store, directory::Directory& directory, const Clock& clock)
      : store_(store), directory_(directory), clock_(clock) {}

  /// Whether forwarded mail gets a return address of ours. What was given out before is taken back all the same.
  void configure(bool rewrite) { rewrite_ = rewrite; }

  /// The return address with which `message` of `sender` leaves that an address of ours, `via`, forwards to others:
  /// under the domain of `via`. `sender` itself when it is ours or empty. `vouched`: his domain says that the message
  /// is his.
  Task<mail::Address> leaving(mail::Address sender, Ulid message, std::string via, bool vouched);
  /// The return address with which a message leaves that a program handed in by the API, to one recipient or to several
  /// (nothing). `sender` itself when it is empty or not of a domain of ours.
  Task<mail::Address> leaving_api(mail::Address sender, Ulid message, std::optional<std::uint32_t> recipient);
  /// What the bounce to an address of ours is about. Nothing when it is not one that leaving() or leaving_api() made,
  /// or too old. Errors are those of the store.
  Task<Result<std::optional<Returned>>> returning(mail::Address address);
  enum class Taken : std::uint8_t {
    yes,
    enough, ///< as many have come as belong to the message
    later,  ///< as many have come for its sender as may be within the hour
  };
  /// Something that comes back is about to be accepted as `report`: it counts.
  Task<Result<Taken>> take(Returned returned, Ulid report);

private:
  Task<Result<std::shared_ptr<const Srs>>> srs();
  Task<Result<std::optional<Returned>>> returning_own(std::string local);
  bool is_bounded(const Returned& returned);

  store::Store& store_;
  directory::Directory& directory_;
  const Clock& clock_;
  std::atomic<bool> rewrite_ = true;
  std::mutex mutex_;
  std::shared_ptr<const Srs> srs_;            ///< once it was needed
  std::shared_ptr<const BouncePath> bounces_; ///< likewise
  ReportBounds bounds_;                       ///< under mutex_
};

} // namespace paquebot::policy
