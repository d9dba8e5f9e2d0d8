#pragma once

#include "remotes.h"
#include "scene.h"
#include "sim_disk.h"
#include "sim_server.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace paquebot::simulation {

/// Whose mailboxes there are.
inline std::vector<std::string> users() { return {"anna@near.test", "bert@near.test", "carl@near.test"}; }

struct WorldOptions {
  std::uint64_t seed = 1;
  unsigned messages = 10'000;
  std::string directory; ///< empty, or not there yet: for files of servers and the trace
  Planted planted = Planted::nothing;
  bool faults = true;        ///< false: nothing goes wrong but at remote servers
  bool stop_at_first = true; ///< the world ends with the first promise that is broken
};

/// A fortnight of a mail server and all that has to do with it: senders, other servers, operators, disks, and what goes
/// wrong. One process, one thread; time passes when nothing is left to do. The same seed gives the same trace, to the
/// octet.
class World {
public:
  explicit World(WorldOptions options);
  ~World();

  /// The fortnight. What was promised and not kept is in ledger().
  void run();

  const Ledger& ledger() const { return scene_.ledger; }
  struct Figures {
    unsigned kills = 0, power_cuts = 0, cuts_within = 0, restarts = 0, fatal = 0;
    unsigned orders = 0, cancelled = 0;
    std::uint64_t moves = 0; ///< of the clock
    std::uint64_t disk_operations = 0;
  };
  const Figures& figures() const { return figures_; }
  std::string trace_file() const { return options_.directory + "/trace"; }

private:
  // Time:
  void settle();
  void advance();

  // The server:
  void start_server();
  void cut(SimDisk::End how);
  void end_server(SimDisk::End how);
  void end_within(SimDisk::End how, unsigned operations);
  SimServer* server();

  // What happens (world_events.cc):
  Task<void> send_all();
  Task<void> send(Letter letter);
  struct Heard {
    unsigned code = 0; ///< of the content; 0: nothing was heard
    std::string id;
    bool said = false; ///< the content was sent whole
  };
  Task<void> converse(const Letter& letter, Wire& wire, Heard& heard);
  Letter write_letter(unsigned number);
  Task<void> come_to_rest();
  Task<void> spoil();
  Task<void> upset_disk();
  Task<void> upset_remotes();
  Task<void> operate();
  /// How many recipients it concerned; nothing: nobody heard.
  Task<std::optional<std::size_t>> order(std::string verb, std::string what);
  // The end (world_judgement.cc):
  Task<void> judge();
  Task<void> judge_messages();
  Task<void> read_mailbox(std::string login);
  void judge_entry(const std::string& login, const store::EntryContent& entry);

  const WorldOptions options_;
  Scene scene_;
  SimDisk disk_;
  Remotes remotes_;
  std::unique_ptr<SimServer> server_;              ///< null: it is down
  std::vector<std::unique_ptr<SimServer>> ghosts_; ///< dead ones in which somebody still waits
  unsigned lives_ = 0;
  unsigned opened_ = 0; ///< sends under way
  bool ending_ = false; ///< nothing goes wrong any more
  bool done_ = false;
  SimDisk::End end_ = SimDisk::End::killed; ///< how the server is about to end,
  bool end_soon_ = false;                   ///< if it is
  Instant up_at_{};                         ///< when the next one starts
  std::chrono::milliseconds stride_{0};
  std::uint64_t seen_activity_ = 0;
  Figures figures_;
};

} // namespace paquebot::simulation
