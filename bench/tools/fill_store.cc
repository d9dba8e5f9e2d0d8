// Fills a store of a server that is down, through the Store interface, and prints one line of JSON.
//
//   fill_store --directory DATA --mode account --login u@d --password HASH
//              --mode accounts --domain people.test --count 100000 (u0, u1, …, without a password)
//              --mode mailbox --login u@d --count 10000 --size 4096
//              --mode waiting --destination route:sink --domain far.test --count 1000000 --size 4096
//                             --due-every 100 (each 100th is due at once, the others in an hour; 1: all at once)
//                             --due-first 5000 (or so many at the front)

#include "base/clock.h"
#include "options.h"
#include "store/store.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <optional>

namespace paquebot::bench {
namespace {

constexpr long kBatch = 1000;
constexpr std::int64_t kHour = 3600 * 1000;

class Filler {
public:
  explicit Filler(const Options& options) : options_(options) {
    auto result = store::open_store(options.text("directory", ""));
    if (!result) fail(result.error().message);
    store_ = std::move(*result);
    started_ =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
            .count();
  }

  void make_account() {
    const auto login = options_.text("login", "");
    run(store_->directory().add_domain(login.substr(login.find('@') + 1)));
    store::Account account;
    account.login = login;
    account.password = options_.text("password", "");
    const auto added = run(store_->directory().add_account(account));
    if (!added) fail(added.error().message);
  }

  void make_accounts() {
    const auto domain = options_.text("domain", "");
    run(store_->directory().add_domain(domain));
    const long count = options_.number("count", 0);
    for (long done = 0; done < count;) {
      const long end = std::min(done + kBatch, count);
      for (; done < end; ++done) add_account("u" + std::to_string(done) + "@" + domain);
      context_.restart();
      context_.run();
      if (failed_) fail("an account was not added");
    }
  }

  void fill() {
    const bool waiting = options_.text("mode", "") == "waiting";
    if (!waiting) account_ = find();
    const long count = options_.number("count", 0);
    for (long done = 0; done < count;) {
      const long end = std::min(done + kBatch, count);
      for (; done < end; ++done) accept(message(waiting ? remote(done) : local(), done));
      context_.restart();
      context_.run();
      if (failed_) fail("a message was not accepted");
    }
  }

private:
  [[noreturn]] static void fail(const std::string& why) {
    std::cerr << "fill_store: " << why << "\n";
    std::exit(1);
  }

  template <class T>
  T run(Task<T> task) {
    std::optional<T> result;
    boost::asio::co_spawn(context_, std::move(task),
                          [&result](const std::exception_ptr&, T value) { result.emplace(std::move(value)); });
    context_.restart();
    context_.run();
    return std::move(*result);
  }

  store::Account find() {
    auto found = run(store_->directory().find_account(options_.text("login", "")));
    if (!found) fail(found.error().message);
    return *found;
  }

  void add_account(std::string login) {
    store::Account account;
    account.login = std::move(login);
    boost::asio::co_spawn(
        context_, store_->directory().add_account(std::move(account)),
        [this](const std::exception_ptr&, const Result<store::Account>& added) { failed_ = failed_ || !added; });
  }

  void accept(std::shared_ptr<store::AcceptRequest> request) {
    boost::asio::co_spawn(context_, store_->acceptance().accept(std::move(request)),
                          [this](const std::exception_ptr&, const store::AcceptResult& result) {
                            failed_ = failed_ || result.status != store::AcceptStatus::accepted;
                          });
  }

  store::NewRecipient local() const {
    store::NewRecipient recipient;
    recipient.handling = store::Handling::mailbox;
    recipient.address = account_.login;
    recipient.account = account_.id;
    return recipient;
  }

  store::NewRecipient remote(long number) const {
    const long every = options_.number("due-every", 0);
    const bool now = number < options_.number("due-first", 0) || (every > 0 && number % every == 0);
    store::NewRecipient recipient;
    recipient.address = "u" + std::to_string(number) + "@" + options_.text("domain", "far.test");
    recipient.destination = options_.text("destination", "far.test");
    recipient.due = now ? started_ : started_ + kHour;
    return recipient;
  }

  std::shared_ptr<store::AcceptRequest> message(store::NewRecipient recipient, long number) {
    auto request = std::make_shared<store::AcceptRequest>();
    request->id = ids_.next();
    request->sender.reverse_path = {"filler", "bench.test"};
    request->peer = "fill_store";
    request->accepted_at = started_;
    request->expires_at = started_ + 120 * kHour;
    request->head = "From: <filler@bench.test>\r\nTo: <" + recipient.address + ">\r\nSubject: number " +
                    std::to_string(number) + "\r\n\r\n";
    const auto size = static_cast<std::size_t>(options_.number("size", 4096));
    while (request->body.bytes.size() + 78 <= size) request->body.bytes += std::string(76, 'x') + "\r\n";
    request->body.size = request->body.bytes.size();
    request->note = "filled";
    request->recipients.push_back(std::move(recipient));
    return request;
  }

  const Options& options_;
  boost::asio::io_context context_; // outlives the store
  std::unique_ptr<store::Store> store_;
  store::Account account_;
  UlidSource ids_;
  std::int64_t started_ = 0;
  bool failed_ = false;
};

} // namespace
} // namespace paquebot::bench

int main(int count, char** words) {
  const paquebot::bench::Options options(count, words);
  const auto start = std::chrono::steady_clock::now();
  {
    paquebot::bench::Filler filler(options);
    const std::string mode = options.text("mode", "");
    if (mode == "account") {
      filler.make_account();
    } else if (mode == "accounts") {
      filler.make_accounts();
    } else {
      filler.fill();
    }
  }
  std::cout << "{\"seconds\": " << std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()
            << "}\n";
}
