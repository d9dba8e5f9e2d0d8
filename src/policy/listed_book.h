#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "mail/address.h"
#include "mail/status.h"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace paquebot::policy {

/// Somebody whom an operator has put on the own block or allow list while the server runs.
struct Listed {
  std::string what; ///< as listed_name() writes it
  bool allow = false;
  std::string reason;       ///< printable, at most kMaxListReason octets; may be empty
  std::int64_t added = 0;   ///< milliseconds since 1970 UTC
  std::int64_t expires = 0; ///< likewise; 0: never

  bool in_force(std::int64_t now) const { return expires == 0 || now < expires; }
  bool operator==(const Listed&) const = default;
};

inline constexpr std::size_t kMaxListed = 10'000;
inline constexpr std::size_t kMaxListReason = 200;
/// What the settings of the store begin with that hold one entry each.
inline constexpr std::string_view kListedSetting = "guard.listed ";

/// The one spelling of an entry: an address or network ("192.0.2.1", "2001:db8::/32"), or a sender ("local@domain",
/// "domain",
/// ".domain": it and all below). `invalid` with what to write instead; the whole world can't be listed.
Result<std::string> listed_name(std::string_view text);

/// An entry as the value of its setting, and back; nothing when it can't be read.
std::string packed(const Listed& entry);
std::optional<Listed> unpacked(std::string_view key, std::string_view value);

/// What is listed now, in memory: a look costs a few hash look-ups, however long the list. What names a client or
/// sender most closely counts. Thread-safe.
class ListedBook {
public:
  explicit ListedBook(const Clock& clock) : clock_(clock) {}
  void put(const Listed& entry);
  void remove(const std::string& what);
  /// The entry for an IP address; null when there is none in force.
  std::shared_ptr<const Listed> find_client(std::string_view address) const;
  /// The one for a sender; null for "<>".
  std::shared_ptr<const Listed> find_sender(const mail::Address& sender) const;

private:
  using Entry = std::shared_ptr<const Listed>;
  Entry in_force(const std::string& key) const;

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;           ///< by the key of a network, or a sender's name
  std::map<unsigned, std::size_t, std::greater<>> prefixes_; ///< how many networks have so many bits
};

/// The refusals of those that are blocked: with the operator's reason and the end of it, if there are any.
mail::Reply blocked_client(std::string_view address, const Listed& entry);
mail::Reply blocked_sender(const std::string& sender, const Listed& entry);

} // namespace paquebot::policy
