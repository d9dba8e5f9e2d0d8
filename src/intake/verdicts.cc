#include "intake/verdicts.h"

#include "base/text.h"
#include "intake/filtering.h"

#include <algorithm>

namespace paquebot::intake {

void Verdicts::leave_out(const Loops& loops) {
  std::vector<queue::DraftRecipient>& recipients = message_.origin.recipients;
  std::vector<queue::DraftRecipient> staying;
  for (std::size_t i = 0; i < verdicts_.size(); ++i) {
    verdicts_[i] = loops.of(recipients[i]);
    if (verdicts_[i].code != 0) {
      message_.log_refused(verdicts_[i]);
      continue;
    }
    places_.push_back(i);
    staying.push_back(std::move(recipients[i]));
  }
  recipients = std::move(staying);
}

void Verdicts::follow_filters() {
  if (message_.filter_places.empty()) return; // there are none, or the message was not shown to them
  std::vector<std::size_t> now;
  for (const std::size_t place : message_.filter_places) {
    if (place == FilteredMessage::kAdded) verdicts_.emplace_back();
    now.push_back(place == FilteredMessage::kAdded ? verdicts_.size() - 1 : places_[place]);
  }
  for (const std::size_t place : places_)
    if (std::ranges::find(now, place) == now.end())
      verdicts_[place] = mail::Reply(250, {2, 0, 0}, "taken out by a content filter");
  places_ = std::move(now);
}

void Verdicts::settle_all(const mail::Reply& reply) {
  for (const std::size_t place : places_) verdicts_[place] = reply;
  places_.clear();
}

/// Takes out of `draft` whoever leads to one of the addresses; gives their places.
std::vector<std::size_t> Verdicts::take_out(queue::Draft& draft, const std::vector<std::string>& addresses) {
  std::unordered_set<std::string> concerned;
  for (const std::string& address : addresses) concerned.insert(to_lower(address));
  std::vector<queue::DraftRecipient> staying;
  std::vector<std::size_t> staying_places, taken;
  for (std::size_t i = 0; i < places_.size(); ++i) {
    queue::DraftRecipient& recipient = draft.recipients[i];
    const bool out = std::ranges::any_of(recipient.nodes,
                                         [&](const auto& node) { return concerned.contains(to_lower(node.address)); });
    (out ? taken : staying_places).push_back(places_[i]);
    if (!out) staying.push_back(std::move(recipient));
  }
  draft.recipients = std::move(staying);
  places_ = std::move(staying_places);
  return taken;
}

bool Verdicts::settle(queue::Draft& draft, const std::vector<std::string>& addresses, const mail::Reply& reply) {
  const std::vector<std::size_t> settled = take_out(draft, addresses);
  for (const std::size_t place : settled) verdicts_[place] = reply;
  if (settled.empty()) settle_all(reply); // the verdict concerns all that are left
  return open();
}

void Verdicts::fill(const mail::Reply& reply) {
  for (mail::Reply& verdict : verdicts_)
    if (verdict.code == 0) verdict = reply;
}

std::vector<mail::Reply> Verdicts::take() {
  verdicts_.resize(asked_);
  return std::move(verdicts_);
}

} // namespace paquebot::intake
