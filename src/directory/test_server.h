#pragma once

#include "directory/directory.h"
#include "store/store.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

/// For the tests of this folder and the ones above: a store in a directory of its own, and a way to run coroutines.
namespace paquebot::directory {

class TestDirectory {
public:
  TestDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "paquebot-test-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
    path_ = pattern;
  }
  ~TestDirectory() { std::filesystem::remove_all(path_); }
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }

private:
  std::filesystem::path path_;
};

/// Runs a coroutine to its end and returns its result.
template <class T>
T run_task(Task<T> task) {
  // One for all: a thread of the store may still be within post() when the coroutine it woke has ended.
  static boost::asio::io_context context;
  std::optional<T> result;
  std::exception_ptr error;
  boost::asio::co_spawn(context, std::move(task), [&](std::exception_ptr e, T value) {
    error = e;
    result = std::move(value);
  });
  context.restart();
  context.run();
  if (error) std::rethrow_exception(error);
  return std::move(*result);
}

/// A store and a directory over it, filled by few words.
class TestServer {
public:
  explicit TestServer(Options options = {.hostname = "mx.example.org"}, const Clock& clock = system_clock())
      : store_(open(home_.path().string())), directory_(*store_, cpu_, std::move(options), clock) {}

  store::Store& store() { return *store_; }
  Directory& directory() { return directory_; }
  const std::filesystem::path& path() const { return home_.path(); }

  void domain(const std::string& name) { must(run_task(store_->directory().add_domain(name))); }
  /// `password` is stored hashed; empty: no login.
  store::Account account(const std::string& login, const std::string& password = {}, std::uint64_t quota = 0) {
    store::Account account;
    account.login = login;
    if (!password.empty()) account.password = must(hash_password(password));
    account.quota = quota;
    return must(run_task(store_->directory().add_account(std::move(account))));
  }
  void alias(const std::string& local, const std::string& domain, std::vector<std::string> targets) {
    must(run_task(store_->directory().add_address({local, domain, 0, std::move(targets)})));
  }
  /// A second address, or the catch-all ("*"), of an account.
  void address(const std::string& local, const std::string& domain, store::Id account) {
    must(run_task(store_->directory().add_address({local, domain, account, {}})));
  }

private:
  template <class T>
  static T must(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().message);
    if constexpr (!std::is_void_v<T>) return std::move(*result);
  }
  static std::unique_ptr<store::Store> open(const std::string& path) { return must(store::open_store(path)); }

  TestDirectory home_;
  std::unique_ptr<store::Store> store_;
  CpuPool cpu_{2};
  Directory directory_;
};

} // namespace paquebot::directory
