#include "control/offline_orders.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/rights.h"
#include "base/text.h"
#include "control/json.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

namespace paquebot::control {
namespace {

constexpr std::size_t kMostLine = 64u << 10;

std::string file_of(const std::string& data_directory) { return data_directory + "/offline-orders"; }

void tell_order(const std::string& line) {
  const auto order = parse_json(line, "an order");
  if (!order) {
    log::warning("control", {{"while", "down"}, {"why", "a line of offline-orders can't be read"}, {"line", line}});
    return;
  }
  log::info("control", {{"who", get_text(*order, "who")},
                        {"action", get_text(*order, "action")},
                        {"method", get_text(*order, "method")},
                        {"target", get_text(*order, "target")},
                        {"subject", get_text(*order, "subject")},
                        {"outcome", get_text(*order, "outcome")},
                        {"while", "down"},
                        {"at", get_text(*order, "at")}});
}

} // namespace

Result<> keep_order(const std::string& data_directory, const Order& order) {
  const std::string path = file_of(data_directory);
  const std::string line = to_text(json::object{{"at", log::time_of(system_clock().wall())},
                                                {"who", order.who},
                                                {"action", order.action},
                                                {"method", order.method},
                                                {"target", order.target},
                                                {"subject", order.subject},
                                                {"outcome", order.outcome}}) +
                           "\n";
  const Descriptor file(
      ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
  if (file && ::write(file.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size()) &&
      ::fdatasync(file.get()) == 0)
    return {};
  return fail(Errc::io, "the order can't be written down in " + path + ": " + std::strerror(errno));
}

void tell_kept_orders(const std::string& data_directory) {
  const std::string path = file_of(data_directory);
  struct stat facts{};
  if (::lstat(path.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) return;
  std::ifstream in(path, std::ios::binary);
  for (std::string line; std::getline(in, line);)
    if (!line.empty()) tell_order(line.substr(0, kMostLine));
  ::unlink(path.c_str());
}

} // namespace paquebot::control
