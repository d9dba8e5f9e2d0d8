#include "service/http_driver.h"

#include "base/clock.h"
#include "base/log.h"
#include "service/http.h"

#include <array>
#include <pwd.h>
#include <unistd.h>

namespace paquebot::service {
namespace {

constexpr std::chrono::seconds kIdle{60};
/// A whole request, or the writing of a response.
constexpr std::chrono::seconds kTransfer{60};

using Reader = HttpReader<HttpRequest>;

std::chrono::steady_clock::time_point after(std::chrono::seconds duration) { return system_clock().now() + duration; }

bool is_operator(long uid) { return uid == 0 || (uid > 0 && uid == static_cast<long>(geteuid())); }

/// "operator root (uid 0)"
std::string who_is(long uid) {
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  getpwuid_r(static_cast<uid_t>(uid), &entry, buffer.data(), buffer.size(), &found);
  const std::string name = found != nullptr ? std::string(" ") + found->pw_name : std::string();
  return "operator" + name + " (uid " + std::to_string(uid) + ")";
}

/// One connection.
class HttpSession {
public:
  HttpSession(net::Stream& stream, control::Control& control) : stream_(stream), control_(control) {}

  Task<void> run() {
    if (!is_operator(stream_.peer_uid())) {
      control::Response refusal =
          control::error_response({Errc::permission, "only root and the server's own user may use the control socket"});
      co_await write(refusal, false, false);
      co_return;
    }
    who_ = who_is(stream_.peer_uid());
    bool more = true;
    while (more) more = co_await serve_one();
  }

private:
  /// False when the connection is to end.
  Task<bool> serve_one() {
    const auto whole = co_await read_request();
    if (!whole) {
      if (whole.error().code == Errc::invalid || whole.error().code == Errc::no_space) {
        control::Response problem = control::error_response(whole.error());
        if (whole.error().code == Errc::no_space) problem.status = 413;
        co_await write(problem, false, false);
      }
      co_return false;
    }
    HttpRequest request = reader_.take();
    const bool head_only = request.method == "HEAD";
    const bool keep_alive = request.keep_alive;
    control::Request asked{std::move(request.method), std::move(request.target), std::move(request.body), who_};
    control::Response response = co_await control_.handle(std::move(asked));
    const bool written = co_await write(response, keep_alive, head_only);
    co_return written&& keep_alive;
  }

  /// Reads on until a whole request is there. `closed` at the end of the stream.
  Task<Result<>> read_request() {
    stream_.set_deadline(after(kIdle));
    bool begun = false;
    for (;;) {
      if (!begun && !reader_.idle()) {
        begun = true;
        stream_.set_deadline(after(kTransfer));
      }
      const auto complete = reader_.complete();
      if (!complete) co_return std::unexpected(complete.error());
      if (*complete) co_return Result<>{};
      if (reader_.take_expectation()) {
        const std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
        const auto written = co_await stream_.write(go_on);
        if (!written) co_return std::unexpected(written.error());
      }
      const auto bytes = co_await stream_.read();
      if (!bytes) co_return std::unexpected(Error{Errc::closed, bytes.error().message});
      if (bytes->empty()) co_return fail(Errc::closed, "the peer closed the connection");
      reader_.feed(*bytes);
      stream_.release_buffer();
    }
  }

  Task<bool> write(control::Response response, bool keep_alive, bool head_only) {
    const std::string bytes = format_response(response.status, response.body, keep_alive, head_only);
    stream_.set_deadline(after(kTransfer));
    const auto written = co_await stream_.write(bytes);
    co_return written.has_value();
  }

  net::Stream& stream_;
  control::Control& control_;
  Reader reader_{control::kMaxBody};
  std::string who_;
};

} // namespace

Task<void> serve_http(net::Stream stream, control::Control& control) {
  HttpSession session(stream, control);
  co_await session.run();
  stream.close();
}

} // namespace paquebot::service
