#include "store/sqlite/accept.h"

#include "store/charge.h"
#include "store/entry_flags.h"
#include "store/event.h"
#include "store/message_key.h"
#include "store/sqlite/accept_row.h"
#include "store/sqlite/content.h"
#include "store/sqlite/dmarc.h"
#include "store/sqlite/feed.h"
#include "store/sqlite/flags.h"
#include "store/sqlite/folders.h"
#include "store/sqlite/limit_charge.h"
#include "store/sqlite/mailboxes.h"
#include "store/sqlite/rows.h"
#include "store/sqlite/sendings.h"
#include "store/sqlite/suppression.h"
#include "store/sqlite/suspension.h"
#include "store/sqlite/suspicion.h"
#include "store/sqlite/waiting_count.h"

#include <algorithm>
#include <cassert>

namespace paquebot::store::sqlite {
namespace {

constexpr std::uint32_t kNowhere = ~0u;
constexpr std::string_view kInbox = "INBOX";

/// One mailbox that gets the message, however many recipients lead to it.
struct Delivery {
  Id account = 0;
  std::string named; ///< by the first of them
  std::uint8_t special_use = 0;
  Id mailbox = 0;
  std::uint64_t quota = 0;
  std::uint32_t uid = 0;
  std::int64_t modseq = 0;
  std::uint32_t recipient = 0; ///< the first that leads here
  std::string prefix{};
};

class Accepting {
public:
  Accepting(Tx& tx, const AcceptRequest& request) : tx_(tx), request_(request) {}

  AcceptResult run() {
    if (!request_.new_id && tx_.db.number("SELECT 1 FROM message WHERE id = ?", 0, request_.id) != 0) {
      return {AcceptStatus::duplicate, {}, "message " + request_.id.to_string() + " is here already", {}, {}};
    }
    if (request_.sending && find_sending(tx_.db, request_.account, request_.sending->key, tx_.now))
      return {AcceptStatus::duplicate, {}, "something was sent under that key already", {}, {}};
    if (request_.dmarc && !has_dmarc(tx_.db, *request_.dmarc))
      return {AcceptStatus::duplicate, {}, "that DMARC report was made already", {}, {}};
    if (!settles_what_is_owed()) return {AcceptStatus::duplicate, {}, "the report is settled or out of date", {}, {}};
    if (const Id staged = bulk_of(request_.body); staged != 0 && given_up(tx_.db, staged))
      return {AcceptStatus::failed, {}, "the staged body " + std::to_string(staged) + " is given up", {}, {}};
    find_mailboxes();
    if (is_known_import()) return {AcceptStatus::duplicate, {}, "it was imported before", {}, {}};
    if (!gone_.empty()) return {AcceptStatus::account_gone, std::move(gone_), "account removed", {}, {}};
    if (auto who = suppressed_in(tx_.db, request_, tx_.now); !who.empty())
      return {AcceptStatus::suppressed, std::move(who), "a recipient has just been suppressed", {}, {}};
    if (!full_.empty()) return {AcceptStatus::over_quota, std::move(full_), "mailbox over its quota", {}, {}};
    AcceptResult result{AcceptStatus::accepted, {}, {}, {}, {}};
    for (const Delivery& d : deliveries_) {
      result.mailboxes.push_back(d.mailbox);
      result.uids.push_back(d.uid);
    }
    if (!request_.limits) {
      write_all(result);
      return result;
    }
    // Removed while its session was at it: nothing is counted of an account that is gone, and nobody answers for the
    // message.
    if (tx_.db.number("SELECT 1 FROM account WHERE id = ?", 0, request_.account) == 0)
      return {AcceptStatus::failed, {}, "the account that sends it is gone", {}, {}};
    const LimitCharge charge(tx_.db, request_);
    if (auto hit = charge.broken())
      return {AcceptStatus::over_limit, {}, "account over " + std::string(name_of(hit->kind)), hit, {}};
    charge.write(tx_);
    result.passed = charge.passed();
    for (const LimitHit& hit : result.passed)
      feed_word(tx_, "account.limit_reached", login_of(tx_.db, request_.account), std::string(name_of(hit.kind)));
    watch_new_recipients(tx_, request_.account, charge.first_time(), request_.accepted_at);
    if (const auto reason = hold_reason(tx_.db, request_.account))
      write_held(HoldKind::takeover, *reason, result);
    else if (const auto order = suspended_account())
      write_held(HoldKind::suspended, words_of(*order), result);
    else
      write_all(result);
    return result;
  }

private:
  std::optional<Suspension> suspended_account() const {
    if (!tx_.memory.suspensions) return {};
    return suspension_of(tx_.db, request_.account, tx_.now);
  }

  /// All that the sender named is held.
  void write_held(HoldKind kind, const std::string& reason, AcceptResult& result) {
    const AcceptRequest held = held_whole(request_, kind, reason);
    Accepting(tx_, held).write();
    result.held = true;
    result.mailboxes.clear();
    result.uids.clear();
  }

  /// Whose domain is suspended is held, the others are not.
  void write_all(AcceptResult& result) {
    std::optional<AcceptRequest> part;
    if (tx_.memory.suspensions) part = without_suspended(tx_, request_, result.suspended);
    if (!part) return write();
    Accepting rest(tx_, *part);
    rest.deliveries_ = std::move(deliveries_);
    rest.leads_to_ = std::move(leads_to_);
    rest.write();
  }

  std::uint64_t body_size() const { return request_.body.staged ? request_.body.size : request_.body.bytes.size(); }

  bool settles_what_is_owed() {
    if (!request_.settles) return true;
    const auto& settles = *request_.settles;
    std::vector<Owed> owed;
    owed.reserve(settles.recipients.size());
    for (const std::uint32_t index : settles.recipients)
      owed.push_back(static_cast<Owed>(
          tx_.db.number("SELECT owed FROM recipient WHERE message = ? AND n = ?", 0, settles.message, index)));
    return marks_hold(settles, owed);
  }

  /// An import has one mailbox.
  bool is_known_import() {
    return !request_.digest.empty() && !deliveries_.empty() &&
           was_imported(tx_.db, deliveries_[0].account, request_.digest);
  }

  void find_mailboxes() {
    for (std::uint32_t i = 0; i < request_.recipients.size(); ++i) {
      const NewRecipient& recipient = request_.recipients[i];
      if (recipient.handling == Handling::mailbox) find_mailbox(recipient, i);
    }
  }

  void find_mailbox(const NewRecipient& recipient, std::uint32_t index) {
    if (leads_to_.empty()) leads_to_.assign(request_.recipients.size(), kNowhere);
    const auto same = [&recipient](const Delivery& d) {
      return d.account == recipient.account && d.named == recipient.mailbox && d.special_use == recipient.special_use;
    };
    const auto known = std::ranges::find_if(deliveries_, same);
    if (known != deliveries_.end())
      return void(leads_to_[index] = static_cast<std::uint32_t>(known - deliveries_.begin()));
    Delivery d{recipient.account, recipient.mailbox, recipient.special_use};
    d.recipient = index;
    const std::string name = wanted_folder(tx_.db, d.account, d.special_use, d.named);
    const bool elsewhere = !name.empty() && load_mailbox(d, name);
    if (!elsewhere && !load_mailbox(d, kInbox)) return gone_.push_back(index);
    const auto there = std::ranges::find(deliveries_, d.mailbox, &Delivery::mailbox); // by another name
    if (there != deliveries_.end())
      return void(leads_to_[index] = static_cast<std::uint32_t>(there - deliveries_.begin()));
    d.prefix = prefix_of(request_, recipient);
    // These are not refused for a full mailbox: a report has nobody to return to, and nobody waits for the answer to
    // mail dropped on this machine (a mailbox full before was seen at the pick-up).
    using enum MessageClass;
    const bool bound = d.quota != 0 && request_.klass != report && request_.klass != local;
    if (bound && used_by(recipient.account) + entry_size(d) > d.quota) return full_.push_back(index);
    leads_to_[index] = static_cast<std::uint32_t>(deliveries_.size());
    deliveries_.push_back(std::move(d));
  }

  /// False when the account has none of that name, or is gone.
  bool load_mailbox(Delivery& d, std::string_view name) {
    Query q = tx_.db.query("SELECT m.id, a.quota, uidnext, highestmodseq + 1 FROM account a JOIN mailbox m ON "
                           "m.account = a.id AND m.name = ? WHERE a.id = ?",
                           name, d.account);
    if (!q.row()) return false;
    d.mailbox = q.i64(0);
    d.quota = q.u64(1);
    d.uid = q.u32(2);
    d.modseq = q.i64(3);
    if (request_.klass == MessageClass::imported && request_.uid > d.uid && request_.uid <= kMostKeptUid) {
      d.uid = request_.uid;
      d.modseq = std::max<std::int64_t>(d.modseq, d.uid); // no lower than the uids (rules_mailbox.cc)
    }
    return true;
  }

  /// In all its mailboxes, with what this message adds to others of them.
  std::uint64_t used_by(Id account) {
    auto used =
        static_cast<std::uint64_t>(tx_.db.number("SELECT sum(bytes) FROM mailbox WHERE account = ?", 0, account));
    for (const Delivery& d : deliveries_)
      if (d.account == account) used += entry_size(d);
    return used;
  }

  std::uint64_t entry_size(const Delivery& d) const { return d.prefix.size() + request_.head.size() + body_size(); }

  void write() {
    if (request_.dmarc) drop_dmarc(tx_, *request_.dmarc);
    std::int64_t pending = 0;
    for (const NewRecipient& r : request_.recipients) pending += is_pending(first_state(r), r.owed) ? 1 : 0;
    const auto refs = static_cast<std::int64_t>(deliveries_.size()) + (pending > 0 ? 1 : 0);
    assert(gone_.empty() && full_.empty() && "what is refused is refused before");
    Content content;
    if (refs > 0) {
      content = add_content(tx_, request_.head, request_.body, refs);
    } else if (request_.body.staged) {
      tx_.db.run("INSERT OR IGNORE INTO bulk_garbage(bulk) VALUES(?)", bulk_of(request_.body));
    }
    write_message(pending, pending > 0 ? content : Content());
    for (std::uint32_t i = 0; i < request_.recipients.size(); ++i) write_recipient(request_.recipients[i], i);
    waiting_.write(tx_.db);
    for (const Delivery& d : deliveries_) write_entry(d, content);
    if (request_.settles) settle();
  }

  void write_message(std::int64_t pending, const Content& queued) {
    const mail::Sender& sender = request_.sender;
    const std::vector<Event> events = first_events();
    const std::string trail = pack_events(events, tx_.db.node());
    tx_.db.run("INSERT INTO message(id, pending, class, sender_local, sender_domain, body_type, smtputf8, ret, envid, "
               "content_8bit, "
               "account, peer, accepted_at, expires_at, head, head_size, body, bulk, body_size, requiretls, priority, "
               "deliver_by, by_mode, by_trace, hold_until, hold_request, trail, by_api, message_key) "
               "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
               request_.id, pending, request_.klass, sender.reverse_path.local, sender.reverse_path.domain, sender.body,
               sender.smtputf8, sender.ret, sender.envid, request_.content_8bit, request_.account, request_.peer,
               request_.accepted_at, expires(), queued.head, request_.head.size(), queued.body.id, queued.body.bulk,
               body_size(), sender.tls, sender.priority, sender.deliver_by.at + more_time(), sender.deliver_by.mode,
               sender.deliver_by.trace, sender.hold.until, sender.hold.request, Blob{trail}, request_.by_api,
               message_key_in(request_.head));
    feed_events(tx_, request_.id, events);
    if (request_.sending) keep_sending(tx_, request_);
  }

  /// By a clock that is behind, its life would be over as soon as the clock is right again.
  std::int64_t expires() const {
    const std::int64_t begins = std::max(request_.accepted_at, request_.sender.hold.until);
    return std::max(request_.expires_at, request_.accepted_at + behind() + (request_.expires_at - begins));
  }

  /// So would the time that its sender has given us for it: by so much that ends later. What was counted before, of
  /// mail that comes in again, stays what it is.
  std::int64_t more_time() const {
    const mail::DeliverBy& by = request_.sender.deliver_by;
    const std::int64_t left = by.at - request_.accepted_at;
    const bool counted_now = left > 0 && left <= by.seconds * 1000;
    return counted_now ? behind() : 0;
  }

  /// By how much the wall clock is, at least.
  std::int64_t behind() const { return std::max<std::int64_t>(tx_.least - tx_.now, 0); }

  /// The key of the place it will go to; a held recipient without one goes where its domain says once it is released.
  std::string destination_key(const NewRecipient& r) const {
    if (r.handling != Handling::remote && r.handling != Handling::held) return {};
    return r.destination.empty() ? r.address.substr(r.address.rfind('@') + 1) : r.destination;
  }

  /// The entry that is made for it; null: none.
  const Delivery* delivery_of(std::uint32_t index) const {
    const std::uint32_t at = leads_to_.empty() ? kNowhere : leads_to_[index];
    return at == kNowhere ? nullptr : &deliveries_[at];
  }

  static HoldKind hold_of(const NewRecipient& r, State state) {
    if (state != State::held) return HoldKind::none;
    return r.hold == HoldKind::none ? HoldKind::other : r.hold;
  }

  void write_recipient(const NewRecipient& r, std::uint32_t index) {
    const State state = first_state(r);
    const std::string key = destination_key(r);
    const Id destination = key.empty() ? 0 : destination_id(tx_, key);
    const Id owner = state == State::in_hand ? tx_.epoch : 0;
    if (state == State::waiting) waiting_.add(destination, 1);
    const bool refused = state == State::failed;
    const Delivery* entry = delivery_of(index);
    assert(r.parent < static_cast<std::int64_t>(index) && "what it comes of stands before it");
    assert(!r.in_hand || r.handling == Handling::remote);
    assert((entry != nullptr) == (state == State::in_mailbox));
    tx_.db.run(
        "INSERT INTO recipient(message, n, state, destination, due, expires, owner, owed, delay_reported, attempts, "
        "changed_at, route, account, parent, notify, address, orcpt, via, last_reply, own_code, own_status, own_text, "
        "reason, priority, deadline, uid, mailbox, hold_kind, lane) "
        "VALUES(?, ?, ?, ?, ?, ?, ?, ?, 0, 0, ?, ?, ?, ?, ?, ?, ?, ?, '', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        request_.id, index, state, destination, std::min(r.due, expires()), expires(), owner, r.owed,
        request_.accepted_at, r.handling, r.account, r.parent, r.notify, r.address, r.orcpt, r.via,
        refused ? r.code : std::uint16_t{0}, refused ? to_column(r.status) : std::string(),
        refused ? r.reason : std::string(), r.reason, request_.sender.priority,
        r.deadline > 0 ? r.deadline + more_time() : 0, entry != nullptr ? entry->uid : 0,
        entry != nullptr ? entry->mailbox : 0, hold_of(r, state), lane_of(request_));
  }

  void write_entry(const Delivery& d, const Content& content) {
    std::uint64_t flags =
        (request_.flags & kSystemFlags) | (request_.sender.smtputf8 ? kInternational : std::uint64_t{0});
    for (const std::string& keyword : request_.keywords) flags |= keyword_bit(tx_, d.mailbox, keyword).value_or(0);
    tx_.db.run("UPDATE mailbox SET uidnext = ?, highestmodseq = ?, count = count + 1, bytes = bytes + ?, "
               "unseen = unseen + ?, deleted = deleted + ? WHERE id = ?",
               d.uid + 1, d.modseq, entry_size(d), (flags & kSeen) == 0, (flags & kDeleted) != 0, d.mailbox);
    assert(tx_.db.changes() == 1 && "it was found in this transaction");
    const Ulid fresh = tx_.memory.ulids.next();
    // By a clock that is behind, it would be too old as soon as the clock is right again.
    const std::int64_t arrived = std::max(tx_.now, tx_.memory.heartbeat);
    const std::int64_t date = request_.internal_date != 0 ? request_.internal_date : request_.accepted_at;
    tx_.db.run("INSERT INTO entry(mailbox, uid, uidl, message, recipient, flags, modseq, internal_date, head, body, "
               "size, prefix, arrived) "
               "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
               d.mailbox, d.uid, fresh, request_.id, d.recipient, flags, d.modseq, date, content.head, content.body.id,
               entry_size(d), d.prefix, arrived);
    if (request_.klass == MessageClass::imported) keep_origin(d);
  }

  /// What an imported message brings along: that it is here, and how POP3 clients call it.
  void keep_origin(const Delivery& d) {
    if (!request_.digest.empty())
      tx_.db.run("INSERT OR IGNORE INTO imported(mailbox, digest) VALUES(?, ?)", d.mailbox, Blob{request_.digest});
    if (request_.uidl.empty() || Ulid::parse(request_.uidl)) return; // one like ours could be one of ours
    // Text, where those of our own are octets: only these are in the index, so that others cost nothing.
    if (tx_.db.number("SELECT 1 FROM entry WHERE mailbox = ? AND uidl = ? AND typeof(uidl) = 'text'", 0, d.mailbox,
                      request_.uidl) == 0)
      tx_.db.run("UPDATE entry SET uidl = ? WHERE mailbox = ? AND uid = ?", request_.uidl, d.mailbox, d.uid);
  }

  void note(std::vector<Event>& events, EventKind kind, std::uint32_t index, const std::string& detail) const {
    const auto same = [&](const Event& e) { return e.kind == kind && !e.recipients.empty() && e.detail == detail; };
    const auto known = std::ranges::find_if(events, same);
    if (known != events.end()) return known->recipients.push_back(index);
    events.push_back({request_.accepted_at, kind, {index}, detail, 1});
  }

  /// All that this transaction does.
  std::vector<Event> first_events() const {
    std::vector<Event> events;
    events.push_back({request_.accepted_at, EventKind::accepted, {}, request_.note, 1});
    for (std::uint32_t i = 0; i < request_.recipients.size(); ++i) {
      const NewRecipient& r = request_.recipients[i];
      if (r.handling == Handling::mailbox) note(events, EventKind::delivered, i, {});
      if (r.handling == Handling::expanded) note(events, EventKind::expanded, i, {});
      if (r.handling == Handling::held) note(events, EventKind::held, i, r.reason);
      if (r.handling == Handling::failed)
        note(events, EventKind::failed, i, mail::Reply(r.code, r.status, r.reason).to_string());
    }
    if (request_.sending)
      for (const std::string& whom : request_.sending->suppressed)
        events.push_back({request_.accepted_at, EventKind::suppressed, {}, whom, 1});
    std::ranges::copy(warnings_for(tx_.db, request_, tx_.now), std::back_inserter(events));
    return events;
  }

  void settle() {
    const auto& settles = *request_.settles;
    std::vector<std::uint32_t> indexes = settles.recipients;
    std::ranges::sort(indexes);
    indexes.erase(std::ranges::unique(indexes).begin(), indexes.end());
    std::int64_t fewer = 0;
    for (const std::uint32_t index : indexes) {
      tx_.db.run("UPDATE recipient SET delay_reported = iif(owed = ?, 1, delay_reported), owed = 0 WHERE message = ? "
                 "AND n = ?",
                 Owed::delay, settles.message, index);
      const auto state = static_cast<State>(
          tx_.db.number("SELECT state FROM recipient WHERE message = ? AND n = ?", 0, settles.message, index));
      if (!is_unfinished(state)) --fewer;
    }
    change_pending(tx_.db, settles.message, fewer);
    add_events(tx_.db, settles.message,
               {{request_.accepted_at, EventKind::reported, std::move(indexes), request_.id.to_string(), 1}});
  }

  Tx& tx_;
  const AcceptRequest& request_;
  std::vector<Delivery> deliveries_;
  std::vector<std::uint32_t> leads_to_; ///< by recipient: which delivery; empty: none leads to any
  std::vector<std::uint32_t> gone_;
  std::vector<std::uint32_t> full_;
  WaitingCount waiting_;
};

} // namespace

AcceptResult accept_message(Tx& tx, const AcceptRequest& request) {
  assert(request.head.size() <= kMaxHead);
  return Accepting(tx, request).run();
}

} // namespace paquebot::store::sqlite
