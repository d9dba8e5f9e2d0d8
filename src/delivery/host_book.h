#pragma once

#include "mail/told.h"

#include <chrono>
#include <map>
#include <optional>
#include <string>

namespace paquebot::delivery {

/// What is known of the addresses of mail hosts ("[192.0.2.1]:25") that ended sessions without a word about the
/// message. Such an address is tried after all others for an hour (RFC 5321 section 5.1: each of them gets its turn),
/// and one that did so twice in a row, or in its greeting, rests: nobody connects to it for a while. In memory,
/// bounded. Use from one executor.
class HostBook {
public:
  using Time = std::chrono::steady_clock::time_point;

  explicit HostBook(std::size_t most = 10'000) : most_(most) {}

  /// A session ended and the message was not judged. `strikes`: how many in a row this one counts for; with two of them
  /// the address rests until `rest_until`. 0: it may have been the message's fault.
  void broke_off(const std::string& address, unsigned strikes, const mail::Told& why, Time now, Time rest_until);
  /// It let nobody in and said so with 421.
  void turned_away(const std::string& address, const mail::Told& why, Time now, Time rest_until);
  /// It said what it thinks of a message.
  void worked(const std::string& address) { hosts_.erase(address); }

  /// Why nobody connects to it now; nothing: it does not rest.
  std::optional<mail::Told> resting(const std::string& address, Time now) const;
  /// It broke off lately: to be tried after the others.
  bool doubtful(const std::string& address, Time now) const;
  /// An operator wants everything tried now: nobody rests any more.
  void wake_all();
  std::size_t size() const { return hosts_.size(); }

private:
  struct Host {
    unsigned strikes = 0;
    Time since{}; ///< the last time that it broke off
    Time rest_until{};
    mail::Told why;
  };
  Host& note(const std::string& address, const mail::Told& why, Time now);

  std::size_t most_;
  std::map<std::string, Host> hosts_;
};

} // namespace paquebot::delivery
