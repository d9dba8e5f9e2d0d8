#include "service/certificate_watch.h"

#include "net/certificate.h"

#include <utility>

namespace paquebot::service {
namespace {

constexpr std::int64_t kReminder = 86400LL * 1000;

} // namespace

void CertificateWatch::configure(std::vector<WatchedCertificate> certificates, std::string hostname) {
  const std::scoped_lock lock(mutex_);
  if (certificates == certificates_ && hostname == hostname_) return;
  certificates_ = std::move(certificates);
  hostname_ = std::move(hostname);
  told_ = 0;
}

/// Under mutex_. One that is not the default is for its own names.
std::vector<std::string> CertificateWatch::problems_of(const WatchedCertificate& one, std::int64_t now) const {
  if (&one == &certificates_.front()) return net::certificate_problems(one.pem, hostname_, now);
  const auto facts = net::read_certificate(one.pem);
  std::string name = facts && !facts->names.empty() ? facts->names.front() : hostname_;
  if (name.starts_with("*.")) name.replace(0, 1, "any");
  return net::certificate_problems(one.pem, name, now);
}

std::vector<CertificateWatch::Problem> CertificateWatch::due(std::int64_t now) {
  const std::scoped_lock lock(mutex_);
  if (certificates_.empty() || (told_ != 0 && now - told_ < kReminder)) return {};
  told_ = now;
  std::vector<Problem> all;
  for (const WatchedCertificate& one : certificates_)
    for (std::string& why : problems_of(one, now)) all.push_back({one.file, std::move(why)});
  return all;
}

control::json::array CertificateWatch::status(std::int64_t now) const {
  const std::scoped_lock lock(mutex_);
  control::json::array all;
  for (const WatchedCertificate& one : certificates_) {
    const auto facts = net::read_certificate(one.pem);
    control::json::array problems, names;
    for (const std::string& problem : problems_of(one, now)) problems.emplace_back(problem);
    if (facts)
      for (const std::string& name : facts->names) names.emplace_back(name);
    all.push_back(control::json::object{{"file", one.file},
                                        {"not_after", control::time_value(facts ? facts->not_after : 0)},
                                        {"names", std::move(names)},
                                        {"problems", std::move(problems)}});
  }
  return all;
}

} // namespace paquebot::service
