#include "base/text.h"
#include "base/timer.h"
#include "dns/questions.h"
#include "dns/resolver.h"
#include "dns/wire.h"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>

namespace paquebot::dns {

namespace {

using Shared = Questions::Shared;

/// The descriptor and the timer. Held by what waits on them, so that they go when the executor's context goes.
struct Watch : std::enable_shared_from_this<Watch> {
  Watch(boost::asio::any_io_executor executor, std::shared_ptr<Questions> of)
      : questions(std::move(of)), descriptor(executor, questions->descriptor()), timer(executor) {}
  // The descriptor is libunbound's to close.
  ~Watch() { stop(); }

  void stop() {
    if (descriptor.is_open()) descriptor.release();
    timer.cancel();
  }

  void wait() {
    descriptor.async_wait(descriptor.wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
      if (error || !self->descriptor.is_open()) return;
      self->questions->process();
      self->arm();
      self->wait();
    });
  }

  void start(const Question& question) {
    questions->start(question);
    arm();
  }

  /// The timer runs until the first of what there is to do; it is not moved for what comes later.
  void arm() {
    const Instant next = questions->next_look();
    if (next >= armed) return;
    armed = next;
    timer.expires_at(next);
    timer.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (error) return;
      self->armed = Instant::max();
      self->questions->expire();
      self->arm();
    });
  }

  std::shared_ptr<Questions> questions;
  boost::asio::posix::stream_descriptor descriptor;
  Timer timer;
  Instant armed = Instant::max();
};

class UnboundResolver final : public Resolver {
public:
  UnboundResolver(boost::asio::any_io_executor executor, std::shared_ptr<Questions> questions,
                  std::weak_ptr<Watch> watch)
      : executor_(std::move(executor)), questions_(std::move(questions)), watch_(std::move(watch)) {}
  ~UnboundResolver() override {
    boost::asio::post(executor_, [watch = watch_.lock()] {
      if (watch) watch->stop();
    });
  }

  Task<Shared> query(std::string name, Type type) override {
    if (name != "." && !is_escaped_query_name(name)) co_return not_a_name();
    const std::shared_ptr<Questions> questions = questions_; // for as long as the question is under way
    const Question question{to_lower(name), type};
    if (auto known = questions->cached(question)) co_return known;
    if (questions->closed()) co_return std::make_shared<const Answer>(own_failure("the server stops"));
    const Promised<Shared> answer;
    if (questions->join(question, answer)) start(question);
    co_return co_await answer.take();
  }

  Shared known(const std::string& name, Type type) override {
    if (name != "." && !is_escaped_query_name(name)) return not_a_name();
    return questions_->cached({to_lower(name), type});
  }

  void give_up() override {
    questions_->close();
    boost::asio::post(executor_, [questions = questions_] { questions->end_all("the server stops"); });
  }

private:
  void start(const Question& question) {
    boost::asio::post(executor_, [watch = watch_.lock(), question] {
      if (watch) watch->start(question);
    });
  }

  static Shared not_a_name() {
    Answer answer;
    answer.status = Status::nxdomain;
    answer.why = "not a domain name";
    return std::make_shared<const Answer>(std::move(answer));
  }

  boost::asio::any_io_executor executor_;
  std::shared_ptr<Questions> questions_;
  std::weak_ptr<Watch> watch_;
};

} // namespace

Result<std::shared_ptr<Resolver>> make_resolver(boost::asio::any_io_executor executor, Options options) {
  auto context = make_unbound_context(options);
  if (!context) return std::unexpected(context.error());
  auto questions = std::make_shared<Questions>(options, std::move(*context));
  auto watch = std::make_shared<Watch>(executor, questions);
  auto resolver = std::make_shared<UnboundResolver>(executor, questions, watch);
  boost::asio::post(executor, [watch = std::move(watch)] { watch->wait(); });
  return resolver;
}

} // namespace paquebot::dns
