#include "base/encoding.h"
#include "base/text.h"
#include "mailauth/arc.h"
#include "mailauth/signature.h"
#include "mailauth/text.h"

#include <algorithm>

namespace paquebot::mailauth {
namespace {

/// A tag of a field, or an empty text.
std::string tag_of(const mail::Field& field, std::string_view name) {
  const auto tags = TagList::parse(field.value());
  return std::string(tags ? tags->find(name).value_or("") : "");
}

/// Section 5.1 step 2: a chain that says itself that it was broken gets no more sets.
bool was_sealed_as_failed(const mail::Head& head) {
  std::uint64_t highest = 0;
  bool failed = false;
  for (const auto& field : head) {
    if (!field.is("ARC-Seal")) continue;
    const auto instance = parse_u64(tag_of(field, "i")).value_or(0);
    if (instance < highest) continue;
    highest = instance;
    failed = iequals(tag_of(field, "cv"), "fail");
  }
  return failed;
}

/// What the new message signature covers: what a DKIM signature does, and the DKIM signatures (section 4.1.2).
std::vector<std::string> covered_fields(const mail::Head& head) {
  auto names = fields_to_sign(head);
  const auto signatures = std::min<std::size_t>(head.count("DKIM-Signature"), 10);
  for (std::size_t i = 0; i < signatures; ++i) names.emplace_back("dkim-signature");
  return names;
}

/// The canonical text of all older sets in their order, of a chain that was found good.
std::string older_sets(const mail::Head& head, unsigned count) {
  struct Set {
    const mail::Field* fields[3] = {};
  };
  std::vector<Set> sets(count);
  constexpr std::string_view names[] = {"ARC-Authentication-Results", "ARC-Message-Signature", "ARC-Seal"};
  for (const auto& field : head) {
    for (std::size_t place = 0; place < 3; ++place) {
      if (!field.is(names[place])) continue;
      // In ARC-Authentication-Results the instance is the first tag; what follows is none.
      const std::string_view value = field.value();
      const std::string instance =
          place == 0 ? tag_of(mail::Field{field.raw.substr(0, field.raw.find(';')), field.name_length}, "i")
                     : tag_of(field, "i");
      const auto number = parse_u64(instance).value_or(0);
      if (number >= 1 && number <= count && !value.empty()) sets[number - 1].fields[place] = &field;
    }
  }
  std::string text;
  for (const auto& set : sets)
    for (const auto* field : set.fields)
      if (field) append_canonical(text, *field, Canonical::relaxed);
  return text;
}

mail::Field as_field(const std::string& text) { return {text, text.find(':')}; }

} // namespace

Result<std::string> ArcSealer::finish(const mail::Head& head, const ArcOutcome& validated, const SigningKey& key,
                                      std::string_view results, WallTime now) {
  const Digest body = hash_.finish();
  if (validated.sets >= kMaxArcSets || was_sealed_as_failed(head)) return std::string();
  const std::string instance = std::to_string(validated.sets + 1);
  const std::string algorithm = std::string(to_string(key.key.kind())) + "-sha256";
  const std::string time = std::to_string(millis(now) / 1000);
  const std::string aar = "ARC-Authentication-Results: i=" + instance + "; " + std::string(results) + "\r\n";

  Signature covered;
  covered.head_form = Canonical::relaxed;
  covered.fields = covered_fields(head);
  std::string ams = compose_tags("ARC-Message-Signature", {{"i", instance},
                                                           {"a", algorithm},
                                                           {"c", "relaxed/relaxed"},
                                                           {"d", key.domain},
                                                           {"s", key.selector},
                                                           {"t", time},
                                                           {"h", joined(covered.fields)},
                                                           {"bh", base64_encode(view(body))}});
  const auto message = key.key.sign(sha256(signed_head(head, as_field(ams), covered)));
  if (!message) return std::unexpected(message.error());
  append_signature(ams, *message);

  // Section 5.1.2: the seal of a broken chain covers its own set only.
  const bool broken = validated.result == ArcResult::fail;
  std::string seal = compose_tags("ARC-Seal", {{"i", instance},
                                               {"a", algorithm},
                                               {"t", time},
                                               {"cv", std::string(to_string(validated.result))},
                                               {"d", key.domain},
                                               {"s", key.selector}});
  std::string text = broken ? std::string() : older_sets(head, validated.sets);
  append_canonical(text, as_field(aar), Canonical::relaxed);
  append_canonical(text, as_field(ams), Canonical::relaxed);
  append_canonical_signature(text, as_field(seal), Canonical::relaxed);
  const auto sealed = key.key.sign(sha256(text));
  if (!sealed) return std::unexpected(sealed.error());
  append_signature(seal, *sealed);
  return seal + ams + aar;
}

} // namespace paquebot::mailauth
