#include "base/text.h"
#include "dns/cache.h"
#include "dns/resolver.h"
#include "dns/unbound_context.h"
#include "dns/wire.h"

#include <atomic>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <unbound.h>

namespace paquebot::dns {

namespace {

using Shared = std::shared_ptr<const Answer>;

constexpr std::size_t kRecordsMost = 256;
/// Questions under way; libunbound is told of a few more (unbound_context.cc).
constexpr std::size_t kUnderWayMost = 4000;
/// RFC 2308 section 7.1 allows five minutes; a temporary failure that lasts longer than it must delays mail.
constexpr std::uint32_t kFailureTtl = 5;

Answer failed(std::string why) {
  Answer answer;
  answer.status = Status::servfail;
  answer.ttl = kFailureTtl;
  answer.why = std::move(why);
  return answer;
}

Answer with_records(Type type, const ub_result& result) {
  Answer answer;
  answer.status = Status::ok;
  answer.secure = result.secure != 0;
  answer.ttl = bounded_ttl(result.ttl);
  for (int i = 0; result.data[i] != nullptr && answer.records.size() < kRecordsMost; ++i) {
    if (result.len[i] < 0) continue;
    if (auto record = parse_rdata(type, {result.data[i], static_cast<std::size_t>(result.len[i])}))
      answer.records.push_back(std::move(*record));
  }
  return answer.records.empty() ? failed("the answer holds no well-formed record") : answer;
}

Answer to_answer(Type type, int error, const ub_result* result) {
  if (error != 0 || result == nullptr) return failed(ub_strerror(error));
  if (result->bogus != 0) {
    Answer answer = failed(result->why_bogus != nullptr ? printable(result->why_bogus) : "DNSSEC validation failed");
    answer.bogus = true;
    return answer;
  }
  const bool none = result->nxdomain != 0;
  if (!none && result->rcode != 0) return failed("the name server answered with code " + std::to_string(result->rcode));
  if (!none && result->havedata != 0) return with_records(type, *result);
  Answer answer;
  answer.status = none ? Status::nxdomain : Status::no_data;
  answer.secure = result->secure != 0;
  answer.ttl = bounded_negative_ttl(result->ttl);
  return answer;
}

struct Core;

/// A question under way. libunbound holds its address until it has answered or the question was cancelled.
struct UnderWay {
  Core* core = nullptr;
  Question question;
  int id = 0;
  std::uint64_t serial = 0;
  std::vector<Promised<Shared>> waiters;
};

/// Everything but the descriptor and the timer. libunbound is only touched on the executor's thread.
struct Core {
  Core(boost::asio::any_io_executor on, const Options& options, UnboundContext made)
      : executor(std::move(on)), timeout(options.timeout), cache(options.cache_entries), context(std::move(made)) {}

  /// Adds a waiter. True if the question is new and must be started; false without a waiter if there are too many.
  bool join(const Question& question, const Promised<Shared>& waiter);
  UnderWay* find(const Question& question);
  std::vector<std::pair<Question, int>> all_under_way();
  void finish(const Question& question, Answer answer);
  /// What libunbound calls, from within ub_process().
  static void answered(void* data, int error, ub_result* result);

  boost::asio::any_io_executor executor;
  const std::chrono::milliseconds timeout;
  Cache cache;
  std::mutex mutex;
  std::atomic<bool> given_up = false;
  std::unordered_map<Question, UnderWay, QuestionHash> under_way; ///< under `mutex`
  UnboundContext context;                                         ///< first to go: nothing is called back then
};

bool Core::join(const Question& question, const Promised<Shared>& waiter) {
  const std::lock_guard lock(mutex);
  const auto found = under_way.find(question);
  if (found != under_way.end()) {
    found->second.waiters.push_back(waiter);
    return false;
  }
  if (under_way.size() >= kUnderWayMost) {
    waiter.set(std::make_shared<const Answer>(failed("too many questions are under way")));
    return false;
  }
  UnderWay& fresh = under_way[question];
  fresh.core = this;
  fresh.question = question;
  fresh.waiters.push_back(waiter);
  return true;
}

UnderWay* Core::find(const Question& question) {
  const std::lock_guard lock(mutex);
  const auto found = under_way.find(question);
  return found == under_way.end() ? nullptr : &found->second;
}

std::vector<std::pair<Question, int>> Core::all_under_way() {
  const std::lock_guard lock(mutex);
  std::vector<std::pair<Question, int>> all;
  all.reserve(under_way.size());
  for (const auto& [question, entry] : under_way) all.emplace_back(question, entry.id);
  return all;
}

void Core::finish(const Question& question, Answer answer) {
  const Shared shared = std::make_shared<const Answer>(std::move(answer));
  cache.keep(question, shared, system_clock().now());
  std::vector<Promised<Shared>> waiters;
  {
    const std::lock_guard lock(mutex);
    const auto found = under_way.find(question);
    if (found == under_way.end()) return;
    waiters = std::move(found->second.waiters);
    under_way.erase(found);
  }
  for (const auto& waiter : waiters) waiter.set(shared);
}

void Core::answered(void* data, int error, ub_result* result) {
  const UnderWay& entry = *static_cast<UnderWay*>(data);
  const Question question = entry.question; // the entry goes away in finish()
  entry.core->finish(question, to_answer(question.type, error, result));
  ub_resolve_free(result);
}

/// The descriptor and the timer. Held by what waits on them, so that they go when the executor's context goes.
struct Watch : std::enable_shared_from_this<Watch> {
  explicit Watch(std::shared_ptr<Core> of)
      : core(std::move(of)), descriptor(core->executor, ub_fd(core->context.get())), timer(core->executor) {}
  // The descriptor is libunbound's to close.
  ~Watch() { stop(); }

  void stop() {
    if (descriptor.is_open()) descriptor.release();
    timer.cancel();
  }

  void wait() {
    descriptor.async_wait(descriptor.wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
      if (error || !self->descriptor.is_open()) return;
      ub_process(self->core->context.get());
      self->wait();
    });
  }

  void start(const Question& question) {
    UnderWay* entry = core->find(question);
    if (entry == nullptr) return;
    entry->serial = ++last_serial;
    const int code = ub_resolve_async(core->context.get(), question.name.c_str(), static_cast<int>(question.type), 1,
                                      entry, &Core::answered, &entry->id);
    if (code != 0) return core->finish(question, failed(ub_strerror(code)));
    deadlines.push_back({system_clock().now() + core->timeout, question, entry->serial});
    if (deadlines.size() == 1) arm();
  }

  /// All questions have the same time, so the oldest is the first to end.
  void arm() {
    timer.expires_at(deadlines.front().when);
    timer.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (!error) self->expire();
    });
  }

  void expire() {
    const Instant now = system_clock().now();
    while (!deadlines.empty() && deadlines.front().when <= now) {
      const Deadline due = std::move(deadlines.front());
      deadlines.pop_front();
      const UnderWay* entry = core->find(due.question);
      if (entry == nullptr || entry->serial != due.serial) continue; // answered long ago
      ub_cancel(core->context.get(), entry->id);
      core->finish(due.question, failed("timed out"));
    }
    if (!deadlines.empty()) arm();
  }

  void give_up() {
    for (const auto& [question, id] : core->all_under_way()) {
      ub_cancel(core->context.get(), id);
      core->finish(question, failed("the server stops"));
    }
  }

  struct Deadline {
    Instant when;
    Question question;
    std::uint64_t serial;
  };
  std::shared_ptr<Core> core;
  boost::asio::posix::stream_descriptor descriptor;
  boost::asio::steady_timer timer;
  std::deque<Deadline> deadlines;
  std::uint64_t last_serial = 0;
};

class UnboundResolver final : public Resolver {
public:
  UnboundResolver(std::shared_ptr<Core> core, std::weak_ptr<Watch> watch)
      : core_(std::move(core)), watch_(std::move(watch)) {}
  ~UnboundResolver() override {
    boost::asio::post(core_->executor, [watch = watch_.lock()] {
      if (watch) watch->stop();
    });
  }

  Task<Shared> query(std::string name, Type type) override {
    if (!is_query_name(name)) co_return not_a_name();
    const std::shared_ptr<Core> core = core_; // for as long as the question is under way
    const Question question{to_lower(name), type};
    if (auto known = core->cache.find(question, system_clock().now())) co_return known;
    if (core->given_up) co_return std::make_shared<const Answer>(failed("the server stops"));
    const Promised<Shared> answer;
    if (core->join(question, answer)) start(question);
    co_return co_await answer.take();
  }

  void give_up() override {
    core_->given_up = true;
    boost::asio::post(core_->executor, [watch = watch_.lock()] {
      if (watch) watch->give_up();
    });
  }

private:
  void start(const Question& question) {
    boost::asio::post(core_->executor, [watch = watch_.lock(), question] {
      if (watch) watch->start(question);
    });
  }

  static Shared not_a_name() {
    Answer answer;
    answer.status = Status::nxdomain;
    answer.why = "not a domain name";
    return std::make_shared<const Answer>(std::move(answer));
  }

  std::shared_ptr<Core> core_;
  std::weak_ptr<Watch> watch_;
};

} // namespace

Result<std::shared_ptr<Resolver>> make_resolver(boost::asio::any_io_executor executor, Options options) {
  auto context = make_unbound_context(options);
  if (!context) return std::unexpected(context.error());
  auto core = std::make_shared<Core>(executor, options, std::move(*context));
  auto watch = std::make_shared<Watch>(core);
  auto resolver = std::make_shared<UnboundResolver>(core, watch);
  boost::asio::post(executor, [watch = std::move(watch)] { watch->wait(); });
  return resolver;
}

} // namespace paquebot::dns
