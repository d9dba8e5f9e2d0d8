#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

namespace paquebot::policy {

/// An attempt to send that was refused: no message of it is there, and so no trail. Text as it came from outside.
struct Refusal {
  std::int64_t at = 0; ///< milliseconds since 1970 UTC
  std::string client;  ///< its IP address
  std::string account; ///< login; empty: none
  std::string from;    ///< envelope sender; empty: the null one, or none was named
  std::string to;      ///< a recipient; empty: none was named yet
  std::string reply;   ///< ours

  bool operator==(const Refusal&) const = default;
};

/// The last refusals, in memory alone: a restart forgets them. Holds kMost of them at most, and of each text its first
/// octets; about 9 MiB when strangers fill it. Adding to it takes constant time. Thread-safe.
class Refusals {
public:
  static constexpr std::size_t kMost = 10'000;
  static constexpr std::size_t kMostAddress = 254; ///< octets of each address, RFC 5321 section 4.5.3.1.3
  static constexpr std::size_t kMostReply = 200;   ///< octets of the reply

  void add(Refusal refusal);
  /// Those whose sender, recipient or account is `address` in any case, not before `since`; newest first.
  std::vector<Refusal> find(const std::string& address, std::int64_t since, std::size_t most) const;

private:
  mutable std::mutex mutex_;
  std::deque<Refusal> refusals_; ///< oldest first
};

} // namespace paquebot::policy
