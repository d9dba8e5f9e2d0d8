#include "run.h"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <unistd.h>

namespace paquebot::simulation {

namespace fs = std::filesystem;

namespace {

/// A directory that is gone with it.
class Place {
public:
  Place() {
    const fs::path memory = "/dev/shm";
    const fs::path base = ::access(memory.c_str(), W_OK) == 0 ? memory : fs::temp_directory_path();
    std::string pattern = (base / "paquebot-simulation-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
    path_ = pattern;
  }
  ~Place() { fs::remove_all(path_); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  const fs::path& path() const { return path_; }

private:
  fs::path path_;
};

std::string line_at(const std::string& text, std::size_t at) {
  const std::size_t begin = at == 0 ? 0 : text.rfind('\n', at - 1) + 1;
  return text.substr(begin, text.find('\n', begin) - begin);
}

} // namespace

Ran run_world(WorldOptions options, const std::string& keep) {
  const Place place;
  options.directory = place.path().string();
  Ran ran;
  const auto begin = std::chrono::steady_clock::now();
  std::string file;
  {
    World world(options);
    world.run();
    file = world.trace_file();
    ran.broken = world.ledger().broken();
    ran.counts = world.ledger().counts();
    ran.figures = world.figures();
  }
  ran.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::ifstream in(file, std::ios::binary);
  ran.trace.assign(std::istreambuf_iterator<char>(in), {});
  // The only thing in it that the seed does not determine: where its files are.
  const std::string name = options.directory;
  for (std::size_t at = ran.trace.find(name); at != std::string::npos; at = ran.trace.find(name, at))
    ran.trace.replace(at, name.size(), "DIRECTORY");
  if (!keep.empty()) {
    fs::create_directories(keep);
    std::ofstream(fmt::format("{}/trace-{}", keep, options.seed), std::ios::binary) << ran.trace;
  }
  return ran;
}

Planted planted_named(const std::string& name) {
  if (name == "lost-outcome") return Planted::lost_outcome;
  if (name == "late-cancel") return Planted::late_cancel;
  if (name == "double-claim") return Planted::double_claim;
  return Planted::nothing;
}

std::string describe(std::uint64_t seed, const Ran& ran) {
  const Ledger::Counts& c = ran.counts;
  const World::Figures& f = ran.figures;
  std::string text =
      fmt::format("seed {}: {} letters, {} acknowledged, {} replies lost; recipients: {} relayed, {} in mailboxes, {} "
                  "returned, {} dropped, {} "
                  "twice; {} reports; {} kills, {} power cuts ({} of both within an operation), {} restarts, {} lost "
                  "disks, {} orders ({} "
                  "cancelled); {} disk operations, {} moves of the clock, trace {:016x} of {} octets, {:.1f} s",
                  seed, c.letters, c.acknowledged, c.unheard, c.relayed, c.mailboxes, c.returned, c.dropped, c.twice,
                  c.reports, f.kills, f.power_cuts, f.cuts_within, f.restarts, f.fatal, f.orders, f.cancelled,
                  f.disk_operations, f.moves, std::hash<std::string>()(ran.trace), ran.trace.size(), ran.seconds);
  for (const std::string& one : ran.broken) text += "\n  broken: " + one;
  return text;
}

std::string difference(const Ran& one, const Ran& other) {
  if (one.trace == other.trace) return {};
  std::size_t at = 0;
  while (at < one.trace.size() && at < other.trace.size() && one.trace[at] == other.trace[at]) ++at;
  return line_at(one.trace, at) + "\n" + line_at(other.trace, at);
}

} // namespace paquebot::simulation
