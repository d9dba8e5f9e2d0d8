#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::dns {

/// Numbers of the DNS that this program asks or looks for itself, beside Type (RFC 1035, RFC 4034).
inline constexpr std::uint16_t kTypeSoa = 6;
inline constexpr std::uint16_t kTypeRrsig = 46;
inline constexpr std::uint16_t kTypeDnskey = 48;
inline constexpr unsigned kRcodeServfail = 2;
inline constexpr unsigned kRcodeNxdomain = 3;

/// A question to a resolver as one packet.
struct Packet {
  std::uint16_t id = 0;
  std::string name; ///< without the final dot; "." is the root. is_query_name() or the root
  std::uint16_t type = 0;
  bool edns = true;   ///< with an OPT record (RFC 6891) that allows replies of 1232 octets
  bool dnssec = true; ///< with signatures (DO, RFC 3225), and tell whether you checked them (AD, RFC 6840 section 5.7)
};
std::string compose_query(const Packet& packet);

struct ReplyRecord {
  std::uint16_t type = 0;
  std::string data; ///< rdata as it came, names in it still compressed
};

/// What a resolver said to such a question.
struct Reply {
  unsigned rcode = 0;
  bool truncated = false;
  bool authentic = false;           ///< the resolver checked it (AD)
  std::vector<ReplyRecord> answers; ///< of the answer section, at most 256
};
/// Reads the reply to `packet`. Nothing for what is no well-formed reply to it: another id, another question, a
/// question itself, or octets that are no message (RFC 1035 section 4.1). Of a truncated one only the head is read.
std::optional<Reply> parse_reply(std::string_view octets, const Packet& packet);

} // namespace paquebot::dns
