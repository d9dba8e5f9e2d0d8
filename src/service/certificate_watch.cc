#include "service/certificate_watch.h"

#include "net/certificate.h"

#include <utility>

namespace paquebot::service {
namespace {

constexpr std::int64_t kReminder = 86400LL * 1000;

} // namespace

void CertificateWatch::configure(std::string file, std::string pem, std::string hostname) {
  const std::lock_guard lock(mutex_);
  if (file == file_ && pem == pem_ && hostname == hostname_) return;
  file_ = std::move(file);
  pem_ = std::move(pem);
  hostname_ = std::move(hostname);
  told_ = 0;
}

std::vector<std::string> CertificateWatch::due(std::int64_t now) {
  const std::lock_guard lock(mutex_);
  if (file_.empty() || (told_ != 0 && now - told_ < kReminder)) return {};
  told_ = now;
  return net::certificate_problems(pem_, hostname_, now);
}

control::json::object CertificateWatch::status(std::int64_t now) const {
  const std::lock_guard lock(mutex_);
  control::json::object out;
  if (file_.empty()) return out;
  out["file"] = file_;
  const auto facts = net::read_certificate(pem_);
  out["not_after"] = control::time_value(facts ? facts->not_after : 0);
  control::json::array problems;
  for (const std::string& problem : net::certificate_problems(pem_, hostname_, now)) problems.emplace_back(problem);
  out["problems"] = std::move(problems);
  return out;
}

} // namespace paquebot::service
