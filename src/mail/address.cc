#include "mail/address.h"

#include "base/text.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <idn2.h>
#include <memory>

namespace paquebot::mail {
namespace {

constexpr std::size_t kMaxLabel = 63;
/// A path with a source route is longer than kMaxPath; this bounds what we look at.
constexpr std::size_t kMaxRoutedPath = 1024;

constexpr bool is_high(char c) { return static_cast<unsigned char>(c) >= 0x80; }

/// atext of RFC 5322 section 3.2.3, with the UTF-8 of RFC 6531 section 3.3.
bool is_atext(char c) {
  static constexpr auto kAtext = [] {
    std::array<bool, 256> atext{};
    for (std::size_t i = 0; i < atext.size(); ++i) {
      const char each = static_cast<char>(i);
      atext[i] = is_alnum(each) || is_high(each) || std::string_view("!#$%&'*+-/=?^_`{|}~").contains(each);
    }
    return atext;
  }();
  return kAtext[static_cast<unsigned char>(c)];
}

std::unexpected<Error> invalid(std::string message) { return fail(Errc::invalid, std::move(message)); }

bool is_dot_string(std::string_view local) {
  bool after_dot = true;
  for (const char c : local) {
    if (c == '.' ? after_dot : !is_atext(c)) return false;
    after_dot = c == '.';
  }
  return !after_dot;
}

/// What is no dot-string only for where its dots are.
bool is_odd(std::string_view local) {
  const bool dotted = std::ranges::all_of(local, [](char c) { return c == '.' || is_atext(c); });
  return dotted && local.find_first_not_of('.') != std::string_view::npos && !is_dot_string(local);
}

/// The same in the quotes that it came in.
bool is_quoted_odd(std::string_view local) {
  return local.size() > 2 && local.front() == '"' && local.back() == '"' && is_odd(local.substr(1, local.size() - 2));
}

/// Well-formed UTF-8 without control characters.
bool is_clean(std::string_view text) {
  text.remove_prefix(plain_length(text));
  while (!text.empty()) {
    const std::size_t length = printable_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

bool is_label(std::string_view label) {
  if (label.empty() || label.size() > kMaxLabel || label.front() == '-' || label.back() == '-') return false;
  return std::ranges::all_of(label, [](char c) { return is_alnum(c) || c == '-' || c == '_'; });
}

bool are_labels(std::string_view name) {
  for (;;) {
    const std::size_t dot = name.find('.');
    if (!is_label(name.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

/// "[192.0.2.1]" or "[IPv6:...]" in its canonical text (RFC 5321 section 4.1.3).
Result<std::string> normalize_literal(std::string_view literal) {
  const std::string inside(literal.substr(1, literal.size() - 2));
  std::array<unsigned char, 16> bytes{};
  if (inet_pton(AF_INET, inside.c_str(), bytes.data()) == 1) return "[" + inside + "]";
  if (istarts_with(inside, "IPv6:") && inet_pton(AF_INET6, inside.c_str() + 5, bytes.data()) == 1) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(AF_INET6, bytes.data(), text.data(), text.size());
    return "[IPv6:" + std::string(text.data()) + "]";
  }
  return invalid("the address literal is not an IPv4 or IPv6 address in brackets");
}

Result<std::string> normalize_host(std::string_view text) {
  if (text.size() >= 2 && text.front() == '[' && text.back() == ']' && text.find('\0') == text.npos) {
    return normalize_literal(text);
  }
  return normalize_domain(text);
}

/// Reads a quoted string at the start of `text` (RFC 5321 section 4.1.2), undoes the quoting and drops it.
Result<std::string> take_quoted(std::string_view& text) {
  std::string local;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      if (is_quoted_odd(local)) return invalid("the local part is not valid"); // it would be taken for what is in it
      return is_odd(local) ? '"' + local + '"' : local;
    }
    if (text[i] == '\\' && ++i == text.size()) break;
    local += text[i];
    if (local.size() > kMaxLocalPart) break;
  }
  return invalid(local.size() > kMaxLocalPart ? "the local part is longer than 64 octets"
                                              : "the quoted local part has no closing quote");
}

Result<std::string> take_local(std::string_view& text) {
  if (!text.empty() && text[0] == '"') return take_quoted(text);
  const auto end = std::ranges::find_if(text, [](char c) { return c != '.' && !is_atext(c); });
  const std::string local(text.begin(), end);
  text.remove_prefix(local.size());
  if (!is_dot_string(local) && !is_odd(local)) return invalid("the local part is not valid");
  return local;
}

Result<> check_local(std::string_view local, bool allow_utf8) {
  if (local.size() > kMaxLocalPart) return invalid("the local part is longer than 64 octets");
  if (!is_clean(local)) return invalid("the local part holds control characters or is not UTF-8");
  if (!allow_utf8 && !is_ascii(local)) return invalid("the address is international and needs SMTPUTF8");
  return {};
}

/// Where the path's closing bracket is, or npos; brackets in quoted strings do not count.
std::size_t find_bracket(std::string_view text) {
  bool quoted = false;
  for (std::size_t i = 1; i < std::min(text.size(), kMaxRoutedPath); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == '>' && !quoted) {
      return i;
    }
  }
  return std::string_view::npos;
}

/// Drops "@a,@b:" at the start of a path (RFC 5321 sections 3.6.1, 4.1.1.3: must be read, may be ignored).
Result<> skip_route(std::string_view& path) {
  while (!path.empty() && path[0] == '@') {
    const auto end = path.find_first_of(",:");
    if (end == std::string_view::npos) break;
    // The colons of an IPv6 literal are inside brackets; nobody routes through one.
    if (const auto domain = normalize_domain(path.substr(1, end - 1)); !domain) return std::unexpected(domain.error());
    const bool last = path[end] == ':';
    path.remove_prefix(end + 1);
    if (last) return {};
  }
  return invalid("the source route is not valid");
}

} // namespace

bool Address::international() const { return !is_ascii(local); }

std::string Address::to_string() const {
  if (empty()) return {};
  std::string out;
  out.reserve(local.size() + 1 + domain.size());
  if (is_dot_string(local) || is_odd(local) || is_quoted_odd(local)) {
    out = local;
  } else {
    out += '"';
    for (const char c : local) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  if (domain.empty()) return out;
  out += '@';
  out += domain;
  return out;
}

bool has_odd_dots(std::string_view local) { return is_odd(local) || is_quoted_odd(local); }

Result<Address> make_address(std::string local, std::string_view domain, bool allow_utf8) {
  if (auto checked = check_local(local, allow_utf8); !checked) return std::unexpected(checked.error());
  if (!allow_utf8 && !is_ascii(domain)) return invalid("the address is international and needs SMTPUTF8");
  auto host = normalize_host(domain);
  if (!host) return std::unexpected(host.error());
  Address address{std::move(local), std::move(*host)};
  const std::size_t at_most = 2 * address.local.size() + 3 + address.domain.size(); // each octet quoted
  if (at_most > kMaxPath - 2 && address.to_string().size() > kMaxPath - 2)
    return invalid("the address is longer than 254 octets");
  return address;
}

Result<Address> parse_address(std::string_view text, bool allow_utf8) {
  auto local = take_local(text);
  if (!local) return std::unexpected(local.error());
  if (text.empty() || text[0] != '@') return invalid("the address is not of the form user@domain");
  return make_address(std::move(*local), text.substr(1), allow_utf8);
}

Result<Path> parse_path(std::string_view text, bool allow_utf8) {
  if (text.empty() || text[0] != '<') return invalid("the address must stand in angle brackets");
  const std::size_t end = find_bracket(text);
  if (end == std::string_view::npos) return invalid("the address has no closing bracket or is too long");
  std::string_view inside = text.substr(1, end - 1);
  if (inside.empty()) return Path{{}, end + 1};
  if (iequals(inside, "postmaster")) return Path{{"postmaster", ""}, end + 1};
  if (inside[0] == '@') {
    if (auto route = skip_route(inside); !route) return std::unexpected(route.error());
  }
  auto address = parse_address(inside, allow_utf8);
  if (!address) return std::unexpected(address.error());
  return Path{std::move(*address), end + 1};
}

std::string_view without_tag(std::string_view local) {
  return local.empty() ? local : local.substr(0, local.find('+', 1));
}

Result<std::string> normalize_domain(std::string_view domain) {
  std::string name;
  if (domain.size() > kMaxDomain * 4) return invalid("the domain is longer than 255 octets");
  if (is_ascii(domain)) {
    name = to_lower(domain);
  } else {
    if (!is_clean(domain)) return invalid("the domain is not UTF-8");
    char* found = nullptr;
    const std::string input(domain);
    const int status = idn2_to_ascii_8z(input.c_str(), &found, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    const std::unique_ptr<char, decltype(&idn2_free)> holder(found, idn2_free);
    if (status != IDN2_OK)
      return invalid(std::string("the domain is not a valid international name: ") + idn2_strerror(status));
    name = to_lower(found);
  }
  if (name.size() > kMaxDomain) return invalid("the domain is longer than 255 octets");
  // Checked after the mapping of UTS #46 too: it can bring forth dots and other ASCII.
  if (!are_labels(name)) return invalid("the domain is not valid");
  return name;
}

std::string display_domain(std::string_view domain) {
  std::string input(domain);
  if (domain.find("xn--") == std::string_view::npos || domain.find('\0') != std::string_view::npos) return input;
  char* found = nullptr;
  const int status = idn2_to_unicode_8z8z(input.c_str(), &found, 0);
  const std::unique_ptr<char, decltype(&idn2_free)> holder(found, idn2_free);
  if (status != IDN2_OK || !is_clean(found)) return input;
  return found;
}

} // namespace paquebot::mail
