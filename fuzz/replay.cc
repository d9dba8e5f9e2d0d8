// Stands in for libFuzzer in ordinary builds: gives the fuzzer's function the empty input, then every file of the
// folders named on the command line, then for some seconds what becomes of them by chance: always by the same chance,
// so that what breaks once breaks again. A failure is a crash or an abort, as with libFuzzer itself; the input that was
// given last lies in broken-input in the working directory then.

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

std::vector<std::filesystem::path> files_under(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  if (!std::filesystem::is_directory(folder)) return files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

constexpr auto kSeconds = std::chrono::seconds(2);
constexpr std::size_t kLongest = 64u << 10; // octets of a mutated input

std::vector<std::uint8_t> given; // the input that is being tried

/// Keeps the input that broke something, then dies of the same signal.
void keep(int signal) {
  const int file = ::open("broken-input", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file >= 0 && ::write(file, given.data(), given.size()) >= 0) ::close(file);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void run(const std::string& bytes) {
  // A buffer of exactly this size, so that a sanitizer sees a read past its end.
  given.assign(bytes.begin(), bytes.end());
  given.shrink_to_fit();
  LLVMFuzzerTestOneInput(given.data(), given.size());
}

/// One step away from `bytes`: an octet changed, a piece taken out, said twice, or put in from another input.
void mutate(std::string& bytes, const std::vector<std::string>& inputs, std::mt19937& chance) {
  const auto below = [&chance](std::size_t bound) { return bound == 0 ? 0 : chance() % bound; };
  const std::size_t at = below(bytes.size() + 1);
  const std::size_t length = below(std::min<std::size_t>(bytes.size() - at, 64) + 1);
  static constexpr std::string_view kOdd{"\r\n.\0 \xFF\x80<>@:;\"\\%(=", 18};
  switch (chance() % 6) {
    case 0:
      if (at < bytes.size()) bytes[at] = static_cast<char>(chance());
      break;
    case 1:
      if (at < bytes.size()) bytes[at] = kOdd[below(kOdd.size())];
      break;
    case 2: bytes.insert(at, 1, kOdd[below(kOdd.size())]); break;
    case 3: bytes.erase(at, length); break;
    case 4: bytes.insert(at, std::string(bytes, at, length)); break;
    default: {
      const std::string& other = inputs[below(inputs.size())];
      const std::size_t from = below(other.size() + 1);
      bytes.insert(at, other.substr(from, below(256)));
    }
  }
  if (bytes.size() > kLongest) bytes.resize(kLongest);
}

std::size_t run_mutations(const std::vector<std::string>& inputs) {
  if (inputs.empty()) return 0;
  std::mt19937 chance(1); // NOLINT: the same for everybody
  const auto end = std::chrono::steady_clock::now() + kSeconds;
  std::size_t count = 0;
  while (std::chrono::steady_clock::now() < end) {
    std::string bytes = inputs[chance() % inputs.size()];
    for (auto steps = 1 + chance() % 8; steps > 0; --steps) mutate(bytes, inputs, chance);
    run(bytes);
    ++count;
  }
  return count;
}

} // namespace

int main(int argc, char** argv) {
  for (const int signal : {SIGABRT, SIGSEGV, SIGFPE, SIGILL, SIGBUS}) std::signal(signal, keep);
  std::vector<std::string> inputs;
  run({});
  for (int i = 1; i < argc; ++i) {
    for (const auto& file : files_under(argv[i])) {
      std::fprintf(stderr, "%s\n", file.c_str());
      std::ifstream in(file, std::ios::binary);
      inputs.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
      run(inputs.back());
    }
  }
  const std::size_t mutated = run_mutations(inputs);
  std::printf("replayed %zu inputs and %zu made of them\n", inputs.size(), mutated);
  return 0;
}
