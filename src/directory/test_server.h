#pragma once

#include "directory/directory.h"
#include "store/store.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <functional>
#include <latch>
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

  /// A message to somebody elsewhere, for the store to accept as it is.
  static std::shared_ptr<store::AcceptRequest> outgoing(const Ulid& id, const std::string& to) {
    auto request = std::make_shared<store::AcceptRequest>();
    request->id = id;
    request->accepted_at = request->expires_at = id.millis();
    request->head = "Subject: x\r\n\r\n";
    store::NewRecipient recipient;
    recipient.address = to;
    recipient.destination = to.substr(to.rfind('@') + 1);
    request->recipients.push_back(std::move(recipient));
    return request;
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

/// A job that keeps a thread of a pool until let_go(); then run the context until it is through.
class SlowJob {
public:
  /// The job has begun when this returns.
  SlowJob(boost::asio::io_context& context, CpuPool& pool) {
    std::move_only_function<void()> slow = [this] {
      entered_.count_down();
      go_.wait();
    };
    boost::asio::co_spawn(context, pool.run(std::move(slow)), boost::asio::detached);
    context.poll();
    entered_.wait();
    context.restart();
  }
  void let_go() { go_.count_down(); }

private:
  std::latch entered_{1}, go_{1};
};

} // namespace paquebot::directory
