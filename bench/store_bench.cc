// What a message costs the store, in CPU time of the whole process: build with the release preset, target store_bench.

#include "store/store.h"

#include <benchmark/benchmark.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace paquebot::store {
namespace {

constexpr std::size_t kBody = 4096;

/// A store in a directory of its own, with one account, and requests for it.
class Fixture {
public:
  Fixture() {
    directory_ = std::filesystem::temp_directory_path() / ("paquebot-bench-" + UlidSource().next().to_string());
    store_ = std::move(*open_store(directory_));
    run(store_->directory().add_domain("example.org"));
    Account wanted;
    wanted.login = "anna@example.org";
    account_ = *run(store_->directory().add_account(wanted));
  }
  ~Fixture() {
    store_.reset();
    std::filesystem::remove_all(directory_);
  }

  Store& store() { return *store_; }

  template <class T>
  T run(Task<T> task) {
    std::optional<T> result;
    boost::asio::co_spawn(context_, std::move(task),
                          [&result](std::exception_ptr, T value) { result = std::move(value); });
    context_.restart();
    context_.run();
    return std::move(*result);
  }

  std::shared_ptr<AcceptRequest> message(NewRecipient recipient) {
    auto request = std::make_shared<AcceptRequest>();
    request->id = ids_.next();
    request->sender.reverse_path = {"sender", "elsewhere.example"};
    request->peer = "client.example [192.0.2.1]";
    request->accepted_at = request->id.millis();
    request->expires_at = request->accepted_at + 1000000;
    request->head.assign(600, 'h');
    request->body.bytes.assign(kBody, 'b');
    request->body.size = kBody;
    request->note = "from client.example [192.0.2.1] by ESMTPS";
    request->recipients.push_back(std::move(recipient));
    return request;
  }
  NewRecipient local() const {
    NewRecipient r;
    r.handling = Handling::mailbox;
    r.address = account_.login;
    r.account = account_.id;
    return r;
  }
  NewRecipient remote() const {
    NewRecipient r;
    r.address = "bert@far.example";
    r.destination = "far.example";
    r.in_hand = true;
    return r;
  }

  /// Accepts `count` messages at once; gives them back.
  std::vector<std::shared_ptr<AcceptRequest>> accept(const NewRecipient& recipient, std::int64_t count) {
    std::vector<std::shared_ptr<AcceptRequest>> batch;
    for (std::int64_t i = 0; i < count; ++i) {
      batch.push_back(message(recipient));
      boost::asio::co_spawn(context_, store_->acceptance().accept(batch.back()),
                            [](std::exception_ptr, AcceptResult result) {
                              if (result.status != AcceptStatus::accepted) std::abort();
                            });
    }
    context_.restart();
    context_.run();
    return batch;
  }

private:
  std::filesystem::path directory_;
  std::unique_ptr<Store> store_;
  boost::asio::io_context context_;
  UlidSource ids_;
  Account account_;
};

void accept_local(benchmark::State& state) {
  Fixture fixture;
  for (auto _ : state) fixture.accept(fixture.local(), state.range(0));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void accept_remote(benchmark::State& state) {
  Fixture fixture;
  for (auto _ : state) fixture.accept(fixture.remote(), state.range(0));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

/// The whole life of a relayed message: accepted, then the outcome recorded in a batch as large.
void accept_and_relay(benchmark::State& state) {
  Fixture fixture;
  for (auto _ : state) {
    const auto batch = fixture.accept(fixture.remote(), state.range(0));
    std::vector<Outcome> outcomes;
    for (const auto& request : batch) {
      outcomes.push_back(
          {request->id, 0, State::relayed, 0, true, Owed::none, "mx.far.example [192.0.2.9]: 250 2.0.0 ok"});
    }
    fixture.run(fixture.store().queue().record(outcomes, std::nullopt));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(accept_local)->Arg(1)->Arg(20)->Arg(100)->MeasureProcessCPUTime()->UseRealTime();
BENCHMARK(accept_remote)->Arg(1)->Arg(100)->MeasureProcessCPUTime()->UseRealTime();
BENCHMARK(accept_and_relay)->Arg(100)->MeasureProcessCPUTime()->UseRealTime();

} // namespace
} // namespace paquebot::store
