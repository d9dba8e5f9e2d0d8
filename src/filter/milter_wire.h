#pragma once

#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The milter protocol on the wire, version 6, as libmilter of Sendmail 8.17 speaks it. A packet is its length (four
/// octets, the most significant first; the command counts), a command octet and data. There is no RFC.
namespace paquebot::filter::milter {

inline constexpr std::uint32_t kVersion = 6;
inline constexpr std::uint32_t kOldestVersion = 2;
/// The first that knows Command::data.
inline constexpr std::uint32_t kVersionWithData = 4;
/// Of a body chunk; also the most that libmilter puts in a packet.
inline constexpr std::size_t kChunk = 65535;
/// Of a packet that we take: a header field of that size, its name and position.
inline constexpr std::size_t kMaxPacket = 2 * kChunk;

/// What we say.
enum class Command : char {
  abort = 'A',
  body = 'B',
  connect = 'C',
  macros = 'D',
  end = 'E', ///< of the message
  helo = 'H',
  header = 'L',
  mail = 'M',
  end_of_header = 'N',
  negotiate = 'O',
  quit = 'Q',
  recipient = 'R',
  data = 'T',
};

/// What filters say.
enum class Answer : char {
  add_recipient = '+',
  remove_recipient = '-',
  add_recipient_with = '2', ///< with ESMTP parameters
  shutdown = '4',
  accept = 'a',
  replace_body = 'b',
  go_on = 'c',
  discard = 'd',
  change_sender = 'e',
  connection_failure = 'f',
  add_header = 'h',
  insert_header = 'i',
  change_header = 'm',
  negotiate = 'O',
  progress = 'p',
  quarantine = 'q',
  reject = 'r',
  skip = 's',
  tempfail = 't',
  reply = 'y',
};

/// What a filter may do, as bits of the negotiation.
enum Actions : std::uint32_t {
  kAddHeaders = 0x1,
  kChangeBody = 0x2,
  kAddRecipients = 0x4,
  kRemoveRecipients = 0x8,
  kChangeHeaders = 0x10,
  kQuarantine = 0x20,
  kChangeSender = 0x40,
  kAddRecipientsWith = 0x80,
  kChooseMacros = 0x100,
  kAllActions = 0x1ff,
};

/// What a filter does not want to be sent (kNo…) or does not answer (kQuiet…).
enum Steps : std::uint32_t {
  kNoConnect = 0x1,
  kNoHelo = 0x2,
  kNoMail = 0x4,
  kNoRecipient = 0x8,
  kNoBody = 0x10,
  kNoHeaders = 0x20,
  kNoEndOfHeader = 0x40,
  kQuietHeader = 0x80,
  kNoUnknown = 0x100,
  kNoData = 0x200,
  kSkip = 0x400, ///< we understand Answer::skip
  kQuietConnect = 0x1000,
  kQuietHelo = 0x2000,
  kQuietMail = 0x4000,
  kQuietRecipient = 0x8000,
  kQuietData = 0x10000,
  kQuietUnknown = 0x20000,
  kQuietEndOfHeader = 0x40000,
  kQuietBody = 0x80000,
  kLeadingSpace = 0x100000, ///< values of fields with the white space behind the colon
  kAllSteps = 0x1ff7ff,
};

void put_u32(std::string& out, std::uint32_t number);
void put_u16(std::string& out, std::uint16_t number);
/// The text and a NUL; a NUL within becomes a space.
void put_text(std::string& out, std::string_view text);
void put_packet(std::string& out, char command, std::string_view data);

struct Packet {
  char command = 0;
  std::string_view data;
};
/// Takes the first packet off `input`; nothing when it is not whole yet. The data is a view into `input`. `invalid`
/// when its length is 0 or beyond kMaxPacket.
Result<std::optional<Packet>> take_packet(std::string_view& input);

/// Reads what packets hold. After the first failure everything is empty and ok() false.
class Reader {
public:
  explicit Reader(std::string_view data) : rest_(data) {}
  std::uint32_t u32();
  /// Up to a NUL, which must be there.
  std::string_view text();
  bool at_end() const { return rest_.empty(); }
  bool ok() const { return ok_; }

private:
  std::string_view rest_;
  bool ok_ = true;
};

} // namespace paquebot::filter::milter
