#include "dns/watched_resolver.h"

#include <atomic>
#include <fcntl.h>
#include <mutex>
#include <unistd.h>

namespace paquebot::dns {

namespace {

using Shared = std::shared_ptr<const Answer>;

/// Open files that do nothing, to be given up for what must not fail when no others can be had.
class Reserve {
public:
  explicit Reserve(std::size_t size) {
    for (std::size_t i = 0; i < size; ++i)
      if (const int one = ::open("/dev/null", O_RDONLY | O_CLOEXEC); one >= 0) held_.push_back(one);
  }
  ~Reserve() { release(); }
  Reserve(const Reserve&) = delete;
  Reserve& operator=(const Reserve&) = delete;
  void release() {
    for (const int one : held_) ::close(one);
    held_.clear();
  }

private:
  std::vector<int> held_;
};
/// What a resolver needs to begin with, and some for others who take theirs in the same moment.
constexpr std::size_t kReserve = 40;

Shared blame_us(const Answer& answer, const std::string& why) {
  auto ours = std::make_shared<Answer>(answer);
  ours->own_fault = true;
  ours->why += (ours->why.empty() ? "" : "; ") + why;
  return ours;
}

/// What a resolver is made of; shared by the coroutines that ask it.
struct ResolverPair {
  ResolverPair(boost::asio::any_io_executor on, Options how, std::shared_ptr<Resolver> first,
               std::shared_ptr<Upstream> up, bool blames)
      : executor(std::move(on)), options(std::move(how)), validating(std::move(first)), upstream(std::move(up)),
        asks_whom_to_blame(blames), reserve(options.dnssec == Dnssec::automatic && options.validates() ? kReserve : 0) {
  }

  /// Who is to be asked now. The one without validation is made when it is needed for the first time.
  std::shared_ptr<Resolver> current() {
    if (upstream->use_validation()) return validating;
    const std::lock_guard lock(mutex);
    if (plain) return plain;
    reserve.release();
    Options without = options;
    without.dnssec = Dnssec::off;
    auto made = make_resolver(executor, without);
    if (!made) return validating;
    plain = *made;
    if (given_up) plain->give_up();
    return plain;
  }

  void give_up() {
    const std::lock_guard lock(mutex);
    given_up = true;
    validating->give_up();
    if (plain) plain->give_up();
  }

  const boost::asio::any_io_executor executor;
  const Options options;
  const std::shared_ptr<Resolver> validating;
  const std::shared_ptr<Upstream> upstream;
  const bool asks_whom_to_blame;
  std::mutex mutex;
  Reserve reserve;
  std::shared_ptr<Resolver> plain;
  std::atomic<bool> given_up = false;
};

class WatchedResolver final : public Resolver {
public:
  explicit WatchedResolver(std::shared_ptr<ResolverPair> parts) : parts_(std::move(parts)) {}

  Task<Shared> query(std::string name, Type type) override {
    const std::shared_ptr<ResolverPair> parts = parts_;
    const std::shared_ptr<Resolver> asked = parts->current();
    Resolver& first = *asked;
    Shared answer = co_await first.query(name, type);
    if (answer->status != Status::servfail || answer->own_fault || parts->given_up) co_return answer;
    Upstream& upstream = *parts->upstream;
    if (answer->bogus) {
      answer = co_await without_validation(parts, std::move(name), type, std::move(answer));
      co_return answer;
    }
    if (!parts->asks_whom_to_blame) co_return answer;
    const bool ours = co_await upstream.is_to_blame();
    if (ours) answer = blame_us(*answer, "the resolver does not answer");
    co_return answer;
  }

  /// A failure of which query() would find out more is not known.
  Shared known(const std::string& name, Type type) override {
    Shared answer = parts_->current()->known(name, type);
    const bool open = answer && answer->status == Status::servfail && !answer->own_fault;
    return open && (answer->bogus || parts_->asks_whom_to_blame) ? nullptr : answer;
  }

  void give_up() override { parts_->give_up(); }

private:
  /// It did not validate: is that the name's fault, or does nothing here?
  static Task<Shared> without_validation(std::shared_ptr<ResolverPair> parts, std::string name, Type type,
                                         Shared answer) {
    Upstream& upstream = *parts->upstream;
    co_await upstream.examine();
    const UpstreamState state = upstream.state();
    if (state.stand == Stand::without) {
      const std::shared_ptr<Resolver> plain = parts->current();
      Resolver& second = *plain;
      if (plain != parts->validating) answer = co_await second.query(std::move(name), type);
      co_return answer;
    }
    if (state.stand != Stand::validating) answer = blame_us(*answer, state.why);
    co_return answer;
  }

  std::shared_ptr<ResolverPair> parts_;
};

} // namespace

Result<Resolvers> make_resolvers(boost::asio::any_io_executor executor, Options options, std::size_t strangers_at_once,
                                 const Clock& clock) {
  Options bounded = options;
  bounded.at_once = strangers_at_once;
  auto own = make_resolver(executor, options);
  if (!own) return std::unexpected(own.error());
  auto others = make_resolver(executor, bounded);
  if (!others) return std::unexpected(others.error());
  Resolvers made;
  made.upstream = std::make_shared<Upstream>(options, *own, clock);
  made.deliveries =
      std::make_shared<WatchedResolver>(std::make_shared<ResolverPair>(executor, options, *own, made.upstream, true));
  made.strangers = std::make_shared<WatchedResolver>(
      std::make_shared<ResolverPair>(executor, bounded, *others, made.upstream, false));
  return made;
}

} // namespace paquebot::dns
