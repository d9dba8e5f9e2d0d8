// Sealing of what we forward (RFC 8617).

#include "base/log.h"
#include "base/text.h"
#include "delivery/signer.h"
#include "mailauth/arc.h"
#include "mailauth/auth_results.h"

#include <algorithm>
#include <optional>

namespace paquebot::delivery {
namespace {

/// What was found out about a message when it came, as the field in its head says.
struct Stamp {
  std::string results; ///< value of the field
  mailauth::ArcOutcome arc;
};

/// How many sets the chain has, by what its seals say.
unsigned highest_instance(const mail::Head& head) {
  std::uint64_t highest = 0;
  for (const mail::Field& field : head) {
    if (!field.is("ARC-Seal")) continue;
    for (const std::string_view tag : split(field.value(), ';')) {
      const auto equals = tag.find('=');
      if (equals == std::string_view::npos || trim(tag.substr(0, equals)) != "i") continue;
      highest = std::max(highest, parse_u64(trim(tag.substr(equals + 1))).value_or(0));
    }
  }
  return static_cast<unsigned>(std::min<std::uint64_t>(highest, mailauth::kMaxArcSets));
}

/// Nothing where a seal would be of no
/// use: nobody looked, or the chain was broken. A broken chain may have been a DNS that failed, and a seal that says so
/// would break it for good.
std::optional<Stamp> stamp_of(const mail::Head& head, const std::string& hostname) {
  auto own = own_results(head, hostname);
  if (!own) return std::nullopt;
  const std::vector<mailauth::AuthResult>& results = own->first.results;
  Stamp stamp;
  stamp.results = std::move(own->second);
  stamp.arc.sets = highest_instance(head);
  const auto arc = std::ranges::find(results, "arc", &mailauth::AuthResult::method);
  const bool passed = arc != results.end() && arc->result == "pass";
  if (passed != (stamp.arc.sets > 0) || (!passed && arc != results.end())) return std::nullopt;
  stamp.arc.result = passed ? mailauth::ArcResult::pass : mailauth::ArcResult::none;
  return stamp;
}

/// The one that every verifier can read (RFC 8617 section 4.1.2, RFC 8463 is newer).
Signer::KeyPtr rsa_of(const Signer::KeyList& keys) {
  for (const Signer::KeyPtr& key : keys)
    if (key->key.kind() == mailauth::KeyKind::rsa) return key;
  return nullptr;
}

} // namespace

Standing Signer::standing(const store::MessageFacts& message, const Content& content) const {
  const auto head = mail::Head::parse(content.head());
  return head ? standing_of(*head, hostname_, message.sender.reverse_path.domain) : Standing();
}

Task<Result<>> Signer::seal(const store::MessageFacts& message, std::string via, Content& content) {
  if (!on_ || message.klass != store::MessageClass::incoming || !content.signature().empty()) co_return Result<>();
  const auto at = via.rfind('@');
  if (at == std::string::npos) co_return Result<>();
  std::string domain = to_lower(via.substr(at + 1));
  const Version version{message.id, content.form(), domain};
  const auto keys = co_await keys_for(std::move(domain));
  if (!keys) co_return std::unexpected(keys.error());
  const Keys used = *keys;
  const KeyPtr key = rsa_of(*used);
  if (!key) co_return Result<>();
  const bool known = co_await put_known(version, used, content);
  if (known) co_return Result<>();
  const Turn turn(under_way_, version);
  auto set = co_await compose_seal(content, key);
  if (!set) co_return std::unexpected(set.error());
  if (set->empty()) co_return Result<>();
  content.put_signature(*set);
  keep(version, {std::move(*set), used, clock_.wall()});
  co_return Result<>();
}

/// Reads the content to its end, begins it anew and gives the set; nothing where there is nothing to seal.
Task<Result<std::string>> Signer::compose_seal(Content& content, KeyPtr key) {
  const auto stored = mail::Head::parse(content.head());
  const auto stamp = stored ? stamp_of(*stored, hostname_) : std::nullopt;
  if (!stamp) co_return std::string();
  mailauth::ArcSealer sealer;
  const BodyTaker take = [&sealer](std::string_view body) { sealer.body(body); };
  const auto head = co_await read_through(content, take);
  if (!head) co_return std::unexpected(head.error());
  if (auto again = content.rewind(); !again) co_return std::unexpected(again.error());
  if (!*head) co_return std::string();
  const WallTime now = clock_.wall();
  Result<std::string> set;
  std::move_only_function<void()> work = [&] { set = sealer.finish(**head, stamp->arc, *key, stamp->results, now); };
  const bool done = co_await cpu_.run(std::move(work));
  if (!done) co_return fail(Errc::temporary, "too much waits to be signed");
  if (set) co_return set;
  log::error("not-sealed", {{"why", set.error().message}});
  co_return std::string();
}

} // namespace paquebot::delivery
