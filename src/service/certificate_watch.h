#pragma once

#include "control/json.h"

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace paquebot::service {

/// A certificate, and the file that it was read from.
struct WatchedCertificate {
  std::string file;
  std::string pem;

  friend bool operator==(const WatchedCertificate&, const WatchedCertificate&) = default;
};

/// Looks after the certificates that the listeners show: tells when one ends soon, or the default is not for our name.
/// Thread-safe.
class CertificateWatch {
public:
  struct Problem {
    std::string file, why;
  };

  /// The first one is the default, for `hostname`; the others are for whatever names are in them. None: a self-signed
  /// one of ours, of which there is nothing to tell.
  void configure(std::vector<WatchedCertificate> certificates, std::string hostname);
  /// What is to be told now: all of it after configure(), then once in each 24 hours. `now` in milliseconds since 1970.
  std::vector<Problem> due(std::int64_t now);
  /// For the status, one for each: file, not_after, names, problems.
  control::json::array status(std::int64_t now) const;

private:
  std::vector<std::string> problems_of(const WatchedCertificate& one, std::int64_t now) const;

  mutable std::mutex mutex_;
  std::vector<WatchedCertificate> certificates_;
  std::string hostname_;
  std::int64_t told_ = 0;
};

} // namespace paquebot::service
