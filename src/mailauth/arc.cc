#include "mailauth/arc.h"

#include "base/encoding.h"
#include "base/text.h"
#include "mailauth/signature.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace paquebot::mailauth {
namespace {

constexpr std::string_view kResults = "ARC-Authentication-Results";
constexpr std::string_view kMessage = "ARC-Message-Signature";
constexpr std::string_view kSeal = "ARC-Seal";
/// 50 sets have 150 fields; whoever adds more has broken the chain.
constexpr std::size_t kMaxFields = std::size_t{kMaxArcSets} * 3;
/// Each seal covers all older ones: bounds what is hashed.
constexpr std::size_t kMaxOctets = 256 * 1024;
/// Message signatures looked at, the newest included: each covers much of the head.
constexpr std::size_t kMaxMessages = 10;
/// Public-key operations for one message: a name may have several keys.
constexpr unsigned kMaxChecks = kMaxArcSets + kMaxMessages + 20;

/// The instance of an ARC field, which comes first in ARC-Authentication-Results; 0 when malformed. `rest` gets what
/// follows the semicolon.
unsigned leading_instance(std::string_view value, std::string_view& rest) {
  const auto semicolon = value.find(';');
  if (semicolon == std::string_view::npos) return 0;
  const std::string_view tag = trim(value.substr(0, semicolon));
  const auto equals = tag.find('=');
  if (equals == std::string_view::npos || trim(tag.substr(0, equals)) != "i") return 0;
  const std::string_view digits = trim(tag.substr(equals + 1));
  const auto number = digits.size() <= 2 ? parse_u64(digits) : std::nullopt;
  rest = trim(value.substr(semicolon + 1));
  return number && *number >= 1 && *number <= kMaxArcSets ? static_cast<unsigned>(*number) : 0;
}

unsigned tag_instance(const TagList& tags) {
  const auto digits = tags.find("i").value_or("");
  const auto number = digits.size() <= 2 ? parse_u64(digits) : std::nullopt;
  return number && *number >= 1 && *number <= kMaxArcSets ? static_cast<unsigned>(*number) : 0;
}

bool is_arc(const mail::Field& field) { return field.is(kResults) || field.is(kMessage) || field.is(kSeal); }

/// The fields of the sets below and at an instance in the order of section 5.1.1, the last seal without its b=.
using Triple = std::array<const mail::Field*, 3>;

} // namespace

std::string_view to_string(ArcResult result) {
  constexpr std::string_view names[] = {"none", "pass", "fail"};
  return names[static_cast<std::size_t>(result)];
}

/// What is kept of a set: the head is not needed afterwards.
struct ArcVerifier::Set {
  std::string results;
  Signature message;
  Signature seal;
  Digest message_hash{};
  Digest seal_hash{};
  bool message_good = false; ///< could be read, and covers all fields of its kinds
  std::size_t body = 0;
};

struct ArcVerifier::Impl {
  struct Body {
    BodyHash hash;
    Digest digest{};
  };
  std::vector<Set> sets; ///< instance 1 first
  std::vector<Body> bodies;
  ArcOutcome outcome;
  bool decided = false;

  void fail(std::string why) {
    outcome.result = ArcResult::fail;
    outcome.reason = std::move(why);
    decided = true;
    bodies.clear();
  }
  void collect(const mail::Head& head);
  bool arrange(const mail::Head& head, std::vector<Triple>& triples);
  bool read_seals(const std::vector<Triple>& triples);
  void read_messages(const mail::Head& head, const std::vector<Triple>& triples);
  std::size_t body_for(const Signature& s);
  bool message_body_is_whole(const Set& set) const;
};

/// Sorts the fields into sets; false, with the outcome, when they don't form any.
bool ArcVerifier::Impl::arrange(const mail::Head& head, std::vector<Triple>& triples) {
  std::size_t count = 0;
  std::size_t octets = 0;
  for (const auto& field : head) {
    if (!is_arc(field)) continue;
    octets += field.raw.size();
    if (++count > kMaxFields || octets > kMaxOctets) return fail("the chain is too long"), false;
    unsigned instance = 0;
    std::size_t place = 0;
    std::string_view rest;
    if (field.is(kResults)) {
      instance = leading_instance(field.value(), rest);
    } else {
      place = field.is(kMessage) ? 1 : 2;
      const auto tags = TagList::parse(field.value());
      if (tags) instance = tag_instance(*tags);
    }
    if (instance == 0) return fail("a field of the chain is malformed"), false;
    outcome.sets = std::max(outcome.sets, instance);
    if (triples.size() < instance) triples.resize(instance, Triple{});
    if (std::exchange(triples[instance - 1][place], &field))
      return fail("set " + std::to_string(instance) + " of the chain has a field twice"), false;
  }
  for (std::size_t i = 0; i < triples.size(); ++i)
    if (std::ranges::find(triples[i], nullptr) != triples[i].end())
      return fail("set " + std::to_string(i + 1) + " of the chain is not complete"), false;
  return !triples.empty();
}

/// Section 5.2 steps 2 and 3, and the hashes of the seals. The text to be hashed for a seal is that for the one before,
/// with its b=, and one set more.
bool ArcVerifier::Impl::read_seals(const std::vector<Triple>& triples) {
  std::string text;
  for (std::size_t i = 0; i < triples.size(); ++i) {
    Set& set = sets.emplace_back();
    const std::string number = std::to_string(i + 1);
    std::string_view rest;
    leading_instance(triples[i][0]->value(), rest);
    set.results = rest;
    const auto tags = TagList::parse(triples[i][2]->value());
    const auto cv = tags->find("cv").value_or("");
    if (iequals(cv, "fail")) return fail("seal " + number + " says that the chain was broken"), false;
    if (!iequals(cv, i == 0 ? "none" : "pass")) return fail("seal " + number + " has a wrong cv="), false;
    if (tags->find("h")) return fail("seal " + number + " has a tag h="), false; // section 4.1.3
    auto seal = read_seal(*tags);
    if (!seal) return fail("seal " + number + ": " + seal.error().message), false;
    set.seal = std::move(*seal);
    append_canonical(text, *triples[i][0], Canonical::relaxed);
    append_canonical(text, *triples[i][1], Canonical::relaxed);
    const std::size_t before = text.size();
    append_canonical_signature(text, *triples[i][2], Canonical::relaxed);
    set.seal_hash = sha256(text);
    text.resize(before);
    append_canonical(text, *triples[i][2], Canonical::relaxed);
  }
  return true;
}

std::size_t ArcVerifier::Impl::body_for(const Signature& s) {
  for (std::size_t i = 0; i < bodies.size(); ++i)
    if (bodies[i].hash.form() == s.body_form && bodies[i].hash.limit() == s.body_limit) return i;
  bodies.push_back({BodyHash(s.body_form, s.body_limit)});
  return bodies.size() - 1;
}

/// Only the newest message signature decides; with two forms and no limit, the older ones cost no more hashing.
void ArcVerifier::Impl::read_messages(const mail::Head& head, const std::vector<Triple>& triples) {
  const FieldIndex index(head);
  for (std::size_t left = triples.size(); left > 0 && left + kMaxMessages > triples.size(); --left) {
    const std::size_t i = left - 1;
    const mail::Field& field = *triples[i][1];
    const auto tags = TagList::parse(field.value());
    auto read = read_signature(*tags);
    const bool newest = i + 1 == triples.size();
    if (!read && newest) return fail("the newest message signature: " + read.error().message);
    if (!read) continue;
    // Section 4.1.2 forbids sealers to cover fields of ARC and Authentication-Results; whoever did it all the same may
    // be believed.
    const CoveredHead covered = covered_head(index, field, *read);
    if (newest && !covered.beside.empty())
      return fail("a field " + covered.beside + " stands beside the one that the chain covers");
    if (!covered.beside.empty() || (read->body_limit && !newest)) continue;
    Set& set = sets[i];
    set.message = std::move(*read);
    set.message_hash = sha256(covered.text);
    set.body = body_for(set.message);
    set.message_good = true;
  }
}

void ArcVerifier::Impl::collect(const mail::Head& head) {
  std::vector<Triple> triples;
  if (!arrange(head, triples)) {
    decided = true; // none, or failed
    return;
  }
  if (read_seals(triples)) read_messages(head, triples);
  if (!sets.empty()) outcome.claimed = sets.back().seal.domain;
}

bool ArcVerifier::Impl::message_body_is_whole(const Set& set) const {
  const Body& body = bodies[set.body];
  // l= is never trusted for what it leaves out.
  return view(body.digest) == set.message.body_hash &&
         (!set.message.body_limit || *set.message.body_limit == body.hash.size());
}

ArcVerifier::ArcVerifier(const mail::Head& head) : impl_(std::make_unique<Impl>()) { impl_->collect(head); }
ArcVerifier::~ArcVerifier() = default;
ArcVerifier::ArcVerifier(ArcVerifier&&) noexcept = default;
ArcVerifier& ArcVerifier::operator=(ArcVerifier&&) noexcept = default;

bool ArcVerifier::wants_body() const { return !impl_->bodies.empty(); }

std::vector<std::string> ArcVerifier::key_names() const {
  if (!wants_body()) return {};
  const Set& newest = impl_->sets.back();
  std::vector<std::string> names{dkim_key_name(newest.message.selector, newest.message.domain)};
  std::string seal = dkim_key_name(newest.seal.selector, newest.seal.domain);
  if (seal != names.front()) names.push_back(std::move(seal));
  return names;
}

const std::string& ArcVerifier::claimed_sealer() const { return impl_->outcome.claimed; }

void ArcVerifier::body(std::string_view chunk) {
  for (auto& body : impl_->bodies) body.hash.feed(chunk);
}

namespace {

enum class SignatureCheck { good, bad, temporary };

Task<SignatureCheck> check_signature(const Signature& signature, const Digest& digest, dns::Resolver& resolver,
                                     DkimKeyCache& cache, unsigned& checks) {
  std::string name = dkim_key_name(signature.selector, signature.domain);
  const DkimKeyAnswer answer = co_await fetch_dkim_key(std::move(name), resolver, cache);
  if (answer.status == dns::Status::servfail) co_return SignatureCheck::temporary;
  for (const auto& key : answer.keys) {
    const bool fits = *key && (*key)->key.kind() == signature.algorithm &&
                      ((*key)->key.kind() != KeyKind::rsa || (*key)->key.bits() >= kMinRsaBits);
    if (!fits) continue;
    if (checks == 0) break;
    --checks;
    if ((*key)->key.verify(digest, signature.signature)) co_return SignatureCheck::good;
  }
  co_return SignatureCheck::bad;
}

} // namespace

Task<ArcOutcome> ArcVerifier::finish(dns::Resolver& resolver, DkimKeyCache& cache) {
  Impl& in = *impl_;
  if (in.decided) co_return in.outcome;
  for (auto& body : in.bodies) body.digest = body.hash.finish();
  if (!in.message_body_is_whole(in.sets.back())) {
    in.fail("the body was changed after the chain was sealed");
    co_return in.outcome;
  }
  unsigned checks = kMaxChecks;
  bool older_good = true;
  for (std::size_t i = in.sets.size(); i-- > 0 && older_good;) {
    const Set& set = in.sets[i];
    const bool newest = i + 1 == in.sets.size();
    SignatureCheck check = SignatureCheck::bad;
    if (set.message_good && in.message_body_is_whole(set))
      check = co_await check_signature(set.message, set.message_hash, resolver, cache, checks);
    older_good = check == SignatureCheck::good;
    if (older_good) in.outcome.oldest_pass = static_cast<unsigned>(i + 1);
    if (newest && !older_good) {
      in.outcome.temporary = check == SignatureCheck::temporary;
      in.fail("the newest message signature of " + set.message.domain + " is not good");
      co_return in.outcome;
    }
  }
  for (std::size_t i = in.sets.size(); i-- > 0;) {
    const Set& set = in.sets[i];
    const SignatureCheck check = co_await check_signature(set.seal, set.seal_hash, resolver, cache, checks);
    if (check == SignatureCheck::good) continue;
    in.outcome.temporary = check == SignatureCheck::temporary;
    in.outcome.oldest_pass = 0;
    in.fail("seal " + std::to_string(i + 1) + " of " + set.seal.domain + " is not good");
    co_return in.outcome;
  }
  in.outcome.result = ArcResult::pass;
  if (in.outcome.oldest_pass == 1) in.outcome.oldest_pass = 0;
  for (auto& set : in.sets) {
    in.outcome.sealers.push_back(set.seal.domain);
    in.outcome.results.push_back(set.results);
  }
  co_return in.outcome;
}

} // namespace paquebot::mailauth
