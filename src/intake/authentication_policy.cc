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

/// Whether a sealed result shows that the message was of this author.
bool shows_author(const AuthResult& result, const DmarcOutcome& dmarc) {
  if (result.result != "pass") return false;
  if (result.method == "dmarc") return iequals(property(result, "header", "from"), dmarc.author.domain);
  std::string_view domain;
  if (result.method == "dkim") domain = property(result, "header", "d");
  if (result.method == "spf") domain = property(result, "smtp", "mailfrom");
  if (const auto at = domain.rfind('@'); at != std::string_view::npos) domain.remove_prefix(at + 1);
  return !domain.empty() && is_same_or_below(to_lower(domain), dmarc.organizational_domain);
}

/// RFC 7372 section 3.3 has a code for more than one failed check.
mail::EnhancedCode code_of(const Findings& f) {
  const bool spf_failed = f.sender.result == SpfResult::fail || f.sender.result == SpfResult::softfail;
  const bool dkim_failed = std::ranges::any_of(f.dkim, [](const auto& v) { return v.result == DkimResult::fail; });
  return spf_failed && dkim_failed ? mail::EnhancedCode{5, 7, 26} : mail::EnhancedCode{5, 7, 1};
}

/// What the domain asks for, or we do where no domain can ask (RFC 9989 sections 5.3.6 and 11.5).
Judgement judge_dmarc(const Findings& f, const AuthenticationOptions& options) {
  const DmarcOutcome& dmarc = *f.dmarc;
  Judgement out;
  if (dmarc.policy == DmarcPolicy::none) return out;
  const bool no_author = dmarc.author.state != Author::State::one;
  const std::string author = shown(dmarc.author.domain);
  out.reason = no_author ? "nobody can tell who wrote this message: " + shown(dmarc.author.reason)
                         : "it says that it is from " + author + ", but neither SPF nor DKIM shows that";
  if (options.dmarc == AuthenticationOptions::Dmarc::tag) {
    out.action = Action::tag;
  } else if (dmarc.policy == DmarcPolicy::quarantine) {
    out.action = options.quarantine == AuthenticationOptions::Quarantine::hold ? Action::hold : Action::tag;
  } else {
    out.action = Action::refuse;
    out.reply = no_author ? mail::Reply(550, {5, 7, 1}, out.reason)
                          : mail::Reply(550, code_of(f),
                                        "refused by the DMARC policy of " + shown(dmarc.policy_domain) +
                                            ": the message says that it is from " + author +
                                            ", but neither SPF nor DKIM shows that",
                                        dmarc.reason);
  }
  return out;
}

/// A trusted forwarder may vouch for the message, but the DNS fails for its key. Accepted it would let by whoever claims to be
/// that forwarder; refused for good it would be lost.
mail::Reply ask_again(const mailauth::ArcOutcome& arc) {
  return mail::Reply(451, {4, 7, 0},
                     "the DNS does not answer for the seal of " + shown(arc.claimed) +
                         ", which may show who sent this message: please try again later",
                     arc.reason);
}

/// A domain's "-all", where DMARC does not say that the mail is the author's all the same (RFC 9989 section 7.1), and is
/// not still to be found out.
bool refused_by_spf(const Findings& f, const AuthenticationOptions& options) {
  if (options.spf_fail != AuthenticationOptions::SpfFail::refuse || f.sender.result != SpfResult::fail) return false;
  return !f.dmarc || (f.dmarc->result != DmarcResult::pass && f.dmarc->result != DmarcResult::temperror);
}

/// RFC 7208 section 8.4: a fail with its explanation, which is said to be somebody else's words.
mail::Reply spf_refusal(const Findings& f) {
  const std::string domain = shown(f.sender.domain);
  std::string text = domain + " does not allow " + f.sender_question.ip.to_string() + " to send its mail (SPF)";
  if (!f.sender.explanation.empty()) text += "\n" + domain + " explains: " + printable(f.sender.explanation, 400);
  return mail::Reply(550, {5, 7, 23}, text, f.sender.reason);
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
  const bool shown_there =
      std::ranges::any_of(results->results, [&](const AuthResult& r) { return shows_author(r, *findings.dmarc); });
  return shown_there ? arc.sealers[first] : std::string();
}

Judgement judge(const Findings& findings, const AuthenticationOptions& options) {
  Judgement out;
  if (findings.dmarc) {
    out = judge_dmarc(findings, options);
    if (out.action != Action::accept && findings.dmarc->result == DmarcResult::fail) {
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
  }
  return out;
}

std::string summary(const Findings& findings, const Judgement& judgement) {
  std::string text = "spf=" + std::string(to_string(findings.sender.result));
  text += ", dkim=" + std::string(dkim_summary(findings.dkim));
  if (findings.dmarc) text += ", dmarc=" + std::string(to_string(findings.dmarc->result));
  if (findings.arc.result != ArcResult::none) text += ", arc=" + std::string(to_string(findings.arc.result));
  if (!judgement.forwarder.empty()) text += ", believed: forwarded by " + shown(judgement.forwarder);
  if (judgement.action == Action::tag) text += ", quarantine: tagged";
  if (judgement.action == Action::hold) text += ", quarantine: held";
  return text;
}

} // namespace paquebot::intake
