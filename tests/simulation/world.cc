#include "world.h"

#include "base/log.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <stdexcept>
#include <utility>

namespace paquebot::simulation {

using namespace std::chrono_literals;

namespace {

constexpr auto kSmallStep = 10ms;
constexpr auto kWhileConnected =
    2s; // steps of time at most when nothing is said: timers are as late as on a busy machine
constexpr auto kWhileIdle = 60s;
constexpr int kMostMoves = 100'000; // until the last of the servers has ended

} // namespace

World::World(WorldOptions options)
    : options_(std::move(options)), scene_(options_.seed), disk_(options_.seed), remotes_(scene_) {
  std::filesystem::create_directories(options_.directory);
  std::filesystem::remove(trace_file());
  if (auto logs = log::configure(log::Format::key_value, log::Level::info, trace_file()); !logs)
    throw std::runtime_error(logs.error().message);
}

World::~World() {
  const auto quiet = log::configure(log::Format::key_value, log::Level::error);
  static_cast<void>(quiet);
}

void World::run() {
  const std::string first = fmt::format("{}/life-{}", options_.directory, lives_);
  std::filesystem::create_directories(first);
  disk_.watch(first);
  start_server();
  scene_.start(come_to_rest());
  scene_.start(upset_remotes());
  scene_.start(operate());
  if (options_.faults) scene_.start(spoil());
  while (!done_) {
    settle();
    if (options_.stop_at_first && !scene_.ledger.broken().empty()) break;
    advance();
  }
  done_ = true; // also where it ended early: nobody starts another server
  figures_.disk_operations = disk_.operations();
  end_server(SimDisk::End::killed);
  settle();
  for (int i = 0; i < kMostMoves && !ghosts_.empty() && next_timer(); ++i) {
    advance();
    settle();
  }
  for (const auto& ghost : ghosts_) scene_.ledger.fail("a server does not end, since these wait: " + ghost->running());
}

// ---- Time ----

/// Until nobody can do anything before time passes.
void World::settle() {
  for (int idle = 0; idle < 2; ++idle) {
    scene_.io.restart();
    bool moved = scene_.io.poll() > 0;
    if (server_) moved = server_->turn() || moved;
    for (auto& ghost : ghosts_) moved = ghost->turn() || moved;
    if (end_soon_) end_server(end_);
    if (moved) idle = -1;
  }
  for (auto& ghost : ghosts_) {
    if (!ghost->ended()) continue;
    const std::string directory = ghost->directory();
    ghost.reset();
    std::filesystem::remove_all(directory);
  }
  std::erase(ghosts_, nullptr);
  if (server_ && server_->stopping() && server_->ended()) end_server(SimDisk::End::ordered);
  if (!server_ && !done_ && scene_.clock.now() >= up_at_) start_server();
}

/// To where something happens. While nobody says anything, time passes in steps that grow.
void World::advance() {
  const Instant now = scene_.clock.now();
  const auto next = next_timer();
  if (!next) {
    std::string who = server_ ? server_->running() : "";
    for (const auto& ghost : ghosts_) who += "/ " + ghost->running();
    return scene_.ledger.fail("nothing will ever happen again, and these wait: " + who);
  }
  const bool quiet = std::exchange(seen_activity_, scene_.activity) == scene_.activity;
  const std::chrono::milliseconds most = scene_.wires.empty() ? kWhileIdle : kWhileConnected;
  stride_ = quiet ? std::min(std::max<std::chrono::milliseconds>(stride_ * 2, kSmallStep), most) : 0ms;
  const Instant then = std::max(*next, now + stride_);
  scene_.pass(then);
  ++figures_.moves;
  const auto wake = [](boost::asio::io_context& io) {
    bool woken = false;
    io.restart();
    wake_timers(io, [&woken] { woken = true; });
    while (!woken) io.poll();
  };
  wake(scene_.io);
  if (server_) wake(server_->io());
  for (auto& ghost : ghosts_) wake(ghost->io());
}

// ---- The server ----

SimServer* World::server() { return server_ && server_->alive() && !server_->stopping() ? server_.get() : nullptr; }

void World::start_server() {
  const std::string directory = fmt::format("{}/life-{}", options_.directory, lives_);
  scene_.tell("start", fmt::format("life {}", lives_));
  const unsigned life = lives_;
  auto fresh = std::make_unique<SimServer>(scene_, remotes_, directory, options_.planted, [this] {
    ++figures_.fatal;
    end_ = SimDisk::End::killed;
    end_soon_ = true;
  });
  if (fresh->failure().empty() && life == lives_) {
    server_ = std::move(fresh);
    return;
  }
  // It could not start, or died in it.
  if (!fresh->failure().empty()) {
    scene_.tell("start-failed", fresh->failure());
    if (life == lives_ && !disk_.troubled()) scene_.ledger.fail("the server does not start: " + fresh->failure());
  }
  fresh->die();
  if (fresh->has_parts()) {
    fresh->stop();
    ghosts_.push_back(std::move(fresh));
  }
  up_at_ = scene_.clock.now() + 60s;
  note_timer(up_at_);
}

/// Takes what the disk has; from here on what the process says does not count.
void World::cut(SimDisk::End how) {
  scene_.tell("end", how == SimDisk::End::power ? "power cut" : how == SimDisk::End::killed ? "killed" : "stopped");
  ++(how == SimDisk::End::power    ? figures_.power_cuts
     : how == SimDisk::End::killed ? figures_.kills
                                   : figures_.restarts);
  ++lives_;
  if (server_) server_->die();
  if (how == SimDisk::End::ordered) server_.reset(); // which closes its files
  const std::string directory = fmt::format("{}/life-{}", options_.directory, lives_);
  disk_.end(how, directory);
  if (how == SimDisk::End::ordered)
    std::filesystem::remove_all(fmt::format("{}/life-{}", options_.directory, lives_ - 1));
  if (how != SimDisk::End::ordered) scene_.ledger.crashed();
}

void World::end_server(SimDisk::End how) {
  end_soon_ = false;
  if (!server_) return;
  if (server_->alive()) cut(how);
  if (server_) {
    server_->stop();
    ghosts_.push_back(std::move(server_));
  }
  for (const auto& [number, wire] : scene_.wires)
    if (wire->gone()) wire->close();
  up_at_ = scene_.clock.now() + scene_.chance.between(2s, 120s);
  note_timer(up_at_);
}

/// Within the n-th operation on its files from now on.
void World::end_within(SimDisk::End how, unsigned operations) {
  disk_.call_before(operations, [this, how] {
    ++figures_.cuts_within;
    cut(how);
    end_ = how;
    end_soon_ = true;
  });
}

} // namespace paquebot::simulation
