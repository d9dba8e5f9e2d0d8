#include "app/keeper_process.h"

#include "base/text.h"

#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <fmt/format.h>
#include <mutex>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace paquebot::app {
namespace {

using Clock = std::chrono::steady_clock;

/// What is told of a file's state: another octet in it changes one of these.
std::string state_of(const std::string& path) {
  struct stat facts{};
  if (::stat(path.c_str(), &facts) != 0) return fmt::format("{}: {}\n", path, errno);
  return fmt::format("{}: {} {} {} {}.{}\n", path, facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtim.tv_sec,
                     facts.st_mtim.tv_nsec);
}

/// Does the reading, on a thread of its own: it may never come back from a file.
class Reading {
public:
  Reading(std::string config_path, const FileSource& files)
      : config_path_(std::move(config_path)), files_(files), done_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        thread_([this] { run(); }) {}

  /// Becomes readable when an answer is there.
  int done() const { return done_.get(); }

  /// False while an earlier request is still at it.
  bool begin(char what) {
    const std::lock_guard lock(mutex_);
    if (busy_) return false;
    busy_ = true;
    what_ = what;
    answer_.reset();
    wake_.notify_one();
    return true;
  }
  /// The answer of the request begun last, once.
  std::optional<std::string> take() {
    std::uint64_t count;
    while (::read(done_.get(), &count, sizeof count) > 0) {
    }
    const std::lock_guard lock(mutex_);
    return std::exchange(answer_, std::nullopt);
  }
  /// Where it stands, for people.
  std::string at() {
    const std::lock_guard lock(mutex_);
    return at_.empty() ? config_path_ : at_;
  }

private:
  [[noreturn]] void run() {
    for (;;) {
      char what;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return busy_; });
        what = what_;
      }
      std::string answer = what == kReadAll ? read_all() : look_at_all();
      {
        const std::lock_guard lock(mutex_);
        answer_ = std::move(answer);
        busy_ = false;
        at_.clear();
      }
      const std::uint64_t one = 1;
      (void)!::write(done_.get(), &one, sizeof one);
    }
  }
  void stand_at(const std::string& path) {
    const std::lock_guard lock(mutex_);
    at_ = path;
  }
  std::string read_all() {
    std::map<std::string, std::string> seen;
    const auto recording = [&](const std::string& path) {
      stand_at(path);
      auto bytes = files_(path);
      seen[path] = bytes ? "+" + *bytes : "-" + bytes.error().message;
      return bytes;
    };
    (void)load_config(config_path_, recording); // its errors show again when the server parses the same bytes
    std::string answer;
    put_text(answer, "");
    paths_.clear();
    for (const auto& [path, bytes] : seen) {
      paths_.push_back(path);
      put_text(answer, path);
      put_text(answer, bytes);
    }
    return answer;
  }
  std::string look_at_all() {
    if (paths_.empty()) (void)read_all(); // asked for the first time
    std::string text;
    for (const std::string& path : paths_) {
      stand_at(path);
      text += state_of(path);
    }
    std::string answer;
    put_text(answer, "");
    put_text(answer, text);
    return answer;
  }

  const std::string config_path_;
  const FileSource& files_;
  std::vector<std::string> paths_; ///< that the last load read; of the thread only
  std::mutex mutex_;               ///< for what follows
  std::condition_variable wake_;
  bool busy_ = false;
  char what_ = 0;
  std::string at_;
  std::optional<std::string> answer_;
  Descriptor done_;
  std::thread thread_; ///< last: it uses all of the above
};

/// Answers on the socket while the other thread reads.
class Keeping {
public:
  Keeping(int socket, Reading& reading, std::chrono::milliseconds patience)
      : socket_(socket), reading_(reading), patience_(patience) {}

  void run() {
    while (look()) {
      if (waiting_ && Clock::now() >= until_) give_in("takes too long to read");
    }
  }

private:
  /// Waits for a request, an answer or the end of patience. False: the server is gone.
  bool look() {
    pollfd watched[] = {{socket_, POLLIN, 0}, {reading_.done(), POLLIN, 0}};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until_ - Clock::now()).count() + 1;
    const int ready = ::poll(watched, 2, waiting_ ? static_cast<int>(std::max<std::int64_t>(left, 0)) : -1);
    if (ready < 0) return errno == EINTR;
    if (watched[1].revents != 0)
      if (auto text = reading_.take(); text && waiting_ && !answer(*text)) return false;
    return watched[0].revents == 0 || take_request();
  }
  bool take_request() {
    char request[sizeof number_ + 1];
    const ssize_t got = ::recv(socket_, request, sizeof request, MSG_WAITALL);
    if (got < 0 && errno == EINTR) return true;
    if (got != static_cast<ssize_t>(sizeof request)) return false;
    std::memcpy(&number_, request, sizeof number_);
    waiting_ = true;
    until_ = Clock::now() + patience_;
    return reading_.begin(request[sizeof number_]) || give_in("still does not answer");
  }
  bool give_in(const char* words) {
    std::string text;
    put_text(text,
             fmt::format("{} {}: is it on a file system that does not answer?", printable(reading_.at(), 400), words));
    return answer(text);
  }
  bool answer(const std::string& text) {
    waiting_ = false;
    std::string frame;
    put_number(frame, number_);
    put_text(frame, text);
    for (std::string_view rest = frame; !rest.empty();) {
      const ssize_t done = ::send(socket_, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (done < 0 && errno == EINTR) continue;
      if (done <= 0) return false;
      rest.remove_prefix(static_cast<std::size_t>(done));
    }
    return true;
  }

  int socket_;
  Reading& reading_;
  std::chrono::milliseconds patience_;
  std::uint32_t number_ = 0;
  bool waiting_ = false; ///< somebody does, for the answer to `number_`
  Clock::time_point until_{};
};

} // namespace

void put_number(std::string& out, std::uint32_t number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof number);
}

void put_text(std::string& out, const std::string& text) {
  put_number(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

std::optional<std::uint32_t> take_number(std::string_view& in) {
  std::uint32_t number;
  if (in.size() < sizeof number) return std::nullopt;
  std::memcpy(&number, in.data(), sizeof number);
  in.remove_prefix(sizeof number);
  return number;
}

std::optional<std::string> take_text(std::string_view& in) {
  std::string_view rest = in;
  const auto size = take_number(rest);
  if (!size || *size > rest.size()) return std::nullopt;
  in = rest.substr(*size);
  return std::string(rest.substr(0, *size));
}

void keep(int socket, const std::string& config_path, const KeeperOptions& options) {
  // The server's thread that waits for signals has blocked them; here they must end it. A kill at the parent's death
  // may fail, since the parent is another user by then: the end of the socket is what counts.
  sigset_t none;
  sigemptyset(&none);
  for (const int signal : {SIGHUP, SIGINT, SIGUSR1, SIGTERM}) ::signal(signal, signal == SIGTERM ? SIG_DFL : SIG_IGN);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_NAME, "paquebot-keeper");
  auto* reading = new Reading(config_path, options.files); // for ever: its thread may never come back
  Keeping(socket, *reading, options.patience).run();
  ::_exit(0);
}

} // namespace paquebot::app
