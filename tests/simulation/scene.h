#pragma once

#include "base/fake_clock.h"
#include "base/simulation.h"
#include "base/task.h"
#include "chance.h"
#include "ledger.h"
#include "net/stream.h"
#include "net/wheel.h"

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace paquebot::simulation {

class Wire;

/// What stands in a text between the first `before` and the next `behind`; empty when there is no such place.
std::string between(const std::string& text, const std::string& before, const std::string& behind);

/// What all in the world share: its time, its chance, what it knows, and where everybody but the server lives.
struct Scene {
  explicit Scene(std::uint64_t seed);
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  /// Starts a coroutine of the world's; what it throws comes out of the world's loop.
  void start(Task<void> task);
  /// A line of the trace, which is the log: the server's lines are in it too.
  void tell(const char* event, const std::string& what) const;
  /// Time passes until then, by both clocks.
  void pass(Instant until);
  /// Two connected ends: ours, and one for the server.
  static std::pair<int, int> connect();

  FakeClock clock;
  Simulation simulation; ///< before all that asks for the time
  Chance chance;
  Ledger ledger;
  std::map<std::uint64_t, Wire*> wires; ///< those that are open, in the order in which they were
  boost::asio::io_context io{1};
  net::Wheel wheel{io.get_executor()};
  std::uint64_t next_wire = 1;
  std::uint64_t activity = 0; ///< rises whenever something is said: then time passes in small steps
};

/// Our end of a connection with the server, in lines. `gone` becomes true with the server: nothing that is read
/// afterwards was ever said.
class Wire {
public:
  Wire(Scene& scene, int descriptor, std::shared_ptr<const bool> gone);
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  /// The next line, without its end; nothing when there is none any more.
  Task<std::optional<std::string>> line();
  /// False: nobody hears it.
  Task<bool> say(std::string words);
  /// Says nothing until the other side has had enough.
  Task<void> wait_for_end();
  bool gone() const { return *gone_; }
  void close() { stream_.close(); }

private:
  Scene& scene_;
  net::Stream stream_;
  std::shared_ptr<const bool> gone_;
  std::string input_;
  std::size_t at_ = 0; ///< of input_, what was not read yet
  const std::uint64_t number_;
};

} // namespace paquebot::simulation
