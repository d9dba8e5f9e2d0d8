#include "smtp/client_features.h"

#include "base/text.h"
#include "smtp/grammar_extensions.h"

#include <algorithm>

namespace paquebot::smtp {
namespace {

constexpr std::size_t kMaxTimestamp = 40; ///< octets of a time in EHLO that are kept

/// A number of seconds that the peer announced; what is no number, or too large to mean anything, is none.
std::int64_t read_seconds(std::string_view text) {
  const auto number = parse_u64(text);
  return number && *number <= static_cast<std::uint64_t>(mail::kMaxByTime) ? static_cast<std::int64_t>(*number) : 0;
}

/// What is told of when, how fast and how safely a message is to travel (client_extensions.h).
void read_sending_feature(PeerFeatures& f, const std::vector<std::string_view>& words) {
  const auto is = [&](std::string_view name) { return iequals(words[0], name); };
  f.requiretls = f.requiretls || is("REQUIRETLS");
  f.priority = f.priority || is("MT-PRIORITY");
  if (is("DELIVERBY")) {
    f.deliver_by = true;
    // Other options may follow behind commas (RFC 2852 section 2).
    if (words.size() > 1) f.deliver_by_least = read_seconds(words[1].substr(0, words[1].find(',')));
  }
  if (is("FUTURERELEASE") && words.size() > 2) { // RFC 4865 section 3: both values are required
    f.future_release = true;
    f.hold_most = read_seconds(words[1]);
    f.hold_latest = words[2].substr(0, kMaxTimestamp);
  }
}

/// RFC 4954 section 4, and the form of old servers, "AUTH=PLAIN LOGIN": the equals sign is a blank there. Many say
/// both.
void read_auth(PeerFeatures& features, std::string_view line) {
  if (!istarts_with(line, "AUTH")) return;
  line.remove_prefix(4);
  if (line.empty() || (line.front() != ' ' && line.front() != '=')) return;
  for (const std::string_view name : split(line.substr(1), ' ')) {
    const auto same = [&](const std::string& known) { return iequals(known, name); };
    if (!name.empty() && std::ranges::none_of(features.auth, same)) features.auth.emplace_back(name);
  }
}

/// RFC 9422 section 4: one to six digits, no leading zero. What is unknown or malformed is ignored.
void read_limit(PeerFeatures& features, std::string_view word) {
  const auto equals = std::min(word.find('='), word.size());
  const auto name = word.substr(0, equals);
  const auto digits = word.substr(std::min(equals + 1, word.size()));
  const auto value = digits.size() > 6 || digits.starts_with('0') ? std::nullopt : parse_u64(digits);
  if (!value) return;
  const auto limit = static_cast<std::uint32_t>(*value);
  if (iequals(name, "MAILMAX")) features.mail_max = limit;
  if (iequals(name, "RCPTMAX")) features.rcpt_max = limit;
  if (iequals(name, "RCPTDOMAINMAX")) features.rcpt_domain_max = limit;
}

} // namespace

void read_feature(PeerFeatures& f, std::string_view line) {
  const auto words = split(line, ' ');
  const auto is = [&](std::string_view name) { return iequals(words[0], name); };
  f.pipelining = f.pipelining || is("PIPELINING");
  f.eight_bit = f.eight_bit || is("8BITMIME");
  f.smtputf8 = f.smtputf8 || is("SMTPUTF8");
  f.dsn = f.dsn || is("DSN");
  f.starttls = f.starttls || is("STARTTLS");
  f.chunking = f.chunking || is("CHUNKING");
  f.binary = f.binary || is("BINARYMIME");
  f.enhanced = f.enhanced || is("ENHANCEDSTATUSCODES");
  if (is("SIZE")) {
    f.size = true;
    if (words.size() > 1) f.max_size = parse_u64(words[1]).value_or(0);
  }
  if (is("LIMITS")) {
    for (std::size_t i = 1; i < words.size(); ++i) read_limit(f, words[i]);
  }
  read_sending_feature(f, words);
  read_auth(f, line);
}

} // namespace paquebot::smtp
