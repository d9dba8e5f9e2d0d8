#include "service/api_submission.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "intake/incoming.h"
#include "metrics/counters.h"
#include "service/sent_copy.h"

#include <algorithm>
#include <boost/asio/this_coro.hpp>

namespace paquebot::service {
namespace {

/// Addresses that the recipients of one message expand to, beside themselves.
constexpr std::size_t kMostExpandedByApi = 10'000;
constexpr std::size_t kPiece = 64u << 10;

/// What holds for mail that is submitted.
struct Rules {
  std::uint64_t max_message_size = 0;
  std::uint32_t max_recipients = 0;
  std::int64_t hold_most = 0;
  intake::Options intake;
  std::shared_ptr<const filter::Chain> filters;
};

Rules rules_of(const Snapshot& snapshot) {
  const auto found = std::ranges::find(snapshot.listeners, ListenerRole::submission, &ListenerSnapshot::role);
  const smtp::ServerOptions usual;
  if (found == snapshot.listeners.end() || !found->smtp)
    return {usual.max_message_size, usual.max_recipients, usual.hold_most, snapshot.intake, nullptr};
  const SmtpListenerOptions& smtp = *found->smtp;
  return {smtp.session->max_message_size, smtp.session->max_recipients, smtp.session->hold_most, smtp.intake,
          smtp.filters};
}

/// The steps of one such session, in their order.
class Transaction {
public:
  Transaction(Assembly& parts, control::Submission&& wanted, std::size_t context)
      : wanted_(std::move(wanted)), snapshot_(parts.current()), rules_(rules_of(*snapshot_)), means_(parts.services()),
        directory_(parts.accounts.directory) {
    client_.role = smtp::Role::submission;
    client_.address = wanted_.address;
    client_.account = wanted_.account.id;
    client_.login = wanted_.account.login;
    origin_ = wanted_.sending.key.empty() ? wanted_.id.to_string() : wanted_.sending.key + wanted_.sending.digest;
    filter::LinkMeans links{parts.contexts.executor(context), &parts.contexts.wheel(context),
                            parts.names.resolvers.deliveries.get()};
    if (rules_.filters) filters_ = std::make_unique<filter::Session>(rules_.filters, std::move(links));
  }

  Task<control::Submitted> run() {
    control::Submitted out;
    out.reply = check_bounds();
    if (out.reply.positive()) out.reply = co_await greet();
    if (out.reply.positive()) out.reply = co_await name_sender();
    if (out.reply.positive()) out.reply = co_await name_recipients();
    if (out.reply.positive()) out.reply = co_await hand_in();
    if (filters_) co_await filters_->leave();
    if (out.reply.positive() && rules_.intake.sent_copies) {
      SentCopy copy{wanted_.account, std::move(wanted_.content), std::move(origin_), wanted_.address};
      co_await keep_sent_copy(means_.store, means_.ids, std::move(copy));
    }
    out.recipients = std::move(named_);
    co_return out;
  }

private:
  mail::Reply check_bounds() const {
    if (!means_.store.acceptance().has_room())
      return {452, {4, 3, 1}, "no room for messages now, please try again later"};
    if (rules_.max_message_size != 0 && wanted_.content.size() > rules_.max_message_size)
      return {552, {5, 3, 4}, "the message is larger than this server takes"};
    if (wanted_.recipients.size() > rules_.max_recipients)
      return {552, {5, 5, 3}, "a message may have " + std::to_string(rules_.max_recipients) + " recipients"};
    const mail::Hold& hold = wanted_.sender.hold;
    const std::int64_t latest = millis(means_.clock.wall()) + rules_.hold_most * 1000;
    if (hold.until > latest)
      return {501, {5, 5, 4}, "it can't be held for so long: " + std::to_string(rules_.hold_most) + " seconds at most"};
    return {250, {}, ""};
  }

  filter::Client for_filters() const {
    filter::Client facts;
    facts.hostname = rules_.intake.hostname;
    facts.daemon = "submission";
    facts.address = wanted_.address;
    facts.login = client_.login;
    return facts;
  }

  /// What a filter says, or that it may go on.
  static mail::Reply or_fine(mail::Reply said) { return said.code != 0 ? std::move(said) : mail::Reply(250, {}, ""); }

  void note(std::string_view event, const std::string& to, const mail::Reply& reply) const {
    log::info(event, {{"client", wanted_.address},
                      {"account", client_.login},
                      {"from", wanted_.sender.reverse_path.to_string()},
                      {"to", to},
                      {"reply", reply.to_string()},
                      {"why", reply.cause}});
  }

  Task<mail::Reply> greet() {
    mail::Reply said;
    if (!filters_) co_return or_fine(std::move(said));
    filter::Client facts = for_filters();
    said = co_await filters_->connected(std::move(facts));
    if (said.code == 0) {
      filter::Client again = for_filters();
      said = co_await filters_->greeted(std::move(again));
    }
    co_return or_fine(std::move(said));
  }

  Task<mail::Reply> name_sender() {
    const mail::Sender& sender = wanted_.sender;
    mail::Reply reply = co_await means_.policy.check_sender(client_, sender);
    if (!reply.positive()) note("sender-refused", {}, reply);
    if (!reply.positive() || !filters_) co_return reply;
    filter::Client facts = for_filters();
    mail::Sender from = sender;
    mail::Reply said = co_await filters_->mail(std::move(facts), std::move(from));
    co_return or_fine(std::move(said));
  }

  /// The last refusal when there is nobody left.
  Task<mail::Reply> name_recipients() {
    mail::Reply last(554, {5, 5, 1}, "no valid recipients");
    for (const mail::Recipient& one : wanted_.recipients) {
      const mail::Recipient& recipient = one;
      mail::Reply reply = co_await name_recipient(recipient);
      if (!reply.positive()) note("recipient-refused", recipient.address.to_string(), reply);
      if (!reply.positive()) last = reply;
      named_.push_back({recipient.address, std::move(reply)});
    }
    if (!recipients_.empty()) co_return mail::Reply(250, {}, "");
    for (const std::string& one : wanted_.sending.suppressed) { // no message tells of it
      std::string word = "message.suppressed", about = client_.login, detail = one;
      const auto told = co_await means_.store.feed().tell(std::move(word), std::move(about), std::move(detail));
      if (!told) log::warning("event-lost", {{"about", client_.login}, {"why", told.error().message}});
    }
    co_return last;
  }

  /// Programs send nothing to whom a suppression list has: said here, and judged again in the transaction that accepts.
  Task<mail::Reply> check_suppression(const mail::Recipient& recipient) {
    std::string address = recipient.address.to_string();
    const store::Id account = client_.account;
    const auto found = co_await means_.store.books().find_suppression(account, std::move(address));
    if (!found) co_return mail::Reply(451, {4, 3, 0}, "not now, please try again later", found.error().message);
    if (!*found) co_return mail::Reply(250, {}, "");
    const std::string words = store::words_of(**found);
    wanted_.sending.suppressed.push_back(recipient.address.to_string() + ": " + words);
    metrics::suppressed.add();
    co_return mail::Reply(550, {5, 7, 0}, "suppressed: " + printable(words, 600));
  }

  Task<mail::Reply> name_recipient(const mail::Recipient& recipient) {
    client_.recipients = static_cast<std::uint32_t>(recipients_.size());
    const mail::Sender& sender = wanted_.sender;
    policy::RecipientVerdict verdict = co_await means_.policy.check_recipient(client_, sender, recipient);
    if (!verdict.reply.positive()) co_return std::move(verdict.reply);
    if (verdict.nodes.front().handling == store::Handling::remote) {
      mail::Reply free = co_await check_suppression(recipient);
      if (!free.positive()) co_return free;
    }
    if (nodes_ + verdict.nodes.size() > kMostExpandedByApi + rules_.max_recipients)
      co_return mail::Reply(452, {4, 5, 3}, "too many recipients for one message");
    if (!recipients_.empty() && (returned_ || verdict.returned))
      co_return mail::Reply(452, {4, 5, 3}, "a report to a return address comes in a message of its own");
    if (filters_) {
      mail::Recipient named = recipient;
      mail::Reply said = co_await filters_->recipient(std::move(named));
      if (said.code != 0) co_return said;
    }
    nodes_ += verdict.nodes.size();
    recipients_.push_back({recipient, std::move(verdict.nodes)});
    returned_ = std::move(verdict.returned);
    co_return std::move(verdict.reply);
  }

  intake::Origin origin() {
    intake::Origin origin;
    origin.client = client_;
    origin.client.recipients = static_cast<std::uint32_t>(recipients_.size());
    origin.klass = store::MessageClass::submitted;
    origin.sender = wanted_.sender;
    mail::set_times(origin.sender, means_.clock.wall());
    origin.recipients = std::move(recipients_);
    origin.returned = std::move(returned_);
    origin.filters = filters_.get();
    origin.directory = &directory_;
    origin.arrival.peer_ip = wanted_.address;
    origin.arrival.http = true;
    origin.arrival.authenticated = true;
    origin.arrival.smtputf8 = wanted_.sender.smtputf8;
    wanted_.sending.answer = wanted_.answer(named_);
    origin.sending = std::move(wanted_.sending);
    origin.ordered_by = std::move(wanted_.who);
    return origin;
  }

  Task<mail::Reply> hand_in() {
    const auto began = system_clock().now();
    intake::Incoming incoming(means_, rules_.intake, origin(), wanted_.id);
    co_await incoming.begin();
    if (filters_) {
      std::string message = incoming.id().to_string();
      mail::Reply said = co_await filters_->data(std::move(message));
      if (said.code != 0) {
        co_await incoming.discard();
        co_return said;
      }
    }
    for (std::size_t at = 0; at < wanted_.content.size() && incoming.failure().code == 0; at += kPiece) {
      std::string_view piece = std::string_view(wanted_.content).substr(at, kPiece);
      co_await incoming.write(piece);
    }
    mail::Reply reply = co_await incoming.finish();
    metrics::acceptance.observe(system_clock().now() - began);
    co_return reply;
  }

  control::Submission wanted_;
  const std::shared_ptr<const Snapshot> snapshot_;
  const Rules rules_;
  const intake::IntakeMeans means_;
  directory::Directory& directory_;
  policy::Client client_;
  std::unique_ptr<filter::Session> filters_; ///< null: there are none
  std::vector<queue::DraftRecipient> recipients_;
  std::vector<control::SubmittedTo> named_; ///< all, with what was said
  std::optional<policy::Returned> returned_;
  std::size_t nodes_ = 0;
  std::string origin_; ///< SentCopy::origin
};

} // namespace

Task<control::Submitted> submit_by_api(Assembly& parts, control::Submission wanted) {
  const boost::asio::any_io_executor here = co_await boost::asio::this_coro::executor;
  std::size_t context = 0; // the one that this runs on: filters belong to it
  for (std::size_t i = 0; i < parts.contexts.size(); ++i)
    if (parts.contexts.executor(i) == here) context = i;
  Transaction transaction(parts, std::move(wanted), context);
  control::Submitted done = co_await transaction.run();
  co_return done;
}

} // namespace paquebot::service
