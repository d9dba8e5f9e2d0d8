#include "app/service_manager.h"

#include "base/text.h"

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fmt/format.h>
#include <unistd.h>

namespace paquebot::app {
namespace {

constexpr std::size_t kMostWords = 400; ///< of a status, which is one line

/// A variable, which is gone afterwards.
std::string take_variable(const char* name) {
  const char* value = std::getenv(name);
  std::string text = value == nullptr ? "" : value;
  ::unsetenv(name);
  return text;
}

std::uint64_t monotonic_microseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

std::string status_line(std::string_view words) { return "STATUS=" + printable(words, kMostWords) + "\n"; }

} // namespace

ServiceManager ServiceManager::take_from_environment() {
  ServiceManager manager;
  const std::string path = take_variable("NOTIFY_SOCKET");
  const auto microseconds = parse_u64(take_variable("WATCHDOG_USEC"));
  const std::string whose = take_variable("WATCHDOG_PID");
  const bool is_address = path.starts_with('/') || path.starts_with('@');
  if (!is_address || path.size() < 2 || path.size() >= sizeof manager.address_.sun_path) return manager;
  manager.address_.sun_family = AF_UNIX;
  std::memcpy(manager.address_.sun_path, path.data(), path.size());
  manager.size_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  if (path.starts_with('@'))
    manager.address_.sun_path[0] = 0; // of the abstract namespace: no zero behind it
  else
    ++manager.size_;
  manager.socket_ = paquebot::Descriptor(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const bool ours = whose.empty() || parse_u64(whose) == static_cast<std::uint64_t>(::getpid());
  if (microseconds && *microseconds >= 1000 && ours)
    manager.patience_ = std::chrono::milliseconds(*microseconds / 1000);
  return manager;
}

/// The address comes with each message: a manager that starts anew makes its socket anew.
void ServiceManager::tell(const std::string& lines) const {
  if (!socket_) return;
  (void)::sendto(socket_.get(), lines.data(), lines.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                 reinterpret_cast<const sockaddr*>(&address_), size_);
}

void ServiceManager::ready(std::string_view words) const { tell("READY=1\n" + status_line(words)); }
void ServiceManager::reloading() const {
  tell(fmt::format("RELOADING=1\nMONOTONIC_USEC={}\n{}", monotonic_microseconds(),
                   status_line("Reading the configuration again")));
}
void ServiceManager::stopping(std::string_view words) const { tell("STOPPING=1\n" + status_line(words)); }
void ServiceManager::status(std::string_view words) const { tell(status_line(words)); }
void ServiceManager::alive() const { tell("WATCHDOG=1\n"); }

} // namespace paquebot::app
