#include "mail/bounce_class.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <string>

namespace paquebot::mail {
namespace {

using enum BounceClass;

constexpr std::array<std::string_view, kBounceClasses> kNames = {
    "",         "no-such-user",   "no-such-domain", "disabled",     "full",           "rate",
    "greylist", "blocked-source", "blocked-domain", "spam-content", "authentication", "tls",
    "size",     "policy",         "loop",           "expired",      "network",        "protocol",
    "unknown"};

/// What a code of RFC 3463 or of IANA's registry (RFC 5248) says for certain; `none`: it leaves doubt.
struct StatusClass {
  std::uint16_t subject, detail;
  BounceClass klass;
};
constexpr auto kCertain = std::to_array<StatusClass>({
    {1, 1, no_such_user},
    {1, 2, no_such_domain},
    {1, 3, no_such_user},
    {1, 4, no_such_user},
    {1, 6, no_such_user},
    {1, 7, policy},
    {1, 8, policy},
    {1, 9, no_such_domain},
    {1, 10, no_such_domain},
    {2, 1, disabled},
    {2, 2, full},
    {2, 3, size},
    {3, 4, size},
    {4, 1, network},
    {4, 2, network},
    {4, 3, network},
    {4, 4, network},
    {4, 6, loop},
    {4, 7, expired},
    {5, 1, protocol},
    {5, 2, protocol},
    {5, 3, rate},
    {5, 4, protocol},
    {5, 5, protocol},
    {5, 6, protocol},
    {6, 1, protocol},
    {6, 2, protocol},
    {6, 3, protocol},
    {6, 5, protocol},
    {6, 7, protocol},
    {6, 8, protocol},
    {6, 9, protocol},
    {7, 4, tls},
    {7, 5, tls},
    {7, 8, authentication},
    {7, 10, tls},
    {7, 11, tls},
    {7, 20, authentication},
    {7, 21, authentication},
    {7, 22, authentication},
    {7, 23, authentication},
    {7, 24, authentication},
    {7, 25, blocked_source},
    {7, 26, authentication},
    {7, 27, policy},
    {7, 28, rate},
    {7, 29, authentication},
    {7, 30, tls},
});

/// What is left to say by a code that leaves doubt.
BounceClass by_vague_status(const EnhancedCode& status) {
  if (status.subject == 4) return network;
  if (status.subject == 5 || status.subject == 6) return protocol;
  return status.subject == 7 ? policy : none;
}

BounceClass by_certain_status(const EnhancedCode& status) {
  const auto at = std::ranges::find_if(
      kCertain, [&](const StatusClass& one) { return one.subject == status.subject && one.detail == status.detail; });
  return status && at != kCertain.end() ? at->klass : none;
}

BounceClass by_code(std::uint16_t code) {
  switch (code) {
    case 421: return network;
    case 500:
    case 501:
    case 502:
    case 503:
    case 504:
    case 555: return protocol;
    case 521:
    case 556: return no_such_domain; // RFC 7504
    case 523: return size;
    case 530:
    case 534:
    case 535:
    case 538: return authentication;
    case 551: return no_such_user;
    default: return none;
  }
}

/// Whether `pattern`, with `*` for anything, stands somewhere in `text`; both in lower case.
bool stands_in(std::string_view pattern, std::string_view text) {
  while (!pattern.empty()) {
    const auto star = pattern.find('*');
    const std::string_view piece = pattern.substr(0, star);
    const auto at = text.find(piece);
    if (at == text.npos) return false;
    text.remove_prefix(at + piece.size());
    pattern = star == pattern.npos ? std::string_view() : pattern.substr(star + 1);
  }
  return true;
}

BounceClass by_rules(const Reply& said, bool with_status) {
  std::string text = to_lower(said.text);
  std::ranges::replace(text, '\n', ' ');
  const std::string status = said.enhanced ? said.enhanced.to_string() : std::string();
  for (const BounceRule& rule : bounce_rules()) {
    if (rule.status.empty() == with_status) continue;
    if (with_status && rule.status != status) continue;
    if (stands_in(to_lower(std::string(rule.text)), text)) return rule.klass;
  }
  return none;
}

BounceClass of_peer(const Reply& said) {
  if (said.positive()) return none;
  BounceClass klass = by_rules(said, true);
  if (klass == none) klass = by_certain_status(said.enhanced);
  if (klass == none) klass = by_rules(said, false);
  if (klass == none) klass = by_vague_status(said.enhanced);
  if (klass == none) klass = by_code(said.code);
  return klass == none ? unknown : klass;
}

/// Each failure of our own has a code that says what it is.
BounceClass of_ours(const Reply& own) {
  if (own.positive()) return none;
  BounceClass klass = by_certain_status(own.enhanced);
  if (klass == none) klass = by_vague_status(own.enhanced);
  return klass == none ? unknown : klass;
}

} // namespace

std::string_view name_of(BounceClass klass) {
  const auto at = static_cast<std::size_t>(klass);
  return at < kNames.size() ? kNames[at] : kNames.back();
}

BounceClass class_of(const Told& told) {
  if (told.empty() || told.positive()) return none;
  const bool heard = told.peer.code != 0 && !told.peer.positive();
  if (told.own.code == 0) return of_peer(told.peer);
  const BounceClass ours = of_ours(told.own);
  // That a session did not come about says less than what the server refused it with.
  if (!heard || (ours != network && ours != unknown)) return ours;
  const BounceClass theirs = of_peer(told.peer);
  return theirs == unknown ? ours : theirs;
}

BounceClass class_at_end(BounceClass klass) {
  const bool says_little = klass == network || klass == unknown || klass == rate || klass == greylist || klass == none;
  return says_little ? expired : klass;
}

bool is_hard_no_such_user(const Told& told) {
  return told.own.code == 0 && told.peer.heard && told.peer.permanent() && told.peer.enhanced == EnhancedCode{5, 1, 1};
}

} // namespace paquebot::mail
