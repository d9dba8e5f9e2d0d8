#include "control/feed_event.h"

#include "base/text.h"
#include "control/present.h"

#include <algorithm>
#include <array>

namespace paquebot::control {
namespace {

constexpr auto kWords = std::to_array<EventWord>({
    {"message.accepted", "the server took a message from an account, a program of this machine, or itself"},
    {"message.received", "the server took a message for this recipient from another server"},
    {"message.delivered", "it lies in this recipient's mailbox"},
    {"message.relayed", "the server of this recipient took it"},
    {"message.expanded", "this address of ours led to others, which get it instead"},
    {"message.deferred", "an attempt failed for now, `detail` says why; there will be another"},
    {"message.failed",
     "it can't be delivered to this recipient, or came back later, `detail` says why, `bounce` of what kind that is"},
    {"message.bounced", "a report came by mail that it was not delivered after all; nothing proves it"},
    {"message.suppressed", "this recipient gets nothing by the API any more and was left out, `detail` says why"},
    {"message.complained", "a report came by mail that this recipient, or his server, calls it spam"},
    {"message.held", "it waits for somebody to release it, `detail` says why"},
    {"message.released", "it was let go"},
    {"message.dropped", "it was taken out of the queue, `detail` says by whom"},
    {"account.suspected", "the account looks taken over: what it sends is held"},
    {"account.limit_reached", "most of what the account may send is used up; `detail` names the limit"},
    {"domain.dns_changed", "the doctor sees something else in the DNS than before; `detail` says what"},
    {"certificate.renewed", "a certificate was ordered and is in use"},
    {"certificate.failed", "a certificate could not be ordered, `detail` says why"},
    {"destination.failed", "a place that mail waits for can't be reached any more; told once until it works again"},
    {"gap", "what happened before this was not written down, or is kept no more"},
    {"hook.test", "somebody tries the hook"},
});

std::string domain_of(std::string_view address) {
  const auto at = address.rfind('@');
  return at == address.npos ? std::string() : to_lower(address.substr(at + 1));
}

std::string_view word_of(store::EventKind kind, store::MessageClass klass) {
  using enum store::EventKind;
  switch (kind) {
    case accepted: return klass == store::MessageClass::incoming ? "message.received" : "message.accepted";
    case delivered: return "message.delivered";
    case expanded: return "message.expanded";
    case relayed: return "message.relayed";
    case deferred: return "message.deferred";
    case failed: return "message.failed";
    case returned: return "message.bounced"; // or, where it is proven, failed: Telling
    case suppressed: return "message.suppressed";
    case complained: return "message.complained";
    case held: return "message.held";
    case released: return "message.released";
    case dropped: return "message.dropped";
    case reported:
    case warned:
    case retrieved:
    case removed: break;
  }
  return {};
}

constexpr std::string_view kSuppressed = "message.suppressed";

/// "bob@far.example: why": whom nothing was sent to is no recipient of the message.
void split_suppressed(FeedEvent& event) {
  const auto at = event.detail.starts_with('"') ? event.detail.find("\"@") : 0;
  const auto colon = at == event.detail.npos ? at : event.detail.find(": ", at);
  if (colon == event.detail.npos) return;
  event.recipient = event.detail.substr(0, colon);
  event.detail.erase(0, colon + 2);
}

/// Events of a message, one for each recipient that one is about.
class Telling {
public:
  explicit Telling(const store::FeedRow& row) : row_(row), message_(*row.message) {}

  std::vector<FeedEvent> run() {
    for (const store::Event& event : row_.events) {
      std::string_view word = word_of(event.kind, message_.klass);
      if (word.empty()) continue;
      bounce_ = mail::name_of(event.bounce);
      node_ = event.node;
      if (event.kind == store::EventKind::returned && !bounce_.empty()) word = "message.failed";
      const bool accepted = event.kind == store::EventKind::accepted;
      if (accepted && message_.klass == store::MessageClass::incoming)
        for (const auto& whom : message_.recipients) {
          if (whom.named) tell(word, {}, &whom);
        }
      else if (event.recipients.empty())
        tell(word, accepted ? std::string() : event.detail, nullptr);
      else
        for (const std::uint32_t index : event.recipients) tell(word, event.detail, find(index));
    }
    return std::move(out_);
  }

private:
  const store::FeedMessage::Whom* find(std::uint32_t index) const {
    const auto found = std::ranges::find(message_.recipients, index, &store::FeedMessage::Whom::index);
    return found == message_.recipients.end() ? nullptr : &*found;
  }

  void tell(std::string_view word, const std::string& detail, const store::FeedMessage::Whom* whom) {
    FeedEvent event;
    event.id = std::to_string(row_.id) + "-" + std::to_string(out_.size());
    event.at = row_.at;
    event.word = word;
    event.message = message_.id.to_string();
    event.klass = name_of(message_.klass);
    event.sender = message_.sender;
    event.account = message_.login;
    event.detail = detail;
    event.metadata = message_.metadata;
    event.bounce = bounce_;
    event.node = node_;
    if (word == kSuppressed) split_suppressed(event);
    if (whom != nullptr) {
      event.recipient = whom->address;
      event.owner = whom->login;
    }
    event.domain = domain_of(!event.account.empty() ? event.account
                             : !event.owner.empty() ? event.owner
                                                    : event.recipient);
    out_.push_back(std::move(event));
  }

  const store::FeedRow& row_;
  const store::FeedMessage& message_;
  std::string_view bounce_, node_; ///< of the event that is told
  std::vector<FeedEvent> out_;
};

} // namespace

std::span<const EventWord> event_words() { return kWords; }

bool is_event_pattern(std::string_view text) {
  if (text == "*") return true;
  if (!text.ends_with(".*")) return std::ranges::find(kWords, text, &EventWord::word) != kWords.end();
  const std::string_view area = text.substr(0, text.size() - 1);
  return std::ranges::any_of(kWords, [&](const EventWord& one) { return one.word.starts_with(area); });
}

bool is_wanted(const std::vector<std::string>& patterns, std::string_view word) {
  if (patterns.empty() || word == store::kFeedGap) return true;
  return std::ranges::any_of(patterns, [&](const std::string& one) {
    return one == "*" || one == word ||
           (one.ends_with(".*") && word.starts_with(std::string_view(one).substr(0, one.size() - 1)));
  });
}

std::vector<FeedEvent> events_of(const store::FeedRow& row) {
  if (row.message) return Telling(row).run();
  if (row.word.empty()) return {}; // its message is forgotten
  FeedEvent event;
  event.id = std::to_string(row.id) + "-0";
  event.at = row.at;
  event.word = row.word;
  event.detail = row.detail;
  const bool of_account = row.word.starts_with("account.") || row.word == kSuppressed;
  if (of_account) event.account = row.about;
  if (of_account) event.domain = domain_of(row.about);
  if (row.word == kSuppressed) split_suppressed(event);
  if (row.word.starts_with("domain.")) event.domain = row.about;
  if (row.word.starts_with("certificate.") || row.word.starts_with("destination.")) event.recipient = row.about;
  return {std::move(event)};
}

bool concerns(const std::vector<std::string>& domains, const FeedEvent& event) {
  if (domains.empty() || event.word == store::kFeedGap) return true;
  return std::ranges::any_of(domains, [&](const std::string& one) {
    return one == event.domain || one == domain_of(event.recipient) || one == domain_of(event.owner);
  });
}

bool may_see(const Grants& grants, const FeedEvent& event) {
  if (event.word == store::kFeedGap || grants.serves_all()) return grants.role != Role::nobody;
  if (event.word.starts_with("domain.")) return grants.reaches_domain(event.domain);
  if (event.word.starts_with("account.")) return grants.reaches_login(event.account);
  if (!event.word.starts_with("message.")) return false;
  if (!event.account.empty() && grants.reaches_login(event.account)) return true;
  if (event.recipient.empty()) return false;
  return grants.reaches(event.owner.empty() ? event.recipient : event.owner);
}

json::object told_to(const Grants& grants, const FeedEvent& event) {
  json::object out{{"id", event.id}, {"time", time_value(event.at)}, {"event", event.word}};
  const auto add = [&](std::string_view name, const std::string& text) {
    if (!text.empty()) out[name] = text;
  };
  add("message", event.message);
  add("class", event.klass);
  add("sender", event.sender);
  add("recipient", event.recipient);
  add("domain", event.domain);
  add("detail", event.detail);
  add("bounce", event.bounce);
  add("node", event.node);
  const bool own = grants.serves_all() || (!event.account.empty() && grants.reaches_login(event.account));
  if (!own) return out;
  add("account", event.account);
  if (event.metadata.empty()) return out;
  if (auto words = parse_json(event.metadata, "metadata")) out["metadata"] = std::move(*words);
  return out;
}

std::optional<FeedPlace> parse_place(std::string_view text) {
  const auto dash = text.find('-');
  const auto row = parse_u64(text.substr(0, dash));
  if (!row || *row > INT64_MAX) return {};
  FeedPlace place{static_cast<store::Id>(*row)};
  if (dash == text.npos) return place;
  const auto event = parse_u64(text.substr(dash + 1));
  if (!event || *event > UINT32_MAX || *row == 0) return {};
  place.event = static_cast<std::size_t>(*event);
  place.whole = false;
  return place;
}

} // namespace paquebot::control
