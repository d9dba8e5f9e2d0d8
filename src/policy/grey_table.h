#pragma once

#include "policy/stranger_rules.h"
#include "store/greylist.h"

#include <chrono>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace paquebot::policy {

/// Greylisting (RFC 6647 section 5) in memory: a tuple of the client's network, sender and first recipient that was
/// never seen is told to come again; when it does within the window it passes, and with it its whole network. What has
/// changed is taken out in batches to be written behind, so a crash loses seconds. Bounded: waiting tuples push out
/// waiting tuples only, so that a flood of strangers does not make us forget who has passed. Thread-safe.
class GreyTable {
public:
  /// Who asks to be let in: the keys of what is remembered of him.
  struct Caller {
    std::string network, tuple;
  };
  static Caller caller(const std::string& address, const std::string& sender, const std::string& recipient);

  /// How long the client has to wait; zero: it passes. `now`: wall milliseconds. What it is told to wait another node
  /// may know better: ask the store about both keys, learn(), and ask again.
  std::chrono::seconds ask(const GreylistRules& rules, const Caller& caller, std::int64_t now);
  /// Merges what the store has kept with what is here, as Books::save_greylist does.
  void learn(const std::vector<store::GreyRow>& rows, std::int64_t now);
  /// At most so many rows for the store, deletions first. Those that can't be written are forgotten: they are so much
  /// older at the next start.
  std::vector<store::GreyRow> take_changes(std::size_t most);
  std::size_t size() const;

  static constexpr std::size_t kWaiting = 30'000; ///< some 300 octets each
  static constexpr std::size_t kKnown = 20'000;   ///< passed tuples and networks

private:
  using State = store::GreyRow::State;
  struct Entry {
    store::GreyRow row;
    std::optional<std::list<std::string>::iterator> dirty; ///< its place in dirty_
    bool saved = false;                                    ///< the store has it
  };
  using Order = std::list<Entry>;
  Order& order_of(State state) { return state == State::waiting ? waiting_ : known_; }
  Entry* find(const std::string& key, std::int64_t now);
  Entry& put(store::GreyRow row);
  void merge(Entry& entry, const store::GreyRow& row);
  void change(Entry& entry, State state);
  void touch(Entry& entry);
  void drop(Order::iterator entry);
  Entry& note_pass(const GreylistRules& rules, const std::string& network, std::int64_t now);

  mutable std::mutex mutex_;
  Order waiting_, known_; ///< what was used last stands first
  std::unordered_map<std::string, Order::iterator> index_;
  std::list<std::string> dirty_;  ///< keys of entries
  std::vector<std::string> gone_; ///< keys that the store still has; no more than it has rows
};

} // namespace paquebot::policy
