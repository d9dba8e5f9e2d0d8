#pragma once

#include "control/json.h"

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace paquebot::service {

/// Looks after the certificate that the listeners show: tells when it ends soon, or is not for our name. Thread-safe.
class CertificateWatch {
public:
  /// The certificate (PEM) of `file`, for `hostname`. An empty file: a self-signed one of ours, of which there is
  /// nothing to tell.
  void configure(std::string file, std::string pem, std::string hostname);
  /// What is to be told now: all of it after configure(), then once in each 24 hours. `now` in milliseconds since 1970.
  std::vector<std::string> due(std::int64_t now);
  /// For the status: file, not_after, problems; without a file nothing.
  control::json::object status(std::int64_t now) const;

private:
  mutable std::mutex mutex_;
  std::string file_, pem_, hostname_;
  std::int64_t told_ = 0;
};

} // namespace paquebot::service
