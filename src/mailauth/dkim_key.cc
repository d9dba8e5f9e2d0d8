#include "mailauth/dkim_key.h"

#include "base/encoding.h"
#include "base/text.h"
#include "dns/wire.h"
#include "mailauth/tags.h"

#include <algorithm>

namespace paquebot::mailauth {
namespace {

constexpr std::size_t kMaxKeyRecord = 8192;
constexpr std::size_t kMaxRecords = 4;
constexpr std::size_t kTxtString = 255;

/// Whether a colon-separated list has one of two words.
bool lists(std::string_view list, std::string_view one, std::string_view other) {
  for (const auto part : split(list, ':'))
    if (iequals(trim(part), one) || iequals(trim(part), other)) return true;
  return false;
}

/// Section 3.6.1: v= may be left out; when it is there, it must come first and be DKIM1.
bool good_version(const TagList& tags) {
  const auto version = tags.find("v");
  return !version || (tags.tags().front().name == "v" && *version == "DKIM1");
}

bool looks_like_key(std::string_view text) {
  return text.starts_with("v=DKIM1") || text.find("p=") != std::string_view::npos;
}

} // namespace

Result<DkimKey> parse_dkim_key(std::string_view record) {
  if (record.size() > kMaxKeyRecord) return fail(Errc::invalid, "the key record is too long");
  const auto tags = TagList::parse(record);
  if (!tags) return fail(Errc::invalid, "the key record is malformed: " + tags.error().message);
  if (!good_version(*tags)) return fail(Errc::invalid, "the key record has another version");
  const auto p = tags->find("p");
  if (!p) return fail(Errc::invalid, "the key record has no p=");
  if (p->empty()) return fail(Errc::not_found, "the key was revoked");
  if (const auto services = tags->find("s"); services && !lists(*services, "*", "email"))
    return fail(Errc::unsupported, "the key is not for mail");
  if (const auto hashes = tags->find("h"); hashes && !lists(*hashes, "sha256", "sha256"))
    return fail(Errc::unsupported, "the key is not for SHA-256");
  const auto k = tags->find("k").value_or("rsa");
  if (k != "rsa" && k != "ed25519") return fail(Errc::unsupported, "the key is of unknown kind " + printable(k, 40));
  const auto octets = folded_base64(*p);
  if (!octets) return fail(Errc::invalid, "the key is no base 64");
  auto key = PublicKey::parse(k == "rsa" ? KeyKind::rsa : KeyKind::ed25519, *octets);
  if (!key) return std::unexpected(key.error());
  const auto flags = tags->find("t").value_or("");
  return DkimKey{std::move(*key), lists(flags, "y", "y"), lists(flags, "s", "s")};
}

std::shared_ptr<const DkimKeyCache::Parsed> DkimKeyCache::parse(const std::string& record) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = keys_.find(record); found != keys_.end()) return found->second;
  }
  auto parsed = std::make_shared<const Parsed>(parse_dkim_key(record));
  if (record.size() > kMaxKeyRecord) return parsed; // not worth its room
  const std::lock_guard lock(mutex_);
  if (keys_.size() >= most_) keys_.clear();
  keys_.emplace(record, parsed);
  return parsed;
}

std::string dkim_key_name(std::string_view selector, std::string_view domain) {
  return std::string(selector) + "._domainkey." + std::string(domain);
}

Task<DkimKeyAnswer> fetch_dkim_key(std::string name, dns::Resolver& resolver, DkimKeyCache& cache) {
  DkimKeyAnswer result;
  if (!dns::is_query_name(name)) {
    result.status = dns::Status::nxdomain;
    co_return result;
  }
  const auto answer = co_await resolver.query(std::move(name), dns::Type::txt);
  result.status = answer->status;
  result.why = printable(answer->why, 100);
  for (const auto& record : answer->records) {
    if (result.keys.size() == kMaxRecords) break;
    if (looks_like_key(record.text)) result.keys.push_back(cache.parse(record.text));
  }
  co_return result;
}

std::string dkim_record_of(const PrivateKey& key) {
  return "v=DKIM1; k=" + std::string(to_string(key.kind())) + "; p=" + base64_encode(key.public_octets());
}

std::string txt_zone_line(std::string_view name, std::string_view text) {
  std::string line = std::string(name) + ". IN TXT ";
  const bool several = text.size() > kTxtString;
  if (several) line += "(";
  do {
    if (several) line += "\n    ";
    line += '"';
    for (const char c : text.substr(0, kTxtString)) {
      if (c == '"' || c == '\\') line += '\\';
      line += c;
    }
    line += '"';
    text.remove_prefix(std::min(text.size(), kTxtString));
  } while (!text.empty());
  if (several) line += " )";
  return line;
}

} // namespace paquebot::mailauth
