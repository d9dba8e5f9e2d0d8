#include "delivery/reporter.h"

#include "base/log.h"
#include "base/text.h"
#include "base/timer.h"
#include "delivery/addressee.h"
#include "delivery/inner_address.h"
#include "delivery/standing.h"
#include "mail/report.h"
#include "store/body_writer.h"

#include <algorithm>
#include <boost/asio/post.hpp>

namespace paquebot::delivery {
namespace {

using Answer = policy::ReportBounds::Answer;

constexpr std::size_t kAtOnce = 20;
constexpr std::size_t kMostPutOff = 10'000;
constexpr std::chrono::seconds kFirstWait{5};
constexpr std::chrono::seconds kMostWait{600};
constexpr std::chrono::hours kMostPatience{24}; // of what waits since there were many

// What is returned of the original (RFC 3461 section 4.3): RET=FULL up to a bound; without RET small messages whole.
constexpr std::uint64_t kFullBody = 1u << 20;
constexpr std::uint64_t kDefaultBody = 64u << 10;

mail::Outcome outcome_of(const store::RecipientFacts& recipient) {
  switch (recipient.owed) {
    case store::Owed::failure: return mail::Outcome::failed;
    case store::Owed::delay: return mail::Outcome::delayed;
    case store::Owed::success:
    case store::Owed::none: break;
  }
  return recipient.state == store::State::in_mailbox ? mail::Outcome::delivered
         : recipient.state == store::State::expanded ? mail::Outcome::expanded
                                                     : mail::Outcome::relayed;
}

mail::ReportRecipient describe(const store::OwedReport& owed, const store::RecipientFacts& recipient) {
  mail::ReportRecipient row;
  if (auto address = mail::parse_address(recipient.address)) row.address = *address;
  row.orcpt = recipient.orcpt;
  row.outcome = outcome_of(recipient);
  row.told = recipient.last_reply;
  if (recipient.changed_at != 0) row.last_attempt = from_millis(recipient.changed_at);
  if (row.outcome == mail::Outcome::delayed) row.will_retry_until = from_millis(owed.message.expires_at);
  return row;
}

std::vector<std::uint32_t> indexes(const store::OwedReport& owed) {
  std::vector<std::uint32_t> all;
  all.reserve(owed.recipients.size());
  for (const store::RecipientFacts& recipient : owed.recipients) all.push_back(recipient.index);
  return all;
}

/// What each of them owed when that was read: a delay may become a failure before the report about it is accepted.
std::vector<store::Owed> marks(const store::OwedReport& owed) {
  std::vector<store::Owed> all;
  all.reserve(owed.recipients.size());
  for (const store::RecipientFacts& recipient : owed.recipients) all.push_back(recipient.owed);
  return all;
}

/// For who can't be told of it for a day there were too many others.
bool failed_long_ago(const store::OwedReport& owed, WallTime now) {
  std::int64_t since = owed.message.accepted_at;
  for (const store::RecipientFacts& recipient : owed.recipients) since = std::max(since, recipient.changed_at);
  return from_millis(since) + kMostPatience < now;
}

} // namespace

Reporter::Reporter(boost::asio::any_io_executor executor, queue::Queue& queue, store::Store& store,
                   directory::Directory& directory, UlidSource& ids, const Clock& clock, std::string hostname)
    : executor_(std::move(executor)), queue_(queue), store_(store), directory_(directory), ids_(ids), clock_(clock),
      hostname_(std::move(hostname)) {
  queue_.settling().on_owed([this] { wake(); });
}

void Reporter::wake() {
  boost::asio::post(executor_, [this] {
    woken_ = true;
    changed_.notify_all();
  });
}

void Reporter::stop() {
  boost::asio::post(executor_, [this] {
    stopping_ = true;
    changed_.notify_all();
  });
}

Task<void> Reporter::run() {
  while (!stopping_) {
    woken_ = false;
    bool progress = co_await round();
    if ((progress || woken_) && !stopping_) continue;
    Timer timer(executor_, std::chrono::seconds(5)); // what failed is tried again
    timer.async_wait([this](boost::system::error_code error) {
      if (!error) changed_.notify_all();
    });
    if (!stopping_) co_await changed_.wait();
  }
}

Task<bool> Reporter::round() {
  ++round_;
  bool progress = false;
  std::optional<Ulid> after;
  do {
    auto page = co_await store_.queue().owed_reports(after, kAtOnce);
    if (!page) {
      log::error("reports-unreadable", {{"why", page.error().message}});
      co_return progress;
    }
    for (const store::OwedReport& one : page->reports) {
      if (stopping_) co_return progress;
      bool paid = co_await pay(one);
      progress = progress || paid;
    }
    after = page->next;
  } while (after);
  std::erase_if(put_off_, [this](const auto& one) { return one.second.round != round_; }); // they owe nothing any more
  co_return progress;
}

/// Tries one whose turn it is.
Task<bool> Reporter::pay(const store::OwedReport& owed) {
  const Ulid id = owed.message.id;
  if (const auto known = put_off_.find(id); known != put_off_.end()) {
    known->second.round = round_;
    if (known->second.next > clock_.now()) co_return false;
  }
  bool paid = false;
  try {
    paid = co_await report(owed);
  } catch (const std::exception& error) { // our own fault: the others are not to suffer from it
    log::error("report-broke", {{"id", id.to_string()}, {"why", error.what()}});
  }
  if (paid)
    put_off_.erase(id);
  else
    put_off(id);
  co_return paid;
}

void Reporter::put_off(const Ulid& message) {
  if (put_off_.size() >= kMostPutOff && !put_off_.contains(message)) return;
  PutOff& entry = put_off_[message];
  entry.round = round_;
  entry.wait = entry.wait.count() == 0 ? kFirstWait : std::min(entry.wait * 2, kMostWait);
  entry.next = clock_.now() + entry.wait;
}

/// Nobody can be told: the marks go without a report.
Task<bool> Reporter::waive(const store::OwedReport& owed, std::string why) {
  log::warning("report-waived", {{"id", owed.message.id.to_string()}, {"why", why}});
  Ulid id = owed.message.id;
  auto recipients = indexes(owed);
  auto done = co_await store_.queue().waive_reports(id, std::move(recipients));
  co_return done.has_value();
}

/// The body when it is to be returned; not_found when it isn't.
Task<Result<std::string>> Reporter::original_body(const store::MessageFacts& message) {
  // RFC 8689 section 5: with REQUIRETLS never more than the headers.
  if (message.sender.tls == mail::TlsWish::required) co_return fail(Errc::not_found, "not returned");
  std::uint64_t most = message.sender.ret == mail::Ret::full      ? kFullBody
                       : message.sender.ret == mail::Ret::headers ? 0
                                                                  : kDefaultBody;
  if (message.head == 0 || message.body.size > most || most == 0) co_return fail(Errc::not_found, "not returned");
  std::string all;
  while (all.size() < message.body.size) {
    std::uint64_t offset = all.size();
    auto piece = co_await store_.content().read_body(message.body, offset, store::kBodyChunk);
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) break;
    all += *piece;
  }
  co_return all;
}

/// What own users are owed, they get; and so does whoever has a mailbox here. Others are written to about mail in their
/// name.
Task<policy::ReportBounds::Answer> Reporter::ask_bounds(const store::OwedReport& owed,
                                                        const queue::DraftRecipient& recipient) {
  const store::MessageFacts& message = owed.message;
  if (message.klass != store::MessageClass::incoming) co_return Answer::go;
  const auto leaves = [](const directory::Node& node) { return node.handling == store::Handling::remote; };
  if (std::ranges::none_of(recipient.nodes, leaves)) co_return Answer::go;
  std::string stored;
  if (message.head != 0) stored = (co_await store_.content().read_head(message.head)).value_or("");
  const auto head = mail::Head::parse(std::move(stored));
  const mail::Address& to = message.sender.reverse_path;
  const Standing standing = head ? standing_of(*head, hostname_, to.domain) : Standing();
  const bool waits = put_off_.contains(message.id);
  const Answer answer =
      bounds_.ask(to.to_string(), standing.trust(), queue_.standing().knows(to.domain), waits, clock_.now());
  if (answer == Answer::wait && failed_long_ago(owed, clock_.wall())) co_return Answer::enough;
  if (answer == Answer::wait && !waits)
    log::info("report-put-off", {{"id", message.id.to_string()}, {"to", to.to_string()}});
  co_return answer;
}

Task<bool> Reporter::report(const store::OwedReport& owed) {
  const store::MessageFacts& message = owed.message;
  mail::Address to = message.sender.reverse_path;
  Result<queue::DraftRecipient> recipient = fail(Errc::not_found, "the null reverse-path gets no report");
  const bool local = message.klass == store::MessageClass::local;
  if (!to.empty()) recipient = co_await addressee(directory_, to, local);
  if (!recipient && recipient.error().code != Errc::not_found) co_return false;
  if (!recipient) {
    std::string why = recipient.error().message;
    bool waived = co_await waive(owed, why);
    co_return waived;
  }
  const Answer answer = co_await ask_bounds(owed, *recipient);
  if (answer == Answer::wait) co_return false;
  if (answer == Answer::enough) {
    std::string why = "as many reports as may be went to " + to.to_string() + " within the hour";
    bool waived = co_await waive(owed, why);
    co_return waived;
  }
  queue::Draft draft;
  draft.id = ids_.next();
  draft.klass = store::MessageClass::report; // from "<>": RFC 5321 section 4.5.5, RFC 3461 section 6.1
  // RFC 8689 section 5, RFC 6710 section 4.6: protected and as urgent as what it is about.
  if (message.sender.tls == mail::TlsWish::required) draft.sender.tls = message.sender.tls;
  draft.sender.priority = message.sender.priority;
  draft.recipients.push_back(std::move(*recipient));
  draft.note = "delivery report about " + message.id.to_string();
  draft.settles = store::AcceptRequest::Settles{message.id, indexes(owed), marks(owed)};
  bool composed = co_await compose(owed, draft);
  if (!composed) co_return false;
  std::string id = draft.id.to_string();
  auto result = co_await queue_.accept(std::move(draft));
  bool done = result.status == store::AcceptStatus::accepted || result.status == store::AcceptStatus::duplicate;
  if (result.status == store::AcceptStatus::accepted)
    log::info("reported", {{"id", message.id.to_string()}, {"report", id}, {"to", to.to_string()}});
  else if (!done)
    log::warning("report-not-stored", {{"id", message.id.to_string()}, {"why", result.why}});
  co_return done;
}

/// False when the store fails now: what may be told is not known then.
Task<bool> Reporter::add_recipients(const store::OwedReport& owed, std::vector<mail::ReportRecipient>& rows) {
  for (const store::RecipientFacts& recipient : owed.recipients) rows.push_back(describe(owed, recipient));
  const auto leads_inwards = [](const store::RecipientFacts& one) { return one.parent >= 0 || !one.via.empty(); };
  if (!hide_inner_ || owed.message.klass != store::MessageClass::incoming) co_return true;
  if (std::ranges::none_of(owed.recipients, leads_inwards)) co_return true;
  const Ulid id = owed.message.id;
  const auto all = co_await store_.trail().trace(id);
  if (!all) co_return false;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto named = mail::parse_address(named_address(all->recipients, owed.recipients[i]));
    if (named) hide_inner_address(rows[i], *named);
  }
  drop_repeated(rows);
  co_return true;
}

/// Fills in the report's head and body; false when the store fails now.
Task<bool> Reporter::compose(const store::OwedReport& owed, queue::Draft& draft) {
  const store::MessageFacts& message = owed.message;
  std::string head = "\r\n";
  if (message.head != 0) {
    auto stored = co_await store_.content().read_head(message.head);
    if (stored) head = std::move(*stored);
  }
  auto body = co_await original_body(message);
  mail::ReportInput input;
  input.id = draft.id.to_string();
  input.host = hostname_;
  input.to = message.sender.reverse_path;
  input.now = clock_.wall();
  input.original_id = message.id.to_string();
  input.envid = message.sender.envid;
  input.arrival = from_millis(message.accepted_at);
  input.ret = message.sender.ret;
  input.smtputf8 = message.sender.smtputf8;
  if (message.sender.deliver_by.mode != mail::DeliverBy::Mode::none)
    input.deliver_by = from_millis(message.sender.deliver_by.at);
  input.hold_request = message.sender.hold.request;
  input.head = head;
  input.binary = message.sender.body == mail::BodyType::binary;
  if (body) input.body = *body;
  const bool described = co_await add_recipients(owed, input.recipients);
  if (!described) co_return false;
  mail::Report composed = mail::compose_report(input);
  store::BodyWriter writer(store_.acceptance());
  std::string_view text = composed.body;
  auto written = co_await writer.write(text);
  if (!written) co_return false;
  auto stored = co_await writer.finish();
  if (!stored) co_return false;
  draft.sender.smtputf8 = composed.smtputf8;
  draft.head = std::move(composed.head);
  draft.body = std::move(*stored);
  draft.content_8bit = composed.eight_bit || !is_ascii(draft.head);
  co_return true;
}

} // namespace paquebot::delivery
