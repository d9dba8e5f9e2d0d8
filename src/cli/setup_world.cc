// What `paquebot setup` does to the world outside.

#include "cli/client_driver.h"
#include "cli/setup.h"
#include "cli/smtp_client.h"
#include "net/own_addresses.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace paquebot::cli {
namespace {

using namespace std::chrono_literals;

/// Runs a program by its path, without a shell; its exit code.
Result<int> run_program(std::vector<std::string> words) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t pid = 0;
  if (const int error = ::posix_spawnp(&pid, arguments[0], nullptr, nullptr, arguments.data(), environ); error != 0)
    return fail(Errc::io, words[0] + " can't be run: " + std::strerror(error));
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return fail(Errc::io, words[0] + " can't be waited for");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

class RealWorld final : public SetupWorld {
public:
  explicit RealWorld(std::vector<std::string> resolvers) : resolvers_(std::move(resolvers)) {}

  /// With a resolver of its own for each question: what was not there a moment ago may be there now.
  std::shared_ptr<const dns::Answer> ask(const std::string& name, dns::Type type) override {
    boost::asio::io_context io{1};
    dns::Options options;
    options.resolvers = resolvers_;
    options.trust_anchor = "none"; // it is shown to a person, and asked again
    options.timeout = 5s;
    auto resolver = dns::make_resolver(io.get_executor(), options);
    std::shared_ptr<const dns::Answer> answer;
    if (!resolver) return answer;
    bool done = false;
    dns::Resolver& asked = **resolver;
    boost::asio::co_spawn(io, asked.query(name, type),
                          [&](const std::exception_ptr&, std::shared_ptr<const dns::Answer> got) {
                            answer = std::move(got);
                            done = true;
                          });
    while (!done && io.run_one() > 0) {
    }
    asked.give_up();
    io.poll();
    resolver->reset();
    return answer;
  }

  std::vector<std::string> own_addresses() override { return net::own_addresses(); }

  std::string machine_name() override {
    char name[256] = {};
    ::gethostname(name, sizeof name - 1);
    return name;
  }

  Result<> greet(const std::string& ip, std::uint16_t port) override {
    const Target target{.server = ip, .tls = TlsMode::none, .connect_timeout = 10s, .greeting_timeout = 20s};
    auto driver = ClientDriver::connect(target, {ip, port});
    if (!driver) return std::unexpected(driver.error());
    const auto first = driver->read(20s, 1);
    if (!first) return std::unexpected(first.error());
    if (!first->starts_with("220") && !first->starts_with("4") && !first->starts_with("5"))
      return fail(Errc::refused, "what answers there is no mail server");
    (void)driver->write("QUIT\r\n");
    return {};
  }

  Result<> try_login(const std::string& server, const std::string& user, const std::string& password) override {
    Target target{.server = server, .user = user, .password = password};
    bool ready = false; // what is offered is looked at once greeting, TLS and login are done
    const auto done = submit(
        target, {}, [] { return Result<std::string_view>(std::string_view()); },
        [&](const smtp::PeerFeatures&, const std::string&) -> Result<> {
          ready = true;
          return fail(Errc::conflict, "nothing is to be sent");
        });
    if (ready) return {};
    return std::unexpected(done.error());
  }

  Result<> start_service() override {
    if (!std::filesystem::is_directory("/run/systemd/system"))
      return fail(Errc::unsupported, "there is no systemd here");
    const auto code = run_program({"systemctl", "enable", "--now", "paquebot.service"});
    if (!code) return std::unexpected(code.error());
    if (*code != 0)
      return fail(Errc::io,
                  fmt::format("systemctl enable --now paquebot ended with {}: journalctl -u paquebot", *code));
    return {};
  }

  std::chrono::steady_clock::time_point now() override { return std::chrono::steady_clock::now(); }
  void pause(std::chrono::milliseconds time) override { std::this_thread::sleep_for(time); }

private:
  std::vector<std::string> resolvers_;
};

} // namespace

std::unique_ptr<SetupWorld> real_world(const std::vector<std::string>& resolvers) {
  return std::make_unique<RealWorld>(resolvers);
}

} // namespace paquebot::cli
