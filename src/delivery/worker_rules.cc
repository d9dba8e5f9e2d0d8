// What providers' rules (queue/provider.h) ask of a worker.

#include "base/text.h"
#include "delivery/worker.h"

#include <string>
#include <string_view>
#include <utility>

namespace paquebot::delivery {
namespace {

/// In lower case; "" where it is none that rules can name.
std::string domain_of(std::string_view address) {
  const std::string domain = to_lower(address.substr(address.rfind('@') + 1));
  return domain.find(':') == std::string::npos ? domain : std::string();
}

} // namespace

/// What providers' rules may be about.
Task<queue::Throttles::Subjects> Worker::subjects_of(const queue::Job& job) {
  queue::Throttles::Subjects subjects{.lane = std::to_string(store::lane_of(job.message)),
                                      .signing_domain = domain_of(job.message.sender.reverse_path.domain)};
  if (!job.recipients.empty()) subjects.recipient_domain = domain_of(job.recipients.front().address);
  const store::Id account = job.message.account;
  if (account != 0 && commons_.queue.shaping().asks_for_tenant(post_)) {
    const auto owner = co_await commons_.store.directory().get_account(account);
    if (owner) subjects.tenant = domain_of(owner->login);
  }
  co_return subjects;
}

/// A rule lets only so many of such messages go to the provider: it waits in the store, unattempted. One whose time is
/// over is tried all the same, since that decides what becomes of it.
Task<bool> Worker::must_wait(const queue::Job& job) {
  if (ours_) co_return false;
  subjects_ = co_await subjects_of(job);
  if (job.message.expires_at <= commons_.settled()) co_return false;
  const auto until = commons_.queue.shaping().admit(post_, subjects_);
  if (!until) co_return false;
  passage_.rest();
  std::int64_t due = *until;
  co_await settling_.set_aside(job, due);
  co_return true;
}

/// What rules ask for: some are given up, and those that are to be held are settled, and taken out.
Task<void> Worker::settle_orders(queue::Job& part, std::vector<mail::Told>& all, Finding& finding,
                                 const Passage::Heeded& heeded) {
  if (heeded.orders.empty()) co_return;
  for (std::size_t i = heeded.orders.size(); i-- > 0;) {
    if (!heeded.orders[i]) continue;
    const std::string& rule = heeded.orders[i]->rule;
    finding.again[i] = finding.next[i] = false;
    if (heeded.orders[i]->act == queue::Act::fail) {
      all[i].own = mail::Reply(554, {5, 7, 0}, "given up, as the rule " + rule + " asks for");
      continue;
    }
    const auto place = static_cast<std::ptrdiff_t>(i);
    queue::Job held{part.message, {std::move(part.recipients[i])}, nullptr};
    mail::Told told = std::move(all[i]);
    part.recipients.erase(part.recipients.begin() + place);
    all.erase(all.begin() + place);
    finding.again.erase(finding.again.begin() + place);
    finding.next.erase(finding.next.begin() + place);
    co_await settling_.hold(held, std::move(told), rule);
  }
}

} // namespace paquebot::delivery
