#pragma once

#include "base/task.h"
#include "dns/resolver.h"
#include "mailauth/crypto.h"

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace paquebot::mailauth {

/// A key record (RFC 6376 section 3.6.1).
struct DkimKey {
  PublicKey key;
  bool testing = false;         ///< t=y: the domain is trying DKIM out
  bool strict_identity = false; ///< t=s: i= must have the very domain of d=
};

/// Reads the text of a key record, its strings joined. Errc::not_found when the key is revoked (empty p=),
/// Errc::unsupported when it is not for mail or for no hash that we take (RFC 8301 section 3.1: SHA-256 only),
/// else Errc::invalid. The size of the key is not judged.
Result<DkimKey> parse_dkim_key(std::string_view record);

/// Keys by the text of their records, so that each is parsed once. Thread-safe. Forgets all when it is full.
class DkimKeyCache {
public:
  explicit DkimKeyCache(std::size_t most = 4096) : most_(most) {}
  using Parsed = Result<DkimKey>;
  std::shared_ptr<const Parsed> parse(const std::string& record);

private:
  const std::size_t most_;
  std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<const Parsed>> keys_;
};

/// What the DNS said about a key.
struct DkimKeyAnswer {
  dns::Status status = dns::Status::servfail;
  /// What each TXT record of the name that looks like a key was read as; at most 4. RFC 6376 section 3.6.2.2 leaves
  /// open what several records mean: here a signature that one of them verifies is good.
  std::vector<std::shared_ptr<const DkimKeyCache::Parsed>> keys;
  std::string why;
};
/// "selector._domainkey.domain".
std::string dkim_key_name(std::string_view selector, std::string_view domain);
Task<DkimKeyAnswer> fetch_dkim_key(std::string name, dns::Resolver& resolver, DkimKeyCache& cache);

/// The text of the record for a key: "v=DKIM1; k=rsa; p=...".
std::string dkim_record_of(const PrivateKey& key);
/// A TXT record as a line of a zone file, ready to paste: the text in strings of at most 255 octets (RFC 1035 section
/// 3.3), in brackets over several lines when there are several.
std::string txt_zone_line(std::string_view name, std::string_view text);

} // namespace paquebot::mailauth
