#include "app/privileges.h"

#include "base/rights.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <grp.h>
#include <pwd.h>
#include <sys/resource.h>
#include <unistd.h>

namespace paquebot::app {
namespace {

std::unexpected<Error> no_permission(const std::string& what) {
  return fail(Errc::permission, what + ": " + std::strerror(errno));
}

} // namespace

bool is_root() { return ::geteuid() == 0; }

std::string default_user() { return ::getpwnam("paquebot") ? "paquebot" : ""; }

Result<> own_data_directory(const std::string& directory, const std::string& user) {
  const auto owner = make_data_directory(directory, user);
  if (!owner) return std::unexpected(owner.error());
  if (!is_root() || user.empty()) return {};
  const auto wanted = find_user(user);
  if (!wanted) return std::unexpected(wanted.error());
  if (owner->user == wanted->user) return {};
  return fail(Errc::conflict, directory + " belongs to another user than " + user +
                                  ", whom the server becomes: chown -R " + user + " " + directory +
                                  ", or change server.user");
}

Result<> become(const std::string& user) {
  const passwd* entry = ::getpwnam(user.c_str());
  if (!entry) return fail(Errc::not_found, "there is no user " + user);
  // Libraries look for their files there (libpq: certificates, passwords); those of whoever started us are not ours to
  // read.
  const std::string home = entry->pw_dir ? entry->pw_dir : "/";
  if (::initgroups(user.c_str(), entry->pw_gid) != 0 || ::setgid(entry->pw_gid) != 0 || ::setuid(entry->pw_uid) != 0)
    return no_permission("can't become user " + user);
  if (entry->pw_uid != 0 && ::setuid(0) == 0) return fail(Errc::permission, "root was not dropped for good");
  ::setenv("HOME", home.c_str(), 1);
  return {};
}

unsigned long raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

} // namespace paquebot::app
