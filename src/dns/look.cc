#include "dns/look.h"

#include "base/encoding.h"
#include "base/random.h"
#include "dns/ask.h"
#include "dns/resolver.h"

#include <algorithm>

namespace paquebot::dns {

namespace {

constexpr std::size_t kCovered = 2; ///< octets of an RRSIG that say what it covers (RFC 4034 section 3.1)

/// A signature over keys: what a resolver that knows nothing of DNSSEC leaves out.
bool has_signature(const Reply& reply) {
  return std::ranges::any_of(reply.answers, [](const ReplyRecord& record) {
    return record.type == kTypeRrsig && record.data.size() > kCovered && record.data[0] == 0 &&
           record.data[1] == static_cast<char>(kTypeDnskey);
  });
}

/// Whether the server says something about the zone when nothing is asked of it but the plainest thing.
Task<bool> answers_plainly(net::Endpoint server, std::string zone, std::chrono::milliseconds time) {
  const DirectQuestion plain{
      .server = std::move(server), .name = std::move(zone), .type = kTypeSoa, .edns = false, .dnssec = false};
  const auto reply = co_await ask_directly(plain, time);
  co_return reply && reply->rcode != kRcodeServfail;
}

Task<Signatures> look_at_zone(Seen& seen, std::string zone, std::chrono::milliseconds time) {
  const DirectQuestion keys{.server = seen.server, .name = zone, .type = kTypeDnskey};
  const auto reply = co_await ask_directly(keys, time);
  if (reply && reply->rcode != kRcodeServfail) {
    seen.validates = seen.validates || reply->authentic;
    // What did not fit, and could not be had over TCP, may well be the signatures.
    if (reply->truncated) co_return Signatures::silent;
    co_return has_signature(*reply) ? Signatures::passed : Signatures::stripped;
  }
  // Some drop what they don't understand, or fail with it.
  net::Endpoint server = seen.server;
  const bool plain = co_await answers_plainly(std::move(server), std::move(zone), time);
  if (plain) co_return Signatures::stripped;
  co_return reply ? Signatures::failing : Signatures::silent;
}

} // namespace

Task<Seen> look_at(net::Endpoint server, std::vector<std::string> zones, std::chrono::milliseconds time) {
  Seen seen{.server = std::move(server)};
  for (std::string& zone : zones) {
    const Signatures now = co_await look_at_zone(seen, std::move(zone), time);
    seen.signatures = std::max(seen.signatures, now);
    if (seen.signatures == Signatures::passed || now == Signatures::silent) break;
  }
  co_return seen;
}

std::string fresh_name() { return hex_encode(random_bytes(8)) + ".invalid"; }

Task<Alive> look_whether_alive(net::Endpoint server, std::chrono::milliseconds time) {
  const DirectQuestion question{.server = std::move(server),
                                .name = fresh_name(),
                                .type = static_cast<std::uint16_t>(Type::a),
                                .edns = false,
                                .dnssec = false};
  const auto reply = co_await ask_directly(question, time);
  if (!reply || reply->rcode == kRcodeServfail) co_return Alive::no;
  if (reply->rcode == 0 || reply->rcode == kRcodeNxdomain) co_return Alive::answers;
  co_return Alive::somehow;
}

} // namespace paquebot::dns
