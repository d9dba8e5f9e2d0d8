#include "delivery/settling.h"

#include "base/log.h"
#include "delivery/retry.h"
#include "delivery/verdict.h"
#include "mail/bounce_class.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace paquebot::delivery {
namespace {

constexpr auto kPutOff = std::chrono::seconds(30);

const char* word_for(const store::Outcome& outcome) {
  if (outcome.to == store::State::relayed) return "relayed";
  return outcome.to == store::State::failed ? "failed" : "deferred";
}

metrics::DeliveryResult counted_outcome(const store::Outcome& outcome) {
  using enum metrics::DeliveryResult;
  if (outcome.to == store::State::relayed) return relayed;
  return outcome.to == store::State::failed ? failed : deferred;
}

/// What a place failed with is what somebody asks of its protection, and the sender of `other` does not.
bool overrules(const queue::Job& job, const mail::Told& told, const queue::Job& other) {
  const mail::EnhancedCode& status = told.own.enhanced;
  const bool about_protection = status.subject == 7 || status == mail::EnhancedCode{4, 4, 3}; // or its DNS says nothing
  return about_protection && job.message.sender.tls != mail::TlsWish::not_required &&
         other.message.sender.tls == mail::TlsWish::not_required;
}

void count_untaken(const store::Outcome& outcome) {
  static_assert(static_cast<std::size_t>(metrics::Bounce::unknown) + 2 == mail::kBounceClasses);
  if (outcome.bounce == mail::BounceClass::none || !outcome.attempted) return;
  const bool failed = outcome.to == store::State::failed;
  metrics::bounces.add(failed ? metrics::Untaken::failed : metrics::Untaken::deferred,
                       static_cast<metrics::Bounce>(static_cast<unsigned>(outcome.bounce) - 1));
}

} // namespace

Settling::Settling(Commons& commons, std::string destination)
    : commons_(commons), destination_(std::move(destination)) {}

void Settling::begin(const queue::Job& job) {
  judged_at_ = 0;
  in_apart_ = false;
  unsettled_ = queue::Job{job.message, job.recipients, nullptr};
}

std::optional<queue::Job> Settling::next_apart() {
  if (apart_.empty()) return {};
  queue::Job job = std::move(apart_.back());
  apart_.pop_back();
  begin(job);
  in_apart_ = true;
  return job;
}

/// These are about to be recorded: whatever happens, they are not to be given back.
void Settling::settles(const std::vector<store::Outcome>& outcomes) {
  std::vector<std::uint32_t> indexes;
  for (const store::Outcome& outcome : outcomes)
    if (outcome.message == unsettled_.message.id) indexes.push_back(outcome.index);
  std::ranges::sort(indexes);
  std::erase_if(unsettled_.recipients, [&](const store::RecipientFacts& recipient) {
    return std::ranges::binary_search(indexes, recipient.index);
  });
}

/// However many transactions its recipients take within reason: their next attempt and a notice of delay fall due
/// together.
std::int64_t Settling::judged_at() {
  const std::int64_t now = commons_.wall();
  const std::int64_t reason = std::chrono::milliseconds(commons_.queue.options()->schedule.first).count() / 4;
  if (now - judged_at_ > reason || judged_at_ > now) judged_at_ = now;
  return judged_at_;
}

std::int64_t Settling::free_since(const queue::Job& job, const store::RecipientFacts& recipient) const {
  return commons_.queue.suspensions().free_since(job.message.account, recipient.address, destination_);
}

Task<void> Settling::results(const queue::Job& part, std::vector<mail::Told> all, bool works, Handed handed) {
  assert(all.size() == part.recipients.size() && "something was said of each of them");
  auto options = commons_.queue.options();
  const std::int64_t now = judged_at();
  const std::int64_t retry_at = due_again(options->schedule, part.message, part.recipients, destination_, now);
  std::vector<store::Outcome> outcomes;
  for (std::size_t i = 0; i < part.recipients.size(); ++i) {
    const store::RecipientFacts& recipient = part.recipients[i];
    outcomes.push_back(verdict({.message = &part.message,
                                .recipient = &recipient,
                                .told = &all[i],
                                .dsn_handed_on = handed.dsn,
                                .tell_relayed = handed.tell_relayed,
                                .now = judged_by(part, std::min(now, commons_.settled())),
                                .wall = commons_.wall(),
                                .retry_at = retry_at,
                                .free_since = free_since(part, recipient),
                                .schedule = &options->schedule}));
    const store::Outcome& outcome = outcomes.back();
    metrics::deliveries.add(counted_outcome(outcome), handed.tls);
    count_untaken(outcome);
    log::info(word_for(outcome),
              {{"id", part.message.id.to_string()}, {"to", recipient.address}, {"reply", outcome.reply.to_string()}});
  }
  std::string key = destination_;
  settles(outcomes);
  Recorder& recorder = commons_.recorder;
  const bool place_works = works && !in_apart_;
  co_await recorder.add(std::move(key), std::move(outcomes), place_works);
  if (recorder.wants_flush()) commons_.spawn(recorder.flush());
  co_await recorder.room();
}

Task<void> Settling::give_up_late(const queue::Job& job) {
  std::vector<store::Outcome> outcomes;
  outcomes.reserve(job.recipients.size());
  for (const store::RecipientFacts& recipient : job.recipients) outcomes.push_back(overdue(job.message, recipient));
  log::info("overdue", {{"id", job.message.id.to_string()}, {"destination", destination_}});
  std::string key = destination_;
  settles(outcomes);
  co_await commons_.queue.settle(std::move(key), std::move(outcomes), false);
}

/// The verdict on a whole job by what one attempt came to.
void Settling::judge(const queue::Job& job, const mail::Told& told, std::int64_t now, std::int64_t retry_at,
                     std::vector<store::Outcome>& outcomes) const {
  auto options = commons_.queue.options();
  for (const store::RecipientFacts& recipient : job.recipients) {
    outcomes.push_back(verdict({.message = &job.message,
                                .recipient = &recipient,
                                .told = &told,
                                .now = judged_by(job, std::min(now, commons_.settled())),
                                .wall = commons_.wall(),
                                .retry_at = retry_at,
                                .free_since = free_since(job, recipient),
                                .schedule = &options->schedule}));
    count_untaken(outcomes.back());
  }
}

Task<void> Settling::put_off(const queue::Job& job, mail::Told told) {
  const std::int64_t now = judged_at();
  const std::chrono::milliseconds first = commons_.queue.options()->schedule.first;
  again_at_ = now + std::min<std::chrono::milliseconds>(first, kPutOff).count();
  std::vector<store::Outcome> outcomes;
  judge(job, told, now, again_at_, outcomes);
  for (const queue::Job& other : commons_.queue.take_window(destination_)) judge(other, told, now, again_at_, outcomes);
  for (store::Outcome& outcome : outcomes) outcome.attempted = outcome.to != store::State::waiting;
  log::warning("put-off",
               {{"destination", destination_}, {"id", job.message.id.to_string()}, {"why", told.to_string()}});
  std::string key = destination_;
  settles(outcomes);
  co_await commons_.queue.settle(std::move(key), std::move(outcomes), false);
  co_await expire_waiting(std::move(told));
}

Task<void> Settling::fail_place(const queue::Job& job, mail::Told told) {
  std::int64_t until = commons_.queue.standing().back_off_until(destination_);
  std::vector<store::Outcome> outcomes;
  const std::int64_t now = judged_at();
  judge(job, told, now, until, outcomes);
  std::vector<queue::Job> ready = commons_.queue.take_window(destination_);
  for (queue::Job& other : ready) {
    if (overrules(job, told, other))
      apart_.push_back(std::move(other));
    else
      judge(other, told, now, until, outcomes);
  }
  log::info("destination-failed",
            {{"destination", destination_}, {"id", job.message.id.to_string()}, {"why", told.to_string()}});
  std::string key = destination_;
  std::string error = told.to_string();
  settles(outcomes);
  co_await commons_.queue.settle_failed(std::move(key), std::move(outcomes), until, std::move(error));
  co_await expire_waiting(std::move(told));
}

Task<void> Settling::put_away(mail::Told told) {
  const std::vector<queue::Job> ready = commons_.queue.take_window(destination_);
  std::vector<store::Outcome> back;
  queue::let_wait(ready, commons_.wall(), back);
  std::string key = destination_;
  co_await commons_.queue.settle(std::move(key), std::move(back), false);
  co_await expire_waiting(std::move(told));
}

/// What waits for a destination that was just tried in vain and is past its lifetime is returned.
Task<void> Settling::expire_waiting(mail::Told told) {
  for (;;) {
    std::string key = destination_;
    auto jobs = co_await commons_.queue.take_expired(key);
    if (jobs.empty()) co_return;
    std::vector<store::Outcome> outcomes;
    const std::int64_t now = commons_.wall();
    for (const queue::Job& job : jobs) judge(job, told, now, job.message.expires_at, outcomes);
    const auto ends = [](const store::Outcome& o) { return o.to != store::State::waiting; };
    const bool some_ended = std::ranges::any_of(outcomes, ends);
    co_await commons_.queue.settle(std::move(key), std::move(outcomes), false);
    if (some_ended) continue;
    // Its recipients and its message don't agree on its end, or the clock is doubted: asked again they would be given
    // again.
    log::warning("not-expired", {{"destination", destination_}, {"id", jobs.front().message.id.to_string()}});
    co_return;
  }
}

Task<void> Settling::give_back(const queue::Job& job) {
  std::vector<store::Outcome> back;
  back.reserve(job.recipients.size());
  std::int64_t at = again_at_ > 0 ? again_at_ : commons_.queue.standing().back_off_until(destination_);
  for (const store::RecipientFacts& recipient : job.recipients)
    back.push_back({.message = job.message.id,
                    .index = recipient.index,
                    .to = store::State::waiting,
                    .due = next_attempt(at, job.message.expires_at, commons_.wall()),
                    .attempted = false});
  if (back.empty()) co_return;
  settles(back);
  std::string key = destination_;
  co_await commons_.queue.settle(std::move(key), std::move(back), false);
}

Task<void> Settling::set_aside(const queue::Job& job, std::int64_t due) {
  std::vector<store::Outcome> back;
  back.reserve(job.recipients.size());
  for (const store::RecipientFacts& recipient : job.recipients)
    back.push_back({.message = job.message.id,
                    .index = recipient.index,
                    .to = store::State::waiting,
                    .due = next_attempt(due, job.message.expires_at, commons_.wall()),
                    .attempted = false});
  settles(back);
  std::string key = destination_;
  co_await commons_.queue.settle(std::move(key), std::move(back), false);
}

Task<void> Settling::hold(const queue::Job& job, mail::Told told, const std::string& rule) {
  told.own = mail::Reply(450, {4, 7, 0}, "held, as the rule " + rule + " asks for");
  auto options = commons_.queue.options();
  const std::int64_t now = judged_at();
  std::vector<store::Outcome> outcomes;
  judge(job, told, now, due_again(options->schedule, job.message, job.recipients, destination_, now), outcomes);
  for (store::Outcome& outcome : outcomes)
    if (outcome.to == store::State::waiting) outcome.to = store::State::held;
  log::warning("held", {{"id", job.message.id.to_string()}, {"destination", destination_}, {"why", told.to_string()}});
  std::string key = destination_;
  settles(outcomes);
  co_await commons_.queue.settle(std::move(key), std::move(outcomes), true);
}

Task<void> Settling::pick_up_pieces(std::string why) {
  log::error("delivery-broke", {{"destination", destination_},
                                {"id", unsettled_.message.id.to_string()},
                                {"recipients", unsettled_.recipients.size()},
                                {"why", why}});
  const queue::Job job = std::exchange(unsettled_, {});
  const std::vector<queue::Job> apart = std::exchange(apart_, {});
  if (job.recipients.empty() && apart.empty()) co_return;
  const mail::Told told = mail::Told::by(mail::Reply(451, {4, 3, 0}, "the delivery broke off"));
  std::vector<store::Outcome> outcomes;
  const std::int64_t now = commons_.wall();
  const auto options = commons_.queue.options();
  judge(job, told, now, due_again(options->schedule, job.message, job.recipients, destination_, now), outcomes);
  for (const queue::Job& one : apart)
    judge(one, told, now, due_again(options->schedule, one.message, one.recipients, destination_, now), outcomes);
  std::string key = destination_;
  co_await commons_.queue.settle(std::move(key), std::move(outcomes), false);
}

} // namespace paquebot::delivery
