#include "intake/incoming.h"

#include "base/log.h"
#include "base/text.h"
#include "intake/drop.h"
#include "intake/late_bounces.h"
#include "intake/notice.h"
#include "mail/date.h"
#include "mail/fold.h"
#include "mail/timestamp.h"
#include "mailauth/auth_results.h"
#include "policy/guard.h"

#include <set>

namespace paquebot::intake {
namespace {

/// Of a head's bound, for what we put in front of it: trace fields, results, what filters add.
constexpr std::size_t kRoomInHead = 64u << 10;
/// Octets that a message may hold without asking.
constexpr std::uint64_t kFreeMemory = 32u << 10;
static_assert(kMaxDropHead == store::kMaxHead - kRoomInHead);

bool all_leave(const std::vector<queue::DraftRecipient>& recipients) {
  using Route = store::NewRecipient::Route;
  for (const queue::DraftRecipient& recipient : recipients)
    for (const directory::Node& node : recipient.nodes)
      if (node.route != Route::remote && node.route != Route::expanded) return false;
  return true;
}

/// A field that is missing, or says nothing.
void fill_in(mail::Head& head, std::string_view name, std::string_view value) {
  head.remove_if(
      [name](const mail::Field& field) { return field.is(name) && trim(mail::unfold(field.value())).empty(); });
  if (!head.find(name)) head.append(name, value);
}

/// Fields that say the same as one above.
void drop_repeated(mail::Head& head, std::string_view name) {
  std::set<std::string> seen;
  head.remove_if(
      [&](const mail::Field& field) { return field.is(name) && !seen.insert(mail::unfold(field.value())).second; });
}

/// RFC 3030 section 3: a message that can't be carried on is not accepted.
mail::Reply not_convertible(const Error& why) {
  if (why.code != Errc::unsupported) return mail::Reply(552, {5, 3, 4}, "the header block is larger than 1 MiB");
  return mail::Reply(554, {5, 6, 3}, why.message);
}

} // namespace

mail::Reply no_room(const Error& why) {
  return {static_cast<std::uint16_t>(why.code == Errc::no_space ? 452 : 451),
          {4, 3, 1},
          "no room for the message now, please try again later",
          why.message};
}

Incoming::Incoming(Services services, const Options& options, Origin&& origin, std::optional<Ulid> id)
    : services_(services), options_(options), origin_(std::move(origin)), id_(id ? *id : services.ids.next()),
      new_id_(!id), memory_(services.memory, kFreeMemory, services.memory_of), splitter_(store::kMaxHead - kRoomInHead),
      body_(services.store.acceptance()) {
  watch();
  if (origin_.sender.body != mail::BodyType::binary) return;
  lines_.emplace();
  stays_binary_ = all_leave(origin_.recipients) && origin_.filters == nullptr; // filters know lines only
}

/// Octets that the message has in memory once these are there: the head also where it is checked where it is from.
std::uint64_t Incoming::holds(std::size_t coming) const {
  const std::uint64_t copies = authentication_ ? 2 : 1;
  const std::uint64_t head = splitter_.head().size() + (splitter_.head_complete() ? 0 : coming);
  return copies * head + body_.buffered() + (splitter_.head_complete() ? coming : 0);
}

/// Others hold it all: the rest of the content is only swallowed, for which nothing is kept.
void Incoming::give_memory_back() {
  failure_ = mail::Reply(452, {4, 3, 1}, "no memory for the message now, please try again later");
  splitter_ = mail::HeadSplitter();
  drop_body();
  authentication_.reset();
  memory_.reset();
}

Task<void> Incoming::write(std::string_view chunk) {
  if (failure_.code != 0) co_return; // the rest is only swallowed
  const std::uint64_t needed = holds(chunk.size());
  if (!memory_.covers(needed)) {
    const bool got = co_await memory_.grow(needed);
    if (!got) give_memory_back();
    if (!got) co_return;
  }
  if (authentication_ && authentication_->feed(chunk) && !is_submitted()) co_await authentication_->ask_ahead();
  std::string_view bytes = chunk;
  if (lines_) {
    converted_.clear();
    auto fed = lines_->feed(chunk, converted_);
    if (!fed) failure_ = not_convertible(fed.error());
    if (!stays_binary_) bytes = converted_;
  }
  if (failure_.code == 0) co_await take(bytes);
}

bool Incoming::write_now(std::string_view chunk) {
  // What the head's end turns out to be body of is at most what the splitter holds.
  const bool small = chunk.size() + splitter_.head().size() <= body_.room();
  if (!small || authentication_ || lines_ || failure_.code != 0 || !memory_.covers(holds(chunk.size()))) return false;
  if (auto part = splitter_.feed(chunk))
    body_.write_now(*part);
  else
    failure_ = mail::Reply(552, {5, 3, 4}, "the header block is larger than 1 MiB");
  return failure_.code == 0;
}

Task<void> Incoming::take(std::string_view content) {
  auto part = splitter_.feed(content);
  if (!part) {
    failure_ = mail::Reply(552, {5, 3, 4}, "the header block is larger than 1 MiB");
    co_return;
  }
  if (part->empty()) co_return;
  std::string_view bytes = *part;
  auto written = co_await body_.write(bytes);
  if (written) co_return;
  bool full = written.error().code == Errc::no_space;
  failure_ =
      full ? mail::Reply(452, {4, 3, 1}, "no room for the message now, please try again later", written.error().message)
           : mail::Reply(451, {4, 3, 0}, "the message can't be stored now, please try again later",
                         written.error().message);
}

bool Incoming::has_8bit() const { return body_.has_8bit() || !is_ascii(splitter_.head()); }

Task<void> Incoming::discard() {
  drop_body();
  co_return;
}

/// What the conversion still holds back.
Task<void> Incoming::end_conversion() {
  converted_.clear();
  auto finished = lines_->finish(converted_);
  if (!finished) {
    failure_ = not_convertible(finished.error());
    co_return;
  }
  if (stays_binary_) co_return;
  std::string_view bytes = converted_;
  if (!bytes.empty()) co_await take(bytes);
  origin_.sender.body = has_8bit() ? mail::BodyType::eight_bit : mail::BodyType::seven_bit;
}

Task<mail::Reply> Incoming::finish() {
  if (failure_.code == 0 && !lines_ && splitter_.head_complete())
    take_head();
  else
    co_await end_content();
  if (failure_.code == 0 && !origin_.given_back) failure_ = check_loops();
  // What does not concern the message is not even begun: each of these would be a coroutine of its own.
  if (failure_.code == 0 && origin_.klass == store::MessageClass::submitted) failure_ = co_await check_sender();
  if (failure_.code == 0 && authentication_) failure_ = co_await authenticate();
  leave_unreported();
  if (failure_.code == 0 && origin_.filters != nullptr) co_await run_filters();
  if (failure_.code != 0) {
    drop_body();
    log_result(failure_, 0);
    co_return failure_;
  }
  if (origin_.returned) {
    const std::optional<mail::Reply> taken = co_await take_return();
    if (taken) co_return *taken;
  }
  std::optional<store::NewBody> body = seal_now();
  if (!body) body = co_await seal();
  if (!body) {
    log_result(failure_, 0);
    co_return failure_;
  }
  Task<mail::Reply> committing = commit(make_draft(std::move(*body)));
  co_return co_await std::move(committing);
}

/// The last octets, and the head as a whole. What goes wrong is left in failure_.
Task<void> Incoming::end_content() {
  if (lines_ && failure_.code == 0) co_await end_conversion();
  if (failure_.code != 0) co_return;
  auto rest = splitter_.finish();
  if (!rest) {
    failure_ = mail::Reply(552, {5, 3, 4}, "the header block is larger than 1 MiB");
    co_return;
  }
  if (!rest->empty()) {
    std::string_view bytes = *rest;
    auto written = co_await body_.write(bytes);
    if (!written)
      failure_ = mail::Reply(451, {4, 3, 0}, "the message can't be stored now, please try again later",
                             written.error().message);
  }
  if (failure_.code == 0) take_head();
}

void Incoming::take_head() {
  has_8bit_ = has_8bit();
  auto head = mail::Head::parse(splitter_.take_head());
  if (head)
    head_ = std::move(*head);
  else
    failure_ = mail::Reply(552, {5, 3, 4}, head.error().message);
}

/// Completes head and body. Nothing when there is no room: then failure_ says so and nothing is left staged.
Task<std::optional<store::NewBody>> Incoming::seal() {
  if (sealed_ || body_.in_memory()) co_return seal_now();
  read_tls_wish();
  complete_head();
  auto body = co_await body_.finish();
  if (!body) {
    body_.discard();
    failure_ = no_room(body.error());
    co_return std::nullopt;
  }
  sealed_ = std::move(*body);
  co_return take_sealed();
}

/// The same at once; nothing is done when the body has to be written first.
std::optional<store::NewBody> Incoming::seal_now() {
  if (!sealed_ && !body_.in_memory()) return {};
  read_tls_wish();
  complete_head();
  if (!sealed_) sealed_ = body_.finish_now();
  return take_sealed();
}

std::optional<store::NewBody> Incoming::take_sealed() {
  if (lines_ && stays_binary_) sealed_->type = mail::BodyType::binary;
  std::optional<store::NewBody> sealed = std::move(sealed_);
  sealed_.reset(); // it is the caller's from here on
  return sealed;
}

/// Mail that goes round in circles: too many Received fields (RFC 5321 section 6.3), or our own Delivered-To in it (RFC 9228).
mail::Reply Incoming::check_hops() const {
  if (mail::count_received(head_) <= options_.max_hops) return mail::Reply();
  return mail::Reply(554, {5, 4, 6},
                     "this message has passed through too many servers: it seems to go round in a loop");
}

/// Where it was before. A stranger may send many fields to many recipients: each is looked at once.
std::unordered_set<std::string> Incoming::been_at() const {
  std::unordered_set<std::string> been;
  for (const mail::Field& field : head_)
    if (field.is("Delivered-To")) been.insert(to_lower(mail::unfold(field.value())));
  return been;
}

mail::Reply Incoming::check_loop(const queue::DraftRecipient& recipient,
                                 const std::unordered_set<std::string>& been) const {
  for (const directory::Node& node : recipient.nodes)
    if (been.contains(to_lower(node.address)))
      return mail::Reply(554, {5, 4, 6},
                         "this message was at " + to_lower(node.address) + " before: forwarding goes round in a loop");
  return mail::Reply();
}

mail::Reply Incoming::check_loops() const {
  if (mail::Reply hops = check_hops(); hops.code != 0) return hops;
  const auto been = been_at();
  if (been.empty()) return mail::Reply();
  for (const queue::DraftRecipient& recipient : origin_.recipients)
    if (mail::Reply loop = check_loop(recipient, been); loop.code != 0) return loop;
  return mail::Reply();
}

Task<mail::Reply> Incoming::check_sender() {
  if (origin_.klass != store::MessageClass::submitted) co_return mail::Reply();
  policy::Client client = origin_.client;
  std::string head = head_.to_string();
  policy::AuthorVerdict verdict = co_await services_.policy.check_header_sender(client, head);
  resent_ = verdict.resent;
  co_return verdict.reply.positive() ? mail::Reply() : verdict.reply;
}

/// RFC 8689 section 4.1: the header field "TLS-Required: No" counts where MAIL did not say REQUIRETLS; given more than once it is not
/// what section 3 allows.
void Incoming::read_tls_wish() {
  if (origin_.sender.tls != mail::TlsWish::unspecified || head_.count("TLS-Required") != 1) return;
  if (iequals(trim(mail::unfold(head_.value("TLS-Required"))), "No")) origin_.sender.tls = mail::TlsWish::not_required;
}

/// What the sender wants of time, priority and safety, for the trail.
std::string Incoming::wishes() const {
  const mail::Sender& s = origin_.sender;
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

/// Nobody but us says what we noticed.
void Incoming::note_tags() {
  head_.remove_alike(policy::kGuardField);
  for (const std::string& tag : origin_.tags) head_.prepend(policy::kGuardField, mailauth::ascii_text(tag));
}

/// Who sees a message must not see who else got it in secret (RFC 5322 section 3.6.3). A network that relays through us may be a
/// server, whose mail is none of ours to change.
bool Incoming::removes_bcc() const {
  const bool program = origin_.klass == store::MessageClass::local && origin_.client.address.empty();
  return !options_.keep_bcc && (program || origin_.klass == store::MessageClass::submitted);
}

/// For mail of our own users what RFC 6409 section 8 lets a submission server add; what strangers forged goes.
void Incoming::tidy_head() {
  WallTime now = services_.clock.wall();
  bool own = origin_.klass == store::MessageClass::submitted || origin_.klass == store::MessageClass::local;
  if (own) {
    fill_in(head_, "Date", mail::format_date(now));
    fill_in(head_, "Message-ID", "<" + id_.to_string() + "@" + options_.hostname + ">");
  }
  if (origin_.klass == store::MessageClass::submitted && !head_.find("From")) head_.append("From", own_author());
  // RFC 5322 section 3.6 allows one, and other servers refuse more.
  if (origin_.klass == store::MessageClass::submitted && !resent_) drop_repeated(head_, "From");
  if (own) mail::fold_long_lines(head_);
  if (removes_bcc()) {
    head_.remove_alike("Bcc");
    head_.remove_alike("Resent-Bcc");
  }
  if (has_stranger()) remove_forged_fields(head_, options_.hostname);
  head_.remove("Return-Path"); // ours is put in front when the message is read (RFC 5321 section 4.4)
  if (!own) note_tags();
}

/// The same, unless it was done before the filters added fields of theirs, and trace fields.
void Incoming::complete_head() {
  if (!sealed_) tidy_head();
  mail::Arrival& arrival = origin_.arrival;
  arrival.host = options_.hostname;
  arrival.id = id_.to_string();
  arrival.when = services_.clock.wall();
  arrival.priority = origin_.sender.priority;
  if (origin_.recipients.size() == 1) arrival.recipient = origin_.recipients.front().recipient.address;
  head_.prepend_raw(mail::compose_received(arrival));
  if (authentication_) authentication_->stamp(head_);
}

/// "client.example [192.0.2.1]", or what of it is known.
std::string Incoming::peer() const {
  const std::string& helo = origin_.arrival.helo;
  std::string ip;
  if (!origin_.arrival.peer_ip.empty()) ip.append("[").append(origin_.arrival.peer_ip).append("]");
  if (helo.empty() || helo == ip) return ip;
  std::string text = helo;
  if (!ip.empty()) text.append(" ").append(ip);
  return text;
}

queue::Draft Incoming::make_draft(store::NewBody body) {
  queue::Draft draft;
  draft.id = id_;
  draft.new_id = new_id_;
  draft.klass = origin_.klass;
  draft.sender = origin_.sender;
  draft.recipients = std::move(origin_.recipients);
  draft.head = head_.to_string();
  draft.content_8bit = has_8bit_;
  draft.account = origin_.client.account;
  draft.peer = peer();
  std::string& note = draft.note;
  note.reserve(128);
  note.append("from ").append(draft.peer.empty() ? "this machine" : draft.peer);
  if (!origin_.client.login.empty()) note.append(" as ").append(origin_.client.login);
  note.append(" with ").append(mail::transmission_type(origin_.arrival));
  note.append(", ").append(std::to_string(draft.head.size() + body.size)).append(" octets");
  note.append(wishes()).append(filter_note_);
  if (authentication_) note.append(", ").append(authentication_->summary());
  if (charged()) draft.limits = services_.policy.limits()->general();
  draft.body = std::move(body);
  return draft;
}

/// What own users submit counts for the bounds of their accounts.
bool Incoming::charged() const {
  return services_.policy.limits() != nullptr && origin_.klass == store::MessageClass::submitted;
}

/// No coroutine: many wait for a commit at a time, and a draft is large.
Task<mail::Reply> Incoming::commit(queue::Draft draft) {
  note_addresses(draft);
  std::uint64_t size = draft.head.size() + draft.body.size;
  std::vector<store::LateBounces> bounces = late_bounces(draft, options_.hostname);
  return conclude(services_.queue.accept(std::move(draft)), size, std::move(bounces));
}

Task<mail::Reply> Incoming::conclude(Task<store::AcceptResult> accepting, std::uint64_t size,
                                     std::vector<store::LateBounces> bounces) {
  store::AcceptResult result = co_await std::move(accepting);
  mail::Reply reply = answer(result);
  log_result(reply, size);
  if (!bounces.empty() && result.status == store::AcceptStatus::accepted) co_await note_bounces(std::move(bounces));
  if (reply.positive() && !discarded_.empty()) co_await drop_discarded();
  if (charged()) services_.policy.limits()->forget(origin_.client.account);
  if (!result.passed.empty()) co_await send_limit_notice(services_, options_.hostname, origin_.client, result.passed);
  co_return reply;
}

/// Reports of failures for mail that our accounts sent count for the take-over watch; should the store fail, they don't.
Task<void> Incoming::note_bounces(std::vector<store::LateBounces> bounces) {
  for (store::LateBounces& one : bounces) {
    const auto counted = co_await services_.store.books().note_bounces(std::move(one));
    if (counted && *counted > 0) log::info("returned", {{"id", id_.to_string()}, {"recipients", *counted}});
  }
}

void Incoming::note_addresses(const queue::Draft& draft) {
  addresses_.clear();
  for (const queue::DraftRecipient& recipient : draft.recipients)
    addresses_.push_back(recipient.recipient.address.to_string());
}

mail::Reply Incoming::answer(const store::AcceptResult& result) const {
  switch (result.status) {
    case store::AcceptStatus::accepted:
    case store::AcceptStatus::duplicate: return mail::Reply(250, {2, 0, 0}, "accepted id=" + id_.to_string());
    case store::AcceptStatus::over_quota:
      return mail::Reply(452, {4, 2, 2}, "the mailbox of a recipient is full", result.why);
    case store::AcceptStatus::over_limit: return policy::over_limit(*result.limit, origin_.client.login);
    case store::AcceptStatus::account_gone:
      return mail::Reply(451, {4, 2, 1}, "a recipient has just been removed, please try again", result.why);
    case store::AcceptStatus::no_space:
      return mail::Reply(452, {4, 3, 1}, "no room for the message now, please try again later", result.why);
    case store::AcceptStatus::failed: break;
  }
  return mail::Reply(451, {4, 3, 0}, "the message can't be stored now, please try again later", result.why);
}

void Incoming::log_result(const mail::Reply& reply, std::uint64_t size) const {
  std::string from = origin_.sender.reverse_path.to_string();
  const std::string checks = authentication_ ? authentication_->summary() : std::string();
  if (!reply.positive()) {
    log::warning("refused", {{"id", id_.to_string()},
                             {"from", from},
                             {"client", origin_.arrival.peer_ip},
                             {"reply", reply.to_string()},
                             {"why", reply.cause},
                             {"checks", checks}});
    return;
  }
  std::string to;
  for (const std::string& address : addresses_) to += (to.empty() ? "" : ",") + address;
  log::info("accepted", {{"id", id_.to_string()},
                         {"from", from},
                         {"to", to},
                         {"size", size},
                         {"priority", origin_.sender.priority},
                         {"client", origin_.arrival.peer_ip},
                         {"account", origin_.client.login},
                         {"checks", checks}});
}

} // namespace paquebot::intake
