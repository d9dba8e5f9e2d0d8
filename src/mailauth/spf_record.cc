#include "mailauth/spf_record.h"

#include "base/text.h"
#include "mailauth/spf_macro.h"

#include <algorithm>

namespace paquebot::mailauth {
namespace {

struct Row {
  std::string_view name;
  SpfMechanism mechanism;
  bool domain;   ///< may have ":" and a domain-spec
  bool required; ///< must have it
  bool prefix;   ///< may have prefix lengths
};
constexpr Row kMechanisms[] = {
    {"all", SpfMechanism::all, false, false, false}, {"include", SpfMechanism::include, true, true, false},
    {"a", SpfMechanism::a, true, false, true},       {"mx", SpfMechanism::mx, true, false, true},
    {"ptr", SpfMechanism::ptr, true, false, false},  {"exists", SpfMechanism::exists, true, true, false},
    {"ip4", SpfMechanism::ip4, true, true, true},    {"ip6", SpfMechanism::ip6, true, true, true},
};

bool is_spf_name_char(char c) { return is_alpha(c) || is_digit(c) || c == '-' || c == '_' || c == '.'; }

std::unexpected<Error> wrong(std::string_view term, std::string_view why) {
  return fail(Errc::invalid, "\"" + printable(term, 80) + "\": " + std::string(why));
}

/// A prefix length without leading zeros, at most `most`.
std::optional<std::uint8_t> prefix_length(std::string_view digits, unsigned most) {
  if (digits.empty() || digits.size() > 3 || (digits.size() > 1 && digits[0] == '0')) return std::nullopt;
  const auto value = parse_u64(digits);
  if (!value || *value > most) return std::nullopt;
  return static_cast<std::uint8_t>(*value);
}

/// Cuts "/" DIGITs off the end; the digits, or nothing where there is no such ending.
std::optional<std::string_view> take_prefix(std::string_view& text) {
  std::size_t at = text.size();
  while (at > 0 && is_digit(text[at - 1])) --at;
  if (at == 0 || text[at - 1] != '/') return std::nullopt;
  const std::string_view digits = text.substr(at);
  text = text.substr(0, at - 1);
  return digits;
}

/// dual-cidr-length of section 5.6 at the end of `text`.
bool take_dual_prefix(std::string_view& text, SpfDirective& into) {
  auto last = take_prefix(text);
  if (!last) return true;
  if (text.ends_with('/')) {
    const auto bits = prefix_length(*last, 128);
    if (!bits) return false;
    into.bits6 = *bits;
    text.remove_suffix(1);
    last = take_prefix(text);
    if (!last) return true;
  }
  const auto bits = prefix_length(*last, 32);
  if (!bits) return false;
  into.bits4 = *bits;
  return true;
}

/// ip4-network or ip6-network with its prefix length.
bool read_network(std::string_view text, SpfDirective& into) {
  const bool v4 = into.mechanism == SpfMechanism::ip4;
  if (const auto slash = text.find('/'); slash != std::string_view::npos) {
    const auto bits = prefix_length(text.substr(slash + 1), v4 ? 32 : 128);
    if (!bits) return false;
    (v4 ? into.bits4 : into.bits6) = *bits;
    text = text.substr(0, slash);
  }
  if (!v4 && text.find(':') == std::string_view::npos) return false;
  const auto network = parse_ip(text);
  if (!network) return false;
  into.network = *network;
  if (network->v4 == v4) return true;
  // "::ffff:192.0.2.1" after ip6: is taken as the IPv4 network it maps (section 5).
  if (v4 || into.bits6 < 96) return false;
  into.bits4 = static_cast<std::uint8_t>(into.bits6 - 96);
  return true;
}

Result<SpfDirective> read_directive(std::string_view term) {
  SpfDirective directive;
  directive.text = term;
  std::string_view rest = term;
  switch (rest[0]) {
    case '-': directive.qualifier = SpfResult::fail; break;
    case '~': directive.qualifier = SpfResult::softfail; break;
    case '?': directive.qualifier = SpfResult::neutral; break;
    default: break;
  }
  if (std::string_view("+-~?").find(rest[0]) != std::string_view::npos) rest.remove_prefix(1);
  const std::string_view name = rest.substr(0, rest.find_first_of(":/"));
  const auto row = std::ranges::find_if(kMechanisms, [&](const Row& r) { return iequals(r.name, name); });
  if (row == std::end(kMechanisms)) return wrong(term, "no such mechanism");
  directive.mechanism = row->mechanism;
  rest.remove_prefix(name.size());
  if (row->mechanism == SpfMechanism::ip4 || row->mechanism == SpfMechanism::ip6) {
    if (!rest.starts_with(':') || !read_network(rest.substr(1), directive)) return wrong(term, "malformed network");
    return directive;
  }
  if (row->prefix && !take_dual_prefix(rest, directive)) return wrong(term, "malformed prefix length");
  if (rest.empty()) {
    if (row->required) return wrong(term, "missing domain");
    return directive;
  }
  if (!row->domain || rest[0] != ':') return wrong(term, "something follows the mechanism");
  if (auto checked = check_spf_domain_spec(rest.substr(1)); !checked) return wrong(term, checked.error().message);
  directive.domain_spec = rest.substr(1);
  return directive;
}

/// Length of the name when the term is a modifier (name "=" ...), else 0.
std::size_t modifier_name(std::string_view term) {
  if (!is_alpha(term[0])) return 0;
  const auto end = static_cast<std::size_t>(std::ranges::find_if_not(term, is_spf_name_char) - term.begin());
  return end < term.size() && term[end] == '=' ? end : 0;
}

Result<> read_modifier(std::string_view term, std::size_t name_length, SpfRecord& record) {
  const std::string_view name = term.substr(0, name_length);
  const std::string_view value = term.substr(name_length + 1);
  const bool redirect = iequals(name, "redirect");
  if (!redirect && !iequals(name, "exp")) { // section 6: unknown ones are ignored, but for their syntax
    if (auto checked = check_spf_macros(value, SpfMacroUse::explanation); !checked)
      return wrong(term, checked.error().message);
    return {};
  }
  auto& place = redirect ? record.redirect : record.exp;
  if (place) return wrong(term, "appears twice");
  if (auto checked = check_spf_domain_spec(value); !checked) return wrong(term, checked.error().message);
  place = value;
  return {};
}

} // namespace

std::string_view to_string(SpfResult result) {
  constexpr std::string_view names[] = {"none", "neutral", "pass", "fail", "softfail", "temperror", "permerror"};
  return names[static_cast<std::size_t>(result)];
}

bool is_spf_record(std::string_view text) {
  constexpr std::string_view version = "v=spf1";
  return istarts_with(text, version) && (text.size() == version.size() || text[version.size()] == ' ');
}

Result<SpfRecord> parse_spf_record(std::string_view text) {
  if (!is_spf_record(text)) return fail(Errc::invalid, "no SPF record");
  if (text.size() > kMaxSpfRecord) return fail(Errc::invalid, "the record is too long");
  SpfRecord record;
  for (const auto term : split(text.substr(6), ' ')) {
    if (term.empty()) continue;
    if (const auto length = modifier_name(term); length != 0) {
      if (auto read = read_modifier(term, length, record); !read) return std::unexpected(read.error());
      continue;
    }
    auto directive = read_directive(term);
    if (!directive) return std::unexpected(directive.error());
    record.directives.push_back(std::move(*directive));
  }
  return record;
}

} // namespace paquebot::mailauth
