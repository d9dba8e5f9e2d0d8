#include "service/process_facts.h"

#include "base/clock.h"
#include "base/text.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

namespace paquebot::service {
namespace {

std::string contents_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::optional<double> number_at(const std::vector<std::string_view>& fields, std::size_t at) {
  const auto number = at < fields.size() ? parse_u64(trim(fields[at])) : std::nullopt;
  return number ? std::optional<double>(static_cast<double>(*number)) : std::nullopt;
}

/// The fields of stat behind the name, which may hold anything; the first is the third of proc(5).
std::vector<std::string_view> stat_fields(std::string_view stat) {
  const auto close = stat.rfind(')');
  if (close == std::string_view::npos || close + 2 > stat.size()) return {};
  return split(stat.substr(close + 2), ' ');
}

/// When something began that began so long after the system, in seconds since 1970: by the clock that counts sleep,
/// too, which is what the kernel's numbers are of. Nothing of /proc but the process's own folder is open to us.
double wall_of(double since_boot) {
  timespec up{};
  ::clock_gettime(CLOCK_BOOTTIME, &up);
  const double now = static_cast<double>(millis(system_clock().wall())) / 1000;
  return now - (static_cast<double>(up.tv_sec) + static_cast<double>(up.tv_nsec) / 1e9) + since_boot;
}

} // namespace

std::vector<metrics::Gauge> process_gauges(const std::string& proc) {
  std::vector<metrics::Gauge> all;
  const auto add = [&all](const char* name, const char* help, std::optional<double> value, bool grows = false) {
    if (value) all.push_back(metrics::gauge(name, help, *value, grows));
  };
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  add("process_cpu_seconds_total", "Processor time, user and system.",
      seconds(usage.ru_utime) + seconds(usage.ru_stime), true);
  const std::string memory = contents_of(proc + "/statm");
  const auto pages = split(memory, ' ');
  const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
  if (const auto size = number_at(pages, 0)) add("process_virtual_memory_bytes", "Virtual memory.", *size * page);
  if (const auto size = number_at(pages, 1)) add("process_resident_memory_bytes", "Memory in use.", *size * page);
  std::error_code error;
  double open = 0;
  for (std::filesystem::directory_iterator at(proc + "/fd", error), end; !error && at != end; at.increment(error))
    ++open;
  if (!error) add("process_open_fds", "Open descriptors.", open);
  rlimit most{};
  if (::getrlimit(RLIMIT_NOFILE, &most) == 0)
    add("process_max_fds", "Descriptors that may be open.", static_cast<double>(most.rlim_cur));
  const std::string stat = contents_of(proc + "/stat");
  const auto fields = stat_fields(stat);
  add("process_threads", "Threads.", number_at(fields, 17));
  if (const auto ticks = number_at(fields, 19))
    add("process_start_time_seconds", "When it was started, seconds since 1970.",
        wall_of(*ticks / static_cast<double>(::sysconf(_SC_CLK_TCK))));
  return all;
}

} // namespace paquebot::service
