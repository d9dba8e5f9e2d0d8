// The steps of one delivery: make the content fit the peer, send, record what became of each recipient. (How the peer is reached: way.cc.)

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "delivery/content.h"
#include "delivery/dispatcher.h"
#include "delivery/limits.h"
#include "delivery/retry.h"
#include "delivery/verdict.h"

#include <algorithm>
#include <utility>

namespace paquebot::delivery {
namespace {

constexpr unsigned kSessions = 5;              // that one attempt makes for a message, when hosts take no mail
constexpr std::size_t kSentAtOnce = 64u << 10; // octets of content given to the connection in one go, or one piece

bool ours(store::MessageClass klass) { return klass != store::MessageClass::incoming; }

mail::Recipient envelope_recipient(const store::RecipientFacts& facts) {
  mail::Recipient recipient;
  if (auto address = mail::parse_address(facts.address)) recipient.address = *address;
  recipient.notify = facts.notify;
  recipient.orcpt = facts.orcpt;
  return recipient;
}

/// RFC 6531 section 3.5: international addresses, or international headers that the sender declared. Raw 8-bit headers without a
/// declaration travel as plain 8-bit content, as they came.
bool needs_smtputf8(const queue::Job& job, const std::string& head) {
  if (job.message.sender.reverse_path.international() || (job.message.sender.smtputf8 && !is_ascii(head))) return true;
  for (const store::RecipientFacts& recipient : job.recipients)
    if (!is_ascii(recipient.address)) return true;
  return false;
}

/// What the sender's BY means for this peer (RFC 2852 section 4.1.4): the seconds that are left, and, where the peer knows nothing of
/// BY, a wish for notices of delay instead. True when the relay itself is to be reported.
bool hand_on_time(const smtp::PeerFeatures& peer, std::int64_t now, smtp::OutgoingMessage& out) {
  mail::DeliverBy& by = out.sender.deliver_by;
  if (by.mode == mail::DeliverBy::Mode::none) return false;
  by.seconds = (by.at - now) / 1000;
  if (peer.deliver_by || by.at <= now) return by.trace;
  for (mail::Recipient& recipient : out.recipients) { // section 4.1.4.2, against RFC 3461 section 6.2.1(c)
    if ((recipient.notify & mail::kNotifyNever) != 0) continue;
    if (recipient.notify == mail::kNotifyUnspecified) recipient.notify = mail::kNotifyFailure;
    recipient.notify |= mail::kNotifyDelay;
  }
  return true;
}

/// Time to give a message to a peer: envelope and content. RFC 5321 section 4.5.3.2 bounds each step; all of them together this.
std::chrono::seconds time_for(const smtp::OutgoingMessage& message) {
  constexpr std::uint64_t kSlowest = 8192; // octets in a second
  return std::chrono::minutes(15) + std::chrono::seconds(30) * message.recipients.size() +
         std::chrono::seconds(message.size / kSlowest);
}

mail::Reply too_large(std::uint64_t most, std::uint64_t size) {
  return {552,
          {5, 3, 4},
          "the next server takes messages up to " + std::to_string(most) + " octets, this one has " +
              std::to_string(size)};
}

/// Makes message and content fit what the peer can take; a negative reply when that can't be done.
Task<mail::Reply> fit(const queue::Job& job, smtp::PeerFeatures peer, Content& content, smtp::OutgoingMessage& out) {
  out.sender = job.message.sender;
  out.sender.hold = {}; // its time has come
  out.size = content.size();
  bool international = needs_smtputf8(job, content.head());
  if (!international && job.message.sender.smtputf8 && job.message.content_8bit) {
    // The heads of its parts may be what it was declared for.
    international = peer.smtputf8;
    if (!international) {
      const bool from_binary = job.message.sender.body == mail::BodyType::binary;
      auto plain = co_await content.heads_are_ascii(from_binary);
      if (!plain) co_return mail::Reply(451, {4, 3, 0}, "the stored message can't be read now", plain.error().message);
      international = !*plain;
    }
  }
  out.sender.smtputf8 = international;
  if (out.sender.smtputf8 && !peer.smtputf8)
    co_return mail::Reply(550, {5, 6, 7},
                          "the next server does not take internationalised addresses or headers (SMTPUTF8)");
  if (peer.max_size > 0 && out.size > peer.max_size) co_return too_large(peer.max_size, out.size);
  bool binary = job.message.sender.body == mail::BodyType::binary;
  bool eight = job.message.content_8bit;
  if (binary ? peer.chunking && peer.binary : !eight || peer.eight_bit) {
    if (!binary) out.sender.body = eight ? mail::BodyType::eight_bit : mail::BodyType::seven_bit;
    co_return mail::Reply(250, {}, "");
  }
  // RFC 6152 section 3: convert, or return. Other people's mail may be signed: it is not ours to change. What is binary
  // was taken on the understanding that it is (RFC 3030 section 3).
  std::string_view takes = !binary          ? "the next server takes only 7-bit content"
                           : peer.eight_bit ? "the next server takes no binary content"
                                            : "the next server takes neither binary nor 8-bit content";
  if (!binary && !ours(job.message.klass))
    co_return mail::Reply(554, {5, 6, 3}, std::string(takes) + ", and this message can't be changed on the way");
  mail::Conversion how{.from_binary = binary, .to_eight_bit = peer.eight_bit};
  auto done = co_await content.convert(how);
  if (!done) co_return mail::Reply(554, {5, 6, 3}, std::string(takes) + ": " + done.error().message);
  out.sender.body = peer.eight_bit && eight ? mail::BodyType::eight_bit : mail::BodyType::seven_bit;
  out.size = content.size();
  co_return mail::Reply(250, {}, "");
}

} // namespace

/// Sends one transaction, over one connection after the other while hosts don't judge it. Whoever the peer's limits leave no room
/// for goes to `rest`.
Task<Dispatcher::Way> Dispatcher::send_part(Worker& worker, queue::Job& part,
                                            std::vector<store::RecipientFacts>& rest) {
  std::string via = part.recipients.front().via;
  std::string prefix =
      via.empty() ? std::string() : "Delivered-To: " + via + "\r\n"; // RFC 9228: finds forwarding loops
  Attempt attempt;
  for (bool done = false; !done;) {
    Content content(store_.content(), part, prefix);
    auto opened = co_await content.open();
    if (!opened) {
      log::error("content-unreadable", {{"id", part.message.id.to_string()}, {"why", opened.error().message}});
      const mail::Told told = mail::Told::by({451, {4, 3, 0}, "the stored message can't be read now"});
      std::vector<mail::Told> all(part.recipients.size(), told);
      Handed nothing;
      co_await settle_results(worker, part, std::move(all), false, nothing);
      co_return Way::open;
    }
    for (;;) {
      Way way = co_await connect(worker, part, attempt);
      if (way != Way::open) co_return way;
      Peer& peer = *worker.peer;
      smtp::PeerFeatures limits = peer.session().features();
      if (peer.rcpt_max > 0) limits.rcpt_max = peer.rcpt_max;
      if (keep_limits(limits, peer.domains, part.recipients, rest)) break;
      let_go(worker); // a new session has room
    }
    done = co_await transmit(worker, part, content, attempt, rest);
  }
  co_return Way::open;
}

/// The message goes through the open connection. False: the peer did not judge it for those who are left in `part`, and they go on
/// over another one.
Task<bool> Dispatcher::transmit(Worker& worker, queue::Job& part, Content& content, Attempt& attempt,
                                std::vector<store::RecipientFacts>& rest) {
  Peer& peer = *worker.peer;
  smtp::OutgoingMessage out;
  smtp::PeerFeatures features = peer.session().features();
  mail::Reply fits = co_await hide(worker, part, content);
  if (fits.positive()) fits = co_await fit(part, features, content, out);
  if (fits.positive()) fits = co_await sign(part, content, features.max_size);
  if (!fits.positive()) {
    std::vector<mail::Told> all(part.recipients.size(), peer.told(fits));
    Handed nothing;
    co_await settle_results(worker, part, std::move(all), false, nothing);
    co_return true;
  }
  out.size = content.size();
  for (const store::RecipientFacts& recipient : part.recipients)
    out.recipients.push_back(envelope_recipient(recipient));
  if (!peer.session().lmtp()) co_await name_return_path(part, content, out); // LMTP is a mailbox
  Handed handed{.dsn = features.dsn, .tell_relayed = hand_on_time(features, settled(), out)};
  if (!worker.secure) out.sender.tls = mail::TlsWish::unspecified; // a report without protection
  const auto begun = system_clock().now();
  peer.bound(begun + time_for(out));
  const std::uint64_t size = out.size;
  peer.session().send(std::move(out));
  Peer::Event event = co_await peer.run();
  const bool content_begun = event == Peer::Event::need_content;
  if (content_begun) set_share(worker, Share::working);
  if (content_begun) event = co_await feed_content(peer, content);
  const smtp::ClientSession& session = peer.session();
  Transmission sent{.replies = session.results(),
                    .settled = session.settled(),
                    .breakage = session.breakage(),
                    .in_doubt = session.in_doubt(),
                    .content_begun = content_begun,
                    .reused = peer.used++ > 0,
                    .carried = peer.carried,
                    .took = std::chrono::duration_cast<std::chrono::milliseconds>(system_clock().now() - begun),
                    .size = size};
  const Finding finding = find(sent);
  if (finding.session == Finding::Session::judged) {
    ++peer.carried;
    set_share(worker, Share::working);
  }
  learn(worker, finding, sent, attempt);
  std::vector<mail::Told> all;
  all.reserve(part.recipients.size());
  for (const mail::Reply& reply : session.results()) all.push_back(peer.told(reply));
  co_await keep_or_leave(worker, event, finding.session);
  bool done = co_await settle_finding(worker, part, std::move(all), finding, handed, attempt, rest);
  co_return done;
}

/// Settles those of whom something was said that counts. False: the others are left in `part`, for another connection.
Task<bool> Dispatcher::settle_finding(Worker& worker, queue::Job& part, std::vector<mail::Told> all,
                                      const Finding& finding, Handed handed, Attempt& attempt,
                                      std::vector<store::RecipientFacts>& rest) {
  const bool again = attempt.sessions < kSessions && std::ranges::find(finding.again, true) != finding.again.end();
  queue::Job judged{part.message, {}, part.fresh};
  std::vector<store::RecipientFacts> left;
  std::vector<mail::Told> said, last;
  for (std::size_t i = 0; i < part.recipients.size(); ++i) {
    const bool goes_on = again && finding.again[i];
    if (finding.next[i]) {
      rest.push_back(std::move(part.recipients[i]));
      continue;
    }
    (goes_on ? left : judged.recipients).push_back(std::move(part.recipients[i]));
    (goes_on ? last : said).push_back(std::move(all[i]));
  }
  part.recipients = std::move(left);
  attempt.last = std::move(last);
  if (finding.session == Finding::Session::used_up) attempt.last.clear();
  if (!judged.recipients.empty()) co_await settle_results(worker, judged, std::move(said), attempt.host_spoke, handed);
  co_return part.recipients.empty();
}

/// A report that can't be protected like the message that it is about tells nothing of that (RFC 8689 section 5).
Task<mail::Reply> Dispatcher::hide(const Worker& worker, const queue::Job& part, Content& content) {
  const bool bare = part.message.sender.tls == mail::TlsWish::required && !worker.secure;
  if (!bare || part.message.klass != store::MessageClass::report) co_return mail::Reply(250, {}, "");
  auto done = co_await content.redact();
  if (done) co_return mail::Reply(250, {}, "");
  log::error("content-unreadable", {{"id", part.message.id.to_string()}, {"why", done.error().message}});
  co_return mail::Reply(451, {4, 3, 0}, "the report can't be redacted now");
}

/// Signs what is ours to sign, in the form that the peer gets; a negative reply when that can't be done now, or makes it
/// too large for the peer.
Task<mail::Reply> Dispatcher::sign(const queue::Job& part, Content& content, std::uint64_t max_size) {
  auto done = co_await signer_.sign(part.message, content);
  std::string via = part.recipients.front().via;
  if (done && !via.empty()) done = co_await signer_.seal(part.message, std::move(via), content);
  if (!done) {
    log::error("not-signed", {{"id", part.message.id.to_string()}, {"why", done.error().message}});
    co_return mail::Reply(451, {4, 3, 0}, "the message can't be signed now");
  }
  if (max_size > 0 && content.size() > max_size) co_return too_large(max_size, content.size());
  co_return mail::Reply(250, {}, "");
}

/// What came from outside and is forwarded by an address of ours does not leave under a name that we may not send for; unless that name
/// was false already: who gets to see a return address of ours could write to whom he named.
Task<void> Dispatcher::name_return_path(const queue::Job& part, const Content& content, smtp::OutgoingMessage& out) {
  std::string via = part.recipients.front().via;
  if (via.empty() || part.message.klass != store::MessageClass::incoming) co_return;
  const Standing standing = signer_.standing(part.message, content);
  if (standing.spf_failed) {
    log::info("return-path-kept", {{"id", part.message.id.to_string()},
                                   {"from", out.sender.reverse_path.to_string()},
                                   {"why", "its domain says that it does not send from where the message came from"}});
    co_return;
  }
  mail::Address sender = part.message.sender.reverse_path;
  out.sender.reverse_path =
      co_await paths_.leaving(std::move(sender), part.message.id, std::move(via), standing.vouched);
}

/// Gives the session what makes one good write: a small message whole.
Task<void> Dispatcher::feed_some(Peer& peer, Content& content) {
  for (std::size_t given = 0; given < kSentAtOnce && peer.session().wants_content();) {
    auto piece = co_await content.next();
    if (!piece) {
      log::error("content-broke-off", {{"why", piece.error().message}});
      peer.session().abandon();
      co_return;
    }
    if (piece->empty()) {
      peer.session().end_content();
      co_return;
    }
    peer.session().content(*piece);
    given += piece->size();
  }
}

/// Gives the content until it is over, or until the peer has refused it or is gone. What the session says then.
Task<Peer::Event> Dispatcher::feed_content(Peer& peer, Content& content) {
  for (;;) {
    co_await feed_some(peer, content);
    Peer::Event event = co_await peer.run();
    if (event != Peer::Event::need_content) co_return event;
  }
}

/// Every recipient on its own (RFC 5321 section 4.2.1).
Task<void> Dispatcher::settle_results(Worker& worker, const queue::Job& part, std::vector<mail::Told> all, bool works,
                                      Handed handed) {
  auto options = queue_.options();
  const std::int64_t now = judged_at(worker);
  const std::int64_t retry_at = due_again(options->schedule, part.message, part.recipients, worker.destination, now);
  std::vector<store::Outcome> outcomes;
  for (std::size_t i = 0; i < part.recipients.size(); ++i) {
    const store::RecipientFacts& recipient = part.recipients[i];
    outcomes.push_back(verdict({.message = &part.message,
                                .recipient = &recipient,
                                .told = &all[i],
                                .dsn_handed_on = handed.dsn,
                                .tell_relayed = handed.tell_relayed,
                                .now = judged_by(part, std::min(now, settled())),
                                .wall = wall(),
                                .retry_at = retry_at,
                                .schedule = &options->schedule}));
    const store::Outcome& outcome = outcomes.back();
    const char* what = outcome.to == store::State::relayed  ? "relayed"
                       : outcome.to == store::State::failed ? "failed"
                                                            : "deferred";
    log::info(what,
              {{"id", part.message.id.to_string()}, {"to", recipient.address}, {"reply", outcome.reply.to_string()}});
  }
  std::string key = worker.destination;
  worker.settles(outcomes);
  co_await recorder_.add(key, std::move(outcomes), works);
  if (recorder_.wants_flush()) spawn(recorder_.flush());
  co_await recorder_.room();
}

/// The time that counts for the recipients of the job in hand, however many transactions they take within reason: their next attempt
/// and a notice of delay fall due together.
std::int64_t Dispatcher::judged_at(Worker& worker) const {
  const std::int64_t now = wall();
  const std::int64_t reason = std::chrono::milliseconds(queue_.options()->schedule.first).count() / 4;
  if (now - worker.judged_at > reason || worker.judged_at > now) worker.judged_at = now;
  return worker.judged_at;
}

/// The sender wanted it back when it took so long (RFC 2852 section 4.1.3): no further attempt.
Task<void> Dispatcher::give_up_late(Worker& worker, const queue::Job& job) {
  std::vector<store::Outcome> outcomes;
  outcomes.reserve(job.recipients.size());
  for (const store::RecipientFacts& recipient : job.recipients) outcomes.push_back(overdue(job.message, recipient));
  log::info("overdue", {{"id", job.message.id.to_string()}, {"destination", worker.destination}});
  std::string key = worker.destination;
  worker.settles(outcomes);
  co_await queue_.settle(key, std::move(outcomes), false);
}

/// The verdict on a whole job by what one attempt came to.
void Dispatcher::judge(const queue::Job& job, const mail::Told& told, std::int64_t now, std::int64_t retry_at,
                       std::vector<store::Outcome>& outcomes) const {
  auto options = queue_.options();
  for (const store::RecipientFacts& recipient : job.recipients)
    outcomes.push_back(verdict({.message = &job.message,
                                .recipient = &recipient,
                                .told = &told,
                                .now = judged_by(job, std::min(now, settled())),
                                .wall = wall(),
                                .retry_at = retry_at,
                                .schedule = &options->schedule}));
}

/// The destination can't be reached now: the job and all that was ready for the same place had their attempt, and wait for the
/// next one together.
Task<void> Dispatcher::fail_place(Worker& worker, const queue::Job& job, mail::Told told) {
  std::int64_t until = queue_.back_off_until(worker.destination);
  std::vector<store::Outcome> outcomes;
  const std::int64_t now = judged_at(worker);
  judge(job, told, now, until, outcomes);
  for (const queue::Job& other : queue_.take_window(worker.destination)) judge(other, told, now, until, outcomes);
  log::info("destination-failed",
            {{"destination", worker.destination}, {"id", job.message.id.to_string()}, {"why", told.to_string()}});
  std::string key = worker.destination;
  std::string error = told.to_string();
  worker.settles(outcomes);
  co_await queue_.settle_failed(key, std::move(outcomes), until, error);
  co_await expire_waiting(worker, std::move(told));
}

/// What waits for a destination that was just tried in vain and is past its lifetime is returned.
Task<void> Dispatcher::expire_waiting(Worker& worker, mail::Told told) {
  for (;;) {
    std::string key = worker.destination;
    auto jobs = co_await queue_.take_expired(key);
    if (jobs.empty()) co_return;
    std::vector<store::Outcome> outcomes;
    const std::int64_t now = wall();
    for (const queue::Job& job : jobs) judge(job, told, now, job.message.expires_at, outcomes);
    const auto ends = [](const store::Outcome& o) { return o.to != store::State::waiting; };
    const bool some_ended = std::ranges::any_of(outcomes, ends);
    co_await queue_.settle(key, std::move(outcomes), false);
    if (some_ended) continue;
    // Its recipients and its message don't agree on its end, or the clock is doubted: asked again they would be given again.
    log::warning("not-expired", {{"destination", worker.destination}, {"id", jobs.front().message.id.to_string()}});
    co_return;
  }
}

} // namespace paquebot::delivery
