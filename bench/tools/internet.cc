// A small internet for the bench: every address of 127.0.0.0/8 is a mail server of its own, with the habits that a list
// of profiles gives it, as far away as --delay says.
//
//   internet --port 25 --delay 50 --profiles FILE
//
// A line of FILE: NETWORK/BITS and any of
//
//   connections=N   at once from one address; more are greeted with 421
//   messages=N      in a connection; the next MAIL gets 421
//   rate=N          messages a minute from one address, with a burst of ten seconds' worth; more get 450 at MAIL
//   block=N         after N refusals of these kinds within a minute everything gets 421 for `pause` seconds
//   pause=N         how long such a block lasts (60)
//   greylist=N      a pair of sender and recipient is deferred until N seconds after it was seen first
//   reject=N        this many of a hundred recipients do not exist
//   tarpit=N        milliseconds more for each reply
//   silent=1        nothing is ever said
//
// The first line that fits counts; what fits none has no limits. --delay is a round trip in milliseconds: each reply
// comes so much later, the greeting twice as much (the handshake below it takes no time on a loopback).
//
// For each line on its input it prints one line of JSON: by the address of the sender what it has brought and how often
// it was refused; in `lone` the microseconds on the way of each message to lone-NANOSECONDS@…, the moment (of
// CLOCK_MONOTONIC) at which it was handed to the server that is measured. It ends with its input.

#include "options.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <deque>
#include <fstream>
#include <map>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <queue>
#include <sstream>
#include <stdexcept>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <unordered_map>
#include <vector>

namespace paquebot::bench {
namespace {

using Micros = std::int64_t; // since the machine's start, or between two moments

constexpr Micros kMinute = 60'000'000;

Micros now() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// How a network's servers behave; 0 is "no such limit" everywhere.
struct Profile {
  std::uint32_t network = 0, mask = 0;
  long connections = 0, messages = 0, rate = 0, block = 0, pause = 60, greylist = 0, reject = 0, tarpit = 0, silent = 0;
};

std::vector<Profile> read_profiles(const std::string& path) {
  std::ifstream file(path);
  if (!path.empty() && !file) throw std::runtime_error("cannot read " + path);
  std::vector<Profile> profiles;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string word;
    if (!(words >> word)) continue;
    const auto slash = word.find('/');
    in_addr address{};
    if (slash == std::string::npos || ::inet_pton(AF_INET, word.substr(0, slash).c_str(), &address) != 1) {
      throw std::runtime_error("not a network: " + word);
    }
    Profile profile;
    const auto bits = std::stoi(word.substr(slash + 1));
    profile.mask = bits == 0 ? 0 : ~std::uint32_t{0} << (32 - bits);
    profile.network = ntohl(address.s_addr) & profile.mask;
    const std::map<std::string, long*> fields = {{"connections", &profile.connections},
                                                 {"messages", &profile.messages},
                                                 {"rate", &profile.rate},
                                                 {"block", &profile.block},
                                                 {"pause", &profile.pause},
                                                 {"greylist", &profile.greylist},
                                                 {"reject", &profile.reject},
                                                 {"tarpit", &profile.tarpit},
                                                 {"silent", &profile.silent}};
    while (words >> word) {
      const auto field = fields.find(word.substr(0, word.find('=')));
      if (field == fields.end()) throw std::runtime_error("unknown habit: " + word);
      *field->second = std::stol(word.substr(word.find('=') + 1));
    }
    profiles.push_back(profile);
  }
  return profiles;
}

enum Refusal : std::size_t { kConnections, kMessages, kRate, kBlocked, kGreylisted, kRejected, kRefusals };
constexpr std::array<const char*, kRefusals> kRefusalNames = {"crowded", "used_up",    "rate",
                                                              "blocked", "greylisted", "rejected"};

/// What one sender has brought to all hosts.
struct Ledger {
  long connections = 0, messages = 0, blocks = 0;
  std::array<long, kRefusals> refused{};
  std::vector<Micros> lone;
};

/// What one host knows of one sender.
struct Standing {
  long open = 0;
  double tokens = 0;
  Micros filled = 0, counted_from = 0, blocked_until = 0;
  long refusals = 0;                                  ///< since counted_from
  std::unordered_map<std::string, Micros> first_seen; ///< of a pair, for greylisting
};

struct Reply {
  Micros due;
  std::string text;
  bool last; ///< the connection ends behind it
};

struct Connection {
  int file = -1;
  std::uint32_t host = 0, client = 0;
  const Profile* profile = nullptr;
  Standing* standing = nullptr;
  Ledger* ledger = nullptr;
  std::string input, sender;
  std::vector<std::string> recipients;
  std::deque<Reply> replies;
  long messages = 0;
  bool counted = false, in_data = false, ended = false;
};

class Internet {
public:
  explicit Internet(const Options& options)
      : profiles_(read_profiles(options.text("profiles", ""))), delay_(options.number("delay", 0) * 1000) {
    poll_ = ::epoll_create1(EPOLL_CLOEXEC);
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_port = htons(static_cast<std::uint16_t>(options.number("port", 25)));
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0 || ::listen(listener_, 4096) != 0) {
      throw std::runtime_error(std::string("cannot listen: ") + std::strerror(errno));
    }
    watch(listener_, kListener);
    watch(0, kInput);
    std::cout << "ready" << std::endl;
  }

  void run() {
    while (!done_) {
      epoll_event events[256];
      const int count = ::epoll_wait(poll_, events, 256, wait_for());
      for (int i = 0; i < count; ++i) {
        const auto mark = events[i].data.u64;
        if (mark == kListener)
          accept_all();
        else if (mark == kInput)
          report();
        else if (const auto found = connections_.find(mark); found != connections_.end())
          read(mark, *found->second);
      }
      say_due();
    }
  }

private:
  static constexpr std::uint64_t kListener = 0, kInput = 1, kFirst = 2;

  void watch(int file, std::uint64_t mark) {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = mark}};
    ::epoll_ctl(poll_, EPOLL_CTL_ADD, file, &event);
  }

  int wait_for() const {
    if (due_.empty()) return -1;
    const auto left = due_.top().first - now();
    return left <= 0 ? 0 : static_cast<int>((left + 999) / 1000);
  }

  const Profile& profile_of(std::uint32_t host) const {
    static const Profile free;
    const auto fits = [&](const Profile& one) { return (host & one.mask) == one.network; };
    const auto found = std::ranges::find_if(profiles_, fits);
    return found == profiles_.end() ? free : *found;
  }

  void accept_all() {
    sockaddr_in client{}, host{};
    for (;;) {
      socklen_t size = sizeof client;
      const int file = ::accept4(listener_, reinterpret_cast<sockaddr*>(&client), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (file < 0) return;
      const int on = 1;
      ::setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      size = sizeof host;
      ::getsockname(file, reinterpret_cast<sockaddr*>(&host), &size);
      auto one = std::make_unique<Connection>();
      one->file = file;
      one->host = ntohl(host.sin_addr.s_addr);
      one->client = ntohl(client.sin_addr.s_addr);
      one->profile = &profile_of(one->host);
      one->standing = &standings_[std::uint64_t{one->host} << 32 | one->client];
      one->ledger = &ledgers_[one->client];
      const auto mark = next_++;
      auto& kept = *(connections_[mark] = std::move(one));
      watch(file, mark);
      greet(mark, kept);
    }
  }

  void greet(std::uint64_t mark, Connection& one) {
    ++one.ledger->connections;
    if (one.profile->silent != 0) return;
    if (blocked(one)) return refuse(mark, one, kBlocked, "421 4.7.1 Your address is blocked here for now", true);
    const auto most = one.profile->connections;
    if (most != 0 && one.standing->open >= most) {
      return refuse(mark, one, kConnections, "421 4.7.0 Too many connections from your address", true);
    }
    one.counted = true;
    ++one.standing->open;
    say(mark, one, "220 mx.internet.test ESMTP", false, 2 * delay_);
  }

  bool blocked(const Connection& one) const { return one.standing->blocked_until > now(); }

  void say(std::uint64_t mark, Connection& one, std::string text, bool last = false, Micros later = -1) {
    auto due = now() + (later < 0 ? delay_ : later) + one.profile->tarpit * 1000;
    if (!one.replies.empty()) due = std::max(due, one.replies.back().due);
    one.replies.push_back({due, std::move(text) + "\r\n", last});
    due_.emplace(due, mark);
  }

  /// Counts it, and blocks the sender that was refused too often.
  void refuse(std::uint64_t mark, Connection& one, Refusal why, std::string text, bool last = false) {
    ++one.ledger->refused[why];
    auto& standing = *one.standing;
    if (one.profile->block != 0 && why <= kRate) {
      if (now() - standing.counted_from > kMinute) {
        standing.counted_from = now();
        standing.refusals = 0;
      }
      if (++standing.refusals >= one.profile->block) {
        standing.refusals = 0;
        standing.blocked_until = now() + one.profile->pause * 1'000'000;
        ++one.ledger->blocks;
      }
    }
    if (last) one.ended = true;
    say(mark, one, std::move(text), last);
  }

  void read(std::uint64_t mark, Connection& one) {
    char piece[65536];
    const auto got = ::recv(one.file, piece, sizeof piece, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return close(mark);
    if (one.ended || one.profile->silent != 0) return;
    one.input.append(piece, static_cast<std::size_t>(got));
    while (!one.ended && (one.in_data ? content(mark, one) : line(mark, one))) {
    }
  }

  /// One command; false when there is no whole line.
  bool line(std::uint64_t mark, Connection& one) {
    const auto end = one.input.find('\n');
    if (end == std::string::npos) return false;
    std::string text = one.input.substr(0, end);
    one.input.erase(0, end + 1);
    if (text.ends_with('\r')) text.pop_back();
    std::string verb = text.substr(0, 4);
    std::ranges::transform(verb, verb.begin(), [](unsigned char c) { return std::toupper(c); });
    if (verb == "EHLO")
      say(mark, one, "250-mx.internet.test\r\n250-PIPELINING\r\n250-SIZE 0\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES");
    else if (verb == "HELO" || verb == "NOOP")
      say(mark, one, "250 mx.internet.test");
    else if (verb == "MAIL")
      mail(mark, one, text);
    else if (verb == "RCPT")
      rcpt(mark, one, text);
    else if (verb == "DATA")
      data(mark, one);
    else if (verb == "RSET")
      reset(mark, one);
    else if (verb == "QUIT")
      quit(mark, one);
    else
      say(mark, one, "502 5.5.1 Not here");
    return true;
  }

  static std::string path_of(const std::string& text) {
    const auto from = text.find('<'), to = text.find('>');
    return from == std::string::npos || to == std::string::npos || to < from ? ""
                                                                             : text.substr(from + 1, to - from - 1);
  }

  void mail(std::uint64_t mark, Connection& one, const std::string& text) {
    if (blocked(one)) return refuse(mark, one, kBlocked, "421 4.7.1 Your address is blocked here for now", true);
    const auto& profile = *one.profile;
    if (profile.messages != 0 && one.messages >= profile.messages) {
      return refuse(mark, one, kMessages, "421 4.7.0 Too many messages in this session", true);
    }
    if (profile.rate != 0 && !take_token(one)) {
      return refuse(mark, one, kRate, "450 4.7.1 Too much mail from your address, slow down");
    }
    one.sender = path_of(text);
    one.recipients.clear();
    say(mark, one, "250 2.1.0 Ok");
  }

  static bool take_token(Connection& one) {
    auto& standing = *one.standing;
    const double a_second = static_cast<double>(one.profile->rate) / 60, burst = std::max(1.0, a_second * 10);
    const auto moment = now();
    const double gained = static_cast<double>(moment - standing.filled) / 1e6 * a_second;
    standing.tokens = standing.filled == 0 ? burst : std::min(burst, standing.tokens + gained);
    standing.filled = moment;
    if (standing.tokens < 1) return false;
    standing.tokens -= 1;
    return true;
  }

  void rcpt(std::uint64_t mark, Connection& one, const std::string& text) {
    const auto path = path_of(text);
    if (one.profile->greylist != 0) {
      const auto first = one.standing->first_seen.try_emplace(one.sender + '\n' + path, now()).first->second;
      if (now() - first < one.profile->greylist * 1'000'000) {
        return refuse(mark, one, kGreylisted, "450 4.7.1 Greylisted, please come again");
      }
    }
    if (one.profile->reject != 0 &&
        std::hash<std::string>{}(path) % 100 < static_cast<std::size_t>(one.profile->reject)) {
      return refuse(mark, one, kRejected, "550 5.1.1 No such user");
    }
    one.recipients.push_back(path);
    say(mark, one, "250 2.1.5 Ok");
  }

  void data(std::uint64_t mark, Connection& one) {
    if (one.recipients.empty()) return say(mark, one, "503 5.5.1 No recipients");
    one.in_data = true;
    say(mark, one, "354 Go on");
  }

  /// The end of a message; false when more has to come. What is no end is dropped but for the octets that may begin
  /// one.
  bool content(std::uint64_t mark, Connection& one) {
    const auto end = one.input.find("\r\n.\r\n");
    if (end == std::string::npos) {
      if (one.input.size() > 4) one.input.erase(0, one.input.size() - 4);
      return false;
    }
    one.input.erase(0, end + 5);
    one.in_data = false;
    ++one.messages;
    ++one.ledger->messages;
    for (const auto& path : one.recipients) {
      if (path.starts_with("lone-")) one.ledger->lone.push_back(now() - std::stoll(path.substr(5)) / 1000);
    }
    one.recipients.clear();
    say(mark, one, "250 2.0.0 Taken");
    return true;
  }

  void reset(std::uint64_t mark, Connection& one) {
    one.recipients.clear();
    say(mark, one, "250 2.0.0 Ok");
  }

  void quit(std::uint64_t mark, Connection& one) {
    one.ended = true;
    say(mark, one, "221 2.0.0 Bye", true);
  }

  void say_due() {
    const auto moment = now();
    while (!due_.empty() && due_.top().first <= moment) {
      const auto mark = due_.top().second;
      due_.pop();
      const auto found = connections_.find(mark);
      if (found == connections_.end()) continue;
      std::string text;
      bool last = false;
      for (auto& replies = found->second->replies; !replies.empty() && replies.front().due <= moment;
           replies.pop_front()) {
        text += replies.front().text;
        last = last || replies.front().last;
      }
      // A client that does not read what it is owed is no part of a bench: what does not fit is lost.
      if (!text.empty()) [[maybe_unused]]
        const auto sent = ::send(found->second->file, text.data(), text.size(), MSG_NOSIGNAL);
      if (last) close(mark);
    }
  }

  void close(std::uint64_t mark) {
    const auto found = connections_.find(mark);
    if (found->second->counted) --found->second->standing->open;
    ::close(found->second->file);
    connections_.erase(found);
  }

  void report() {
    char piece[256];
    const auto got = ::read(0, piece, sizeof piece);
    if (got <= 0) {
      done_ = true;
      return;
    }
    std::string text = "{";
    for (const auto& [client, ledger] : ledgers_) {
      const in_addr address{htonl(client)};
      if (text.size() > 1) text += ", ";
      text += "\"" + std::string(::inet_ntoa(address)) + "\": {\"connections\": " + std::to_string(ledger.connections) +
              ", \"messages\": " + std::to_string(ledger.messages) + ", \"blocks\": " + std::to_string(ledger.blocks);
      for (std::size_t why = 0; why < kRefusals; ++why) {
        text += ", \"" + std::string(kRefusalNames[why]) + "\": " + std::to_string(ledger.refused[why]);
      }
      text += ", \"lone\": [";
      for (std::size_t i = 0; i < ledger.lone.size(); ++i)
        text += (i == 0 ? "" : ", ") + std::to_string(ledger.lone[i]);
      text += "]}";
    }
    std::cout << text << "}" << std::endl;
  }

  using Due = std::pair<Micros, std::uint64_t>;

  std::vector<Profile> profiles_;
  Micros delay_;
  int poll_ = -1, listener_ = -1;
  bool done_ = false;
  std::uint64_t next_ = kFirst;
  std::unordered_map<std::uint64_t, std::unique_ptr<Connection>> connections_; // by their marks, which never return
  std::unordered_map<std::uint64_t, Standing> standings_;                      // by host and client
  std::map<std::uint32_t, Ledger> ledgers_;                                    // by client
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
};

} // namespace
} // namespace paquebot::bench

int main(int count, char** words) {
  try {
    paquebot::bench::Internet(paquebot::bench::Options(count, words)).run();
  } catch (const std::exception& error) {
    std::cerr << "internet: " << error.what() << "\n";
    return 1;
  }
}
