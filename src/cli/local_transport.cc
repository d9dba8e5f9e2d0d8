#include "base/log.h"
#include "cli/transport.h"
#include "directory/directory.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <grp.h>
#include <optional>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace paquebot::cli {
namespace {

/// Whose files the data directory's are.
struct Owner {
  uid_t user = 0;
  gid_t group = 0;
};

/// Acts as the owner while it lives; nothing when we are not root.
class ActAs {
public:
  explicit ActAs(const std::optional<Owner>& owner) : active_(owner && owner->user != 0 && geteuid() == 0) {
    if (!active_) return;
    failed_ = setegid(owner->group) != 0 || seteuid(owner->user) != 0;
  }
  ~ActAs() {
    // Back to root can fail only if we never were it.
    if (active_ && (seteuid(0) != 0 || setegid(0) != 0)) std::abort();
  }
  ActAs(const ActAs&) = delete;
  ActAs& operator=(const ActAs&) = delete;
  bool failed() const { return failed_; }

private:
  bool active_;
  bool failed_ = false;
};

std::unexpected<Error> failed(const std::string& what) {
  const Errc code = errno == EACCES || errno == EPERM ? Errc::permission : Errc::io;
  return fail(code, what + ": " + std::strerror(errno) + (code == Errc::permission ? " (try sudo)" : ""));
}

/// Makes the directory when it is absent, for the user that the server will run as.
Result<std::optional<Owner>> find_owner(const ServerPlace& place) {
  struct stat facts{};
  if (::stat(place.data_dir.c_str(), &facts) == 0) return Owner{facts.st_uid, facts.st_gid};
  if (errno != ENOENT) return failed("can't look at " + place.data_dir);
  // 0711: users reach the drop directory in it, and see nothing else.
  if (::mkdir(place.data_dir.c_str(), 0711) != 0) return failed("can't make the data directory " + place.data_dir);
  if (place.user.empty() || geteuid() != 0) return std::nullopt;
  const passwd* entry = ::getpwnam(place.user.c_str());
  if (entry == nullptr) {
    ::rmdir(place.data_dir.c_str());
    return fail(Errc::invalid,
                "the configuration names the user \"" + place.user + "\", which this system does not know");
  }
  if (::chown(place.data_dir.c_str(), entry->pw_uid, entry->pw_gid) != 0)
    return failed("can't give away " + place.data_dir);
  return Owner{entry->pw_uid, entry->pw_gid};
}

std::string who_am_i() {
  const passwd* entry = ::getpwuid(::getuid());
  return "operator" + (entry == nullptr ? std::string() : std::string(" ") + entry->pw_name) + " (uid " +
         std::to_string(::getuid()) + ")";
}

class LocalTransport final : public Transport {
public:
  LocalTransport(std::optional<Owner> owner, std::unique_ptr<store::Store> store, const ServerPlace& place)
      : owner_(owner), who_(who_am_i()), store_(std::move(store)),
        directory_(*store_, cpu_, directory::Options{.hostname = place.hostname, .origin = place.origin}),
        control_(*store_, directory_,
                 {.limits = [general = place.account_limits] { return general; }, .hostname = place.hostname}) {}
  ~LocalTransport() override {
    const ActAs owner(owner_);
    store_.reset();
  }
  LocalTransport(const LocalTransport&) = delete;
  LocalTransport& operator=(const LocalTransport&) = delete;

  bool live() const override { return false; }

  Result<control::Response> call(std::string_view method, std::string_view target, std::string_view body) override {
    const ActAs owner(owner_);
    control::Response response;
    control::Request request{std::string(method), std::string(target), std::string(body), who_};
    boost::asio::co_spawn(context_, control_.handle(std::move(request)),
                          [&](const std::exception_ptr&, control::Response r) { response = std::move(r); });
    context_.restart();
    context_.run();
    return response;
  }

private:
  /// Outlives the store and the pool: one of their threads may still be within post() when a call has ended.
  boost::asio::io_context context_;
  std::optional<Owner> owner_;
  std::string who_;
  std::unique_ptr<store::Store> store_;
  directory::CpuPool cpu_{1};
  directory::Directory directory_;
  control::Control control_;
};

} // namespace

Result<std::unique_ptr<Transport>> local_transport(const ServerPlace& place) {
  // What the server would write to its log is no news to the person at the command line.
  if (auto set = log::configure(log::Format::key_value, log::Level::warning); !set) return std::unexpected(set.error());
  const auto owner = find_owner(place);
  if (!owner) return std::unexpected(owner.error());
  const ActAs acting(*owner);
  if (acting.failed()) return failed("can't act as the owner of " + place.data_dir);
  auto store = store::open_sqlite({.directory = place.data_dir});
  if (!store && store.error().code == Errc::conflict) {
    return fail(Errc::closed, store.error().message + "; but it does not answer on " + place.control_socket +
                                  ": if that is the server, is control_socket in its configuration the same?");
  }
  if (!store) return std::unexpected(store.error());
  return std::make_unique<LocalTransport>(*owner, std::move(*store), place);
}

Result<> make_data_directory(const ServerPlace& place) {
  const auto owner = find_owner(place);
  if (!owner) return std::unexpected(owner.error());
  if (*owner && geteuid() == 0 && ::chown(place.data_dir.c_str(), (*owner)->user, (*owner)->group) != 0)
    return failed("can't give away " + place.data_dir);
  return {};
}

Result<> hand_over_files(const ServerPlace& place) {
  if (geteuid() != 0) return {};
  const auto owner = find_owner(place);
  if (!owner) return std::unexpected(owner.error());
  if (!*owner) return {};
  for (const auto& entry : std::filesystem::directory_iterator(place.data_dir)) {
    if (!entry.is_regular_file() || entry.is_symlink()) continue;
    if (::lchown(entry.path().c_str(), (*owner)->user, (*owner)->group) != 0)
      return failed("can't give away " + entry.path().string());
  }
  return {};
}

} // namespace paquebot::cli
