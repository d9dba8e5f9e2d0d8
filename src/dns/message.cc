#include "dns/message.h"

#include "base/text.h"

namespace paquebot::dns {

namespace {

constexpr std::uint16_t kOpt = 41;
constexpr std::uint16_t kInternet = 1;
constexpr unsigned kResponse = 0x8000, kTruncated = 0x0200, kRecursion = 0x0100, kAuthentic = 0x0020;
constexpr std::uint16_t kUdpRoom = 1232;
constexpr std::uint16_t kDnssecOk = 0x8000;
constexpr std::size_t kHead = 12;
constexpr std::size_t kAnswersMost = 256;

void put16(std::string& into, unsigned value) {
  into += static_cast<char>(value >> 8 & 0xff);
  into += static_cast<char>(value & 0xff);
}

std::string question_of(const Packet& packet) {
  std::string wire;
  if (packet.name != ".")
    for (const auto label : split(packet.name, '.')) {
      wire += static_cast<char>(label.size());
      wire += label;
    }
  wire += '\0';
  put16(wire, packet.type);
  put16(wire, kInternet);
  return wire;
}

/// Walks through a message; once something was missing everything is.
class Walk {
public:
  explicit Walk(std::string_view octets) : octets_(octets) {}
  bool good() const { return good_; }

  std::string_view bytes(std::size_t size) {
    if (octets_.size() - at_ < size) {
      good_ = false;
      return {};
    }
    at_ += size;
    return octets_.substr(at_ - size, size);
  }
  unsigned u8() {
    const auto taken = bytes(1);
    return taken.empty() ? 0 : static_cast<unsigned char>(taken.front());
  }
  unsigned u16() {
    const unsigned high = u8();
    return high << 8 | u8();
  }
  /// Passes over a name: labels up to the root, or up to a pointer, which is not followed.
  void name() {
    while (good_) {
      const unsigned size = u8();
      if (size >= 0xc0) {
        u8();
        return;
      }
      if (size == 0) return;
      if (size > 63) good_ = false;
      bytes(size);
    }
  }

private:
  std::string_view octets_;
  std::size_t at_ = 0;
  bool good_ = true;
};

} // namespace

std::string compose_query(const Packet& packet) {
  std::string query;
  put16(query, packet.id);
  put16(query, kRecursion | (packet.edns && packet.dnssec ? kAuthentic : 0));
  put16(query, 1);
  put16(query, 0);
  put16(query, 0);
  put16(query, packet.edns ? 1 : 0);
  query += question_of(packet);
  if (!packet.edns) return query;
  query += '\0';
  put16(query, kOpt);
  put16(query, kUdpRoom);
  put16(query, 0);
  put16(query, packet.dnssec ? kDnssecOk : 0);
  put16(query, 0);
  return query;
}

std::optional<Reply> parse_reply(std::string_view octets, const Packet& packet) {
  Walk walk(octets);
  const unsigned id = walk.u16(), flags = walk.u16(), questions = walk.u16(), answers = walk.u16();
  walk.bytes(4);
  if (!walk.good() || id != packet.id || (flags & kResponse) == 0) return std::nullopt;
  Reply reply{.rcode = flags & 15, .truncated = (flags & kTruncated) != 0, .authentic = (flags & kAuthentic) != 0};
  // One that refuses may leave the question out.
  if (questions == 0 && reply.rcode != 0 && reply.rcode != kRcodeNxdomain && octets.size() == kHead) return reply;
  const std::string asked = question_of(packet);
  if (questions != 1 || !iequals(walk.bytes(asked.size()), asked)) return std::nullopt;
  if (reply.truncated) return reply;
  for (unsigned i = 0; i < answers && i < kAnswersMost; ++i) {
    walk.name();
    const unsigned type = walk.u16();
    walk.bytes(6); // class, time to live
    const auto data = walk.bytes(walk.u16());
    if (!walk.good()) return std::nullopt;
    reply.answers.push_back({static_cast<std::uint16_t>(type), std::string(data)});
  }
  return reply;
}

} // namespace paquebot::dns
