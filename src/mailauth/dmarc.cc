#include "mailauth/dmarc.h"

#include "base/text.h"
#include "dns/wire.h"
#include "mailauth/text.h"

#include <algorithm>

namespace paquebot::mailauth {
namespace {

constexpr std::size_t kMaxQuestions = 8;

std::size_t labels_of(std::string_view domain) { return static_cast<std::size_t>(std::ranges::count(domain, '.')) + 1; }

/// The name without its left-most label; empty after the last.
std::string parent_of(std::string_view domain) {
  const auto dot = domain.find('.');
  return dot == std::string_view::npos ? std::string() : std::string(domain.substr(dot + 1));
}

/// Section 4.10 step 4: the next name to ask after the first.
std::string second_target(std::string domain) {
  if (labels_of(domain) < kMaxQuestions) return parent_of(domain);
  while (labels_of(domain) > kMaxQuestions - 1) domain = parent_of(domain);
  return domain;
}

/// One check of a message.
class Check {
public:
  Check(const SpfOutcome& spf, const std::vector<DkimVerdict>& dkim, DmarcWalker& walker)
      : spf_(spf), dkim_(dkim), walker_(walker) {}

  Task<DmarcOutcome> run(Author author);

private:
  enum class Aligned { no, yes, unknown };

  Task<void> find_policy();
  Task<void> choose_policy(const DmarcWalk& walk);
  Task<Aligned> align(std::string identifier, bool strict);
  bool may_share_organization(std::string_view identifier) const;
  Task<void> align_all();
  void conclude();

  const SpfOutcome& spf_;
  const std::vector<DkimVerdict>& dkim_;
  DmarcWalker& walker_;
  DmarcOutcome outcome_;
  std::vector<std::string> failed_; ///< names above or at the author's for which the DNS failed
  bool settled_ = false;            ///< without looking at SPF and DKIM
  bool uncertain_ = false;          ///< something that might have aligned failed for a while
};

/// Section 4.10.1. Where the DNS fails for some names, what the others say counts: an attacker chooses which name he
/// writes.
Task<void> Check::find_policy() {
  std::string author = outcome_.author.domain;
  DmarcWalk walk = co_await walker_.walk(std::move(author));
  failed_ = std::move(walk.failed);
  outcome_.organizational_domain = walk.organizational_domain();
  // What our own resolver, or the bound on what is asked, keeps from us is not for the sender to choose either: a
  // record nearer to the author than those that were found, or the one of his organization, may be stricter.
  const bool kept_from_us =
      walk.own_fault && (walk.found.empty() || walk.found.front().domain != outcome_.author.domain);
  if (!walk.found.empty() && !kept_from_us) {
    co_await choose_policy(walk);
    co_return;
  }
  // That of a name with one label, a public suffix, is the last to hope for and hardly ever there.
  const bool unknown =
      std::ranges::any_of(failed_, [](const std::string& name) { return name.find('.') != std::string::npos; });
  if (unknown) {
    outcome_.doubt = DmarcDoubt::policy;
    co_return;
  }
  settled_ = true;
  outcome_.reason = outcome_.author.domain + " has no DMARC policy";
}

/// The Author Domain's own record, else that of its Organizational Domain, else that of the public suffix.
Task<void> Check::choose_policy(const DmarcWalk& walk) {
  const std::string& author = outcome_.author.domain;
  const auto own = std::ranges::find(walk.found, author, &DmarcWalk::Found::domain);
  auto chosen = own;
  if (own == walk.found.end()) {
    chosen = std::ranges::find(walk.found, outcome_.organizational_domain, &DmarcWalk::Found::domain);
    if (chosen == walk.found.end()) chosen = walk.found.end() - 1;
  }
  outcome_.policy_domain = chosen->domain;
  outcome_.record = chosen->record;
  const DmarcRecord& record = *outcome_.record;
  if (!record.usable) {
    settled_ = true;
    outcome_.result = DmarcResult::permerror;
    outcome_.reason = "the DMARC record of " + chosen->domain + " has no valid policy";
    co_return;
  }
  outcome_.published = record.p;
  if (own != walk.found.end()) co_return;
  outcome_.published = record.sp.value_or(record.p);
  if (!record.np || *record.np == outcome_.published) co_return;
  std::string name = author;
  const std::optional<bool> exists = co_await walker_.exists(std::move(name));
  if (exists && !*exists) outcome_.published = *record.np;
  if (!exists && *record.np > outcome_.published) outcome_.doubt = DmarcDoubt::policy;
}

/// Whether a name for which the DNS failed may be the Organizational Domain of both. A public suffix of one label is
/// none. That says nothing of the policy, which is known; but a record there might make a good signature of the parent
/// the author's, so honest mail is asked to come again. It opens nothing: who can't sign for the parent gains no doubt
/// by it, and after a day the policy decides.
bool Check::may_share_organization(std::string_view identifier) const {
  return std::ranges::any_of(failed_, [&](const std::string& name) {
    return name.find('.') != std::string::npos && is_same_or_below(identifier, name);
  });
}

/// Section 4.10.2.
Task<Check::Aligned> Check::align(std::string identifier, bool strict) {
  if (identifier == outcome_.author.domain) co_return Aligned::yes;
  if (strict) co_return Aligned::no;
  // A domain with the same Organizational Domain is at or below it: others need no questions.
  if (!is_same_or_below(identifier, outcome_.organizational_domain))
    co_return may_share_organization(identifier) ? Aligned::unknown : Aligned::no;
  const DmarcWalk walk = co_await walker_.walk(std::move(identifier));
  if (walk.organizational_domain() != outcome_.organizational_domain) co_return Aligned::no;
  // A record below that would end the walk (psd=n) is the domain's own choice; until it is seen, nothing is certain.
  const bool uncertain = std::ranges::any_of(walk.failed, [&](const std::string& name) {
    return name != outcome_.organizational_domain && is_same_or_below(name, outcome_.organizational_domain);
  });
  co_return uncertain ? Aligned::unknown : Aligned::yes;
}

Task<void> Check::align_all() {
  // Without a record, what is of the very same domain counts; more nobody asked for.
  const bool strict_spf = outcome_.record && outcome_.record->strict_spf;
  const bool strict_dkim = outcome_.record && outcome_.record->strict_dkim;
  if (spf_.result == SpfResult::pass || spf_.result == SpfResult::temperror) {
    std::string domain = spf_.domain;
    const Aligned aligned = co_await align(std::move(domain), strict_spf);
    outcome_.spf_aligned = aligned == Aligned::yes && spf_.result == SpfResult::pass;
    uncertain_ = aligned == Aligned::unknown || (aligned == Aligned::yes && !outcome_.spf_aligned);
  }
  for (const auto& verdict : dkim_) {
    if (verdict.result != DkimResult::pass && verdict.result != DkimResult::temperror) continue;
    std::string domain = verdict.domain;
    const Aligned aligned = co_await align(std::move(domain), strict_dkim);
    if (aligned == Aligned::yes && verdict.result == DkimResult::pass)
      outcome_.dkim_aligned = true;
    else if (aligned != Aligned::no)
      uncertain_ = true;
  }
}

/// Sections 5.3.5 and 5.3.6.
void Check::conclude() {
  const std::string& author = outcome_.author.domain;
  const bool shown = outcome_.spf_aligned || outcome_.dkim_aligned;
  if (outcome_.doubt == DmarcDoubt::policy) {
    outcome_.result = DmarcResult::temperror;
    outcome_.reason = "the DNS failed while looking for the policy of " + author;
    if (shown) outcome_.doubt = DmarcDoubt::none; // whatever the policy is, it would have passed
    return;
  }
  if (shown) {
    outcome_.result = DmarcResult::pass;
    outcome_.reason = outcome_.dkim_aligned ? "a valid DKIM signature belongs to " + author
                                            : "SPF passed for " + printable(spf_.domain, 100);
    return;
  }
  if (uncertain_) {
    outcome_.result = DmarcResult::temperror;
    outcome_.doubt = DmarcDoubt::evidence;
    outcome_.reason = "the DNS failed for what could have shown that " + author + " sent this";
    return;
  }
  outcome_.result = DmarcResult::fail;
  outcome_.policy = outcome_.record->testing ? one_level_less(outcome_.published) : outcome_.published;
  outcome_.reason = "neither SPF nor a DKIM signature shows that " + author + " sent this; the policy of " +
                    outcome_.policy_domain + " is " + std::string(to_string(outcome_.published)) +
                    (outcome_.record->testing ? ", being tested" : "");
}

Task<DmarcOutcome> Check::run(Author author) {
  outcome_.author = std::move(author);
  if (outcome_.author.state != Author::State::one) {
    outcome_.result = DmarcResult::permerror;
    outcome_.policy = DmarcPolicy::reject;
    outcome_.reason = outcome_.author.reason;
    co_return std::move(outcome_);
  }
  co_await find_policy();
  if (settled_) co_return std::move(outcome_);
  co_await align_all();
  conclude();
  co_return std::move(outcome_);
}

} // namespace

bool may_stand_for(std::string_view identifier, std::string_view author) {
  const auto organization = [](std::string_view name) {
    const auto last = name.rfind('.');
    if (last == std::string_view::npos || last == 0) return std::string_view();
    const auto before = name.rfind('.', last - 1);
    return before == std::string_view::npos ? name : name.substr(before + 1);
  };
  return !organization(author).empty() && organization(identifier) == organization(author);
}

std::string_view to_string(DmarcResult result) {
  constexpr std::string_view names[] = {"none", "pass", "fail", "temperror", "permerror"};
  return names[static_cast<std::size_t>(result)];
}

std::string DmarcWalk::organizational_domain() const {
  for (const auto& [domain, record] : found) {
    if (record.psd == DmarcRecord::Psd::no) return domain;
    if (record.psd == DmarcRecord::Psd::yes && domain != start) {
      // One label below, on the way to where the walk began.
      std::string below = start;
      for (std::string next = parent_of(below); next != domain && !next.empty(); next = parent_of(below)) below = next;
      return below;
    }
  }
  return found.empty() ? start : found.back().domain;
}

Task<DmarcWalker::Asked> DmarcWalker::ask(std::string domain) {
  if (const auto known = asked_.find(domain); known != asked_.end()) co_return known->second;
  Asked asked;
  std::string name = "_dmarc." + domain;
  if (dns::is_query_name(name)) {
    const auto answer = co_await resolver_.query(std::move(name), dns::Type::txt);
    asked.temporary = answer->status == dns::Status::servfail;
    asked.own_fault = asked.temporary && answer->own_fault;
    for (const auto& text : answer->records) {
      auto record = parse_dmarc_record(text.text);
      if (!record) continue;
      if (asked.record) { // section 4.10 step 2: several are all discarded
        asked.record.reset();
        break;
      }
      asked.record = std::move(record);
    }
  }
  asked_.emplace(std::move(domain), asked);
  co_return asked;
}

std::vector<std::string> DmarcWalker::names_above(std::string domain) {
  std::vector<std::string> names;
  for (std::string name = second_target(std::move(domain)); labels_of(name) > 1; name = parent_of(name))
    names.push_back(name);
  return names;
}

Task<DmarcWalk> DmarcWalker::walk(std::string domain) {
  DmarcWalk walk;
  walk.start = domain;
  std::string target = std::move(domain);
  for (std::size_t i = 0; i < kMaxQuestions && !target.empty(); ++i) {
    const Asked asked = co_await ask(target);
    if (asked.temporary) walk.failed.push_back(target);
    walk.own_fault |= asked.own_fault && target.find('.') != std::string::npos;
    if (asked.record) {
      walk.found.push_back({target, *asked.record});
      if (asked.record->psd != DmarcRecord::Psd::unknown) co_return walk;
    }
    target = i == 0 ? second_target(std::move(target)) : parent_of(target);
  }
  co_return walk;
}

Task<std::optional<bool>> DmarcWalker::exists(std::string domain) {
  if (const auto known = existing_.find(domain); known != existing_.end()) co_return known->second;
  std::string name = domain;
  const auto answer = co_await resolver_.query(std::move(name), dns::Type::a);
  if (answer->status == dns::Status::servfail) co_return std::nullopt;
  const bool exists = answer->status != dns::Status::nxdomain;
  existing_.emplace(std::move(domain), exists);
  co_return exists;
}

Task<void> DmarcWalker::learn_policy(std::string author) {
  std::string start = author;
  const DmarcWalk found = co_await walk(std::move(start));
  const bool own = !found.found.empty() && found.found.front().domain == author;
  const bool matters = std::ranges::any_of(found.found, [](const auto& one) { return one.record.np.has_value(); });
  if (own || !matters) co_return;
  (void)co_await exists(std::move(author));
}

Task<void> DmarcWalker::learn_record(std::string domain) { const Asked asked = co_await ask(std::move(domain)); }

Task<DmarcOutcome> check_dmarc(const mail::Head& head, const SpfOutcome& spf, const std::vector<DkimVerdict>& dkim,
                               dns::Resolver& resolver) {
  DmarcWalker walker(resolver);
  Author author = author_of(head);
  DmarcOutcome outcome = co_await check_dmarc(std::move(author), spf, dkim, walker);
  co_return outcome;
}

Task<DmarcOutcome> check_dmarc(Author author, const SpfOutcome& spf, const std::vector<DkimVerdict>& dkim,
                               DmarcWalker& walker) {
  Check check(spf, dkim, walker);
  DmarcOutcome outcome = co_await check.run(std::move(author));
  co_return outcome;
}

Task<std::vector<DmarcOutcome>> check_dmarc_each(Author author, const SpfOutcome& spf,
                                                 const std::vector<DkimVerdict>& dkim, DmarcWalker& walker) {
  std::vector<Author> authors;
  for (const std::string& domain : author.domains) authors.push_back(Author::of(domain));
  if (authors.empty()) authors.push_back(std::move(author));
  std::vector<DmarcOutcome> outcomes;
  for (Author& one : authors) {
    Check check(spf, dkim, walker);
    DmarcOutcome outcome = co_await check.run(std::move(one));
    outcomes.push_back(std::move(outcome));
  }
  co_return outcomes;
}

} // namespace paquebot::mailauth
