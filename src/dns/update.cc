#include "dns/update.h"

#include "base/encoding.h"
#include "base/text.h"
#include "dns/message.h"
#include "dns/tsig.h"
#include "dns/wire.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

namespace paquebot::dns {
namespace {

constexpr std::uint16_t kClassIn = 1, kClassNone = 254, kClassAny = 255;
constexpr std::uint16_t kTypeTsig = 250, kTypeTxt = 16;
constexpr std::uint16_t kOpcodeUpdate = 5;
constexpr std::uint16_t kFudge = 300; ///< seconds that two clocks may differ (RFC 8945 section 10)
constexpr std::size_t kHeader = 12;

std::string octets16(unsigned value) { return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)}; }
std::string octets32(std::uint32_t value) { return octets16(value >> 16) + octets16(value & 0xffff); }
std::string octets48(std::int64_t value) {
  return octets16(static_cast<unsigned>(value >> 32)) + octets32(static_cast<std::uint32_t>(value));
}

/// Uncompressed and in lower case, as signatures cover it (RFC 8945 section 4.3.3).
std::string name_octets(std::string_view name) {
  std::string out;
  for (const std::string_view label : split(name, '.'))
    if (!label.empty()) out += static_cast<char>(label.size()) + to_lower(label);
  return out + '\0';
}

/// What a signature covers behind the message.
std::string variables(const TsigKey& key, std::int64_t when, unsigned error, std::string_view other) {
  return name_octets(key.name) + octets16(kClassAny) + octets32(0) + name_octets(key.algorithm) + octets48(when) +
         octets16(kFudge) + octets16(error) + octets16(static_cast<unsigned>(other.size())) + std::string(other);
}

/// Reads a message from its front; nothing is given beyond its end.
class MessageReader {
public:
  explicit MessageReader(std::string_view octets) : octets_(octets) {}
  bool good() const { return good_; }
  std::size_t at() const { return at_; }

  std::string_view take(std::size_t size) {
    if (!good_ || octets_.size() - at_ < size) {
      good_ = false;
      return {};
    }
    at_ += size;
    return octets_.substr(at_ - size, size);
  }
  unsigned number16() {
    const std::string_view bytes = take(2);
    return good_ ? static_cast<unsigned char>(bytes[0]) * 256u + static_cast<unsigned char>(bytes[1]) : 0;
  }
  std::int64_t number48() {
    std::int64_t value = 0;
    for (const char c : take(6)) value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }
  /// A name, of which a pointer is the end.
  std::string name() {
    std::string text;
    while (good_) {
      const std::string_view length = take(1);
      if (!good_ || length[0] == 0) break;
      const auto size = static_cast<unsigned char>(length[0]);
      if ((size & 0xC0) == 0xC0) {
        take(1);
        break;
      }
      if (size > 63 || text.size() > 255) {
        good_ = false;
        break;
      }
      text += (text.empty() ? "" : ".") + to_lower(take(size));
    }
    return text;
  }

private:
  std::string_view octets_;
  std::size_t at_ = 0;
  bool good_ = true;
};

struct Signature {
  std::string name, algorithm, mac, other;
  std::int64_t when = 0;
  unsigned fudge = 0, error = 0;
  std::size_t begins = 0; ///< where in the message
};

/// The signature that a message ends with.
std::optional<Signature> signature_of(std::string_view octets) {
  MessageReader in(octets);
  in.take(4);
  const unsigned questions = in.number16();
  unsigned records = in.number16();
  records += in.number16();
  records += in.number16();
  if (!in.good() || questions > 1 || records == 0 || records > 256) return {};
  for (unsigned i = 0; i < questions; ++i) {
    in.name();
    in.take(4);
  }
  for (unsigned i = 0; i + 1 < records; ++i) {
    in.name();
    in.take(8);
    in.take(in.number16());
  }
  Signature out;
  out.begins = in.at();
  out.name = in.name();
  const unsigned type = in.number16(), of = in.number16();
  const std::string_view life = in.take(4);
  const unsigned size = in.number16();
  const std::size_t data = in.at();
  out.algorithm = in.name();
  out.when = in.number48();
  out.fudge = in.number16();
  out.mac = in.take(in.number16());
  const std::string_view id = in.take(2); // no forwarder is asked, so it is the message's
  out.error = in.number16();
  out.other = in.take(in.number16());
  if (!in.good() || in.at() != octets.size() || type != kTypeTsig || of != kClassAny) return {};
  if (life != std::string_view("\0\0\0\0", 4) || in.at() - data != size || id != octets.substr(0, 2)) return {};
  return out;
}

/// Words of ours for what a server refuses.
std::string update_words(unsigned code, unsigned error) {
  switch (error) {
    case 16: return "the name server says that the signature is wrong: is it the same secret?";
    case 17: return "the name server does not know the key";
    case 18: return "the name server's clock and ours differ by more than five minutes";
    default: break;
  }
  switch (code) {
    case 5: return "the name server refuses: the key may not change this name";
    case 9: return "the name server is not responsible for the zone, or does not know the key";
    case 10: return "the name is not in the zone";
    default: return fmt::format("the name server refuses (code {})", code);
  }
}

} // namespace

Result<SignedUpdate> compose_update(const TextChange& change, const TsigKey& key, std::uint16_t id, std::int64_t now) {
  if (!is_query_name(change.zone) || !is_query_name(change.name) || !is_query_name(key.name) ||
      change.text.size() > 255)
    return fail(Errc::invalid, "this can't be put into a zone");
  const std::string data = static_cast<char>(change.text.size()) + change.text;
  const std::string head = octets16(id) + octets16(kOpcodeUpdate << 11) + octets16(1) + octets16(0) + octets16(1);
  const std::string body = name_octets(change.zone) + octets16(kTypeSoa) + octets16(kClassIn) +
                           name_octets(change.name) + octets16(kTypeTxt) +
                           octets16(change.add ? kClassIn : kClassNone) + octets32(change.add ? change.ttl : 0) +
                           octets16(static_cast<unsigned>(data.size())) + data;
  auto mac = tsig_mac(key, head + octets16(0) + body + variables(key, now, 0, ""));
  if (!mac) return std::unexpected(mac.error());
  const std::string rdata = name_octets(key.algorithm) + octets48(now) + octets16(kFudge) +
                            octets16(static_cast<unsigned>(mac->size())) + *mac + octets16(id) + octets16(0) +
                            octets16(0);
  return SignedUpdate{head + octets16(1) + body + name_octets(key.name) + octets16(kTypeTsig) + octets16(kClassAny) +
                          octets32(0) + octets16(static_cast<unsigned>(rdata.size())) + rdata,
                      *mac};
}

Result<> check_update_reply(std::string_view octets, const SignedUpdate& update, const TsigKey& key, std::int64_t now) {
  const auto nothing = [](const char* why) {
    return fail(Errc::invalid, std::string("the name server's answer can't be used: ") + why);
  };
  if (octets.size() < kHeader || octets.substr(0, 2) != std::string_view(update.octets).substr(0, 2))
    return nothing("it is none to what was asked");
  const auto flags =
      static_cast<unsigned>(static_cast<unsigned char>(octets[2]) << 8 | static_cast<unsigned char>(octets[3]));
  if ((flags >> 15) != 1 || (flags >> 11 & 0xF) != kOpcodeUpdate) return nothing("it is none to what was asked");
  const unsigned code = flags & 0xF;
  const auto signature = signature_of(octets);
  if (!signature && code != 0) return fail(Errc::refused, update_words(code, 0)); // nothing depends on it
  if (!signature) return nothing("it is not signed");
  if (signature->mac.empty() && signature->error != 0) return fail(Errc::refused, update_words(code, signature->error));
  // As it was before it was signed: one record less.
  std::string plain(octets.substr(0, signature->begins));
  const unsigned extra = static_cast<unsigned char>(plain[10]) * 256u + static_cast<unsigned char>(plain[11]);
  plain.replace(10, 2, octets16(extra - 1));
  std::string covered = octets16(static_cast<unsigned>(update.mac.size())) + update.mac + plain;
  covered += name_octets(signature->name) + octets16(kClassAny) + octets32(0) + name_octets(signature->algorithm) +
             octets48(signature->when) + octets16(signature->fudge) + octets16(signature->error) +
             octets16(static_cast<unsigned>(signature->other.size())) + signature->other;
  const auto mac = tsig_mac(key, covered);
  if (!mac) return std::unexpected(mac.error());
  if (signature->name != key.name || !equal_constant_time(*mac, signature->mac)) return nothing("it is signed wrongly");
  if (code != 0 || signature->error != 0) return fail(Errc::refused, update_words(code, signature->error));
  if (std::max(now, signature->when) - std::min(now, signature->when) > kFudge) return nothing("it is of another time");
  return {};
}

} // namespace paquebot::dns
