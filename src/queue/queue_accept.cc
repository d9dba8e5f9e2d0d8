// The queue's side of acceptance: what is delivered from memory at once, and what waits in the store.

#include "base/text.h"
#include "queue/queue.h"

#include <algorithm>
#include <unordered_map>

namespace paquebot::queue {
namespace {

// Bounds of what is kept in memory for at once, beside Options::window: jobs in all, octets in all.
constexpr std::size_t kFreshJobs = 20000;
constexpr std::uint64_t kFreshBytes = 64u << 20;
constexpr std::size_t kNamed = 3; // destinations that a note tells of one by one

using Way = store::NewRecipient::Route;

store::MessageFacts facts_of(const store::AcceptRequest& request) {
  store::MessageFacts facts;
  static_cast<store::Envelope&>(facts) = request;
  facts.head_size = request.head.size();
  facts.body.size = request.body.size;
  return facts;
}

bool is_remote(const store::NewRecipient& row) { return row.route == Way::remote; }

} // namespace

Task<store::AcceptResult> Queue::accept(Draft&& draft) { // no coroutine: the draft is used up before there is one
  const auto options = this->options();
  return accept(build_request(std::move(draft), options->routes, options->schedule, clock_.wall()));
}

Task<store::AcceptResult> Queue::accept(std::shared_ptr<store::AcceptRequest> request) {
  Reservation reservation = reserve(*request);
  std::shared_ptr<const store::AcceptRequest> sealed = request;
  store::AcceptResult result = co_await store_.acceptance().accept(sealed);
  if (result.status != store::AcceptStatus::accepted) {
    for (std::uint32_t index : result.recipients) result.addresses.push_back(sealed->recipients[index].address);
    cancel(*sealed, reservation);
    co_return result;
  }
  if (result.held) {
    cancel(*sealed, reservation);
    co_return result;
  }
  offer(sealed, reservation);
  if (std::ranges::any_of(sealed->recipients, [](const auto& r) { return r.owed != store::Owed::none; })) wake_owed();
  co_return result;
}

/// Octets of memory, roughly: the message, and what a job keeps of each recipient.
std::uint64_t Queue::weight(const store::AcceptRequest& request) {
  return request.head.size() + request.body.bytes.size() + 1024 + 512 * request.recipients.size();
}

/// What was decided for a destination of a message, and the note about those that are not tried before their time.
struct Queue::Backing {
  struct Place {
    std::int64_t due = 0; ///< not before
    bool in_hand = false;
  };
  std::unordered_map<std::string_view, Place> places;
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

/// Decides for each remote destination of the message whether it is delivered from memory (in hand at once) or waits in
/// the store.
Queue::Reservation Queue::reserve(store::AcceptRequest& request) {
  Reservation reservation;
  if (std::ranges::none_of(request.recipients, is_remote)) return reservation;
  Backing backing;
  std::lock_guard lock(mutex_);
  std::int64_t at = now();
  std::uint64_t bytes = weight(request);
  bool in_memory = request.body.staged == nullptr;
  for (store::NewRecipient& row : request.recipients) {
    if (row.route != Way::remote) continue;
    auto [known, first] = backing.places.try_emplace(row.destination);
    if (first) {
      Destination& place = destination(row.destination);
      if (place.backoff_until > at) {
        known->second.due = place.backoff_until;
        backing.add(row.destination, place.last_error);
      } else if (in_memory && row.due <= at && place.due > at && place.ready.size() < options_->window &&
                 fresh_jobs_ < kFreshJobs && fresh_bytes_ + bytes <= kFreshBytes) {
        known->second.in_hand = true;
        ++fresh_jobs_;
        fresh_bytes_ += bytes;
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

void Queue::offer(const std::shared_ptr<const store::AcceptRequest>& request, const Reservation& reservation) {
  if (std::ranges::none_of(request->recipients, is_remote)) return;
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    std::map<std::string, Job> jobs;
    for (const std::string& key : reservation.destinations) jobs[key] = Job{facts_of(*request), {}, request};
    for (std::size_t i = 0; i < request->recipients.size(); ++i) {
      const store::NewRecipient& row = request->recipients[i];
      if (row.route != Way::remote) continue;
      Destination& place = destination(row.destination);
      if (!row.in_hand) {
        place.due = std::min(place.due, row.due);
        arm(row.destination, place);
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
      Destination& place = destination(key);
      enqueue(place, std::move(job));
      heat(key, place);
      arm(key, place);
      wake = true;
    }
  }
  if (wake) wake_runnable();
}

void Queue::cancel(const store::AcceptRequest& request, const Reservation& reservation) {
  std::lock_guard lock(mutex_);
  fresh_jobs_ -= reservation.destinations.size();
  fresh_bytes_ -= reservation.bytes * reservation.destinations.size();
  for (const store::NewRecipient& row : request.recipients)
    if (row.route == Way::remote) forget_if_idle(row.destination);
}

/// A fresh one makes room for others.
void Queue::leave_window(const Job& job) {
  if (!job.fresh) return;
  --fresh_jobs_;
  fresh_bytes_ -= weight(*job.fresh);
}

} // namespace paquebot::queue
