#include "mailauth/dmarc_record.h"

#include "base/text.h"

#include <algorithm>

namespace paquebot::mailauth {
namespace {

constexpr std::size_t kMaxPolicyRecord = 8192;
constexpr std::size_t kMaxTags = 64;
constexpr std::size_t kMaxUri = 512;

struct Tag {
  std::string_view name;
  std::string_view value;
};

/// The well-formed tags in their order.
std::vector<Tag> tags_of(std::string_view text) {
  std::vector<Tag> tags;
  for (const auto part : split(text, ';')) {
    const auto equals = part.find('=');
    if (equals == std::string_view::npos || tags.size() == kMaxTags) continue;
    tags.push_back({trim(part.substr(0, equals)), trim(part.substr(equals + 1))});
  }
  return tags;
}

std::optional<std::string_view> find(const std::vector<Tag>& tags, std::string_view name) {
  const auto at = std::ranges::find_if(tags, [&](const Tag& t) { return iequals(t.name, name); });
  return at == tags.end() ? std::nullopt : std::optional(at->value);
}

std::optional<DmarcPolicy> policy_of(std::string_view word) {
  for (const auto policy : {DmarcPolicy::none, DmarcPolicy::quarantine, DmarcPolicy::reject})
    if (iequals(word, to_string(policy))) return policy;
  return std::nullopt;
}

bool is_scheme(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '-' ||
           c == '.';
  });
}

/// dmarc-urilist of section 4.8; what is no URI is left out.
std::vector<std::string> uris_of(std::string_view list) {
  std::vector<std::string> uris;
  for (const auto part : split(list, ',')) {
    std::string_view uri = trim(part);
    uri = uri.substr(0, uri.find('!')); // the obsolete size
    const auto colon = uri.find(':');
    const bool plain = std::ranges::all_of(uri, [](char c) { return c > ' ' && c < 127; });
    if (!plain || colon == std::string_view::npos || !is_scheme(uri.substr(0, colon)) || colon + 1 == uri.size() ||
        uri.size() > kMaxUri)
      continue;
    if (uris.size() == kMaxDmarcUris) break;
    uris.emplace_back(uri);
  }
  return uris;
}

/// Section 4.10.1: whether p=, sp= and np= leave the record usable; reads them.
void read_policies(const std::vector<Tag>& tags, DmarcRecord& into) {
  const auto p = find(tags, "p");
  const auto sp = find(tags, "sp");
  const auto np = find(tags, "np");
  const auto p_read = p ? policy_of(*p) : std::nullopt;
  into.sp = sp ? policy_of(*sp) : std::nullopt;
  into.np = np ? policy_of(*np) : std::nullopt;
  if (p_read && (!sp || into.sp) && (!np || into.np)) {
    into.p = *p_read;
    return;
  }
  into.p = DmarcPolicy::none;
  into.sp = into.np = std::nullopt;
  into.usable = !into.rua.empty();
}

} // namespace

std::string_view to_string(DmarcPolicy policy) {
  constexpr std::string_view names[] = {"none", "quarantine", "reject"};
  return names[static_cast<std::size_t>(policy)];
}

DmarcPolicy one_level_less(DmarcPolicy policy) {
  return policy == DmarcPolicy::reject ? DmarcPolicy::quarantine : DmarcPolicy::none;
}

std::optional<DmarcRecord> parse_dmarc_record(std::string_view text) {
  if (text.size() > kMaxPolicyRecord) return std::nullopt;
  const auto first = text.substr(0, text.find(';'));
  const auto equals = first.find('=');
  if (equals == std::string_view::npos || !iequals(trim(first.substr(0, equals)), "v") ||
      trim(first.substr(equals + 1)) != "DMARC1")
    return std::nullopt;
  const auto tags = tags_of(text);
  DmarcRecord record;
  record.rua = uris_of(find(tags, "rua").value_or(""));
  record.ruf = uris_of(find(tags, "ruf").value_or(""));
  read_policies(tags, record);
  const auto is = [&](std::string_view name, std::string_view value) {
    return iequals(find(tags, name).value_or(""), value);
  };
  if (is("psd", "y")) record.psd = DmarcRecord::Psd::yes;
  if (is("psd", "n")) record.psd = DmarcRecord::Psd::no;
  record.testing = is("t", "y");
  record.strict_dkim = is("adkim", "s");
  record.strict_spf = is("aspf", "s");
  if (const auto fo = find(tags, "fo");
      fo && !fo->empty() && fo->find_first_not_of("01dDsS: ") == std::string_view::npos)
    record.fo = to_lower(*fo);
  return record;
}

} // namespace paquebot::mailauth
