#include "app/sandbox.h"

#include "app/system_calls.h"
#include "base/log.h"
#include "mail/charset.h"
#include "net/tls.h"
#include "store/store.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#if defined(__has_feature)
#define PAQUEBOT_HAS_FEATURE(x) __has_feature(x)
#else
#define PAQUEBOT_HAS_FEATURE(x) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || PAQUEBOT_HAS_FEATURE(address_sanitizer) ||        \
    PAQUEBOT_HAS_FEATURE(thread_sanitizer) || PAQUEBOT_HAS_FEATURE(memory_sanitizer)
#define PAQUEBOT_SANITIZER_BUILD true
#else
#define PAQUEBOT_SANITIZER_BUILD false
#endif

namespace paquebot::app {

const bool kSanitizerBuild = PAQUEBOT_SANITIZER_BUILD;

namespace {

std::string folder_of(const std::string& path) { return std::filesystem::absolute(path).parent_path().string(); }

/// What the C library and OpenSSL load when it is first needed: afterwards no code can be loaded any more. The control
/// socket asks for the names of these two users.
void load_libraries() {
  for (const uid_t user : {uid_t{0}, ::geteuid()}) (void)::getpwuid(user);
  (void)net::TlsContext::client(false);
  mail::load_charsets();
}

void add_reason(Confinement& done, const std::string& reason) {
  done.whole = false;
  done.why += (done.why.empty() ? "" : "; ") + reason;
}

Confinement confine(const std::vector<PathRule>& paths, bool no_network) {
  Confinement done{.no_new_privileges = "yes", .landlock = "unavailable", .seccomp = "unavailable", .why = {}};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    done.no_new_privileges = "unavailable";
    add_reason(done, std::string("no_new_privs: ") + std::strerror(errno));
  }
  if (kSanitizerBuild) {
    add_reason(done, "built with a sanitizer, which needs more than a mail server");
    return done;
  }
  if (auto files = landlock(paths); files)
    done.landlock = fmt::format("abi{}", landlock_version());
  else
    add_reason(done, files.error().message);
  if (auto calls = refuse_system_calls(no_network); calls)
    done.seccomp = fmt::format("{} calls refused", *calls);
  else
    add_reason(done, calls.error().message);
  return done;
}

} // namespace

std::vector<PathRule> server_paths(const Config& config) {
  std::vector<PathRule> paths;
  for (const char* path : {"/etc", "/usr", "/lib", "/lib64", "/etc/resolv.conf", "/run/systemd/resolve", "/proc/self",
                           "/proc/sys/vm", "/sys/devices/system/cpu", "/dev/urandom", "/dev/random"})
    paths.push_back({path, PathAccess::read});
  for (const char* variable : {"SSL_CERT_FILE", "SSL_CERT_DIR"}) // OpenSSL looks there instead
    if (const char* path = std::getenv(variable); path != nullptr && *path != 0)
      paths.push_back({path, PathAccess::read});
  paths.push_back({"/dev/null", PathAccess::device});
  paths.push_back({config.server.data_directory, PathAccess::all});
  paths.push_back({config.server.drop_directory, PathAccess::all});
  for (const std::string& folder : config.backup_dirs) paths.push_back({folder, PathAccess::all});
  paths.push_back({folder_of(config.control_socket), PathAccess::socket});
  for (const ListenerConfig& listener : config.listeners)
    if (listener.is_local())
      paths.push_back({folder_of(listener.address.substr(kLocalSocket.size())), PathAccess::socket});
  if (!config.log_file.empty()) paths.push_back({folder_of(config.log_file), PathAccess::log});
  if (store::is_database(config.store))
    if (const auto files = store::check_database(config.store))
      for (const std::string& file : *files) paths.push_back({file, PathAccess::read});
  return paths;
}

Confinement confine_server(const std::vector<PathRule>& paths) {
  load_libraries();
  return confine(paths, false);
}

Confinement confine_keeper() { return confine({{"/", PathAccess::read}}, true); }

void log_confinement(const Confinement& done) {
  const log::Field rights("no_new_privileges", done.no_new_privileges), files("landlock", done.landlock),
      calls("seccomp", done.seccomp);
  if (done.whole)
    log::info("sandboxed", {rights, files, calls});
  else
    log::warning("sandboxed", {rights, files, calls, {"why", done.why}});
}

} // namespace paquebot::app
