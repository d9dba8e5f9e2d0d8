#pragma once

#include "base/clock.h"

#include <chrono>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace paquebot::directory {

struct ThrottleLimits {
  /// Failures lately, until an address is refused; a tenth of it begins to slow it down. Of IPv6 the first 64 bits are
  /// an address, and kSite times as many are too many for the first 48, which is what a site gets (RFC 6177).
  unsigned per_address = 20;
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

inline constexpr unsigned kSite = 8;
/// For so long after a login its network is known as one of the account's, of which it has at most kNetworks.
inline constexpr std::chrono::days kKnownFor{30};
inline constexpr std::size_t kNetworks = 8;

/// Counts failed logins by address, by site and by name (of an account or not, so that it can't be told which), slows
/// the answers down, and refuses for a while what goes on. An address from which the account logged in lately is
/// counted on its own: neither a stranger's guessing at the account nor a neighbour's behind the same address locks its
/// owner out. What is known of such addresses outlives the process by rows that others keep (take_changes, load).
///
/// An attempt is counted when it begins and given back when it succeeds, so that a hundred at once are a hundred.
/// Tables are bounded; what was longest not used is forgotten. Only the clock given is looked at. Thread-safe.
class LoginThrottle {
public:
  explicit LoginThrottle(const Clock& clock = system_clock(), ThrottleLimits limits = {});

  void configure(ThrottleLimits limits);

  /// Whether an attempt may begin: 0, or how long it is still refused. When 0 it is counted, and failed() or
  /// succeeded() or withdrawn() must follow. `address` is text. An empty name counts for the address only.
  std::chrono::seconds begin(const std::string& address, const std::string& name);
  /// Whether `name` logged in from there lately.
  bool knows(const std::string& address, const std::string& name);
  /// Whether anybody did. For who is let in when there is little room.
  bool is_used(const std::string& address);
  /// How long the answer is to be held back.
  std::chrono::milliseconds failed(const std::string& address, const std::string& name, const std::string& protocol);
  /// `login` is whose login it was, which a token or certificate may tell only now.
  void succeeded(const std::string& address, const std::string& name, const std::string& login,
                 const std::string& protocol);
  /// It came to nothing: a failure of ours.
  void withdrawn(const std::string& address, const std::string& name);

  LoginFacts facts(const std::string& name);
  /// The account was removed: whoever gets its name is another.
  void forget(const std::string& name);

  /// Names of whose networks others know something that the rows before did not say, at most `most`, and their row:
  /// printable text of at most 600 octets; empty when nothing is known any more. A use is told anew once a day.
  std::vector<std::pair<std::string, std::string>> take_changes(std::size_t most);
  /// A row that could not be kept: it is among the next changes again.
  void put_back(const std::string& name);
  /// A row of an earlier process. What it says that is too old, or no row at all, is among the next changes.
  void load(const std::string& name, const std::string& row);

private:
  /// One score: failures, less one for each minute.
  struct Score {
    double value = 0;
    Instant counted{};
    Instant refused_until{};
    LoginFacts facts; ///< a name: events only
  };
  /// A network that a name logged in from: when last, and as of when its row says so. Milliseconds since 1970.
  struct Network {
    std::string name;
    std::int64_t used = 0;
    std::int64_t told = 0;
  };
  template <class Value>
  struct Table {
    using Entry = std::pair<std::string, Value>;
    std::list<Entry> order; ///< what was used last stands first
    std::unordered_map<std::string, typename std::list<Entry>::iterator> index;

    Value* find(const std::string& key);
    /// Makes it when it isn't there; what was longest not used then gives way to it.
    Value& get(const std::string& key, std::size_t most);
  };
  using Scores = Table<Score>;

  Score& score(Scores& table, const std::string& key);
  double value(Score& score) const;
  std::vector<std::pair<Score*, unsigned>> concerned(const std::string& address, const std::string& name);
  bool is_known(const std::string& network, const std::string& key);
  void give_back(const std::string& address, const std::string& name);
  void learn(const std::string& network, const std::string& key);

  const Clock& clock_;
  std::mutex mutex_;
  ThrottleLimits limits_;
  Scores addresses_, sites_, names_;
  Scores pairs_; ///< of networks and names that are known
  Table<std::vector<Network>> known_;
  Table<std::int64_t> used_;                ///< networks of any names: when last
  std::unordered_set<std::string> changed_; ///< names in known_, or whose row is to go
};

} // namespace paquebot::directory
