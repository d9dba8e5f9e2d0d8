#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace paquebot::policy {

/// How a program that a user has tried to log in or to send, and was not let: for the user who asks why. Text as it
/// came from outside.
struct Attempt {
  enum class What : std::uint8_t {
    tls_failed,    ///< the handshake came to nothing: `why`
    tls_at_once,   ///< it began with TLS where STARTTLS comes first
    clear_login,   ///< it would log in without TLS
    not_for_login, ///< it would log in where mail of other servers comes in
    no_login,      ///< it would send without having logged in
    mechanism,     ///< the exchange came to nothing before a name could be judged: `why`
    wrong,         ///< there is no such name, or another password
    disabled,      ///< the account is
    put_off,       ///< not looked at, after too many failures: until `until`
    temporary,     ///< the login could not be checked
    turned_away,   ///< the connection had no room, or was of a network that is not taken
  };
  What what = What::wrong;
  std::int64_t at = 0;     ///< the last time, milliseconds since 1970 UTC
  std::string client{};    ///< IP address
  std::uint16_t port = 0;  ///< of ours that it came to
  std::string protocol{};  ///< "smtp", "pop3"
  std::string name{};      ///< as the program gave it; empty: none
  std::string mechanism{}; ///< empty: none, or not known
  std::string why{};       ///< for people
  std::int64_t until = 0;  ///< 0: nothing is to be waited for
  // Given by the journal:
  std::uint64_t number = 0; ///< rises with each attempt that is added or repeated
  std::uint32_t times = 1;  ///< how often

  bool operator==(const Attempt&) const = default;
};

/// The last attempts that were refused, in memory alone: strangers must not make us write. An attempt that is like one
/// before (client, port, name, mechanism and what it was) is that one once more. At most kMost are kept; the one that
/// was longest not repeated gives way. Of one client kMostOfOne names are told apart. About 8 MiB when strangers fill
/// it. Adding takes constant time. Thread-safe.
class Attempts {
public:
  static constexpr std::size_t kMost = 20'000;
  static constexpr std::size_t kMostOfOne = 200;
  static constexpr std::size_t kMostName = 128;     ///< octets of a name
  static constexpr std::size_t kMostMechanism = 24; ///< of a mechanism
  static constexpr std::size_t kMostWhy = 120;      ///< of a reason

  explicit Attempts(std::size_t most = kMost) : most_(most) {}

  void add(Attempt attempt);
  /// Those with a number above `after` that are wanted, the last one first; at most `most`. `wanted` is called under
  /// the lock: it must be cheap and not call back.
  std::vector<Attempt> find(std::uint64_t after, std::size_t most,
                            const std::function<bool(const Attempt&)>& wanted) const;
  /// The number of the last one; 0: there was none.
  std::uint64_t last() const;
  std::size_t size() const;

private:
  struct Kept {
    Attempt attempt;
    std::string key;
  };
  using Order = std::list<Kept>; ///< what came last stands first
  static std::string key_of(const Attempt& attempt);
  void drop_oldest();

  const std::size_t most_;
  mutable std::mutex mutex_;
  Order order_;
  std::unordered_map<std::string, Order::iterator> index_;
  std::unordered_map<std::string, std::size_t> clients_; ///< how many entries each has
  std::uint64_t number_ = 0;
};

} // namespace paquebot::policy
