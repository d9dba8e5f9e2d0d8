#include "intake/handover.h"

#include "base/log.h"
#include "base/text.h"
#include "directory/directory.h"
#include "intake/late_bounces.h"
#include "intake/notice.h"
#include "mail/content_type.h"
#include "mail/timestamp.h"
#include "metrics/counters.h"

#include <cassert>

namespace paquebot::intake {
namespace {

constexpr std::uint8_t kJunkUse = 16; // store::Folder::special_use

/// A check of ours or a filter says so, or a server before us did.
bool is_tagged(const mail::Head& head) {
  return istarts_with(head.value("X-Spam-Flag"), "yes") || istarts_with(head.value("X-Spam"), "yes");
}

} // namespace

/// What the sender wants of time, priority and safety, for the trail.
std::string Handover::wishes() const {
  const mail::Sender& s = message_.origin.sender;
  std::string text;
  if (s.tls == mail::TlsWish::required) text += ", REQUIRETLS";
  if (s.tls == mail::TlsWish::not_required) text += ", TLS-Required: No";
  if (s.priority != 0) text += ", priority " + std::to_string(s.priority);
  if (s.deliver_by.mode != mail::DeliverBy::Mode::none)
    text += std::string(", ") + (s.deliver_by.mode == mail::DeliverBy::Mode::give_back ? "return" : "notice") +
            " unless delivered by " + mail::format_timestamp(from_millis(s.deliver_by.at));
  if (s.hold.until != 0) text += ", held until " + mail::format_timestamp(from_millis(s.hold.until));
  return text;
}

/// What own users submit counts for the bounds of their accounts.
bool Handover::charged() const { return message_.means.policy.limits() != nullptr && message_.is_submitted(); }

queue::Draft Handover::draft(store::NewBody body) {
  assert(message_.fine() && "what is refused is never accepted");
  Origin& origin = message_.origin;
  queue::Draft draft;
  draft.id = message_.id;
  draft.new_id = message_.new_id;
  draft.klass = origin.klass;
  draft.sender = origin.sender;
  draft.recipients = std::move(origin.recipients);
  if (message_.options.junk && is_tagged(message_.head)) draft.special_use = kJunkUse;
  if (message_.options.tag_folders) draft.tag_separator = directory::Options().tag_separator;
  draft.head = message_.head.to_string();
  draft.content_8bit = message_.has_8bit;
  draft.account = origin.client.account;
  draft.by_api = origin.sending.has_value();
  draft.sending = std::move(origin.sending);
  draft.peer = message_.peer();
  std::string& note = draft.note;
  note.reserve(128);
  note.append("from ").append(draft.peer.empty() ? "this machine" : draft.peer);
  if (!origin.client.login.empty()) note.append(" as ").append(origin.client.login);
  note.append(" with ").append(mail::transmission_type(origin.arrival));
  if (!origin.ordered_by.empty()) note.append(", sent by ").append(printable(origin.ordered_by, 400));
  note.append(", ").append(std::to_string(draft.head.size() + body.size)).append(" octets");
  note.append(wishes()).append(message_.filter_note);
  if (message_.authentication) note.append(", ").append(message_.authentication->summary());
  if (charged()) draft.limits = message_.means.policy.limits()->general();
  draft.body = std::move(body);
  return draft;
}

Task<mail::Reply> Handover::commit(queue::Draft draft) {
  note_addresses(draft);
  std::uint64_t size = draft.head.size() + draft.body.size;
  Told told = told_by(draft);
  return conclude(message_.means.queue.accept(std::move(draft)), size, std::move(told));
}

/// A feedback report counts as that of whom the checks of its own source name.
Handover::Told Handover::told_by(const queue::Draft& draft) const {
  // Asked first of the head that is parsed already: few messages are reports.
  if (!mail::parse_content_type(message_.head.value("Content-Type")).is("multipart", "report")) return {};
  Told told{late_bounces(draft, message_.options.hostname), feedback_in(draft, message_.options.hostname)};
  if (told.feedback && message_.authentication) told.feedback->teller = teller_of(message_.authentication->findings());
  return told;
}

Task<mail::Reply> Handover::conclude(Task<store::AcceptResult> accepting, std::uint64_t size, Told told) {
  store::AcceptResult result = co_await std::move(accepting);
  mail::Reply reply = answer(result);
  log_result(reply, size);
  metrics::delivered.add(result.mailboxes.size());
  const bool taken = result.status == store::AcceptStatus::accepted;
  if (!told.bounces.empty() && taken) co_await note_bounces(std::move(told.bounces));
  if (told.feedback && taken) {
    FeedbackNote note = std::move(*told.feedback);
    co_await note_feedback(message_.means, std::move(note), message_.id);
  }
  if (reply.positive() && !message_.discarded.empty()) co_await drop_discarded();
  const policy::Client& client = message_.origin.client;
  if (charged()) message_.means.policy.limits()->forget(client.account);
  if (!result.passed.empty())
    co_await send_limit_notice(message_.means, message_.options.hostname, client, result.passed);
  co_return reply;
}

Task<void> Handover::commit_each(queue::Draft draft, Verdicts& verdicts) {
  const std::uint64_t size = draft.head.size() + draft.body.size;
  store::AcceptResult result;
  for (bool again = verdicts.open(); again;) {
    note_addresses(draft);
    queue::Draft attempt = draft; // at most 64 KiB of body: more is staged, and stays so until it is accepted
    result = co_await message_.means.queue.accept(std::move(attempt));
    const mail::Reply reply = answer(result);
    log_result(reply, size);
    metrics::delivered.add(result.mailboxes.size());
    again = verdicts.settle(draft, result.addresses, reply);
  }
  if (result.status == store::AcceptStatus::accepted) co_await drop_discarded();
}

/// Reports of failures for mail that our accounts sent count for the take-over watch; should the store fail, they
/// don't.
Task<void> Handover::note_bounces(std::vector<store::LateBounces> bounces) {
  for (store::LateBounces& one : bounces) {
    const auto counted = co_await message_.means.store.books().note_bounces(std::move(one));
    if (counted && *counted > 0) log::info("returned", {{"id", message_.id.to_string()}, {"recipients", *counted}});
  }
}

/// A filter wants the message to vanish: it was accepted as held, and is dropped now, as an operator would. A crash in
/// between leaves it held, for everybody to see.
Task<void> Handover::drop_discarded() {
  if (message_.discarded.empty()) co_return;
  store::QueueFilter which;
  which.message = message_.id;
  std::string who = "content filters";
  const std::int64_t now = millis(message_.means.clock.wall());
  auto dropped =
      co_await message_.means.store.queue().operate(store::QueueAction::cancel, std::move(which), std::move(who), now);
  if (!dropped) log::error("discard-failed", {{"id", message_.id.to_string()}, {"why", dropped.error().message}});
  log::info("discarded", {{"id", message_.id.to_string()}, {"why", message_.discarded}});
}

void Handover::note_addresses(const queue::Draft& draft) {
  addresses_.clear();
  for (const queue::DraftRecipient& recipient : draft.recipients)
    addresses_.push_back(recipient.recipient.address.to_string());
}

mail::Reply Handover::answer(const store::AcceptResult& result) const {
  switch (result.status) {
    case store::AcceptStatus::accepted:
    case store::AcceptStatus::duplicate: return mail::Reply(250, {2, 0, 0}, "accepted id=" + message_.id.to_string());
    case store::AcceptStatus::over_quota:
      return mail::Reply(452, {4, 2, 2}, "the mailbox of a recipient is full", result.why);
    case store::AcceptStatus::over_limit: return policy::over_limit(*result.limit, message_.origin.client.login);
    case store::AcceptStatus::account_gone:
      return mail::Reply(451, {4, 2, 1}, "a recipient has just been removed, please try again", result.why);
    case store::AcceptStatus::suppressed: // between its being named and the commit
      return mail::Reply(451, {4, 7, 0}, "a recipient has just been suppressed, please try again", result.why);
    case store::AcceptStatus::no_space:
      return mail::Reply(452, {4, 3, 1}, "no room for the message now, please try again later", result.why);
    case store::AcceptStatus::failed: break;
  }
  return mail::Reply(451, {4, 3, 0}, "the message can't be stored now, please try again later", result.why);
}

void Handover::log_result(const mail::Reply& reply, std::uint64_t size) const {
  if (!reply.positive()) return message_.log_refused(reply);
  metrics::accepted.add();
  metrics::accepted_bytes.add(size);
  std::string to;
  for (const std::string& address : addresses_) to += (to.empty() ? "" : ",") + address;
  const Origin& origin = message_.origin;
  log::info("accepted", {{"id", message_.id.to_string()},
                         {"from", origin.sender.reverse_path.to_string()},
                         {"to", to},
                         {"size", size},
                         {"priority", origin.sender.priority},
                         {"client", origin.arrival.peer_ip},
                         {"account", origin.client.login},
                         {"checks", message_.authentication ? message_.authentication->summary() : std::string()}});
}

} // namespace paquebot::intake
