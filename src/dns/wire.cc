#include "dns/wire.h"

#include "base/text.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <netinet/in.h>
#include <utility>

namespace paquebot::dns {

namespace {

constexpr std::size_t kNameMost = 255; ///< RFC 1035 section 2.3.4, on the wire
constexpr std::size_t kTextMost = 253; ///< the same name as text without the final dot
constexpr std::size_t kLabelMost = 63;
constexpr std::size_t kRdataMost = 65535;
constexpr std::int64_t kDay = 24 * 60 * 60;

/// Takes octets off the front of the data, or says that there are not enough.
class Reader {
public:
  explicit Reader(std::string_view data) : rest_(data) {}

  bool empty() const { return rest_.empty(); }
  std::optional<std::string_view> bytes(std::size_t size) {
    if (rest_.size() < size) return std::nullopt;
    const auto taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  std::optional<std::uint8_t> u8() {
    const auto taken = bytes(1);
    if (!taken) return std::nullopt;
    return static_cast<std::uint8_t>(taken->front());
  }
  std::optional<std::uint16_t> u16() {
    const auto high = u8();
    const auto low = u8();
    if (!high || !low) return std::nullopt;
    return static_cast<std::uint16_t>(*high << 8 | *low);
  }

private:
  std::string_view rest_;
};

/// An octet that stands for itself in the text of a name.
/// Escapes of RFC 1035 section 5.1.
constexpr std::string_view kBlank = "\\032", kBackslash = "\\092";

bool plain(char c) { return c > ' ' && c <= '~' && c != '.' && c != '\\'; }

/// Labels until the empty one, which is the root (RFC 1035 section 3.1). Compression pointers (first two bits set)
/// are longer than any label and so refused.
std::optional<std::string> read_name(Reader& reader) {
  std::string name;
  std::size_t wire = 0;
  for (;;) {
    const auto size = reader.u8();
    if (!size || *size > kLabelMost) return std::nullopt;
    wire += std::size_t{*size} + 1;
    if (wire > kNameMost) return std::nullopt;
    if (*size == 0) return name;
    const auto label = reader.bytes(*size);
    if (!label || !std::ranges::all_of(*label, plain)) return std::nullopt;
    if (!name.empty()) name += '.';
    name += to_lower(*label);
  }
}

std::optional<Record> address(std::string_view data, int family, std::size_t size) {
  if (data.size() != size) return std::nullopt;
  char text[INET6_ADDRSTRLEN] = {};
  if (inet_ntop(family, data.data(), text, sizeof text) == nullptr) return std::nullopt;
  return Record{text};
}

std::optional<Record> host(Reader reader) {
  auto name = read_name(reader);
  if (!name || !reader.empty()) return std::nullopt;
  return Record{std::move(*name)};
}

std::optional<Record> exchange(Reader reader) {
  const auto preference = reader.u16();
  if (!preference) return std::nullopt;
  auto record = host(reader);
  if (record) record->preference = *preference;
  return record;
}

std::optional<Record> service(Reader reader) {
  const auto priority = reader.u16();
  const auto weight = reader.u16();
  const auto port = reader.u16();
  if (!priority || !weight || !port) return std::nullopt;
  auto record = host(reader);
  if (!record) return std::nullopt;
  record->preference = *priority;
  record->weight = *weight;
  record->port = *port;
  return record;
}

/// One or more counted strings, which readers join without a space (RFC 7208 section 3.3).
std::optional<Record> text(Reader reader) {
  Record record;
  if (reader.empty()) return std::nullopt;
  while (!reader.empty()) {
    const auto size = reader.u8();
    const auto part = reader.bytes(*size);
    if (!part) return std::nullopt;
    record.text += *part;
  }
  return record;
}

/// Usage, selector, matching type and at least one octet of data (RFC 6698 section 2.1).
std::optional<Record> tlsa(std::string_view data) {
  if (data.size() < 4) return std::nullopt;
  return Record{std::string(data)};
}

/// Flags, a counted tag, and a value to the end (RFC 8659 section 4.1).
std::optional<Record> authorization(Reader reader, std::string_view data) {
  const auto flags = reader.u8();
  const auto size = reader.u8();
  const auto tag = size ? reader.bytes(*size) : std::nullopt;
  if (!flags || !tag || tag->empty() || !std::ranges::all_of(*tag, is_alnum)) return std::nullopt;
  return Record{std::to_string(*flags) + " " + std::string(*tag) + " " + std::string(data.substr(2 + tag->size()))};
}

struct Named {
  Type type;
  std::string_view name;
};
constexpr std::array<Named, 9> kTypes{{{Type::a, "A"},
                                       {Type::cname, "CNAME"},
                                       {Type::ptr, "PTR"},
                                       {Type::mx, "MX"},
                                       {Type::txt, "TXT"},
                                       {Type::aaaa, "AAAA"},
                                       {Type::srv, "SRV"},
                                       {Type::tlsa, "TLSA"},
                                       {kCaa, "CAA"}}};

} // namespace

std::optional<Record> parse_rdata(Type type, std::string_view data) {
  if (data.size() > kRdataMost) return std::nullopt;
  if (type == kCaa) return authorization(Reader(data), data);
  switch (type) {
    case Type::a: return address(data, AF_INET, 4);
    case Type::aaaa: return address(data, AF_INET6, 16);
    case Type::cname:
    case Type::ptr: return host(Reader(data));
    case Type::mx: return exchange(Reader(data));
    case Type::srv: return service(Reader(data));
    case Type::txt: return text(Reader(data));
    case Type::dnskey: return Record{std::string(data)};
    case Type::tlsa: return tlsa(data);
  }
  return std::nullopt;
}

bool is_query_name(std::string_view name) {
  if (name.empty() || name.size() > kTextMost) return false;
  return std::ranges::all_of(split(name, '.'), [](std::string_view label) {
    return !label.empty() && label.size() <= kLabelMost && std::ranges::all_of(label, plain);
  });
}

bool is_escaped_query_name(std::string_view name) {
  if (name.size() > 4 * kTextMost) return false;
  std::string plain_name;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const std::string_view escape = name.substr(i, 4);
    const bool known = escape == kBlank || escape == kBackslash;
    plain_name += known ? 'x' : name[i];
    if (known) i += escape.size() - 1;
  }
  return is_query_name(plain_name);
}

std::string escape_name(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == ' ')
      out += kBlank;
    else if (c == '\\')
      out += kBackslash;
    else
      out += c;
  }
  return out;
}

std::uint32_t bounded_ttl(std::int64_t seconds) {
  if (seconds < 0 || seconds > 0x7fffffff) return 0;
  return static_cast<std::uint32_t>(std::min(seconds, kDay));
}

std::uint32_t bounded_negative_ttl(std::int64_t seconds) {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(bounded_ttl(seconds), 5, 300));
}

std::optional<Type> parse_type(std::string_view word) {
  for (const auto& [type, name] : kTypes)
    if (iequals(word, name)) return type;
  return std::nullopt;
}

std::string_view type_name(Type type) {
  for (const auto& [known, name] : kTypes)
    if (known == type) return name;
  return "?";
}

} // namespace paquebot::dns
