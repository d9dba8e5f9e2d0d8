#include "intake/return_check.h"

#include "base/log.h"
#include "base/text.h"
#include "intake/handover.h"
#include "intake/proven_return.h"
#include "metrics/counters.h"
#include "policy/replies.h"

namespace paquebot::intake {
namespace {

/// Of a body, to find the part with the delivery status in it.
constexpr std::size_t kLookedAt = 128u << 10;

} // namespace

/// The head and as much of the body as is looked at. Nothing when it can't be kept or read: Passage::failure says why.
Task<std::string> ReturnCheck::begin_of_content() {
  co_await content_.settle();
  if (!message_.fine()) co_return std::string();
  Result<std::string> begin = message_.body->bytes.substr(0, kLookedAt);
  if (message_.body->staged) {
    const store::BodyRef place = message_.body->staged->content();
    const std::size_t most = kLookedAt;
    begin = co_await message_.means.store.content().read_body(place, 0, most);
  }
  if (!begin) message_.failure = no_room(begin.error());
  co_return begin ? message_.head.to_string() + *begin : std::string();
}

/// Why what came back does not go on as it is: a report does, and whom his own domain vouched for gets automatic
/// answers too.
Task<std::optional<KeptBack>> ReturnCheck::keeps_back() {
  const std::string begin = co_await begin_of_content();
  const Came came = what_came(message_.head, begin);
  if (came == Came::anything) co_return KeptBack::formless;
  if (came == Came::automatic && !message_.origin.returned->vouched) co_return KeptBack::doubted;
  if (message_.options.hide_inner) co_return KeptBack::hidden;
  co_return std::nullopt;
}

/// It goes nowhere by itself: an operator will see it.
bool ReturnCheck::is_held() const {
  const queue::DraftRecipient& recipient = message_.origin.recipients.front();
  return !message_.discarded.empty() || !recipient.hold.empty() ||
         recipient.nodes.front().handling == store::Handling::held;
}

queue::Draft ReturnCheck::notice(KeptBack why) {
  Origin& origin = message_.origin;
  const Ulid about = origin.returned->about.id;
  log::info("return-reduced", {{"id", message_.id.to_string()},
                               {"about", about.to_string()},
                               {"client", origin.arrival.peer_ip},
                               {"why", reason_of(why)}});
  const std::string from = message_.options.hide_inner ? std::string() : origin.client.address;
  Notice notice = compose_return_notice(message_.options.hostname, origin.returned->about, from,
                                        message_.id.to_string(), message_.means.clock.wall(), why);
  queue::Draft draft;
  draft.id = message_.id;
  draft.new_id = message_.new_id;
  draft.klass = store::MessageClass::report;
  draft.recipients = std::move(origin.recipients);
  draft.head = std::move(notice.head);
  draft.content_8bit = !is_ascii(draft.head) || !is_ascii(notice.body);
  draft.sender.smtputf8 = !is_ascii(draft.head);
  draft.sender.body = draft.content_8bit ? mail::BodyType::eight_bit : mail::BodyType::seven_bit;
  draft.body.size = notice.body.size();
  draft.body.type = draft.sender.body;
  draft.body.bytes = std::move(notice.body);
  draft.peer = message_.peer();
  draft.note = "notice about " + about.to_string() + ", instead of what came from " + draft.peer;
  return draft;
}

/// About a message that a program of ours sent by the API: who knows its return address had it in hand, and what the
/// report says counts. It goes on to its sender as it is.
Task<void> ReturnCheck::note_own() {
  if (is_held()) co_return;
  const std::string begin = co_await begin_of_content();
  if (!message_.fine()) co_return;
  store::ProvenReturn proven = proven_return(*message_.origin.returned, message_.id, begin);
  const auto classes = classes_of(proven);
  const auto noted = co_await message_.means.store.books().note_proven_return(std::move(proven));
  const std::string address = message_.origin.recipients.front().recipient.address.to_string();
  if (!noted) message_.failure = {451, {4, 3, 0}, "the report can't be noted now", noted.error().message};
  if (noted && !*noted) message_.failure = policy::enough_reports(address);
  if (!message_.fine()) co_return;
  for (const mail::BounceClass one : classes)
    metrics::bounces.add(metrics::Untaken::returned, static_cast<metrics::Bounce>(static_cast<unsigned>(one) - 1));
  log::info("returned-later", {{"id", message_.id.to_string()},
                               {"about", message_.origin.returned->about.id.to_string()},
                               {"recipients", classes.size()}});
}

Task<std::optional<mail::Reply>> ReturnCheck::run() {
  using Done = std::optional<mail::Reply>;
  if (message_.origin.returned->own) {
    co_await note_own();
    if (message_.fine()) co_return Done();
    content_.drop();
    message_.log_refused(message_.failure);
    co_return Done(message_.failure);
  }
  policy::Returned returned = *message_.origin.returned;
  std::string address = message_.origin.recipients.front().recipient.address.to_string();
  const Ulid id = message_.id;
  message_.failure = co_await message_.means.policy.take_return(std::move(returned), std::move(address), id);
  std::optional<KeptBack> kept_back;
  if (message_.fine() && !is_held()) kept_back = co_await keeps_back();
  if (message_.fine() && !kept_back) co_return Done();
  content_.drop();
  if (!message_.fine()) {
    message_.log_refused(message_.failure);
    co_return Done(message_.failure);
  }
  Handover handover(message_);
  Task<mail::Reply> committing = handover.commit(notice(*kept_back));
  mail::Reply reply = co_await std::move(committing);
  co_return Done(std::move(reply));
}

} // namespace paquebot::intake
