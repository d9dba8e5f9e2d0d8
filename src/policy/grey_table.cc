#include "policy/grey_table.h"

#include "base/encoding.h"
#include "base/text.h"
#include "policy/client_rates.h"
#include "sasl/scram.h"

#include <algorithm>

namespace paquebot::policy {
namespace {

constexpr std::size_t kKeyOctets = 16;
/// A row that only got younger is written again no sooner.
constexpr std::int64_t kRefresh = 3600LL * 1000;

std::string key_of(const std::string& text) {
  return hex_encode(sasl::digest(sasl::ScramHash::sha256, text).substr(0, kKeyOctets));
}

std::int64_t ms(std::chrono::seconds time) { return time.count() * 1000; }

} // namespace

GreyTable::Entry* GreyTable::find(const std::string& key, std::int64_t now) {
  const auto found = index_.find(key);
  if (found == index_.end()) return nullptr;
  if (found->second->row.expires < now) {
    drop(found->second);
    return nullptr;
  }
  Order& order = order_of(found->second->row.state);
  order.splice(order.begin(), order, found->second);
  return &*found->second;
}

void GreyTable::drop(Order::iterator entry) {
  if (entry->saved) gone_.push_back(entry->row.key);
  if (entry->dirty) dirty_.erase(*entry->dirty);
  index_.erase(entry->row.key);
  order_of(entry->row.state).erase(entry);
}

GreyTable::Entry& GreyTable::put(store::GreyRow row) {
  Order& order = order_of(row.state);
  const std::size_t most = row.state == State::waiting ? kWaiting : kKnown;
  if (order.size() >= most) drop(std::prev(order.end()));
  std::string key = row.key;
  order.push_front(Entry{.row = std::move(row), .dirty = {}, .saved = false});
  index_.emplace(std::move(key), order.begin());
  return order.front();
}

/// A waiting tuple that passes moves among the known ones.
void GreyTable::change(Entry& entry, State state) {
  if (known_.size() >= kKnown) drop(std::prev(known_.end()));
  const auto at = index_.at(entry.row.key);
  known_.splice(known_.begin(), order_of(entry.row.state), at);
  at->row.state = state;
}

void GreyTable::touch(Entry& entry) {
  if (entry.dirty) return;
  entry.dirty = dirty_.insert(dirty_.end(), entry.row.key);
}

GreyTable::Entry& GreyTable::note_pass(const GreylistRules& rules, const std::string& network, std::int64_t now) {
  Entry* known = find(network, now);
  Entry& entry = known != nullptr ? *known : put({network, State::network, now, now, 0, 0});
  ++entry.row.count;
  entry.row.last = now;
  entry.row.expires = now + ms(rules.keep);
  touch(entry);
  return entry;
}

GreyTable::Caller GreyTable::caller(const std::string& address, const std::string& sender,
                                    const std::string& recipient) {
  const std::string network = network_of(address);
  return {.network = key_of("n" + network),
          .tuple = key_of("t" + network + "\n" + to_lower(sender) + "\n" + to_lower(recipient))};
}

std::chrono::seconds GreyTable::ask(const GreylistRules& rules, const Caller& caller, std::int64_t now) {
  const auto& [network, tuple] = caller;
  const std::lock_guard lock(mutex_);
  const auto renew = [&](Entry& entry) {
    entry.row.expires = now + ms(rules.keep);
    if (now - entry.row.last < kRefresh) return;
    entry.row.last = now;
    touch(entry);
  };
  if (Entry* known = find(network, now); known != nullptr && known->row.count >= rules.allow_after) {
    renew(*known);
    return {};
  }
  Entry* entry = find(tuple, now);
  if (entry == nullptr) {
    touch(put({tuple, State::waiting, now, now, 1, now + ms(rules.window)}));
    return rules.delay;
  }
  if (entry->row.state == State::passed) {
    renew(*entry);
    return {};
  }
  entry->row.first = std::min(entry->row.first, now); // a clock that was ahead must not refuse it until then
  const std::int64_t left = entry->row.first + ms(rules.delay) - now;
  if (left > 0) return std::chrono::seconds((left + 999) / 1000);
  change(*entry, State::passed);
  entry->row.last = now;
  entry->row.expires = now + ms(rules.keep);
  ++entry->row.count;
  touch(*entry);
  note_pass(rules, network, now);
  return {};
}

/// What passed somewhere has passed; the rest is the earliest and the latest of both.
void GreyTable::merge(Entry& entry, const store::GreyRow& row) {
  if (entry.row.state == State::waiting && row.state == State::passed) change(entry, State::passed);
  entry.row.first = std::min(entry.row.first, row.first);
  entry.row.last = std::max(entry.row.last, row.last);
  entry.row.count = std::max(entry.row.count, row.count);
  entry.row.expires = std::max(entry.row.expires, row.expires);
}

void GreyTable::learn(const std::vector<store::GreyRow>& rows, std::int64_t now) {
  const std::lock_guard lock(mutex_);
  for (const store::GreyRow& row : rows) {
    const bool known = row.state == State::waiting || row.state == State::passed || row.state == State::network;
    if (!known || row.expires < now) continue;
    Entry* here = find(row.key, now);
    Entry& entry = here != nullptr ? *here : put(row);
    if (here != nullptr) merge(entry, row);
    entry.saved = true;
  }
}

std::vector<store::GreyRow> GreyTable::take_changes(std::size_t most) {
  const std::lock_guard lock(mutex_);
  std::vector<store::GreyRow> rows;
  while (!gone_.empty() && rows.size() < most) {
    rows.push_back({.key = std::move(gone_.back()), .state = State::gone});
    gone_.pop_back();
    if (const auto again = index_.find(rows.back().key); again != index_.end()) { // it came back meanwhile
      again->second->saved = false;
      touch(*again->second);
    }
  }
  while (!dirty_.empty() && rows.size() < most) {
    Entry& entry = *index_.at(dirty_.front());
    dirty_.pop_front();
    entry.dirty.reset();
    entry.saved = true;
    rows.push_back(entry.row);
  }
  return rows;
}

std::size_t GreyTable::size() const {
  const std::lock_guard lock(mutex_);
  return index_.size();
}

} // namespace paquebot::policy
