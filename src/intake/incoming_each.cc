// One verdict for each recipient (RFC 2033 section 4.2): some are accepted while others are not.

#include "base/log.h"
#include "base/text.h"
#include "intake/filtering.h"
#include "intake/incoming.h"

#include <algorithm>

namespace paquebot::intake {
namespace {

/// Takes out of `draft` whoever leads to one of the addresses, and their places out of `places`; gives those.
std::vector<std::size_t> take_out(queue::Draft& draft, std::vector<std::size_t>& places,
                                  const std::vector<std::string>& addresses) {
  std::unordered_set<std::string> concerned;
  for (const std::string& address : addresses) concerned.insert(to_lower(address));
  std::vector<queue::DraftRecipient> staying;
  std::vector<std::size_t> staying_places, taken;
  for (std::size_t i = 0; i < places.size(); ++i) {
    queue::DraftRecipient& recipient = draft.recipients[i];
    const bool out = std::ranges::any_of(recipient.nodes,
                                         [&](const auto& node) { return concerned.contains(to_lower(node.address)); });
    (out ? taken : staying_places).push_back(places[i]);
    if (!out) staying.push_back(std::move(recipient));
  }
  draft.recipients = std::move(staying);
  places = std::move(staying_places);
  return taken;
}

} // namespace

Task<std::vector<mail::Reply>> Incoming::finish_each() {
  std::vector<mail::Reply> verdicts(origin_.recipients.size());
  std::vector<std::size_t> places;
  const std::size_t asked = verdicts.size(); // filters may add some behind these
  co_await end_content();
  if (failure_.code == 0) failure_ = check_hops();
  if (failure_.code == 0) places = drop_loops(verdicts);
  if (!places.empty()) co_await run_filters();
  if (failure_.code == 0) follow_filters(verdicts, places);
  if (failure_.code == 0 && origin_.returned && !places.empty()) {
    const std::optional<mail::Reply> taken = co_await take_return();
    if (taken) {
      verdicts[places.front()] = *taken;
      places.clear();
    }
  }
  std::optional<store::NewBody> body;
  if (!places.empty() && failure_.code == 0)
    body = co_await seal();
  else
    drop_body();
  if (body) {
    queue::Draft draft = make_draft(std::move(*body));
    co_await commit_each(std::move(draft), std::move(places), verdicts);
  } else if (failure_.code != 0) {
    log_result(failure_, 0);
    for (mail::Reply& verdict : verdicts)
      if (verdict.code == 0) verdict = failure_;
  }
  verdicts.resize(asked);
  co_return verdicts;
}

/// Filters have taken out recipients, who are done with, and added others, whose verdicts nobody hears.
void Incoming::follow_filters(std::vector<mail::Reply>& verdicts, std::vector<std::size_t>& places) {
  if (filter_places_.empty()) return; // there are none, or the message was not shown to them
  std::vector<std::size_t> now;
  for (const std::size_t place : filter_places_) {
    if (place == FilteredMessage::kAdded) verdicts.emplace_back();
    now.push_back(place == FilteredMessage::kAdded ? verdicts.size() - 1 : places[place]);
  }
  for (const std::size_t place : places)
    if (std::ranges::find(now, place) == now.end())
      verdicts[place] = mail::Reply(250, {2, 0, 0}, "taken out by a content filter");
  places = std::move(now);
}

/// Gives those that the message was at before their verdict; leaves the rest, and tells their places among all.
std::vector<std::size_t> Incoming::drop_loops(std::vector<mail::Reply>& verdicts) {
  const auto been = been_at();
  std::vector<queue::DraftRecipient> staying;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    verdicts[i] = check_loop(origin_.recipients[i], been);
    if (verdicts[i].code != 0) {
      log_result(verdicts[i], 0);
      continue;
    }
    places.push_back(i);
    staying.push_back(std::move(origin_.recipients[i]));
  }
  origin_.recipients = std::move(staying);
  return places;
}

/// Commits for as many as possible: the store accepts for all or says who can't; without those it is tried again. Each
/// round takes out at least one, so there are no more rounds than recipients.
Task<void> Incoming::commit_each(queue::Draft draft, std::vector<std::size_t> places,
                                 std::vector<mail::Reply>& verdicts) {
  const std::uint64_t size = draft.head.size() + draft.body.size;
  store::AcceptResult result;
  while (!places.empty()) {
    note_addresses(draft);
    queue::Draft attempt = draft; // at most 64 KiB of body: more is staged, and stays so until it is accepted
    result = co_await services_.queue.accept(std::move(attempt));
    const mail::Reply reply = answer(result);
    log_result(reply, size);
    std::vector<std::size_t> settled = take_out(draft, places, result.addresses);
    const bool all = result.addresses.empty() || settled.empty(); // the verdict concerns all that are left
    for (const std::size_t place : settled.empty() ? places : settled) verdicts[place] = reply;
    if (all) break;
  }
  if (result.status == store::AcceptStatus::accepted) co_await drop_discarded();
}

} // namespace paquebot::intake
