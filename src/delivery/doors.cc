#include "delivery/doors.h"

#include <arpa/inet.h>
#include <array>
#include <utility>

namespace paquebot::delivery {

DoorHold::DoorHold(DoorHold&& other) noexcept
    : doors_(std::exchange(other.doors_, nullptr)), door_(std::move(other.door_)) {}

DoorHold& DoorHold::operator=(DoorHold&& other) noexcept {
  if (this == &other) return *this;
  leave();
  doors_ = std::exchange(other.doors_, nullptr);
  door_ = std::move(other.door_);
  return *this;
}

void DoorHold::leave() {
  const std::string door = std::exchange(door_, {});
  if (Doors* const doors = std::exchange(doors_, nullptr)) doors->leave(door);
}

std::string Doors::door_of(const std::string& address, std::uint16_t port) {
  if (address.starts_with('/')) return {};
  std::string host = address;
  in6_addr six{};
  if (::inet_pton(AF_INET6, address.substr(0, address.find('%')).c_str(), &six) == 1 && !IN6_IS_ADDR_V4MAPPED(&six)) {
    for (std::size_t i = 8; i < sizeof six.s6_addr; ++i) six.s6_addr[i] = 0;
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (::inet_ntop(AF_INET6, &six, text.data(), text.size()) != nullptr) host = std::string(text.data()) + "/64";
  }
  return host + ":" + std::to_string(port);
}

bool Doors::room(const std::string& door, unsigned most) const { return count(door) < most; }

unsigned Doors::count(const std::string& door) const {
  const auto known = doors_.find(door);
  return known == doors_.end() ? 0 : known->second;
}

DoorHold Doors::enter(const std::string& door) {
  DoorHold hold;
  if (door.empty()) return hold;
  ++doors_[door];
  hold.doors_ = this;
  hold.door_ = door;
  return hold;
}

void Doors::leave(const std::string& door) {
  const auto known = doors_.find(door);
  if (known == doors_.end()) return;
  if (--known->second == 0) doors_.erase(known);
  if (left_) left_(door);
}

} // namespace paquebot::delivery
