#include "queue/lanes.h"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

namespace paquebot::queue {
namespace {

constexpr std::int64_t kTurn = 4;             // small messages of a program's turn
constexpr std::uint64_t kPiece = 64U << 10;   // octets that count as one more message
constexpr std::int64_t kMostCost = 8 * kTurn; // so that no message waits for many turns of its lane

} // namespace

std::int64_t Lanes::cost_of(const Job& job) {
  const std::uint64_t size = job.message.head_size + job.message.body.size;
  return std::min<std::int64_t>(kMostCost, 1 + static_cast<std::int64_t>(size / kPiece));
}

/// Programs' lanes are the odd ones.
std::int64_t Lanes::share_of(store::Id lane) { return lane % 2 == 0 ? 4 * kTurn : kTurn; }

Lanes::Lane& Lanes::enter(store::Id lane, bool first) {
  const auto [at, fresh] = lanes_.try_emplace(lane);
  if (fresh && first) {
    ring_.push_front(lane);
    granted_ = false;
  } else if (fresh) {
    ring_.push_back(lane);
  }
  return at->second;
}

void Lanes::add(Job job) {
  assert(!job.recipients.empty() && "a job is for somebody");
  std::deque<Job>& jobs = enter(store::lane_of(job.message), false).jobs;
  const int priority = job.message.sender.priority;
  count(size_ + 1);
  if (priority > 0) ++urgent_;
  const auto lower = [priority](const Job& other) { return other.message.sender.priority < priority; };
  if (jobs.empty() || !lower(jobs.back())) return jobs.push_back(std::move(job));
  const auto at = std::ranges::find_if(jobs, lower);
  jobs.insert(at, std::move(job));
}

void Lanes::put_back(Job job) {
  assert(!job.recipients.empty());
  Lane& lane = enter(store::lane_of(job.message), true);
  const int priority = job.message.sender.priority;
  count(size_ + 1);
  if (priority > 0) ++urgent_;
  lane.credit += cost_of(job);
  const auto at = std::ranges::find_if(
      lane.jobs, [priority](const Job& other) { return other.message.sender.priority <= priority; });
  lane.jobs.insert(at, std::move(job));
}

Job Lanes::take(store::Id key, std::deque<Job>::iterator at) {
  Lane& lane = lanes_.at(key);
  Job job = std::move(*at);
  lane.jobs.erase(at);
  count(size_ - 1);
  if (job.message.sender.priority > 0) --urgent_;
  if (!lane.jobs.empty()) return job;
  if (ring_.front() == key) granted_ = false;
  std::erase(ring_, key); // few: those that wait for one place
  lanes_.erase(key);
  return job;
}

void Lanes::rotate() {
  ring_.push_back(ring_.front());
  ring_.pop_front();
  granted_ = false;
}

std::optional<Job> Lanes::pick_urgent(const Wanted& wanted, std::optional<store::Id> except) {
  int best = 0;
  store::Id where = 0;
  for (const store::Id key : ring_) {
    if (key == except) continue;
    const std::deque<Job>& jobs = lanes_.at(key).jobs;
    const auto at = std::ranges::find_if(jobs, wanted);
    if (at == jobs.end() || at->message.sender.priority <= best) continue;
    best = at->message.sender.priority;
    where = key;
  }
  if (best == 0) return std::nullopt;
  std::deque<Job>& jobs = lanes_.at(where).jobs;
  return take(where, std::ranges::find_if(jobs, wanted));
}

std::optional<Job> Lanes::pick(const Wanted& wanted, std::optional<store::Id> except) {
  if (urgent_ > 0)
    if (auto job = pick_urgent(wanted, except)) return job;
  for (std::size_t misses = 0; misses < ring_.size();) {
    const store::Id key = ring_.front();
    Lane& lane = lanes_.at(key);
    const auto at = key == except ? lane.jobs.end() : std::ranges::find_if(lane.jobs, wanted);
    if (at == lane.jobs.end()) {
      ++misses;
      rotate();
      continue;
    }
    misses = 0;
    if (!std::exchange(granted_, true)) lane.credit += share_of(key);
    const std::int64_t cost = cost_of(*at);
    if (lane.credit >= cost) {
      lane.credit -= cost;
      return take(key, at);
    }
    rotate();
  }
  return std::nullopt;
}

std::vector<Job> Lanes::take_all() {
  std::vector<Job> jobs;
  jobs.reserve(size_);
  for (const store::Id key : ring_)
    for (Job& job : lanes_.at(key).jobs) jobs.push_back(std::move(job));
  lanes_.clear();
  ring_.clear();
  count(0);
  urgent_ = 0;
  granted_ = false;
  return jobs;
}

void Lanes::each(const std::function<void(Job&)>& look) {
  for (auto& [key, lane] : lanes_)
    for (Job& job : lane.jobs) look(job);
}

void Lanes::drop_empty() {
  std::size_t size = 0;
  urgent_ = 0;
  for (auto& [key, lane] : lanes_) {
    std::erase_if(lane.jobs, [](const Job& job) { return job.recipients.empty(); });
    size += lane.jobs.size();
    urgent_ += static_cast<std::size_t>(
        std::ranges::count_if(lane.jobs, [](const Job& job) { return job.message.sender.priority > 0; }));
  }
  count(size);
  std::erase_if(lanes_, [](const auto& one) { return one.second.jobs.empty(); });
  std::erase_if(ring_, [this](store::Id key) { return !lanes_.contains(key); });
  granted_ = false;
}

} // namespace paquebot::queue
