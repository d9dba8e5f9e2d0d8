// An open-loop generator: messages are due at a fixed rate, whether the server keeps up or not, and each one's latency
// counts from the moment it was due until its final reply. Waiting for a free connection is part of it.
//
//   open_loop --to 127.0.0.1:25 --rate 240 --seconds 10 --connections 50 --size 4096 --from a@b --rcpt c@d
//
// In --rcpt, % stands for the message's number modulo --spread, and $ for the nanoseconds of CLOCK_MONOTONIC as it is
// sent. --rate 0: as fast as the connections take them, --messages of them.
// --user and --password: a login in clear before the first message.
//
// Prints one line of JSON with percentiles in microseconds. Connections are kept; commands are not pipelined, as in
// smtp-source. A refusal or a lost connection ends the program with 1.

#include "line_socket.h"
#include "options.h"

#include <algorithm>
#include <deque>
#include <fcntl.h>
#include <memory>
#include <openssl/evp.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <vector>

namespace paquebot::bench {
namespace {

using Nanoseconds = std::int64_t;

Nanoseconds now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// What is said, in this order; the answer to each must begin with `answer`.
struct Step {
  std::string text;
  char answer;
};

struct Connection {
  int file = -1;
  std::string buffer; ///< of an unfinished line
  std::size_t step = 0;
  bool busy = false;
  long number = 0; ///< of its message
  Nanoseconds due = 0;
};

class Generator {
public:
  explicit Generator(const Options& options)
      : rate_(options.number("rate", 100)), total_(options.number("messages", rate_ * options.number("seconds", 10))),
        spread_(options.number("spread", 1)) {
    const auto size = options.number("size", 4096);
    std::string content = "Subject: open loop\r\n\r\n";
    while (static_cast<long>(content.size()) < size) content += std::string(76, 'x') + "\r\n";
    script_ = {{"MAIL FROM:<" + options.text("from", "a@bench.test") + ">\r\n", '2'},
               {"RCPT TO:<" + options.text("rcpt", "a@bench.test") + ">\r\n", '2'},
               {"DATA\r\n", '3'},
               {content + ".\r\n", '2'}};
    poll_ = ::epoll_create1(EPOLL_CLOEXEC);
    timer_ = ::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    connections_.resize(static_cast<std::size_t>(options.number("connections", 20)));
    login_ = login(options.text("user", ""), options.text("password", ""));
    for (std::size_t i = 0; i < connections_.size(); ++i) open(i, options.text("to", ""));
    watch(timer_, kTimer);
    latencies_.reserve(static_cast<std::size_t>(total_));
  }

  void run() {
    start_ = now();
    arm_timer();
    while (static_cast<long>(latencies_.size()) < total_) {
      epoll_event events[64];
      const int count = ::epoll_wait(poll_, events, 64, 60'000);
      if (count == 0) throw std::runtime_error("no answer for a minute");
      for (int i = 0; i < count; ++i) {
        if (events[i].data.u64 == kTimer) {
          std::uint64_t fired = 0;
          [[maybe_unused]] const auto got = ::read(timer_, &fired, sizeof fired);
        } else {
          read(connections_[events[i].data.u64]);
        }
      }
      begin_due();
    }
    print();
  }

private:
  static constexpr std::uint64_t kTimer = ~0ull;

  void watch(int file, std::uint64_t mark) {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = mark}};
    ::epoll_ctl(poll_, EPOLL_CTL_ADD, file, &event);
  }

  /// AUTH PLAIN (RFC 4616); "" for nobody.
  static std::string login(const std::string& user, const std::string& password) {
    if (user.empty()) return {};
    const auto secret = std::string(1, '\0') + user + std::string(1, '\0') + password;
    std::string coded(4 * ((secret.size() + 2) / 3) + 1, '\0');
    const auto size =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(coded.data()),
                        reinterpret_cast<const unsigned char*>(secret.data()), static_cast<int>(secret.size()));
    coded.resize(static_cast<std::size_t>(size));
    return "AUTH PLAIN " + coded + "\r\n";
  }

  void open(std::size_t index, const std::string& where) {
    LineSocket greeting(where);
    if (!greeting.line().starts_with("220")) throw std::runtime_error("no greeting");
    greeting.write("HELO client.bench.test\r\n");
    if (!greeting.line().starts_with("250")) throw std::runtime_error("HELO refused");
    if (!login_.empty()) {
      greeting.write("EHLO client.bench.test\r\n");
      while (!greeting.line().starts_with("250 ")) {
      }
      greeting.write(login_);
      if (!greeting.line().starts_with("235")) throw std::runtime_error("the login was refused");
    }
    connections_[index].file = ::dup(greeting.file());
    ::fcntl(connections_[index].file, F_SETFL, O_NONBLOCK);
    watch(connections_[index].file, index);
    idle_.push_back(index);
  }

  Nanoseconds due(long number) const { return rate_ == 0 ? start_ : start_ + number * 1'000'000'000 / rate_; }

  /// To the moment at which the next message is due, once for each, and only while a connection is free for it.
  void arm_timer() {
    if (next_ >= total_ || armed_ == next_ || idle_.empty()) return; // what is past fires at once
    armed_ = next_;
    const auto at = due(next_);
    itimerspec when{};
    when.it_value = {at / 1'000'000'000, at % 1'000'000'000};
    ::timerfd_settime(timer_, TFD_TIMER_ABSTIME, &when, nullptr);
  }

  void begin_due() {
    while (next_ < total_ && !idle_.empty() && due(next_) <= now()) {
      auto& one = connections_[idle_.front()];
      idle_.pop_front();
      one.busy = true;
      one.step = 0;
      one.number = next_++;
      one.due = rate_ == 0 ? now() : due(one.number);
      send(one);
    }
    arm_timer();
  }

  void send(Connection& one) {
    const auto text = filled(script_[one.step].text, one.step, one.number);
    std::string_view left = text;
    while (!left.empty()) { // at most a few kilobytes behind a reply: never waits long
      const auto done = ::send(one.file, left.data(), left.size(), MSG_NOSIGNAL);
      if (done < 0 && errno != EAGAIN && errno != EINTR) throw std::runtime_error("the peer takes no more");
      if (done > 0) left.remove_prefix(static_cast<std::size_t>(done));
    }
  }

  /// A command with what stands for numbers replaced; the content stays as it is.
  std::string filled(std::string text, std::size_t step, long number) const {
    if (step > 1) return text;
    const auto replace = [&](char mark, long value) {
      for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark))
        text.replace(at, 1, std::to_string(value));
    };
    replace('%', number % spread_);
    replace('$', now());
    return text;
  }

  void read(Connection& one) {
    char piece[4096];
    const auto got = ::recv(one.file, piece, sizeof piece, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) throw std::runtime_error("a connection was lost");
    one.buffer.append(piece, static_cast<std::size_t>(got));
    if (!one.buffer.ends_with('\n')) return;
    const auto last = one.buffer.rfind('\n', one.buffer.size() - 2) + 1; // npos + 1 is 0
    if (one.buffer.size() - last > 3 && one.buffer[last + 3] == '-') return;
    if (!one.busy || one.buffer[last] != script_[one.step].answer) throw std::runtime_error("refused: " + one.buffer);
    one.buffer.clear();
    if (++one.step < script_.size()) return send(one);
    latencies_.push_back(now() - one.due);
    one.busy = false;
    idle_.push_back(static_cast<std::size_t>(&one - connections_.data()));
  }

  void print() {
    const double took = static_cast<double>(now() - start_) / 1e9;
    std::ranges::sort(latencies_);
    const auto at = [&](double part) {
      const auto index = static_cast<std::size_t>(part * static_cast<double>(latencies_.size() - 1));
      return latencies_[index] / 1000;
    };
    std::cout << "{\"messages\": " << latencies_.size() << ", \"seconds\": " << took << ", \"p50\": " << at(0.5)
              << ", \"p90\": " << at(0.9) << ", \"p99\": " << at(0.99) << ", \"p999\": " << at(0.999)
              << ", \"max\": " << at(1) << "}\n";
  }

  long rate_, total_, spread_;
  long next_ = 0, armed_ = -1; ///< numbers of messages: the next to begin, the one that the timer waits for
  std::vector<Step> script_;
  std::string login_;
  int poll_ = -1, timer_ = -1;
  std::vector<Connection> connections_;
  std::deque<std::size_t> idle_;
  std::vector<Nanoseconds> latencies_;
  Nanoseconds start_ = 0;
};

} // namespace
} // namespace paquebot::bench

int main(int count, char** words) {
  try {
    paquebot::bench::Generator(paquebot::bench::Options(count, words)).run();
  } catch (const std::exception& error) {
    std::cerr << "open_loop: " << error.what() << "\n";
    return 1;
  }
}
