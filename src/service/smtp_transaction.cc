#include "service/smtp_transaction.h"

#include "base/clock.h"
#include "metrics/counters.h"
#include "policy/client_rates.h"

#include <algorithm>
#include <utility>

namespace paquebot::service {
namespace {

/// What a recipient, and each address that it expands to, takes, roughly.
constexpr std::uint64_t kRecipientOctets = 512;
/// Octets of recipients that nobody is asked for.
constexpr std::uint64_t kFreeForRecipients = 32u << 10;

mail::Reply no_room_now() { return mail::Reply(452, {4, 3, 1}, "no room for messages now, please try again later"); }

bool has_room(const SmtpClient& client) { return client.means->intake.store.acceptance().has_room(); }

/// Recipients elsewhere, from a network of ours: it was judged when they were.
std::uint32_t relayed(const SmtpClient& client, const std::vector<queue::DraftRecipient>& recipients) {
  if (client.account.id != 0) return 0;
  const auto count = std::ranges::count_if(recipients, [](const queue::DraftRecipient& recipient) {
    return recipient.nodes.front().handling == store::Handling::remote;
  });
  return static_cast<std::uint32_t>(count);
}

/// Strangers of one network share what it may hold; own networks and sockets of this machine are bounded by the whole
/// only. Room for one message with a head and recipients as large as they may be is there for each network.
store::ByteBudget::Whose memory_of(const SmtpClient& client, std::uint64_t recipients) {
  if (client.options->session->role != smtp::Role::mx || client.in_relay_network()) return {};
  const std::string address =
      client.address.substr(0, client.address.find('%')); // a link-local one has its zone behind it
  if (!net::Networks::octets_of(address)) return {};
  const std::uint64_t content = 2 * (store::kMaxHead + store::kBodyChunk);
  return {policy::network_of(address, true), content + kRecipientOctets * recipients};
}

} // namespace

void SmtpTransaction::count_for_client() {
  auto whose = memory_of(client_, 2ull * client_.options->session->max_recipients + kMaxExpanded);
  recipient_memory_ = store::BudgetShare(client_.means->intake.memory, kFreeForRecipients, std::move(whose));
}

void SmtpTransaction::end() {
  std::vector<queue::DraftRecipient>().swap(recipients_); // its room, too
  sender_.reset();
  returned_.reset();
  nodes_ = 0;
  recipient_memory_.reset();
  no_memory_ = false;
}

Task<void> SmtpTransaction::abandon() {
  if (incoming_) co_await incoming_->discard();
  incoming_.reset();
  end(); // whoever ends the session may wait for others
}

bool SmtpTransaction::answer_known(const smtp::Action& question) {
  if (const auto* chunk = std::get_if<smtp::Chunk>(&question)) return incoming_ && incoming_->write_now(chunk->bytes);
  if (const auto* ask = std::get_if<smtp::AskMail>(&question)) return begin(*ask);
  if (const auto* ask = std::get_if<smtp::AskRecipient>(&question)) return add(*ask);
  if (const auto* ask = std::get_if<smtp::AskData>(&question)) return begin_content(*ask);
  return false;
}

// ---- MAIL ----

std::optional<mail::Reply> SmtpTransaction::known_sender() const {
  if (client_.strangers || client_.filters) return {};
  std::optional<mail::Reply> known = client_.means->intake.policy.check_sender_now(*sender_);
  if (known && known->positive() && !has_room(client_)) return no_room_now();
  return known;
}

bool SmtpTransaction::begin(const smtp::AskMail& ask) {
  end();
  mail_at_ = client_.means->intake.clock.wall();
  sender_ = std::make_unique<policy::Client>(client_.for_policy());
  sender_->recipients = named();
  std::optional<mail::Reply> known = known_sender();
  if (known) settle(ask, std::move(*known));
  return known.has_value();
}

Task<void> SmtpTransaction::ask(smtp::AskMail ask) {
  const mail::Sender& sender = *ask.sender; // the session's; it stands still until the answer
  policy::Policy& policy = client_.means->intake.policy;
  mail::Reply reply = co_await policy.check_sender(*sender_, sender);
  if (client_.strangers && reply.positive())
    if (mail::Reply held = client_.strangers->mail(sender); held.code != 0) reply = std::move(held);
  if (reply.positive() && !has_room(client_)) reply = no_room_now();
  if (reply.positive() && client_.filters) {
    filter::Client facts = client_.for_filters();
    mail::Sender from = sender;
    mail::Reply said = co_await client_.filters->mail(std::move(facts), std::move(from));
    if (said.code != 0) reply = std::move(said);
  }
  settle(ask, std::move(reply));
}

void SmtpTransaction::settle(const smtp::AskMail& ask, mail::Reply reply) {
  if (!reply.positive()) notes_.refused_sender(*ask.sender, reply);
  client_.session->answer(ask.id, std::move(reply));
}

// ---- RCPT ----

/// Whom one message has no room for is refused, however welcome.
void SmtpTransaction::bound(policy::RecipientVerdict& verdict) const {
  if (!verdict.reply.positive() || recipients_.empty()) return;
  if (nodes_ + verdict.nodes.size() > kMaxExpanded + client_.options->session->max_recipients)
    verdict.reply = mail::Reply(452, {4, 5, 3}, "too many recipients for one message");
  else if (returned_ || verdict.returned)
    verdict.reply = mail::Reply(452, {4, 5, 3}, "a report to a return address comes in a message of its own");
}

std::optional<policy::RecipientVerdict> SmtpTransaction::known_recipient(const mail::Recipient& recipient) const {
  if (client_.strangers || client_.filters) return {};
  auto known = client_.means->intake.policy.check_recipient_now(*sender_, recipient);
  if (!known) return {};
  bound(*known);
  if (known->reply.positive() && !recipient_memory_.covers(octets_with(known->nodes.size()))) return {};
  return known;
}

bool SmtpTransaction::add(const smtp::AskRecipient& ask) {
  sender_->recipients = named();
  mail::Recipient recipient = client_.meant(*ask.recipient);
  auto known = known_recipient(recipient);
  if (known) settle(ask, std::move(recipient), std::move(*known));
  return known.has_value();
}

/// What is against the client, whether we take mail for the recipient, and greylisting, which remembers nothing of
/// recipients that do not exist.
Task<policy::RecipientVerdict> SmtpTransaction::judge(const mail::Sender& sender, const mail::Recipient& recipient) {
  policy::RecipientVerdict verdict;
  if (client_.strangers) {
    StrangerDesk& strangers = *client_.strangers;
    mail::Address to = recipient.address;
    verdict.reply = co_await strangers.recipient(sender, std::move(to));
    if (verdict.reply.permanent()) ++client_.refused; // its own refusals are no faults
    if (verdict.reply.code != 0) co_return verdict;
  }
  policy::Policy& policy = client_.means->intake.policy;
  verdict = co_await policy.check_recipient(*sender_, sender, recipient);
  if (!client_.strangers) co_return verdict;
  StrangerDesk& strangers = *client_.strangers;
  mail::Reply held;
  if (verdict.reply.permanent()) {
    ++client_.refused;
    held = strangers.fault(1);
  } else if (verdict.reply.positive()) {
    mail::Address to = recipient.address;
    held = co_await strangers.greylist(sender, std::move(to));
  }
  if (held.code != 0) verdict.reply = std::move(held);
  co_return verdict;
}

Task<void> SmtpTransaction::ask(smtp::AskRecipient ask) {
  mail::Recipient recipient = client_.meant(*ask.recipient);
  const mail::Sender& sender = client_.session->sender();
  policy::RecipientVerdict verdict = co_await judge(sender, recipient);
  bound(verdict);
  if (verdict.reply.positive() && client_.filters) {
    mail::Recipient named = recipient;
    mail::Reply said = co_await client_.filters->recipient(std::move(named));
    if (said.code != 0) verdict.reply = std::move(said);
  }
  const std::uint64_t needed = octets_with(verdict.nodes.size());
  if (verdict.reply.positive() && !recipient_memory_.covers(needed)) {
    bool got = false; // who was told no once waits no more for those that follow
    if (!no_memory_) got = co_await recipient_memory_.grow(needed);
    no_memory_ = !got;
    if (!got) verdict.reply = mail::Reply(452, {4, 3, 1}, "no memory for more recipients now, please try again later");
  }
  settle(ask, std::move(recipient), std::move(verdict));
}

void SmtpTransaction::settle(const smtp::AskRecipient& ask, mail::Recipient recipient,
                             policy::RecipientVerdict verdict) {
  if (verdict.reply.positive()) {
    nodes_ += verdict.nodes.size();
    recipients_.push_back({std::move(recipient), std::move(verdict.nodes)});
    if (verdict.returned) returned_ = std::make_unique<policy::Returned>(std::move(*verdict.returned));
  } else {
    notes_.refused_recipient(client_.session->sender(), ask.recipient->address, recipient.address, verdict.reply);
  }
  client_.session->answer(ask.id, std::move(verdict.reply));
}

/// Of all recipients so far and one more, with so many addresses.
std::uint64_t SmtpTransaction::octets_with(std::size_t more) const {
  return kRecipientOctets * (recipients_.size() + 1 + nodes_ + more);
}

/// Recipients of the message under way, as policy::Client counts them.
std::uint32_t SmtpTransaction::named() const {
  if (client_.session->login().empty()) return relayed(client_, recipients_);
  return static_cast<std::uint32_t>(client_.session->recipients().size());
}

// ---- Content ----

std::optional<mail::Reply> SmtpTransaction::known_data() const {
  if (!has_room(client_)) return no_room_now();
  const intake::IntakeMeans& means = client_.means->intake;
  if (client_.filters || intake::asks_about(means, client_.options->intake, client_.address)) return {};
  return mail::Reply(354, {}, "");
}

bool SmtpTransaction::begin_content(const smtp::AskData& ask) {
  notes_.name_recipients();
  std::optional<mail::Reply> known = known_data();
  if (!known) return false;
  if (known->positive()) open_content();
  client_.session->answer(ask.id, std::move(*known));
  return true;
}

Task<void> SmtpTransaction::ask(smtp::AskData ask) {
  const std::uint32_t id = ask.id;
  mail::Reply reply(354, {}, "");
  open_content();
  co_await incoming_->begin();
  if (client_.filters) {
    std::string message = incoming_->id().to_string();
    mail::Reply said = co_await client_.filters->data(std::move(message));
    if (said.code != 0) reply = std::move(said);
  }
  if (!reply.positive()) co_await incoming_->discard();
  if (!reply.positive()) incoming_.reset();
  client_.session->answer(id, std::move(reply));
}

void SmtpTransaction::open_content() {
  const SmtpListenerOptions& options = *client_.options;
  intake::IntakeMeans means = client_.means->intake;
  means.memory_of = recipient_memory_.whose();
  incoming_ = std::make_unique<intake::Incoming>(std::move(means), options.intake, origin());
  pace_ = Pace(options.content_pace, options.pace_window);
}

intake::Origin SmtpTransaction::origin() {
  const bool own = client_.account.id != 0;
  intake::Origin origin;
  origin.client = *sender_;
  origin.client.recipients = named();
  origin.klass = own                                 ? store::MessageClass::submitted
                 : relayed(client_, recipients_) > 0 ? store::MessageClass::local
                                                     : store::MessageClass::incoming;
  origin.sender = client_.session->sender();
  mail::set_times(origin.sender, mail_at_);
  origin.recipients = std::move(recipients_);
  recipients_.clear();
  if (returned_) origin.returned = std::move(*returned_);
  returned_.reset();
  origin.filters = client_.filters.get();
  origin.directory = &client_.means->directory;
  origin.arrival = client_.arrival();
  if (client_.strangers) origin.tags = client_.strangers->tags();
  return origin;
}

void SmtpTransaction::came(std::size_t octets, Pace::Duration waited) {
  if (incoming_) pace_.came(octets, waited);
}

Task<void> SmtpTransaction::ask(smtp::Chunk chunk) {
  if (!incoming_) co_return;
  std::string_view bytes = chunk.bytes;
  co_await incoming_->write(bytes);
  if (incoming_->failure().code != 0) // no use in storing the rest
    client_.session->refuse_content(incoming_->failure());
}

Task<void> SmtpTransaction::ask(smtp::AskContent ask) {
  std::uint32_t id = ask.id;
  if (!client_.session->has_input())
    client_.pump.stream().release_buffer(); // many wait for a commit at once: the next one reads into it meanwhile
  const auto began = system_clock().now();
  std::vector<mail::Reply> verdicts;
  if (client_.options->session->role == smtp::Role::lmtp) {
    verdicts = co_await incoming_->finish_each();
  } else {
    mail::Reply verdict = co_await incoming_->finish();
    verdicts.push_back(std::move(verdict));
  }
  incoming_.reset();
  end();
  metrics::acceptance.observe(system_clock().now() - began);
  notes_.verdicts(verdicts);
  if (!verdicts.empty() && verdicts.front().positive()) client_.refused = 0; // as the session's count of errors
  client_.session->answer(id, std::move(verdicts));
}

Task<void> SmtpTransaction::ask(smtp::Discard) {
  if (incoming_) co_await incoming_->discard();
  incoming_.reset();
}

} // namespace paquebot::service
