#include "app/check.h"

#include "app/certificate.h"
#include "app/config.h"
#include "app/port_holder.h"
#include "app/privileges.h"
#include "app/resolver_check.h"
#include "base/rights.h"
#include "base/text.h"
#include "cli/transport.h"
#include "control/target.h"
#include "net/endpoint.h"
#include "store/store.h"

#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

namespace paquebot::app {
namespace {

/// The server that runs with this data directory.
struct Running {
  bool hidden = false; ///< there is something, but we may not ask
  int pid = 0;         ///< 0: none
};

Running find_running(const Config& config) {
  const auto server = cli::connect_transport(config.control_socket);
  if (!server) return {.hidden = server.error().code == Errc::permission};
  const auto response = (*server)->call("GET", "/v1/status", {});
  const auto status = response ? control::parse_json(response->body, "the status")
                               : Result<control::json::value>(std::unexpected(response.error()));
  return {.pid = status ? static_cast<int>(control::get_number(*status, "pid")) : 0};
}

/// The user that the server becomes; nothing when it stays who it is.
std::optional<Owner> check_user(const Config& config, cli::CheckReport& report) {
  const std::string user = config.user.empty() ? default_user() : config.user;
  if (user.empty()) {
    if (is_root())
      report.warnings.push_back("there is no user paquebot: the server would stay root; make one, or set server.user");
    return std::nullopt;
  }
  const auto owner = find_user(user);
  if (!owner) report.errors.push_back("server.user: " + owner.error().message);
  return owner && is_root() ? std::optional<Owner>(*owner) : std::nullopt;
}

void check_listeners(const Config& config, cli::CheckReport& report) {
  const Running running = find_running(config);
  for (const ListenerConfig& listener : config.listeners) {
    const auto endpoint = net::parse_endpoint(listener.address);
    if (!endpoint || listener.is_local()) continue;
    const auto tried = try_listening(listener.address);
    if (tried) continue;
    const auto holder = holder_of(endpoint->port);
    const bool ours = running.pid != 0 && (!holder || holder->pid == running.pid);
    if (tried.error().code == Errc::conflict && (ours || running.hidden)) continue;
    if (holder && holder->pid == 1) continue; // the service manager, which passes it on to the server
    const bool other_user = tried.error().code == Errc::permission && !is_root();
    (other_user ? report.warnings : report.errors).push_back("[[listener]]: " + tried.error().message);
  }
}

/// As the server's user, whether he may do `mode` there.
bool may(const std::string& path, int mode) { return ::faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0; }

void check_folders(const Config& config, const std::optional<Owner>& user, cli::CheckReport& report) {
  struct stat facts{};
  const bool there = ::stat(config.server.data_directory.c_str(), &facts) == 0;
  if (there && !S_ISDIR(facts.st_mode))
    report.errors.push_back("data_dir: " + config.server.data_directory + " is not a folder");
  if (there && user && facts.st_uid != 0 && facts.st_uid != user->user)
    report.errors.push_back("data_dir: " + config.server.data_directory +
                            " belongs to another user than the one that the server becomes");
  if (config.log_file.empty()) return;
  const std::string folder = std::filesystem::path(config.log_file).parent_path().string();
  const ActAs acting(user);
  const bool exists = ::stat(config.log_file.c_str(), &facts) == 0;
  if (exists && !S_ISREG(facts.st_mode))
    report.errors.push_back("log_file: " + config.log_file + " is not a plain file");
  else if (exists ? !may(config.log_file, W_OK) : !may(folder, W_OK | X_OK))
    report.errors.push_back("log_file: the user that the server runs as can't write " +
                            (exists ? config.log_file : "into " + folder));
}

/// As the server's user, who may be known to the database by that.
void check_store(const Config& config, const std::optional<Owner>& user, cli::CheckReport& report) {
  if (!store::is_database(config.store)) return;
  const ActAs acting(user);
  const auto doubts = store::doubt_database(config.store);
  if (!doubts) return report.errors.push_back("store: " + doubts.error().message);
  for (const std::string& doubt : *doubts) report.warnings.push_back("store: " + doubt);
}

/// Whom `login.scram = "auto"` waits for. Only a running server can be asked: nobody else may open its store.
void check_scram(const Config& config, cli::CheckReport& report) {
  const auto server = cli::connect_transport(config.control_socket);
  constexpr std::size_t kNamed = 10;
  std::vector<std::string> missing;
  std::size_t count = 0;
  for (std::string next; server;) {
    const std::string after = next.empty() ? next : "&after=" + control::percent_encode(next);
    const auto response = (*server)->call("GET", "/v1/accounts?limit=10000" + after, {});
    const auto page =
        response ? control::parse_json(response->body, "the accounts") : std::unexpected(response.error());
    if (!page) return;
    for (const auto& account : control::get_list(*page, "accounts")) {
      if (control::get_bool(account, "disabled") || !control::get_bool(account, "has_password") ||
          control::get_bool(account, "scram"))
        continue;
      if (count++ < kNamed) missing.push_back(printable(control::get_text(account, "login"), 200));
    }
    next = control::get_text(*page, "next");
    if (next.empty()) break;
  }
  if (count == 0) return;
  report.warnings.push_back(fmt::format(
      "login.scram: SCRAM is not offered, since {} can't do it yet{}: their passwords came as hashes, and one login "
      "with PLAIN or a new password mends it",
      fmt::join(missing, ", "), count > kNamed ? fmt::format(" and {} more", count - kNamed) : std::string()));
}

void add_lines(std::vector<std::string>& to, const std::string& text) {
  for (const std::string_view line : split(text, '\n')) to.emplace_back(line);
}

} // namespace

cli::CheckReport check(const std::string& config_path) {
  cli::CheckReport report;
  auto config = load_config(config_path);
  if (!config) {
    add_lines(report.errors, config.error().message);
    return report;
  }
  report.warnings = config->warnings;
  if (auto read = read_providers(*config); !read) add_lines(report.errors, read.error().message);
  if (auto read = read_issuer(*config); !read) add_lines(report.errors, read.error().message);
  if (auto read = read_acme_keys(*config); !read) add_lines(report.errors, read.error().message);
  if (!certificates_of(*config).empty())
    if (auto found = find_certificates(*config); !found) add_lines(report.errors, found.error().message);
  if (auto tls = make_tls(*config, std::make_shared<net::Certificates>()); !tls)
    add_lines(report.errors, tls.error().message);
  for (const std::string& warning : certificate_warnings(*config)) report.warnings.push_back(warning);
  for (const std::string& line : check_resolvers(config->server.dns)) report.warnings.push_back(line);
  const auto user = check_user(*config, report);
  check_listeners(*config, report);
  if (config->scram == Config::Scram::automatic) check_scram(*config, report);
  check_folders(*config, user, report);
  check_store(*config, user, report);
  report.summary = fmt::format("{}, {} listeners, data in {}", config->server.hostname, config->listeners.size(),
                               config->server.data_directory);
  return report;
}

} // namespace paquebot::app
