// Simulated fortnights, one seed after the other: simulate [--seeds N] [--first N] [--messages N] [--plant FAULT]
// [--keep DIRECTORY]
// [--again]. Ends with 1 when a promise was broken, or, with --again, when a second run differs from the first.

#include "run.h"

#include <cstdlib>
#include <fmt/format.h>
#include <iostream>
#include <map>
#include <string>

using namespace paquebot::simulation;

namespace {

int explain() {
  std::cerr << "simulate [--seeds N] [--first N] [--messages N] [--plant lost-outcome|late-cancel|double-claim] "
               "[--keep DIRECTORY] [--again]\n";
  return 2;
}

} // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> given{
      {"--seeds", "1"}, {"--first", "1"}, {"--messages", "10000"}, {"--plant", ""}, {"--keep", ""}};
  bool again = false;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--again") {
      again = true;
    } else if (i + 1 < argc && given.contains(name)) {
      given[name] = argv[++i];
    } else {
      return explain();
    }
  }
  const Planted planted = planted_named(given["--plant"]);
  if (planted == Planted::nothing && !given["--plant"].empty()) return explain();
  const std::uint64_t first = std::stoull(given["--first"]);
  bool fine = true;
  for (std::uint64_t seed = first; seed < first + std::stoull(given["--seeds"]); ++seed) {
    WorldOptions options{.seed = seed, .messages = static_cast<unsigned>(std::stoul(given["--messages"]))};
    options.planted = planted;
    const Ran ran = run_world(options, given["--keep"]);
    std::cout << describe(seed, ran) << std::endl;
    fine = fine && ran.broken.empty();
    if (!again) continue;
    const std::string other = difference(ran, run_world(options, {}));
    if (!other.empty()) std::cout << "seed " << seed << ", run again, differs:\n" << other << std::endl;
    fine = fine && other.empty();
  }
  return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}
