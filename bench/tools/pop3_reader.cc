// Reads POP3 mailboxes and prints one line of JSON: how long each step took.
//
//   pop3_reader --to 127.0.0.1:110 --user ann@bench.test --password x --mode stat
//     --mode stat      login and STAT, nothing else
//            retr      then RETR of the first --most messages, one after the other
//            pipeline  the same, --window commands ahead
//            drain     the same pipelined, then DELE of them all and QUIT
//     --mailboxes N    N sessions at once; "%" in the user's name becomes 0, 1, …

#include "line_socket.h"
#include "options.h"

#include <atomic>
#include <cstdint>
#include <exception>
#include <thread>
#include <vector>

namespace paquebot::bench {
namespace {

struct Job {
  std::string to, user, password, mode;
  long most = 0, window = 0;
};

struct Took {
  double login = 0, read = 0, all = 0; ///< seconds: connect to STAT's answer; the RETRs; until the end
  long messages = 0;
  std::size_t octets = 0;
};

std::string_view expect_ok(LineSocket& peer) {
  const auto line = peer.line();
  if (!line.starts_with("+OK")) throw std::runtime_error("refused: " + std::string(line));
  return line;
}

void skip_message(LineSocket& peer) {
  expect_ok(peer);
  while (peer.line() != ".") {
  }
}

/// RETR 1 … count, at most `window` unanswered at a time.
void read_all(LineSocket& peer, long count, long window) {
  long asked = 0;
  for (long answered = 0; answered < count; ++answered) {
    if (asked - answered <= window / 2) { // in groups: a segment holds many commands
      std::string commands;
      while (asked < count && asked - answered < window) commands += "RETR " + std::to_string(++asked) + "\r\n";
      peer.write(commands);
    }
    skip_message(peer);
  }
}

void delete_all(LineSocket& peer, long count) {
  constexpr long kGroup = 500;
  for (long done = 0; done < count;) {
    std::string commands;
    const long end = std::min(done + kGroup, count);
    for (long i = done; i < end; ++i) commands += "DELE " + std::to_string(i + 1) + "\r\n";
    peer.write(commands);
    for (; done < end; ++done) expect_ok(peer);
  }
}

Took run(const Job& job) {
  const auto start = std::chrono::steady_clock::now();
  LineSocket peer(job.to);
  expect_ok(peer);
  peer.write("USER " + job.user + "\r\n");
  expect_ok(peer);
  peer.write("PASS " + job.password + "\r\n");
  expect_ok(peer);
  peer.write("STAT\r\n");
  const long count = std::strtol(expect_ok(peer).data() + 4, nullptr, 10);
  Took took;
  took.login = seconds_since(start);
  took.messages = std::min(count, job.most);
  if (job.mode != "stat") {
    const auto reading = std::chrono::steady_clock::now();
    read_all(peer, took.messages, job.mode == "retr" ? 1 : job.window);
    took.read = seconds_since(reading);
  }
  if (job.mode == "drain") delete_all(peer, took.messages);
  peer.write("QUIT\r\n");
  expect_ok(peer);
  took.all = seconds_since(start);
  took.octets = peer.received();
  return took;
}

std::string named(std::string text, long number) {
  if (const auto at = text.find('%'); at != std::string::npos) text.replace(at, 1, std::to_string(number));
  return text;
}

int main(const Options& options) {
  Job job{options.text("to", "127.0.0.1:110"), options.text("user", ""),         options.text("password", ""),
          options.text("mode", "stat"),        options.number("most", 1L << 40), options.number("window", 100)};
  const long mailboxes = options.number("mailboxes", 1);
  std::vector<Took> results(static_cast<std::size_t>(mailboxes));
  std::vector<std::thread> threads;
  std::atomic<int> failures = 0;
  const auto start = std::chrono::steady_clock::now();
  for (long i = 0; i < mailboxes; ++i) {
    threads.emplace_back([&, i, own = job]() mutable {
      try {
        own.user = named(own.user, i);
        results[static_cast<std::size_t>(i)] = run(own);
      } catch (const std::exception& error) {
        std::cerr << own.user << ": " << error.what() << "\n";
        ++failures;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  Took total;
  for (const auto& one : results) {
    total.login = std::max(total.login, one.login);
    total.read = std::max(total.read, one.read);
    total.messages += one.messages;
    total.octets += one.octets;
  }
  std::cout << "{\"login\": " << total.login << ", \"read\": " << total.read << ", \"all\": " << seconds_since(start)
            << ", \"messages\": " << total.messages << ", \"octets\": " << total.octets << "}\n";
  return failures == 0 ? 0 : 1;
}

} // namespace
} // namespace paquebot::bench

int main(int count, char** words) { return paquebot::bench::main(paquebot::bench::Options(count, words)); }
