#include "mailauth/signature.h"

#include "base/text.h"
#include "mail/address.h"

#include <algorithm>
#include <functional>

namespace paquebot::mailauth {
namespace {

/// RFC 5322 section 3.6, and MIME's.
/// What a reader sees, and what decides how the rest is read: of these a second one is never harmless.
constexpr std::string_view kShown[] = {"from", "subject", "to", "date", "content-type"};
/// Where answers go, and who is shown beside the author: of these one that says something else. It may have been put
/// below the signature, where it looks as if it had been there before.
constexpr std::string_view kAnswered[] = {"reply-to", "sender"};
constexpr std::string_view kOnce[] = {"from",
                                      "sender",
                                      "reply-to",
                                      "to",
                                      "cc",
                                      "date",
                                      "message-id",
                                      "in-reply-to",
                                      "references",
                                      "subject",
                                      "mime-version",
                                      "content-type",
                                      "content-transfer-encoding"};

constexpr std::size_t kMaxDigits = 12;
constexpr std::size_t kUsualHead = 2048;

std::unexpected<Error> malformed_tag(std::string_view tag) {
  return fail(Errc::invalid, "tag " + std::string(tag) + "= is missing or malformed");
}

bool is_field_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) { return c > ' ' && c < 127 && c != ':' && c != ';'; });
}

/// A number of seconds or octets: decimal digits, bounded (RFC 6376 section 3.5 allows 76 of them for l=).
Result<std::optional<std::uint64_t>> number(const TagList& tags, std::string_view name) {
  const auto text = tags.find(name);
  if (!text) return std::nullopt;
  if (text->empty() || text->size() > 76 || !std::ranges::all_of(*text, [](char c) { return c >= '0' && c <= '9'; }))
    return malformed_tag(name);
  if (text->size() > kMaxDigits) return std::optional<std::uint64_t>(999'999'999'999);
  return parse_u64(*text);
}

Result<> read_algorithm(const TagList& tags, Signature& into) {
  const auto text = tags.find("a");
  if (!text) return malformed_tag("a");
  if (iequals(*text, "rsa-sha256")) return {};
  if (!iequals(*text, "ed25519-sha256"))
    return fail(Errc::unsupported, "the algorithm " + printable(*text, 40) + " is not taken");
  into.algorithm = KeyKind::ed25519;
  return {};
}

std::optional<Canonical> form_of(std::string_view word) {
  if (iequals(word, "simple")) return Canonical::simple;
  if (iequals(word, "relaxed")) return Canonical::relaxed;
  return std::nullopt;
}

/// c=, by default simple/simple; the second word is simple by default.
Result<> read_forms(const TagList& tags, Signature& into) {
  const auto text = tags.find("c");
  if (!text) return {};
  const auto slash = text->find('/');
  const auto head = form_of(trim(text->substr(0, slash)));
  const auto body = slash == std::string_view::npos ? Canonical::simple : form_of(trim(text->substr(slash + 1)));
  if (!head || !body) return malformed_tag("c");
  into.head_form = *head;
  into.body_form = *body;
  return {};
}

/// h=: it must name From (section 3.5).
Result<> read_fields(const TagList& tags, Signature& into) {
  const auto text = tags.find("h");
  if (!text) return malformed_tag("h");
  for (const auto part : split(*text, ':')) {
    const std::string_view name = trim(part);
    if (!is_field_name(name) || into.fields.size() == kMaxSignedFields) return malformed_tag("h");
    into.fields.push_back(to_lower(name));
  }
  if (std::ranges::find(into.fields, "from") == into.fields.end())
    return fail(Errc::invalid, "the signature does not cover From");
  return {};
}

/// d= and s=. U-labels become A-labels (RFC 8616 section 5).
Result<> read_names(const TagList& tags, Signature& into) {
  const auto domain = mail::normalize_domain(tags.find("d").value_or(""));
  if (!domain) return malformed_tag("d");
  const auto selector = mail::normalize_domain(tags.find("s").value_or(""));
  if (!selector) return malformed_tag("s");
  into.domain = *domain;
  into.selector = *selector;
  return {};
}

Result<> read_bytes(const TagList& tags, std::string_view name, std::string& into) {
  auto octets = folded_base64(tags.find(name).value_or(""));
  if (!octets) return malformed_tag(name);
  into = std::move(*octets);
  return {};
}

} // namespace

Result<Signature> read_seal(const TagList& tags) {
  Signature s;
  if (auto read = read_algorithm(tags, s); !read) return std::unexpected(read.error());
  if (auto read = read_bytes(tags, "b", s.signature); !read) return std::unexpected(read.error());
  if (auto read = read_names(tags, s); !read) return std::unexpected(read.error());
  const auto t = number(tags, "t");
  if (!t) return std::unexpected(t.error());
  s.signed_at = *t;
  s.head_form = Canonical::relaxed;
  return s;
}

Result<Signature> read_signature(const TagList& tags) {
  auto s = read_seal(tags);
  if (!s) return s;
  s->head_form = Canonical::simple;
  if (auto read = read_bytes(tags, "bh", s->body_hash); !read) return std::unexpected(read.error());
  if (s->body_hash.size() != Digest().size()) return malformed_tag("bh");
  if (auto read = read_forms(tags, *s); !read) return std::unexpected(read.error());
  if (auto read = read_fields(tags, *s); !read) return std::unexpected(read.error());
  const auto l = number(tags, "l");
  const auto x = number(tags, "x");
  if (!l || !x) return malformed_tag(l ? "x" : "l");
  s->body_limit = *l;
  s->expires = *x;
  // Section 3.5: the expiry must be later than the time of the signature.
  if (s->expires && s->signed_at && *s->expires <= *s->signed_at) return malformed_tag("x");
  return s;
}

CoveredHead covered_head(const FieldIndex& index, const mail::Field& own, const Signature& signature) {
  FieldPicker picker(index);
  CoveredHead covered;
  covered.text.reserve(kUsualHead);
  for (const auto& name : signature.fields)
    if (const auto* field = picker.take(name)) append_canonical(covered.text, *field, signature.head_form);
  append_canonical_signature(covered.text, own, signature.head_form);
  const auto is_in = [](const auto& names, std::string_view name) {
    return std::ranges::find(names, name) != std::end(names);
  };
  for (const auto& left : picker.left()) {
    // New fields are put in front, so that what stands below the signature was there, doubled, when it was made.
    const bool counts = is_in(kShown, left.name) || (is_in(kOnce, left.name) && std::less()(left.top, &own)) ||
                        (is_in(kAnswered, left.name) && picker.says_more(left));
    if (covered.beside.empty() && counts) covered.beside = left.name;
  }
  return covered;
}

std::string signed_head(const mail::Head& head, const mail::Field& own, const Signature& signature) {
  return covered_head(FieldIndex(head), own, signature).text;
}

} // namespace paquebot::mailauth
