#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace paquebot::delivery {

class Doors;

/// One connection, or an attempt to make one, at a door. Given back when destroyed.
class DoorHold {
public:
  DoorHold() = default;
  DoorHold(DoorHold&& other) noexcept;
  DoorHold& operator=(DoorHold&& other) noexcept;
  ~DoorHold() { leave(); }
  void leave();
  const std::string& door() const { return door_; }

private:
  friend class Doors;
  Doors* doors_ = nullptr;
  std::string door_;
};

/// How many connections there are to one address, whatever names lead to it: whoever has a zone has any number of
/// names. What one host can easily have, a /64 of IPv6, is one door. Use from one executor; outlives its holds.
class Doors {
public:
  /// "192.0.2.1:25", "2001:db8::/64:25"; "" for a local socket, which is no door.
  static std::string door_of(const std::string& address, std::uint16_t port);

  /// `left` is told at which door there is room again.
  void on_left(std::function<void(const std::string&)> left) { left_ = std::move(left); }
  bool room(const std::string& door, unsigned most) const;
  /// Without a look at any bound.
  DoorHold enter(const std::string& door);
  unsigned count(const std::string& door) const;
  std::size_t size() const { return doors_.size(); }

private:
  friend class DoorHold;
  void leave(const std::string& door);

  std::map<std::string, unsigned> doors_;
  std::function<void(const std::string&)> left_;
};

} // namespace paquebot::delivery
