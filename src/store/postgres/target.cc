#include "store/postgres/target.h"

#include <cstdlib>
#include <libpq-fe.h>
#include <memory>
#include <string_view>

namespace paquebot::store::postgres {
namespace {

struct OptionsDeleter {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};

/// What is sent to it does not leave the machine.
bool is_here(std::string_view host) {
  return host.empty() || host.starts_with('/') || host.starts_with('@') || host == "localhost" || host == "127.0.0.1" ||
         host == "::1";
}

bool are_here(std::string_view hosts) { // several stand with commas between
  for (;;) {
    const std::size_t comma = hosts.find(',');
    if (!is_here(hosts.substr(0, comma))) return false;
    if (comma == std::string_view::npos) return true;
    hosts.remove_prefix(comma + 1);
  }
}

} // namespace

Result<Target> target_of(const std::string& url) {
  char* why = nullptr; // may repeat the URL, so it is not shown
  const std::unique_ptr<PQconninfoOption, OptionsDeleter> options(PQconninfoParse(url.c_str(), &why));
  PQfreemem(why);
  if (options == nullptr)
    return fail(Errc::invalid, "the store's address is not understood: postgresql://USER@HOST/DATABASE, see "
                               "docs/cluster.md");
  Target target;
  bool here = true;
  bool secured = false;
  for (const PQconninfoOption* one = options.get(); one->keyword != nullptr; ++one) {
    if (one->val == nullptr || *one->val == '\0') continue;
    const std::string_view key = one->keyword;
    if (key == "password")
      return fail(Errc::invalid, "the store's address holds a password: put that into a file, and name it with "
                                 "?passfile=/etc/paquebot/database");
    if (key == "host" || key == "hostaddr") here = here && are_here(one->val);
    if (key == "service") here = false; // it says where; on a local socket sslmode means nothing
    secured = secured || key == "sslmode";
    target.settings.emplace_back(key, one->val);
  }
  const auto add = [&target](const char* key, const char* value) {
    for (const auto& [given, unused] : target.settings)
      if (given == key) return;
    target.settings.emplace_back(key, value);
  };
  if (!here && !secured) add("sslmode", "verify-full");
  add("connect_timeout", "10");
  add("target_session_attrs", "read-write"); // of several hosts, the one that leads
  add("tcp_user_timeout", "30000");
  // Who waits for an answer sends nothing: a machine that vanished meanwhile is found by these, and not after two
  // hours.
  add("keepalives_idle", "10");
  add("keepalives_interval", "5");
  add("keepalives_count", "3");
  add("client_encoding", "SQL_ASCII");
  return target;
}

std::vector<std::string> files_of(const Target& target) {
  std::vector<std::string> files;
  for (const auto& [key, value] : target.settings)
    if (key == "passfile" || key == "sslrootcert" || key == "sslcert" || key == "sslkey" || key == "sslcrl")
      if (value.starts_with('/')) files.push_back(value);
  for (const char* variable : {"PGPASSFILE", "PGSERVICEFILE"})
    if (const char* path = std::getenv(variable); path != nullptr && *path == '/') files.emplace_back(path);
  return files;
}

} // namespace paquebot::store::postgres
