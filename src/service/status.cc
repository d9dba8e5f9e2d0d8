#include "service/status.h"

#include <cstdint>
#include <sys/statvfs.h>

namespace paquebot::service {

control::json::object disk_status(const std::string& folder) {
  struct statvfs disk{};
  if (::statvfs(folder.c_str(), &disk) != 0) return {};
  return {{"free", std::uint64_t{disk.f_bavail} * disk.f_frsize},
          {"size", std::uint64_t{disk.f_blocks} * disk.f_frsize}};
}

control::json::object search_status(const search::IndexFacts& facts) {
  using State = search::IndexFacts::State;
  const char* state = "off";
  if (facts.state == State::filling) state = "filling";
  if (facts.state == State::current) state = "current";
  if (facts.state == State::failing) state = "failing";
  if (facts.state == State::stopped) state = "stopped";
  control::json::object out{
      {"state", state}, {"messages", facts.messages}, {"behind", facts.behind}, {"size", facts.octets}};
  if (!facts.why.empty()) out["why"] = facts.why;
  return out;
}

} // namespace paquebot::service
