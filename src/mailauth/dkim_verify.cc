#include "mailauth/dkim_verify.h"

#include "base/text.h"
#include "mail/address.h"
#include "mailauth/text.h"

#include <algorithm>
#include <optional>

namespace paquebot::mailauth {
namespace {

/// How far the signer's clock may be ahead of ours.
constexpr std::uint64_t kClockSkew = 3600;
/// Where the first eight octets of b= that are no white space are to be found.
constexpr std::size_t kTagSpan = 64;

/// The domain of i= as A-labels; empty when it is malformed.
std::string identity_domain(std::string_view identity) {
  const auto at = identity.rfind('@');
  if (at == std::string_view::npos) return {};
  return mail::normalize_domain(identity.substr(at + 1)).value_or("");
}

} // namespace

std::string_view to_string(DkimResult result) {
  constexpr std::string_view names[] = {"none", "pass", "fail", "policy", "neutral", "temperror", "permerror"};
  return names[static_cast<std::size_t>(result)];
}

struct DkimVerifier::Candidate {
  DkimVerdict verdict;
  bool decided = false; ///< nothing is left to find out
  Signature signature;
  std::string identity_domain;
  std::string beside; ///< a field that stands beside a covered one
  Digest head_hash{};
  std::size_t body = 0; ///< index of its BodyHash

  void decide(DkimResult result, std::string why) {
    verdict.result = result;
    verdict.reason = std::move(why);
    decided = true;
  }
};

struct DkimVerifier::Impl {
  struct Body {
    BodyHash hash;
    Digest digest{};
  };
  std::vector<Candidate> candidates;
  std::vector<Body> bodies; ///< one for each form and limit that occur
  std::uint64_t now = 0;

  void add(const FieldIndex& index, const mail::Field& field);
  bool read(const mail::Field& field, Candidate& c) const;
  std::optional<std::size_t> body_for(const Signature& s);
  bool body_is_whole(Candidate& c);
  void judge(Candidate& c, const DkimKeyAnswer& answer) const;
  bool try_key(Candidate& c, const DkimKey& key) const;
};

/// Fills the candidate from its field; false, with the verdict, when it can't be verified.
bool DkimVerifier::Impl::read(const mail::Field& field, Candidate& c) const {
  const auto tags = TagList::parse(field.value());
  if (!tags) return c.decide(DkimResult::neutral, "malformed: " + tags.error().message), false;
  c.verdict.tag = printable(without_space(tags->find("b").value_or("").substr(0, kTagSpan)).substr(0, 8));
  c.verdict.algorithm = printable(to_lower(tags->find("a").value_or("")), 40);
  auto signature = read_signature(*tags);
  if (tags->find("v") != "1") signature = fail(Errc::invalid, "tag v= is missing or malformed");
  if (!signature) {
    c.verdict.domain = printable(tags->find("d").value_or(""), 255);
    c.verdict.selector = printable(tags->find("s").value_or(""), 255);
    return c.decide(DkimResult::neutral, signature.error().message), false;
  }
  c.signature = std::move(*signature);
  c.verdict.domain = c.signature.domain;
  c.verdict.selector = c.signature.selector;
  // Section 3.5: i= is at or below d=.
  const auto identity = tags->find("i");
  c.identity_domain = identity ? identity_domain(*identity) : c.signature.domain;
  c.verdict.identity = identity ? printable(*identity, 320) : "@" + c.signature.domain;
  if (c.identity_domain.empty() || !is_same_or_below(c.identity_domain, c.signature.domain))
    return c.decide(DkimResult::neutral, "the identity i= does not belong to d="), false;
  if (const auto methods = tags->find("q")) {
    const auto listed = split(*methods, ':');
    if (std::ranges::none_of(listed, [](auto m) { return iequals(trim(m), "dns/txt"); }))
      return c.decide(DkimResult::neutral, "the key is not in the DNS (q=)"), false;
  }
  if (c.signature.expires && *c.signature.expires < now)
    return c.decide(DkimResult::fail, "the signature has expired"), false;
  if (c.signature.signed_at && *c.signature.signed_at > now + kClockSkew)
    return c.decide(DkimResult::neutral, "the signature is from the future"), false;
  return true;
}

std::optional<std::size_t> DkimVerifier::Impl::body_for(const Signature& s) {
  for (std::size_t i = 0; i < bodies.size(); ++i)
    if (bodies[i].hash.form() == s.body_form && bodies[i].hash.limit() == s.body_limit) return i;
  if (bodies.size() == kMaxBodyHashes) return std::nullopt;
  bodies.push_back({BodyHash(s.body_form, s.body_limit)});
  return bodies.size() - 1;
}

void DkimVerifier::Impl::add(const FieldIndex& index, const mail::Field& field) {
  Candidate& c = candidates.emplace_back();
  if (!read(field, c)) return;
  const auto body = body_for(c.signature);
  if (!body) return c.decide(DkimResult::neutral, "too many signatures with different l=");
  c.body = *body;
  CoveredHead covered = covered_head(index, field, c.signature);
  c.beside = std::move(covered.beside);
  c.head_hash = sha256(covered.text);
}

DkimVerifier::DkimVerifier(const mail::Head& head, WallTime now, DkimOptions options)
    : impl_(std::make_unique<Impl>()) {
  impl_->now = static_cast<std::uint64_t>(std::max<std::int64_t>(0, millis(now) / 1000));
  std::optional<FieldIndex> index;
  for (const auto& field : head) {
    if (!field.is("DKIM-Signature")) continue;
    if (impl_->candidates.size() == options.most) break;
    if (!index) index.emplace(head);
    impl_->add(*index, field);
  }
}

DkimVerifier::~DkimVerifier() = default;
DkimVerifier::DkimVerifier(DkimVerifier&&) noexcept = default;
DkimVerifier& DkimVerifier::operator=(DkimVerifier&&) noexcept = default;

std::size_t DkimVerifier::signatures() const { return impl_->candidates.size(); }

std::vector<std::string> DkimVerifier::key_names() const {
  std::vector<std::string> names;
  for (const auto& c : impl_->candidates) {
    if (c.decided) continue;
    std::string name = dkim_key_name(c.signature.selector, c.signature.domain);
    if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
  }
  return names;
}

void DkimVerifier::body(std::string_view chunk) {
  for (auto& body : impl_->bodies) body.hash.feed(chunk);
}

/// Section 6.1.3 step 1 to 3; decides when the body was changed.
bool DkimVerifier::Impl::body_is_whole(Candidate& c) {
  const Body& body = bodies[c.body];
  if (c.signature.body_limit && *c.signature.body_limit > body.hash.size())
    return c.decide(DkimResult::fail, "the body is shorter than what was signed"), false;
  if (view(body.digest) != c.signature.body_hash)
    return c.decide(DkimResult::fail, "the body was changed after it was signed"), false;
  return true;
}

/// Whether this key settles the matter.
bool DkimVerifier::Impl::try_key(Candidate& c, const DkimKey& key) const {
  c.verdict.bits = key.key.bits();
  c.verdict.testing = key.testing;
  if (key.key.kind() != c.signature.algorithm)
    return c.decide(DkimResult::permerror, "the key is of another kind than the signature"), false;
  if (key.strict_identity && c.identity_domain != c.signature.domain)
    return c.decide(DkimResult::permerror, "the key does not allow the identity i="), false;
  if (key.key.kind() == KeyKind::rsa && key.key.bits() < kMinRsaBits) // RFC 8301 section 3.2
    return c.decide(DkimResult::policy, "the key has only " + std::to_string(key.key.bits()) + " bits"), true;
  if (!key.key.verify(c.head_hash, c.signature.signature))
    return c.decide(DkimResult::fail, "the header fields were changed, or the key is another one"), false;
  const std::uint64_t size = bodies[c.body].hash.size();
  if (c.signature.body_limit && *c.signature.body_limit < size)
    return c.decide(DkimResult::policy, "the signature covers only " + std::to_string(*c.signature.body_limit) +
                                            " of " + std::to_string(size) + " octets of the body"),
           true;
  if (!c.beside.empty())
    return c.decide(DkimResult::policy, "a field " + c.beside + " stands beside the one that is signed"), true;
  c.verdict.weak = key.key.kind() == KeyKind::rsa && key.key.bits() < kGoodRsaBits;
  return c.decide(DkimResult::pass, c.verdict.weak ? "weak key of " + std::to_string(key.key.bits()) + " bits" : ""),
         true;
}

void DkimVerifier::Impl::judge(Candidate& c, const DkimKeyAnswer& answer) const {
  if (answer.status == dns::Status::servfail)
    return c.decide(DkimResult::temperror, "the DNS failed for the key: " + answer.why);
  if (answer.keys.empty()) return c.decide(DkimResult::permerror, "there is no such key");
  for (const auto& parsed : answer.keys) {
    if (!*parsed) {
      if (!c.decided) c.decide(DkimResult::permerror, parsed->error().message);
      continue;
    }
    if (try_key(c, **parsed)) return;
  }
}

void DkimVerifier::end_body() {
  for (auto& body : impl_->bodies) body.digest = body.hash.finish();
}

Task<void> DkimVerifier::verify(std::size_t n, dns::Resolver& resolver, DkimKeyCache& cache) {
  Candidate& c = impl_->candidates[n];
  if (c.decided || !impl_->body_is_whole(c)) co_return;
  std::string name = dkim_key_name(c.signature.selector, c.signature.domain);
  const DkimKeyAnswer answer = co_await fetch_dkim_key(std::move(name), resolver, cache);
  impl_->judge(c, answer);
}

std::vector<DkimVerdict> DkimVerifier::verdicts() const {
  std::vector<DkimVerdict> all;
  for (const auto& c : impl_->candidates) {
    DkimVerdict& verdict = all.emplace_back(c.verdict);
    if (c.decided) continue;
    verdict.result = DkimResult::temperror;
    verdict.reason = "the DNS did not answer in time for the key";
  }
  return all;
}

Task<std::vector<DkimVerdict>> DkimVerifier::finish(dns::Resolver& resolver, DkimKeyCache& cache) {
  end_body();
  for (std::size_t n = 0; n < signatures(); ++n) {
    Task<void> one = verify(n, resolver, cache);
    co_await std::move(one);
  }
  co_return verdicts();
}

} // namespace paquebot::mailauth
