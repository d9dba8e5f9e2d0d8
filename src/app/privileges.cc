#include "app/privileges.h"

#include <cerrno>
#include <cstring>
#include <grp.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace paquebot::app {
namespace {

std::unexpected<Error> no_permission(const std::string& what) {
  return fail(Errc::permission, what + ": " + std::strerror(errno));
}

} // namespace

bool is_root() { return ::geteuid() == 0; }

std::string default_user() { return ::getpwnam("paquebot") ? "paquebot" : ""; }

Result<> make_data_directory(const std::string& directory, const std::string& user) {
  // Others may pass through to the drop directory, not look around; the files in it have modes of their own.
  bool made = ::mkdir(directory.c_str(), 0700) == 0 && ::chmod(directory.c_str(), 0711) == 0;
  if (!made && errno != EEXIST) return no_permission("can't make the data directory " + directory);
  if (!is_root() || user.empty()) return {};
  const passwd* entry = ::getpwnam(user.c_str());
  if (!entry)
    return fail(Errc::not_found,
                "there is no user " + user + ": make it (adduser --system --group " + user + ") or change server.user");
  if (::chown(directory.c_str(), entry->pw_uid, entry->pw_gid) != 0)
    return no_permission("can't give " + directory + " to " + user);
  return {};
}

Result<> become(const std::string& user) {
  const passwd* entry = ::getpwnam(user.c_str());
  if (!entry) return fail(Errc::not_found, "there is no user " + user);
  if (::initgroups(user.c_str(), entry->pw_gid) != 0 || ::setgid(entry->pw_gid) != 0 || ::setuid(entry->pw_uid) != 0)
    return no_permission("can't become user " + user);
  if (entry->pw_uid != 0 && ::setuid(0) == 0) return fail(Errc::permission, "root was not dropped for good");
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
