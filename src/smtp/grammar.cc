#include "smtp/grammar.h"

#include "base/encoding.h"
#include "base/text.h"
#include "smtp/grammar_extensions.h"
#include "smtp/orcpt.h"

#include <algorithm>
#include <limits>

namespace paquebot::smtp {
namespace {

constexpr Refused kTwice = "501 5.5.4 parameter given twice";
constexpr Refused kUtf8NotAnnounced = "553 5.6.7 an address beyond ASCII needs SMTPUTF8 in MAIL";
constexpr Refused kTooLarge = "552 5.3.4 message is larger than this server takes";

/// One parameter of MAIL or RCPT. `read` gives "" when the value is fine.
template <class T>
struct Parameter {
  std::string_view name;
  bool has_value; ///< must come as NAME=value; otherwise alone
  Refused (*read)(std::string_view value, T& into, const Offers& offers);
};

/// 1*20DIGIT (RFC 1870 section 4). What does not fit 64 bits is too large in any case.
Refused read_size(std::string_view value, mail::Sender& sender, const Offers& offers) {
  const bool digits = std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; });
  if (value.size() > 20 || !digits) return kBadValue;
  sender.declared_size = parse_u64(value).value_or(std::numeric_limits<std::uint64_t>::max());
  return offers.max_size != 0 && sender.declared_size > offers.max_size ? kTooLarge : "";
}

Refused read_body(std::string_view value, mail::Sender& sender, const Offers&) {
  if (iequals(value, "8BITMIME")) {
    sender.body = mail::BodyType::eight_bit;
  } else if (iequals(value, "BINARYMIME")) { // RFC 3030 section 3
    sender.body = mail::BodyType::binary;
  } else if (!iequals(value, "7BIT")) {
    return kBadValue;
  }
  return "";
}

Refused read_smtputf8(std::string_view, mail::Sender& sender, const Offers&) {
  sender.smtputf8 = true;
  return "";
}

Refused read_ret(std::string_view value, mail::Sender& sender, const Offers&) {
  if (iequals(value, "FULL")) {
    sender.ret = mail::Ret::full;
  } else if (iequals(value, "HDRS")) {
    sender.ret = mail::Ret::headers;
  } else {
    return kBadValue;
  }
  return "";
}

/// At most 100 characters as sent, printable ASCII and space when decoded (RFC 3461 section 4.4).
Refused read_envid(std::string_view value, mail::Sender& sender, const Offers&) {
  auto decoded = value.size() <= 100 ? xtext_decode(value) : std::nullopt;
  if (!decoded || !std::ranges::all_of(*decoded, [](char c) { return c >= ' ' && c <= '~'; })) return kBadValue;
  sender.envid = std::move(*decoded);
  return "";
}

/// Who sent it first, says the peer: read and not believed (RFC 4954 section 5).
Refused read_auth(std::string_view value, mail::Sender&, const Offers& offers) {
  if (!offers.auth) return kUnknownParameter;
  return value == "<>" || xtext_decode(value) ? "" : kBadValue;
}

Refused read_notify(std::string_view value, mail::Recipient& recipient, const Offers&) {
  if (iequals(value, "NEVER")) {
    recipient.notify = mail::kNotifyNever;
    return "";
  }
  std::uint8_t bits = 0;
  for (const auto word : split(value, ',')) {
    if (iequals(word, "SUCCESS")) {
      bits |= mail::kNotifySuccess;
    } else if (iequals(word, "FAILURE")) {
      bits |= mail::kNotifyFailure;
    } else if (iequals(word, "DELAY")) {
      bits |= mail::kNotifyDelay;
    } else {
      return kBadValue; // also NEVER among others (RFC 3461 section 4.1)
    }
  }
  recipient.notify = bits;
  return "";
}

Refused read_orcpt(std::string_view value, mail::Recipient& recipient, const Offers&) {
  auto decoded = decode_orcpt(value);
  if (!decoded) return kBadValue;
  recipient.orcpt = std::move(*decoded);
  return "";
}

constexpr Parameter<mail::Sender> kMailParameters[] = {
    {"SIZE", true, read_size},
    {"BODY", true, read_body},
    {"SMTPUTF8", false, read_smtputf8},
    {"RET", true, read_ret},
    {"ENVID", true, read_envid},
    {"AUTH", true, read_auth},
    {"REQUIRETLS", false, read_requiretls},
    {"MT-PRIORITY", true, read_priority},
    {"BY", true, read_deliver_by},
    {"HOLDFOR", true, read_hold_for},
    {"HOLDUNTIL", true, read_hold_until},
};
constexpr Parameter<mail::Recipient> kRcptParameters[] = {
    {"NOTIFY", true, read_notify},
    {"ORCPT", true, read_orcpt},
};

/// Reads one "NAME" or "NAME=value". `seen` has a bit for each row of the table.
template <class T, std::size_t N>
Refused read_parameter(std::string_view word, const Parameter<T> (&table)[N], unsigned& seen, T& into,
                       const Offers& o) {
  const auto equals = word.find('=');
  const auto name = word.substr(0, equals);
  for (std::size_t i = 0; i < N; ++i) {
    if (!iequals(table[i].name, name)) continue;
    if ((seen >> i & 1U) != 0) return kTwice;
    seen |= 1U << i;
    const bool has_value = equals != std::string_view::npos;
    const auto value = has_value ? word.substr(equals + 1) : std::string_view();
    if (has_value != table[i].has_value || (has_value && value.empty())) return kBadValue;
    return table[i].read(value, into, o);
  }
  return kUnknownParameter;
}

template <class T, std::size_t N>
Refused read_parameters(std::string_view text, const Parameter<T> (&table)[N], T& into, const Offers& offers) {
  unsigned seen = 0;
  for (const auto word : split(text, ' ')) {
    if (word.empty()) continue;
    if (!offers.extended) return kUnknownParameter;
    if (const Refused refused = read_parameter(word, table, seen, into, offers); !refused.empty()) return refused;
  }
  return "";
}

/// Takes `keyword` ("FROM:") and the spaces that some clients put after it.
bool take_keyword(std::string_view& text, std::string_view keyword) {
  if (!istarts_with(text, keyword)) return false;
  text.remove_prefix(keyword.size());
  while (text.starts_with(' ')) text.remove_prefix(1);
  return true;
}

/// Octets of an address without brackets, up to a space that is not in its quoted local part.
std::size_t plain_path_length(std::string_view text) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (quoted && text[i] == '\\') ++i;
    if (text[i] == ' ' && !quoted) return i;
  }
  return text.size();
}

/// Reads the path and leaves what follows it, which begins with a space or is empty.
std::optional<mail::Address> take_path(std::string_view& text, bool lenient) {
  if (lenient && !text.starts_with('<')) {
    const auto plain = text.substr(0, plain_path_length(text));
    text.remove_prefix(plain.size());
    if (iequals(plain, "postmaster")) return mail::Address{"postmaster", ""};
    auto address = mail::parse_address(plain);
    return address ? std::optional(std::move(*address)) : std::nullopt;
  }
  auto path = mail::parse_path(text);
  if (!path) return {};
  text.remove_prefix(path->length);
  if (!text.empty() && text.front() != ' ') return {};
  return std::move(path->address);
}

} // namespace

Parsed<mail::Sender> parse_mail(std::string_view arguments, const Offers& offers) {
  if (!take_keyword(arguments, "FROM:")) return std::unexpected("501 5.5.4 say MAIL FROM:<address>");
  const auto before = arguments;
  auto address = take_path(arguments, offers.lenient);
  if (!address) return std::unexpected("501 5.1.7 bad sender address syntax");
  mail::Sender sender;
  sender.reverse_path = std::move(*address);
  if (const Refused refused = read_parameters(arguments, kMailParameters, sender, offers); !refused.empty()) {
    return std::unexpected(refused);
  }
  if (const Refused refused = check_times(sender, offers); !refused.empty()) return std::unexpected(refused);
  const auto path = before.substr(0, before.size() - arguments.size());
  if (!sender.smtputf8 && !is_ascii(path)) return std::unexpected(kUtf8NotAnnounced); // RFC 6531 section 3.5
  return sender;
}

Parsed<mail::Recipient> parse_rcpt(std::string_view arguments, const Offers& offers) {
  if (!take_keyword(arguments, "TO:")) return std::unexpected("501 5.5.4 say RCPT TO:<address>");
  const auto before = arguments;
  auto address = take_path(arguments, offers.lenient);
  if (!address || address->empty()) return std::unexpected("501 5.1.3 bad recipient address syntax");
  mail::Recipient recipient;
  recipient.address = std::move(*address);
  const auto path = before.substr(0, before.size() - arguments.size());
  if (!offers.smtputf8 && !is_ascii(path)) return std::unexpected(kUtf8NotAnnounced);
  if (const Refused refused = read_parameters(arguments, kRcptParameters, recipient, offers); !refused.empty()) {
    return std::unexpected(refused);
  }
  return recipient;
}

bool has_brackets(std::string_view arguments) {
  const auto at = arguments.find_first_not_of(' ', std::min(arguments.find(':'), arguments.size() - 1) + 1);
  return at != std::string_view::npos && arguments[at] == '<';
}

Parsed<std::string_view> parse_helo_name(std::string_view arguments) {
  while (arguments.ends_with(' ')) arguments.remove_suffix(1);
  const bool fine = std::ranges::all_of(arguments, [](char c) { return c > ' ' && c <= '~'; });
  if (arguments.empty()) return std::unexpected("501 5.5.4 say your host's name");
  if (!fine || arguments.size() > mail::kMaxDomain) return std::unexpected("501 5.5.4 that is not a host's name");
  return arguments;
}

std::string replace_helo_name(std::string_view arguments, std::string_view peer) {
  std::string name(trim(arguments).substr(0, mail::kMaxDomain));
  for (char& c : name)
    if (c <= ' ' || c > '~') c = '?'; // octets beyond ASCII are negative, or greater
  if (!name.empty()) return name;
  return std::string(peer.contains(':') ? "[IPv6:" : "[").append(peer).append("]");
}

} // namespace paquebot::smtp
