// Cuts the power of a store, in thought: the writes and syncs of a workload are logged, and for points of the log the
// files are rebuilt as a disk could hold them then. Each image is opened as a start would, and must keep every promise
// made before the cut.
//
//   power_cut sweep DIR [--seed N] [--rounds N] [--every N] [--no-sync] [--save DIR]
//   power_cut story DIR [--seed N] [--every N]        a sync fails, the process is killed, works on, and then the power
//   goes
//
// Prints one line of JSON: what was done and what was broken. DIR is an empty directory for its files.

#include "base/log.h"
#include "disk_image.h"
#include "workload.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace paquebot::faults {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::string mode;
  std::string directory;
  unsigned seed = 1;
  int rounds = 12;
  int every = 1;
  bool sync = true;
  int fail_sync = -1;
  std::string save;
};

struct Totals {
  int cuts = 0;
  int images = 0;
  int broken = 0;
  int saved = 0;
  std::size_t promises = 0;
  std::vector<std::string> problems;
  std::size_t record = 0; ///< of the log: where the last cut was
};

Arguments read_arguments(int argc, char** argv) {
  Arguments out;
  out.mode = argv[1];
  out.directory = argv[2];
  for (int i = 3; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--no-sync") out.sync = false;
    if (i + 1 >= argc) continue;
    if (name == "--seed") out.seed = static_cast<unsigned>(std::atoi(argv[i + 1]));
    if (name == "--rounds") out.rounds = std::atoi(argv[i + 1]);
    if (name == "--every") out.every = std::max(1, std::atoi(argv[i + 1]));
    if (name == "--fail-sync") out.fail_sync = std::atoi(argv[i + 1]);
    if (name == "--save") out.save = argv[i + 1];
  }
  return out;
}

std::string log_of(const Arguments& a) { return a.directory + "/log"; }

/// A process of its own that works and then ends as if killed. Its number of syncs.
void work_and_die(const Arguments& a) {
  LogVfs vfs({a.directory + "/data", log_of(a), a.sync, a.fail_sync});
  work(vfs, {a.directory + "/data", a.seed, a.rounds, true});
  ::_exit(0);
}

void spawn_work(const Arguments& a) {
  const std::string words[] = {"power_cut",
                               "work",
                               a.directory,
                               "--seed",
                               std::to_string(a.seed),
                               "--rounds",
                               std::to_string(a.rounds),
                               "--fail-sync",
                               std::to_string(a.fail_sync),
                               a.sync ? "--sync" : "--no-sync"};
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  pid_t child = 0;
  int status = 0;
  if (::posix_spawn(&child, "/proc/self/exe", nullptr, nullptr, argv.data(), environ) != 0 ||
      ::waitpid(child, &status, 0) != child || status != 0) {
    std::fprintf(stderr, "the workload failed\n");
    std::exit(1);
  }
}

/// Keeps an image for a start of the real server, with the ids that it must have.
void save_image(const Arguments& a, const std::string& image, const Promises& promises, Totals& totals) {
  const std::string place = a.save + "/" + std::to_string(totals.saved++);
  fs::create_directories(place);
  fs::copy(image, place + "/data");
  std::ofstream list(place + "/accepted");
  for (const std::string& id : promises.accepted()) list << id << '\n';
}

void try_image(const Arguments& a, const Disk& disk, Fate fate, const Promises& promises, std::mt19937& chance,
               Totals& totals) {
  const std::string image = a.directory + "/image";
  fs::remove_all(image);
  fs::create_directory(image);
  disk.write_image(image, fate, chance);
  if (++totals.images % 10 == 0 && !a.save.empty() && promises.count() > 0) save_image(a, image, promises, totals);
  const auto problems = promises.broken_in(image);
  if (problems.empty()) return;
  ++totals.broken;
  for (const std::string& problem : problems) {
    if (totals.problems.size() < 10)
      totals.problems.push_back("failed sync " + std::to_string(a.fail_sync) + ", record " +
                                std::to_string(totals.record) + ", fate " + std::to_string(static_cast<int>(fate)) +
                                ": " + problem);
  }
}

/// Cuts after every `every`-th record from number `first` on, and after the last.
void cut_log(const Arguments& a, std::size_t first, Totals& totals) {
  Disk disk(a.sync);
  Promises promises;
  std::mt19937 chance(a.seed);
  const auto records = read_log(log_of(a));
  const auto offset = chance() % static_cast<unsigned>(a.every);
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (records[i].op == Op::note) {
      promises.take(records[i].data);
    } else {
      disk.feed(records[i]);
    }
    const bool due = i >= first && (i - first) % static_cast<unsigned>(a.every) == offset;
    if (!due && i + 1 != records.size()) continue;
    ++totals.cuts;
    totals.record = i;
    for (const Fate fate : kFates) try_image(a, disk, fate, promises, chance, totals);
  }
  totals.promises += promises.count();
}

void sweep(const Arguments& a, Totals& totals) {
  spawn_work(a);
  cut_log(a, 0, totals);
}

int count_syncs(const Arguments& a) {
  const auto records = read_log(log_of(a));
  return static_cast<int>(std::ranges::count(records, Op::sync, &Record::op));
}

/// For every n-th sync: it fails; the process works on and is killed; another one works on the same files; then the
/// power goes.
void story(Arguments a, Totals& totals) {
  spawn_work(a);
  const int syncs = count_syncs(a);
  const int step = a.every;
  a.every = 40;
  for (int n = static_cast<int>(a.seed) % step; n < syncs; n += step) {
    fs::remove_all(a.directory + "/data");
    fs::remove(log_of(a));
    a.fail_sync = n;
    spawn_work(a);
    const std::size_t first = read_log(log_of(a)).size();
    Arguments later = a;
    later.fail_sync = -1;
    later.seed = a.seed + 100;
    later.rounds = 4;
    spawn_work(later);
    cut_log(a, first, totals);
  }
}

void print(const Totals& totals) {
  std::printf("{\"cuts\": %d, \"images\": %d, \"broken\": %d, \"saved\": %d, \"promises\": %zu, \"problems\": [",
              totals.cuts, totals.images, totals.broken, totals.saved, totals.promises);
  for (std::size_t i = 0; i < totals.problems.size(); ++i) {
    std::string text = totals.problems[i];
    std::ranges::replace_if(text, [](char c) { return c == '"' || c == '\\' || (c >= 0 && c < ' '); }, '\'');
    std::printf("%s\"%s\"", i == 0 ? "" : ", ", text.c_str());
  }
  std::printf("]}\n");
}

} // namespace
} // namespace paquebot::faults

int main(int argc, char** argv) {
  using namespace paquebot::faults;
  if (argc < 3) return 64;
  const Arguments arguments = read_arguments(argc, argv);
  static_cast<void>(
      paquebot::log::configure(paquebot::log::Format::key_value, paquebot::log::Level::error, "/dev/null"));
  Totals totals;
  if (arguments.mode == "work") work_and_die(arguments);
  if (arguments.mode == "sweep") sweep(arguments, totals);
  if (arguments.mode == "story") story(arguments, totals);
  print(totals);
}
