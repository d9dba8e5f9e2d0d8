#include "delivery/homecoming.h"

#include "base/log.h"
#include "delivery/content.h"
#include "delivery/retry.h"
#include "delivery/verdict.h"
#include "metrics/counters.h"
#include "store/body_writer.h"

#include <cstring>

namespace paquebot::delivery {
namespace {

/// The id under which a recipient's message is taken in: always the same for the same recipient, so that after a crash
/// between acceptance and record it is not taken in twice. Well mixed (the steps of splitmix64): what is held once more
/// and taken in again must never come back to an id that was used, since that would count as taken in already.
Ulid derived_id(const Ulid& id, std::uint32_t index) {
  Ulid derived = id;
  std::uint64_t low;
  std::memcpy(&low, &derived.bytes[8], sizeof low);
  low += 0x9E3779B97F4A7C15u * (index + std::uint64_t{1});
  low = (low ^ (low >> 30)) * 0xBF58476D1CE4E5B9u;
  low = (low ^ (low >> 27)) * 0x94D049BB133111EBu;
  low ^= low >> 31;
  std::memcpy(&derived.bytes[8], &low, sizeof low);
  return derived;
}

/// That the content is gone says nothing of the recipient: a damaged store may be put right.
Error unreadable(Error error) {
  if (error.code == Errc::not_found) error.code = Errc::io;
  return error;
}

} // namespace

Task<Result<bool>> Homecoming::concerns(std::string destination) {
  if (destination.starts_with("route:") || destination.starts_with('[')) co_return false;
  if (directory_.is_own_name(destination)) co_return true;
  co_return co_await directory_.is_our_domain(destination);
}

Task<void> Homecoming::take_in(std::string destination, queue::Job job) {
  auto options = queue_.options();
  std::vector<store::Outcome> outcomes;
  const std::int64_t begun = millis(clock_.wall());
  const std::int64_t retry_at = due_again(options->schedule, job.message, job.recipients, destination, begun);
  for (const store::RecipientFacts& recipient : job.recipients) {
    mail::Reply reply = co_await take_in_one(job, recipient);
    const mail::Told told = mail::Told::by(std::move(reply));
    std::int64_t settled = millis(clock_.settled());
    store::Outcome outcome = verdict({.message = &job.message,
                                      .recipient = &recipient,
                                      .told = &told,
                                      .dsn_handed_on = true, // the new message carries NOTIFY
                                      .now = judged_by(job, settled),
                                      .wall = millis(clock_.wall()),
                                      .retry_at = retry_at,
                                      .schedule = &options->schedule});
    if (outcome.to == store::State::relayed) outcome.to = store::State::expanded;
    log::info("came-home",
              {{"id", job.message.id.to_string()}, {"to", recipient.address}, {"reply", outcome.reply.to_string()}});
    outcomes.push_back(std::move(outcome));
  }
  co_await queue_.settle(destination, std::move(outcomes), true);
}

Task<mail::Reply> Homecoming::take_in_one(const queue::Job& job, const store::RecipientFacts& recipient) {
  auto ready = co_await draft(job, recipient);
  if (!ready) {
    if (ready.error().code == Errc::unsupported) co_return mail::Reply(554, {5, 6, 3}, ready.error().message);
    if (ready.error().code == Errc::temporary) co_return mail::Reply(450, {4, 2, 1}, ready.error().message);
    bool gone = ready.error().code == Errc::not_found;
    co_return mail::Reply(gone ? 550 : 451, gone ? mail::EnhancedCode{5, 1, 1} : mail::EnhancedCode{4, 3, 0},
                          ready.error().message);
  }
  std::string id = ready->id.to_string();
  auto result = co_await queue_.accept(std::move(*ready));
  bool taken = result.status == store::AcceptStatus::accepted || result.status == store::AcceptStatus::duplicate;
  metrics::delivered.add(result.mailboxes.size());
  if (taken) co_return mail::Reply(250, {2, 0, 0}, "taken in here, id=" + id);
  bool full = result.status == store::AcceptStatus::over_quota;
  co_return mail::Reply(452,
                        {4, full ? std::uint16_t{2} : std::uint16_t{3}, full ? std::uint16_t{2} : std::uint16_t{1}},
                        full ? "the mailbox is full" : "the message can't be stored now");
}

/// The message again, for where the directory leads its recipient now. not_found when that is nowhere.
Task<Result<queue::Draft>> Homecoming::draft(const queue::Job& job, const store::RecipientFacts& recipient) {
  auto address = mail::parse_address(recipient.address);
  if (!address) co_return fail(Errc::not_found, "the address " + recipient.address + " can't be read");
  mail::Address wanted = std::move(*address);
  auto found = co_await directory_.resolve(wanted);
  if (!found) co_return std::unexpected(found.error());
  if (found->kind == directory::Resolution::Kind::not_yet)
    co_return fail(Errc::temporary, "the domain is new, and nobody has that address yet");
  if (found->kind != directory::Resolution::Kind::found) co_return fail(Errc::not_found, "there is no such user here");
  queue::Draft fresh;
  fresh.id = derived_id(job.message.id, recipient.index);
  fresh.klass = job.message.klass;
  fresh.sender = job.message.sender;
  fresh.sender.hold.kind = mail::Hold::Kind::none; // it was held, or let go early; reports tell of it all the same
  fresh.sender.hold.until = 0;
  fresh.content_8bit = job.message.content_8bit;
  fresh.account = job.message.account;
  fresh.peer = job.message.peer;
  fresh.note = "taken over from " + job.message.id.to_string();
  queue::DraftRecipient row;
  row.recipient.address = wanted;
  row.recipient.notify = recipient.notify;
  row.recipient.orcpt = recipient.orcpt;
  row.nodes = std::move(found->nodes);
  fresh.recipients.push_back(std::move(row));
  std::string nothing;
  Content content(store_.content(), job, nothing);
  auto opened = co_await content.open();
  if (!opened) co_return std::unexpected(unreadable(opened.error()));
  if (fresh.sender.body == mail::BodyType::binary) { // it comes to a mailbox after all
    mail::Conversion how{.from_binary = true, .to_eight_bit = true};
    auto converted = co_await content.convert(how);
    if (!converted) co_return std::unexpected(unreadable(converted.error()));
    fresh.sender.body = mail::BodyType::eight_bit;
  }
  mail::HeadSplitter splitter;
  store::BodyWriter writer(store_.acceptance());
  for (bool more = true; more;) {
    auto piece = co_await content.next();
    more = piece && !piece->empty();
    auto part = !piece ? piece : more ? splitter.feed(*piece) : splitter.finish();
    Result<> written = part ? Result<>() : std::unexpected(part.error());
    std::string_view bytes = part ? *part : std::string_view();
    if (!bytes.empty()) written = co_await writer.write(bytes);
    if (!written) {
      writer.discard();
      co_return std::unexpected(unreadable(written.error()));
    }
  }
  fresh.head = splitter.take_head();
  auto body = co_await writer.finish();
  if (!body) {
    writer.discard();
    co_return std::unexpected(body.error());
  }
  fresh.body = std::move(*body);
  co_return fresh;
}

} // namespace paquebot::delivery
