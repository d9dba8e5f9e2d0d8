#include "intake/authentication_policy.h"

#include "base/text.h"
#include "mailauth/auth_results.h"

#include <algorithm>
#include <string_view>

namespace paquebot::intake {
namespace {

using Action = Judgement::Action;
using mailauth::ArcResult;
using mailauth::Author;
using mailauth::DmarcDoubt;
using mailauth::AuthResult;
using mailauth::DkimResult;
using mailauth::DmarcOutcome;
using mailauth::DmarcPolicy;
using mailauth::DmarcResult;
using mailauth::SpfResult;

constexpr std::size_t kShownName = 100;

std::string shown(std::string_view name) { return printable(name, kShownName); }

bool is_same_or_below(std::string_view name, std::string_view domain) {
  return !domain.empty() && (name == domain || (name.size() > domain.size() && name.ends_with(domain) &&
                                                name[name.size() - domain.size() - 1] == '.'));
}

bool is_trusted(std::string_view sealer, const std::vector<std::string>& trusted) {
  return std::ranges::any_of(trusted, [&](const std::string& domain) { return is_same_or_below(sealer, domain); });
}

std::string_view property(const AuthResult& result, std::string_view type, std::string_view name) {
  for (const auto& p : result.properties)
    if (p.type == type && p.name == name) return p.value;
  return {};
}

/// Whether a domain stands for the author under the policy that was found (RFC 9989 section 4.10.2): strict means the
/// very same one.
bool aligned(std::string domain, const DmarcOutcome& dmarc, bool strict) {
  if (const auto at = domain.rfind('@'); at != std::string::npos) domain.erase(0, at + 1);
  domain = to_lower(domain);
  if (domain.ends_with('.')) domain.pop_back();
  return !domain.empty() &&
         (strict ? domain == dmarc.author.domain : is_same_or_below(domain, dmarc.organizational_domain));
}

/// Whether the results that a forwarder sealed show that the message was of this author when it came there. What it
/// found by DMARC decides, of this author where it judged several; where it looked only for SPF and DKIM, these do.
bool show_author(const std::vector<AuthResult>& results, const DmarcOutcome& dmarc) {
  const bool strict_spf = dmarc.record && dmarc.record->strict_spf;
  const bool strict_dkim = dmarc.record && dmarc.record->strict_dkim;
  bool shown = false, judged = false, named = false, all = true;
  for (const AuthResult& r : results) {
    const bool passed = r.result == "pass";
    if (r.method == "dmarc") {
      judged = true;
      if (!iequals(property(r, "header", "from"), dmarc.author.domain)) continue;
      named = true;
      all = all && passed;
    }
    if (r.method == "dkim") shown |= passed && aligned(std::string(property(r, "header", "d")), dmarc, strict_dkim);
    if (r.method == "spf") shown |= passed && aligned(std::string(property(r, "smtp", "mailfrom")), dmarc, strict_spf);
  }
  return judged ? named && all : shown;
}

/// RFC 7372 section 3.3 has a code for more than one failed check.
mail::EnhancedCode code_of(const Findings& f) {
  const bool spf_failed = f.sender.result == SpfResult::fail || f.sender.result == SpfResult::softfail;
  const bool dkim_failed = std::ranges::any_of(f.dkim, [](const auto& v) { return v.result == DkimResult::fail; });
  return spf_failed && dkim_failed ? mail::EnhancedCode{5, 7, 26} : mail::EnhancedCode{5, 7, 1};
}

/// What the author's domain asks us to do with mail that is not its own.
DmarcPolicy asked_for(const DmarcOutcome& dmarc) {
  return dmarc.record && dmarc.record->testing ? one_level_less(dmarc.published) : dmarc.published;
}

/// Who sends may have filled the line of what is asked for his network; so that is no reason to take it, and none to
/// charge it to anybody.
mail::Reply ours_to_mend(const std::string& detail) {
  return mail::Reply(
      451, {4, 4, 5},
      "this server has too much to ask the DNS for mail of your network, and can't tell yet who sent this message: "
      "please try again later",
      detail);
}

/// The DNS does not let us find out whether the message is the author's. Who sends it may have chosen the name that
/// fails, so that is no reason to take it; an honest sender's DNS comes back. After a day the policy decides, when it
/// is known.
Judgement judge_doubt(const Findings& f, const AuthenticationOptions& options) {
  const DmarcOutcome& dmarc = *f.dmarc;
  Judgement out;
  if (dmarc.doubt == DmarcDoubt::evidence && asked_for(dmarc) == DmarcPolicy::none) return out;
  const std::string author = shown(dmarc.author.domain);
  const bool policy = dmarc.doubt == DmarcDoubt::policy;
  out.reason = policy ? "the DNS does not answer for the DMARC policy of " + author
                      : "the DNS does not answer for what could show that it is from " + author;
  if (options.dmarc == AuthenticationOptions::Dmarc::tag) {
    out.action = Action::tag;
    return out;
  }
  out.action = Action::refuse;
  if (f.own_fault) {
    out.reply = ours_to_mend(dmarc.reason);
    return out;
  }
  out.reply = mail::Reply(451, {4, 7, 0},
                          policy ? out.reason + ", which this message says it is from: please try again later"
                                 : "the message says that it is from " + author +
                                       ", and the DNS does not answer for what could show that: please try again later",
                          dmarc.reason);
  return out;
}

/// A good signature of the author that we do not accept: what its domain has to mend. Empty: there is none.
std::string refused_signature(const Findings& f) {
  const DmarcOutcome& dmarc = *f.dmarc;
  for (const auto& verdict : f.dkim) {
    if (verdict.result != DkimResult::policy ||
        !aligned(verdict.domain, dmarc, dmarc.record && dmarc.record->strict_dkim))
      continue;
    return "the DKIM signature of " + shown(verdict.domain) + " is good but does not count: " + verdict.reason;
  }
  return {};
}

/// What the domain asks for, or we do where no domain can ask (RFC 9989 sections 5.3.6 and 11.5).
Judgement judge_dmarc(const Findings& f, const AuthenticationOptions& options) {
  const DmarcOutcome& dmarc = *f.dmarc;
  Judgement out;
  const bool doubtful = dmarc.doubt == DmarcDoubt::evidence && f.waited_long && !f.own_fault;
  if (dmarc.doubt != DmarcDoubt::none && !doubtful) return judge_doubt(f, options);
  const DmarcPolicy policy = doubtful ? asked_for(dmarc) : dmarc.policy;
  if (policy == DmarcPolicy::none) return out;
  const bool no_author = dmarc.author.state != Author::State::one;
  const std::string author = shown(dmarc.author.domain);
  out.reason = no_author ? "nobody can tell who wrote this message: " + printable(dmarc.author.reason, 350)
                         : "it says that it is from " + author + ", but neither SPF nor DKIM shows that";
  const std::string signature = no_author ? std::string() : refused_signature(f);
  if (!signature.empty()) out.reason += "; " + signature;
  if (options.dmarc == AuthenticationOptions::Dmarc::tag) {
    out.action = Action::tag;
  } else if (policy == DmarcPolicy::quarantine) {
    out.action = options.quarantine == AuthenticationOptions::Quarantine::hold ? Action::hold : Action::tag;
  } else {
    out.action = Action::refuse;
    out.reply = no_author ? mail::Reply(550, {5, 7, 1}, out.reason)
                          : mail::Reply(550, code_of(f),
                                        "refused by the DMARC policy of " + shown(dmarc.policy_domain) +
                                            ": the message says that it is from " + author +
                                            ", but neither SPF nor DKIM shows that" +
                                            (signature.empty() ? "" : "; " + signature),
                                        dmarc.reason + (signature.empty() ? "" : "; " + signature));
  }
  return out;
}

/// A trusted forwarder may vouch for the message, but the DNS fails for its key. Accepted it would let by whoever
/// claims to be that forwarder; refused for good it would be lost.
mail::Reply ask_again(const mailauth::ArcOutcome& arc) {
  return mail::Reply(451, {4, 7, 0},
                     "the DNS does not answer for the seal of " + shown(arc.claimed) +
                         ", which may show who sent this message: please try again later",
                     arc.reason);
}

/// A domain's "-all", where DMARC does not say that the mail is the author's all the same (RFC 9989 section 7.1), and
/// is not still to be found out.
bool refused_by_spf(const Findings& f, const AuthenticationOptions& options) {
  if (options.spf_fail != AuthenticationOptions::SpfFail::refuse || f.sender.result != SpfResult::fail) return false;
  return !f.dmarc || (f.dmarc->result != DmarcResult::pass && f.dmarc->result != DmarcResult::temperror);
}

/// It may be such a domain, had we been able to ask.
bool hidden_from_spf(const Findings& f, const AuthenticationOptions& options) {
  return options.spf_fail == AuthenticationOptions::SpfFail::refuse && f.own_fault &&
         f.sender.result == SpfResult::temperror && (!f.dmarc || f.dmarc->result != DmarcResult::pass);
}

/// RFC 7208 section 8.4: a fail with its explanation, which is said to be somebody else's words.
mail::Reply spf_refusal(const Findings& f) {
  const std::string domain = shown(f.sender.domain);
  std::string text = domain + " does not allow " + f.sender_question.ip.to_string() + " to send its mail (SPF)";
  if (!f.sender.explanation.empty()) text += "\n" + domain + " explains: " + printable(f.sender.explanation, 400);
  return mail::Reply(550, {5, 7, 23}, text, f.sender.reason);
}

int severity(const Judgement& judgement) {
  switch (judgement.action) {
    case Action::refuse: return judgement.reply.permanent() ? 5 : 4;
    case Action::hold: return 3;
    case Action::tag: return 2;
    case Action::accept: break;
  }
  return judgement.forwarder.empty() ? 0 : 1;
}

std::string_view dkim_summary(const std::vector<mailauth::DkimVerdict>& verdicts) {
  if (verdicts.empty()) return "none";
  const bool passed = std::ranges::any_of(verdicts, [](const auto& v) { return v.result == DkimResult::pass; });
  return to_string(passed ? DkimResult::pass : verdicts.front().result);
}

} // namespace

std::string vouching_forwarder(const Findings& findings, const std::vector<std::string>& trusted) {
  const mailauth::ArcOutcome& arc = findings.arc;
  if (arc.result != ArcResult::pass || !findings.dmarc || trusted.empty()) return {};
  // Whoever sealed later may have changed the message, so from the forwarder on all must be trusted.
  std::size_t first = arc.sealers.size();
  while (first > 0 && is_trusted(arc.sealers[first - 1], trusted)) --first;
  if (first == arc.sealers.size() || first >= arc.results.size()) return {};
  const auto results = mailauth::parse_auth_results(arc.results[first]);
  if (!results) return {};
  return show_author(results->results, *findings.dmarc) ? arc.sealers[first] : std::string();
}

Judgement judge(const Findings& findings, const AuthenticationOptions& options) {
  Judgement out;
  if (findings.dmarc) {
    out = judge_dmarc(findings, options);
    const bool may_be_shown = findings.dmarc->result == DmarcResult::fail || findings.dmarc->doubt != DmarcDoubt::none;
    if (out.action != Action::accept && may_be_shown) {
      std::string forwarder = vouching_forwarder(findings, options.trusted_forwarders);
      if (!forwarder.empty()) {
        out = Judgement();
        out.forwarder = std::move(forwarder);
      } else if (out.action == Action::refuse && findings.arc.temporary &&
                 is_trusted(findings.arc.claimed, options.trusted_forwarders)) {
        out.reply = ask_again(findings.arc);
      }
    }
  }
  if (out.action != Action::refuse && out.forwarder.empty() && refused_by_spf(findings, options)) {
    out.action = Action::refuse;
    out.reply = spf_refusal(findings);
  } else if (out.action != Action::refuse && out.forwarder.empty() && hidden_from_spf(findings, options)) {
    out.action = Action::refuse;
    out.reply = ours_to_mend(findings.sender.reason);
  }
  return out;
}

Judgement judge_each(Findings& findings, std::vector<DmarcOutcome> outcomes, const AuthenticationOptions& options) {
  std::optional<Judgement> strictest;
  std::size_t deciding = 0;
  for (std::size_t n = 0; n < outcomes.size(); ++n) {
    std::swap(findings.dmarc.emplace(), outcomes[n]);
    Judgement judgement = judge(findings, options);
    std::swap(*findings.dmarc, outcomes[n]);
    if (strictest && severity(judgement) <= severity(*strictest)) continue;
    strictest = std::move(judgement);
    deciding = n;
  }
  findings.dmarc = std::move(outcomes[deciding]);
  outcomes.erase(outcomes.begin() + static_cast<std::ptrdiff_t>(deciding));
  findings.further_dmarc = std::move(outcomes);
  return std::move(*strictest);
}

bool may_be_a_device(const Findings& findings, const Judgement& judgement, const AuthenticationOptions& options) {
  if (judgement.action == Action::accept || !findings.dmarc || findings.dmarc->author.state != Author::State::one)
    return false;
  return !is_trusted(findings.arc.claimed, options.trusted_forwarders);
}

std::string summary(const Findings& findings, const Judgement& judgement) {
  std::string text = "spf=" + std::string(to_string(findings.sender.result));
  text += ", dkim=" + std::string(dkim_summary(findings.dkim));
  if (findings.dmarc) text += ", dmarc=" + std::string(to_string(findings.dmarc->result));
  if (!findings.further_dmarc.empty())
    text += " (" + shown(findings.dmarc->author.domain) + ", of " + std::to_string(findings.further_dmarc.size() + 1) +
            " domains in From)";
  if (findings.arc.result != ArcResult::none) text += ", arc=" + std::string(to_string(findings.arc.result));
  if (!judgement.forwarder.empty()) text += ", believed: forwarded by " + shown(judgement.forwarder);
  if (judgement.device) text += ", passed over: a device of ours";
  if (judgement.action == Action::tag) text += ", quarantine: tagged";
  if (judgement.action == Action::hold) text += ", quarantine: held";
  return text;
}

bool vouches_for(const Findings& findings, const std::string& domain) {
  if (domain.empty()) return false;
  if (findings.sender.result == mailauth::SpfResult::pass) return true;
  return std::ranges::any_of(findings.dkim, [&](const mailauth::DkimVerdict& one) {
    return one.result == mailauth::DkimResult::pass && !one.testing && iequals(one.domain, domain);
  });
}

} // namespace paquebot::intake
