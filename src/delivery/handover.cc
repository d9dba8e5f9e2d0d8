// The steps of one transaction: make the content fit the peer, sign, send.

#include "delivery/handover.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <utility>

namespace paquebot::delivery {
namespace {

constexpr std::size_t kSentAtOnce = 64u << 10; // octets of content given to the connection in one go, or one piece

bool ours(store::MessageClass klass) { return klass != store::MessageClass::incoming; }

mail::Recipient envelope_recipient(const store::RecipientFacts& facts) {
  mail::Recipient recipient;
  if (auto address = mail::parse_address(facts.address)) recipient.address = std::move(*address);
  recipient.notify = facts.notify;
  recipient.orcpt = facts.orcpt;
  return recipient;
}

/// What the sender's BY means for this peer (RFC 2852 section 4.1.4): the seconds that are left, and, where the peer
/// knows nothing of BY, a wish for notices of delay instead. True when the relay itself is to be reported.
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

/// Time to give a message to a peer: envelope and content. RFC 5321 section 4.5.3.2 bounds each step; all of them
/// together this.
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
Task<mail::Reply> fit(const queue::Job& job, const smtp::PeerFeatures& peer, Content& content,
                      smtp::OutgoingMessage& out) {
  out.sender = job.message.sender;
  out.sender.hold = {}; // its time has come
  out.size = content.size();
  // Raw 8-bit headers without a declaration travel as plain 8-bit content, as they came (RFC 6531 section 3.5).
  out.international_header = out.sender.smtputf8 && !is_ascii(content.head());
  bool international = smtp::needs_smtputf8(out);
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

Handover::Handover(Commons& commons, Peer& peer, const queue::Job& part, Content& content, bool secure)
    : commons_(commons), peer_(peer), part_(part), content_(content), secure_(secure) {}

Task<mail::Reply> Handover::prepare() {
  const smtp::PeerFeatures& features = peer_.session().features();
  mail::Reply fits(250, {}, "");
  if (tells_too_much()) fits = co_await hide();
  const std::uint64_t max_size = features.max_size;
  for (const store::RecipientFacts& recipient : part_.recipients)
    out_.recipients.push_back(envelope_recipient(recipient));
  if (fits.positive()) fits = co_await fit(part_, features, content_, out_);
  if (fits.positive()) fits = co_await sign(max_size);
  if (!fits.positive()) co_return fits;
  out_.size = content_.size();
  if (!peer_.session().lmtp()) co_await name_return_path(); // LMTP is a mailbox
  handed_ = {.dsn = features.dsn, .tell_relayed = hand_on_time(features, commons_.settled(), out_)};
  if (!secure_) out_.sender.tls = mail::TlsWish::unspecified; // a report without protection
  co_return fits;
}

Task<Peer::Event> Handover::send_envelope() {
  begun_ = system_clock().now();
  peer_.bound(begun_ + time_for(out_));
  size_ = out_.size;
  peer_.session().send(std::move(out_));
  Peer::Event event = co_await peer_.run();
  content_begun_ = event == Peer::Event::need_content;
  co_return event;
}

Transmission Handover::came_to() const {
  const smtp::ClientSession& session = peer_.session();
  return {.replies = session.results(),
          .settled = session.settled(),
          .breakage = session.breakage(),
          .in_doubt = session.in_doubt(),
          .content_begun = content_begun_,
          .reused = peer_.used > 0,
          .carried = peer_.carried,
          .took = std::chrono::duration_cast<std::chrono::milliseconds>(system_clock().now() - begun_),
          .size = size_};
}

/// A report that can't be protected like the message that it is about tells nothing of that (RFC 8689 section 5).
bool Handover::tells_too_much() const {
  const bool bare = part_.message.sender.tls == mail::TlsWish::required && !secure_;
  return bare && part_.message.klass == store::MessageClass::report;
}

Task<mail::Reply> Handover::hide() {
  auto done = co_await content_.redact();
  if (done) co_return mail::Reply(250, {}, "");
  log::error("content-unreadable", {{"id", part_.message.id.to_string()}, {"why", done.error().message}});
  co_return mail::Reply(451, {4, 3, 0}, "the report can't be redacted now");
}

/// Signs what is ours to sign, in the form that the peer gets; a negative reply when that can't be done now, or makes
/// it too large for the peer.
Task<mail::Reply> Handover::sign(std::uint64_t max_size) {
  Signer& signer = commons_.signer;
  auto done = co_await signer.sign(part_.message, content_);
  std::string via = part_.recipients.front().via;
  if (done && !via.empty()) done = co_await signer.seal(part_.message, std::move(via), content_);
  if (!done) {
    log::error("not-signed", {{"id", part_.message.id.to_string()}, {"why", done.error().message}});
    co_return mail::Reply(451, {4, 3, 0}, "the message can't be signed now");
  }
  if (max_size > 0 && content_.size() > max_size) co_return too_large(max_size, content_.size());
  co_return mail::Reply(250, {}, "");
}

/// What came from outside and is forwarded by an address of ours does not leave under a name that we may not send for;
/// unless that name was false already: who gets to see a return address of ours could write to whom he named.
Task<void> Handover::name_return_path() {
  std::string via = part_.recipients.front().via;
  if (via.empty() && part_.message.by_api) {
    // A server that we log in to may take only addresses that are known to be ours.
    if (!peer_.identity().terms.user.empty()) co_return;
    std::optional<std::uint32_t> alone;
    if (part_.recipients.size() == 1 && part_.recipients.front().parent < 0) alone = part_.recipients.front().index;
    mail::Address own = part_.message.sender.reverse_path;
    out_.sender.reverse_path = co_await commons_.paths.leaving_api(std::move(own), part_.message.id, alone);
    co_return;
  }
  if (via.empty() || part_.message.klass != store::MessageClass::incoming) co_return;
  const Standing standing = commons_.signer.standing(part_.message, content_);
  if (standing.spf_failed) {
    log::info("return-path-kept", {{"id", part_.message.id.to_string()},
                                   {"from", out_.sender.reverse_path.to_string()},
                                   {"why", "its domain says that it does not send from where the message came from"}});
    co_return;
  }
  mail::Address sender = part_.message.sender.reverse_path;
  out_.sender.reverse_path =
      co_await commons_.paths.leaving(std::move(sender), part_.message.id, std::move(via), standing.vouched);
}

/// Gives the session what makes one good write: a small message whole.
Task<void> Handover::send_some() {
  for (std::size_t given = 0; given < kSentAtOnce && peer_.session().wants_content();) {
    auto piece = co_await content_.next();
    if (!piece) {
      log::error("content-broke-off", {{"why", piece.error().message}});
      peer_.session().abandon();
      co_return;
    }
    if (piece->empty()) {
      peer_.session().end_content();
      co_return;
    }
    peer_.session().content(*piece);
    given += piece->size();
  }
}

Task<Peer::Event> Handover::send_content() {
  for (;;) {
    co_await send_some();
    Peer::Event event = co_await peer_.run();
    if (event != Peer::Event::need_content) co_return event;
  }
}

} // namespace paquebot::delivery
