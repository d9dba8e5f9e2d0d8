#include "ledger.h"

#include <algorithm>
#include <fmt/format.h>

namespace paquebot::simulation {
namespace {

using store::Handling;
using store::State;

constexpr std::size_t kMostUnderWay = 500;
constexpr std::size_t kMostBroken = 100;

std::string subject_of(const std::string& head) {
  const std::size_t at = head.find("Subject: ");
  if (at == std::string::npos) return {};
  return head.substr(at + 9, head.find("\r\n", at) - at - 9);
}

} // namespace

void Ledger::broke(const std::string& what) {
  if (broken_.size() >= kMostBroken) return;
  broken_.push_back(what);
  tell_(what);
}

// ---- Senders ----

void Ledger::sent(const Letter& letter) {
  auto [at, fresh] = letters_.try_emplace(letter.token);
  if (fresh) {
    at->second.letter = letter;
    ++counts_.letters;
  }
  ++at->second.times;
}

void Ledger::heard(const std::string& token, unsigned code, const std::string& id) {
  Sent& sent = letters_.at(token);
  if (code == 0) ++counts_.unheard;
  if (code >= 400) ++counts_.refused;
  if (code / 100 != 2) return;
  ++counts_.acknowledged;
  ++sent.answered;
  sent.ids.insert(id);
  Message& message = messages_[id];
  if (!message.durable) broke(token + " was acknowledged before the store had it: " + id);
  message.acknowledged = true;
}

// ---- Receivers ----

void Ledger::taken(const std::string& id, const std::string& token, const std::vector<std::string>& recipients,
                   bool replied, bool whole) {
  const auto message = messages_.find(id);
  if (message == messages_.end()) return broke(fmt::format("{} came as {}, which nobody took in", token, id));
  if (!whole) broke(fmt::format("{} ({}) came with another content", token, id));
  for (const std::string& address : recipients) {
    const auto place = std::ranges::find(message->second.places, address, &Place::address);
    if (place == message->second.places.end()) {
      broke(fmt::format("{} ({}) came for {}, who is no recipient of it", token, id, address));
      continue;
    }
    if (message->second.cancelled) broke(fmt::format("{} ({}) went to {} though it was cancelled", token, id, address));
    if (!place->takings.empty()) ++counts_.twice;
    if (std::ranges::any_of(place->takings, [](const Taking& t) { return !t.excused; }))
      broke(fmt::format("{} ({}) went to {} twice, and nothing was lost in between", token, id, address));
    if (place->recorded) broke(fmt::format("{} ({}) went to {} after it was recorded as relayed", token, id, address));
    place->takings.push_back({.replied = replied, .excused = !replied});
    if (replied) unrecorded_.emplace(id, static_cast<std::size_t>(place - message->second.places.begin()));
  }
}

void Ledger::in_mailbox(const std::string& id, const std::string& address) {
  const auto message = messages_.find(id);
  if (message == messages_.end()) return broke(fmt::format("{} has {}, which nobody took in", address, id));
  for (Place& place : message->second.places)
    if (place.address == address && place.handling == Handling::mailbox) ++place.mailbox_copies;
}

void Ledger::reported(const std::string& token, const std::string& address) {
  ++counts_.reports;
  if (const auto sent = letters_.find(token); sent != letters_.end()) sent->second.reports.insert(address);
}

// ---- Operators ----

void Ledger::cancelled(const std::string& id, std::optional<std::size_t> recipients) {
  const auto message = messages_.find(id);
  if (message == messages_.end() || recipients == 0) return;
  message->second.perhaps_cancelled = true;
  if (!recipients || message->second.places.size() != 1) return;
  message->second.cancelled = true;
  if (message->second.places.front().recorded)
    broke(fmt::format("{} was cancelled after it was recorded as relayed", id));
}

void Ledger::forget_under_way(const std::string& id) { std::erase(under_way_, id); }

// ---- The store's border ----

void Ledger::asked(const store::AcceptRequest& request) {
  const std::string id = request.id.to_string();
  Message& message = messages_[id];
  if (message.durable) return;
  message.token = subject_of(request.head);
  message.places.clear();
  for (const store::NewRecipient& recipient : request.recipients)
    message.places.push_back({.address = recipient.address, .handling = recipient.handling});
  if (const auto sent = letters_.find(message.token); sent != letters_.end()) sent->second.ids.insert(id);
}

void Ledger::accepted(const store::AcceptRequest& request, const store::AcceptResult& result) {
  if (result.status != store::AcceptStatus::accepted) return;
  const std::string id = request.id.to_string();
  messages_.at(id).durable = true;
  bool elsewhere = false;
  for (std::uint32_t i = 0; i < request.recipients.size(); ++i) {
    elsewhere = elsewhere || request.recipients[i].handling == Handling::remote;
    if (request.recipients[i].in_hand && !result.held) claimed(request.id, i);
  }
  if (!elsewhere || request.klass == store::MessageClass::report) return;
  if (under_way_.size() >= kMostUnderWay) under_way_.erase(under_way_.begin());
  under_way_.push_back(id);
}

Ledger::Place* Ledger::place_of(const Ulid& id, std::uint32_t index) {
  const auto message = messages_.find(id.to_string());
  if (message == messages_.end() || index >= message->second.places.size()) return nullptr;
  return &message->second.places[index];
}

void Ledger::claimed(const Ulid& id, std::uint32_t index) {
  Place* place = place_of(id, index);
  if (place == nullptr) return broke("something was claimed that nobody took in: " + id.to_string());
  if (!in_hand_.emplace(id.to_string(), index).second)
    broke(fmt::format("{} was claimed for {} while it was in hand", id.to_string(), place->address));
  if (place->recorded)
    broke(fmt::format("{} was claimed for {} after it was recorded as relayed", id.to_string(), place->address));
}

void Ledger::recorded(const store::Outcome& outcome) {
  const std::string id = outcome.message.to_string();
  in_hand_.erase({id, outcome.index});
  Place* place = place_of(outcome.message, outcome.index);
  if (place == nullptr) return broke("an outcome was recorded of what nobody took in: " + id);
  if (outcome.to != State::relayed) return;
  place->recorded = true;
  const auto& places = messages_.at(id).places;
  unrecorded_.erase({id, static_cast<std::size_t>(place - places.data())});
  if (place->takings.empty())
    broke(fmt::format("{} was recorded as relayed to {}, who has not seen it", id, place->address));
}

void Ledger::unsure(const Ulid& id, std::uint32_t index) { in_hand_.erase({id.to_string(), index}); }

void Ledger::nothing_in_hand_of(const Ulid& id) {
  const std::string text = id.to_string();
  std::erase_if(in_hand_, [&](const auto& one) { return one.first == text; });
}

void Ledger::crashed() {
  in_hand_.clear();
  for (const auto& [id, index] : unrecorded_)
    for (Taking& taking : messages_.at(id).places[index].takings) taking.excused = true;
  unrecorded_.clear();
}

// ---- The end ----

std::vector<std::string> Ledger::ids() const {
  std::vector<std::string> all;
  for (const auto& [id, message] : messages_) all.push_back(id);
  return all;
}

void Ledger::judge(const std::string& id, const store::Trace* trace) {
  Message& message = messages_.at(id);
  if (trace == nullptr) {
    if (message.durable) broke(fmt::format("{} ({}) is lost", message.token, id));
    return;
  }
  if (trace->recipients.size() != message.places.size())
    return broke(
        fmt::format("{} has {} recipients, and {} were taken", id, trace->recipients.size(), message.places.size()));
  for (std::size_t i = 0; i < message.places.size(); ++i)
    judge_place(id, message, message.places[i], trace->recipients[i]);
}

void Ledger::judge_place(const std::string& id, Message& message, Place& place, const store::RecipientFacts& facts) {
  const auto about = [&] { return fmt::format("{} ({}) for {}", message.token, id, place.address); };
  const bool answered = std::ranges::any_of(place.takings, [](const Taking& t) { return t.replied && !t.excused; });
  switch (facts.state) {
    case State::held:
    case State::waiting:
    case State::in_hand: return broke(about() + " came to no end");
    case State::in_mailbox:
      ++counts_.mailboxes;
      if (letters_.contains(message.token) && place.mailbox_copies != 1)
        broke(fmt::format("{} is {} times in its mailbox", about(), place.mailbox_copies));
      return;
    case State::relayed:
      ++counts_.relayed;
      if (place.takings.empty()) broke(about() + " is said to be relayed, and nobody has seen it");
      return;
    case State::expanded: return;
    case State::failed: {
      ++counts_.returned;
      if (answered) broke(about() + " was taken, and is said to have failed");
      const auto sent = letters_.find(message.token);
      if (sent != letters_.end() && !sent->second.letter.sender.empty() &&
          !sent->second.reports.contains(place.address))
        broke(about() + " failed, and its sender was not told");
      return;
    }
    case State::dropped:
      ++counts_.dropped;
      if (!message.perhaps_cancelled) broke(about() + " was dropped, and nobody ordered it");
      if (answered) broke(about() + " was taken, and dropped");
      return;
  }
}

void Ledger::judge_letters() {
  for (const auto& [token, sent] : letters_) {
    if (sent.answered > 1) broke(token + " was acknowledged more than once");
    std::size_t kept = 0;
    for (const std::string& id : sent.ids) kept += messages_.at(id).durable ? 1 : 0;
    if (kept > sent.times) broke(fmt::format("{} was sent {} times, and taken in {} times", token, sent.times, kept));
  }
}

} // namespace paquebot::simulation
