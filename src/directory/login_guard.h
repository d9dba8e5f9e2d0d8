#pragma once

#include "base/clock.h"

#include <chrono>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace paquebot::directory {

struct GuardLimits {
  unsigned per_address = 20; ///< failures lately, until an address is refused; a tenth of it begins to slow it down
  unsigned per_account = 50; ///< likewise for a name, from all addresses together
  std::chrono::seconds refused_for{15 * 60};
};

/// What an account's owner wants to know of the logins tried in its name since the server started.
struct LoginFacts {
  struct Event {
    std::int64_t at = 0; ///< milliseconds since 1970; 0: never
    std::string address;
    std::string protocol;
  };
  unsigned failures = 0;     ///< counted against it now; one is forgiven each minute
  std::vector<Event> failed; ///< the last four, newest first
  Event succeeded;
  bool slowed = false;            ///< wrong passwords are answered late
  std::int64_t refused_until = 0; ///< logins from addresses that it did not use lately are refused; 0: they aren't
};

/// Counts failed logins by address and by name (of an account or not, so that it can't be told which), slows the answers
/// down, and refuses for a while what goes on. An address from which the account logged in lately is counted on its own:
/// neither a stranger's guessing at the account nor a neighbour's behind the same address locks its owner out.
///
/// An attempt is counted when it begins and given back when it succeeds, so that a hundred at once are a hundred. Tables are
/// bounded; what was longest not used is forgotten. Only the clock given is looked at. Thread-safe.
class LoginGuard {
public:
  explicit LoginGuard(const Clock& clock = system_clock(), GuardLimits limits = {});

  void configure(GuardLimits limits);

  /// Whether an attempt may begin: 0, or how long it is still refused. When 0 it is counted, and failed() or
  /// succeeded() or withdrawn() must follow. `address` is text; IPv6 counts by its first 64 bits. An empty name counts
  /// for the address only.
  std::chrono::seconds begin(const std::string& address, const std::string& name);
  /// How long the answer is to be held back.
  std::chrono::milliseconds failed(const std::string& address, const std::string& name, const std::string& protocol);
  /// `login` is whose login it was, which a token or certificate may tell only now.
  void succeeded(const std::string& address, const std::string& name, const std::string& login,
                 const std::string& protocol);
  /// It came to nothing: a failure of ours.
  void withdrawn(const std::string& address, const std::string& name);

  LoginFacts facts(const std::string& name);

private:
  /// One score: failures, less one for each minute.
  struct Score {
    double value = 0;
    Instant counted{};
    Instant refused_until{};
    bool trusted = false; ///< a pair: it logged in lately
    LoginFacts facts;     ///< a name: events only
  };
  using Entry = std::pair<std::string, Score>;
  struct Table {
    std::list<Entry> order; ///< what was used last stands first
    std::unordered_map<std::string, std::list<Entry>::iterator> index;
  };

  Score& score(Table& table, const std::string& key);
  Score* find(Table& table, const std::string& key);
  double value(Score& score) const;
  void give_back(const std::string& address, const std::string& name);

  const Clock& clock_;
  std::mutex mutex_;
  GuardLimits limits_;
  Table addresses_, names_, pairs_;
};

} // namespace paquebot::directory
