#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>

namespace paquebot::queue {

class Seats;

/// What one job takes of the deliveries that may run at the same time. Strangers can make us write to places of their
/// choice that take connections and say nothing: what they can make us do must leave room for the rest. Given back when
/// destroyed.
class Seat {
public:
  enum class Kind : std::uint8_t {
    known,   ///< for a place that answered lately, or that is configured
    unknown, ///< for any other
    report,  ///< a delivery report or what looks like one (is_report()), wherever it goes
  };
  Seat() = default;
  Seat(Seat&& other) noexcept;
  Seat& operator=(Seat&& other) noexcept;
  ~Seat() { leave(); }

  void leave();
  Kind kind() const { return kind_; }

private:
  friend class Seats;

  Seats* seats_ = nullptr;
  Kind kind_ = Kind::known;
};

/// How many there are of each kind, and may be: a half of the deliveries for unknown places, a quarter for reports, at
/// least one. Thread-safe. Outlives every seat.
class Seats {
public:
  static constexpr std::size_t kKinds = 3;

  /// `freed` is called, from any thread, when a kind of which there was none left has one again.
  void on_freed(std::function<void()> freed) { freed_ = std::move(freed); }
  static unsigned most(Seat::Kind kind, unsigned total);
  /// False: on_freed() tells when it is worth asking again.
  bool room(Seat::Kind kind, unsigned total);
  Seat take(Seat::Kind kind);
  /// Somebody asked in vain and was not told yet that there is room again.
  bool wanted() const;

private:
  friend class Seat;
  void count(Seat::Kind kind, int by);

  std::array<std::atomic<int>, kKinds> taken_{};
  std::array<std::atomic<bool>, kKinds> wanted_{};
  std::function<void()> freed_;
};

} // namespace paquebot::queue
