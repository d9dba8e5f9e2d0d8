#include "queue/admission.h"

#include "base/text.h"

#include <algorithm>
#include <cassert>
#include <map>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace paquebot::queue {
namespace {

constexpr std::size_t kLanesKnown = 1000;
constexpr std::size_t kNamed = 3; // destinations that a note tells of one by one

store::MessageFacts facts_of(const store::AcceptRequest& request) {
  store::MessageFacts facts;
  static_cast<store::Envelope&>(facts) = request;
  facts.head_size = request.head.size();
  facts.body.size = request.body.size;
  return facts;
}

bool is_remote(const store::NewRecipient& row) { return row.handling == store::Handling::remote; }

/// What was decided for a destination of a message, and the note about those that are not tried before their time.
struct Backing {
  struct Fate {
    std::int64_t due = 0; ///< not before
    bool in_hand = false;
  };
  std::unordered_map<std::string_view, Fate> places;
  std::size_t count = 0;
  std::string note;

  void add(const std::string& key, const std::string& error) {
    if (++count <= kNamed) note += "; " + key + " is not tried before its time: " + printable(error, 200);
  }
  std::string text() const {
    if (count <= kNamed) return note;
    return note + "; nor are " + std::to_string(count - kNamed) + " more destinations";
  }
};

} // namespace

Task<store::AcceptResult> Admission::accept(Draft&& draft) { // no coroutine: see above
  std::shared_ptr<const Options> options;
  {
    const std::lock_guard lock(core_.mutex);
    options = core_.options;
  }
  return admit(
      build_request(std::move(draft), options->routes, options->schedule, core_.clock.wall(), options->sources.get()));
}

Task<store::AcceptResult> Admission::admit(std::shared_ptr<store::AcceptRequest> request) {
  assert(request->expires_at >= request->accepted_at);
  Reservation reservation = reserve(*request);
  std::shared_ptr<const store::AcceptRequest> sealed = request;
  store::AcceptResult result = co_await core_.store.acceptance().accept(sealed);
  if (result.status != store::AcceptStatus::accepted) {
    for (std::uint32_t index : result.recipients) result.addresses.push_back(sealed->recipients[index].address);
    cancel(*sealed, reservation);
    co_return result;
  }
  if (result.held) {
    cancel(*sealed, reservation);
    co_return result;
  }
  offer(sealed, reservation, result.suspended);
  if (std::ranges::any_of(sealed->recipients, [](const auto& r) { return r.owed != store::Owed::none; })) core_.owed();
  co_return result;
}

/// Nothing of its lane is due in the store, and there is room. A lane of which nothing waits has some more.
bool Admission::goes_first(const Destination& place, store::Id lane, std::int64_t at) const {
  const bool idle = place.due > at || (!place.stored_more && !place.stored.contains(lane));
  const std::size_t most = core_.options->window;
  return idle && place.window.size() < (place.window.has_lane(lane) ? most : most + most / 4);
}

/// Decides for each remote destination of the message whether it is delivered from memory (in hand at once) or waits in
/// the store.
Admission::Reservation Admission::reserve(store::AcceptRequest& request) {
  Reservation reservation;
  if (std::ranges::none_of(request.recipients, is_remote)) return reservation;
  Backing backing;
  const std::lock_guard lock(core_.mutex);
  std::int64_t at = core_.now();
  std::uint64_t bytes = FreshBudget::weight(request);
  bool in_memory = request.body.staged == nullptr;
  const store::Id lane = store::lane_of(request);
  for (store::NewRecipient& row : request.recipients) {
    if (row.handling != store::Handling::remote) continue;
    auto [known, first] = backing.places.try_emplace(row.destination);
    if (first) {
      Destination& place = core_.destinations.at(row.destination);
      if (place.back_off.rests(at)) {
        known->second.due = place.back_off.until();
        backing.add(row.destination, place.back_off.error());
      } else if (in_memory && row.due <= at && goes_first(place, lane, at) && core_.fresh.fits(bytes)) {
        known->second.in_hand = true;
        core_.fresh.take(bytes);
        reservation.destinations.push_back(row.destination);
      }
    }
    row.in_hand = known->second.in_hand;
    if (known->second.due != 0) row.due = std::min(std::max(row.due, known->second.due), request.expires_at);
  }
  request.note += backing.text();
  reservation.bytes = bytes;
  return reservation;
}

/// `held`: indexes of those that the store holds in their stead.
void Admission::offer(const std::shared_ptr<const store::AcceptRequest>& request, const Reservation& reservation,
                      const std::vector<std::uint32_t>& held) {
  if (std::ranges::none_of(request->recipients, is_remote)) return;
  bool wake = false;
  {
    const std::lock_guard lock(core_.mutex);
    std::map<std::string, Job> jobs;
    for (const std::string& key : reservation.destinations) jobs[key] = Job{facts_of(*request), {}, request};
    for (std::size_t i = 0; i < request->recipients.size(); ++i) {
      const store::NewRecipient& row = request->recipients[i];
      if (row.handling != store::Handling::remote || std::ranges::binary_search(held, i)) continue;
      Destination& place = core_.destinations.at(row.destination);
      if (!row.in_hand) {
        place.due = std::min(place.due, row.due);
        if (place.stored.size() < kLanesKnown)
          place.stored.insert(store::lane_of(*request));
        else
          place.stored_more = true;
        core_.destinations.arm(row.destination, place, core_.now());
        wake = true;
        continue;
      }
      store::RecipientFacts facts;
      static_cast<store::Recipient&>(facts) = row;
      facts.index = static_cast<std::uint32_t>(i);
      facts.state = store::State::in_hand;
      jobs[row.destination].recipients.push_back(std::move(facts));
    }
    for (auto& [key, job] : jobs) {
      if (job.recipients.empty()) { // they are held
        core_.fresh.give(1, reservation.bytes);
        core_.destinations.forget_if_idle(key);
        continue;
      }
      Destination& place = core_.destinations.at(key);
      place.window.add(std::move(job));
      core_.destinations.heat(key, place);
      core_.destinations.arm(key, place, core_.now());
      wake = true;
    }
  }
  if (wake) core_.runnable();
}

void Admission::cancel(const store::AcceptRequest& request, const Reservation& reservation) {
  const std::lock_guard lock(core_.mutex);
  core_.fresh.give(reservation.destinations.size(), reservation.bytes);
  for (const store::NewRecipient& row : request.recipients)
    if (row.handling == store::Handling::remote) core_.destinations.forget_if_idle(row.destination);
}

} // namespace paquebot::queue
