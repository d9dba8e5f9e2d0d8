#include "intake/incoming.h"

#include "intake/author_check.h"
#include "intake/filter_pass.h"
#include "intake/handover.h"
#include "intake/head_completion.h"
#include "intake/loops.h"
#include "intake/return_check.h"
#include "intake/verdicts.h"

namespace paquebot::intake {

Incoming::Incoming(IntakeMeans means, const Options& options, Origin&& origin, std::optional<Ulid> id)
    : message_(means, options, std::move(origin), id), content_(message_) {
  SourceCheck(message_).watch();
}

Task<void> Incoming::begin() {
  SourceCheck source(message_);
  co_await source.begin();
}

Task<void> Incoming::discard() {
  content_.drop();
  co_return;
}

Task<mail::Reply> Incoming::finish() {
  Passage& m = message_;
  if (!content_.end_now()) co_await content_.end();
  if (m.fine() && !m.origin.given_back) m.failure = Loops(m.head, m.options.max_hops).any(m.origin.recipients);
  // What does not concern the message is not even begun: each of these would be a coroutine of its own.
  if (m.fine() && m.is_submitted()) {
    AuthorCheck author(m);
    co_await author.run();
  }
  SourceCheck source(m);
  if (m.fine() && m.authentication) co_await source.run();
  source.leave_unreported();
  if (m.fine() && m.origin.filters != nullptr) {
    FilterPass filters(m, content_);
    co_await filters.run();
  }
  if (m.fine() && m.origin.returned) {
    ReturnCheck returned(m, content_);
    const std::optional<mail::Reply> taken = co_await returned.run();
    if (taken) co_return *taken;
  }
  if (m.fine()) HeadCompletion(m).complete();
  if (m.fine() && !content_.settle_now()) co_await content_.settle();
  if (!m.fine()) {
    content_.drop();
    m.log_refused(m.failure);
    co_return m.failure;
  }
  Handover handover(m);
  Task<mail::Reply> committing = handover.commit(handover.draft(content_.take()));
  co_return co_await std::move(committing);
}

Task<std::vector<mail::Reply>> Incoming::finish_each() {
  Passage& m = message_;
  Verdicts verdicts(m);
  co_await content_.end();
  const Loops loops(m.head, m.options.max_hops);
  if (m.fine()) m.failure = loops.hops();
  if (m.fine()) verdicts.leave_out(loops);
  if (verdicts.open() && m.origin.filters != nullptr) {
    FilterPass filters(m, content_);
    co_await filters.run();
  }
  if (m.fine()) verdicts.follow_filters();
  if (m.fine() && verdicts.open() && m.origin.returned) {
    ReturnCheck returned(m, content_);
    const std::optional<mail::Reply> taken = co_await returned.run();
    if (taken) verdicts.settle_all(*taken);
  }
  const bool goes_on = m.fine() && verdicts.open();
  if (goes_on) HeadCompletion(m).complete();
  if (goes_on && !content_.settle_now()) co_await content_.settle();
  if (goes_on && m.fine()) {
    Handover handover(m);
    queue::Draft draft = handover.draft(content_.take());
    co_await handover.commit_each(std::move(draft), verdicts);
    co_return verdicts.take();
  }
  content_.drop();
  if (!m.fine()) m.log_refused(m.failure);
  if (!m.fine()) verdicts.fill(m.failure);
  co_return verdicts.take();
}

} // namespace paquebot::intake
