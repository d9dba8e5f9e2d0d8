#include "store/postgres/target.h"

#include <libpq-fe.h>
#include <memory>
#include <string_view>

namespace paquebot::store::postgres {
namespace {

struct OptionsDeleter {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};

bool is_here(std::string_view host) { return host.empty() || host.starts_with('/') || host.starts_with('@'); }

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
    if (key == "host" || key == "hostaddr") here = here && is_here(one->val);
    secured = secured || key == "sslmode" || key == "service";
    target.settings.emplace_back(key, one->val);
  }
  const auto add = [&target](const char* key, const char* value) {
    for (const auto& [given, unused] : target.settings)
      if (given == key) return;
    target.settings.emplace_back(key, value);
  };
  if (!here && !secured) add("sslmode", "verify-full");
  add("application_name", "paquebot");
  add("connect_timeout", "10");
  add("target_session_attrs", "read-write"); // of several hosts, the one that leads
  add("tcp_user_timeout", "30000");
  add("client_encoding", "SQL_ASCII");
  return target;
}

} // namespace paquebot::store::postgres
