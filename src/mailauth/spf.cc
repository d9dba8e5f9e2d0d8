#include "mailauth/spf.h"

#include "base/text.h"
#include "dns/wire.h"
#include "mailauth/spf_macro.h"

#include <algorithm>

namespace paquebot::mailauth {
namespace {

using AnswerPtr = std::shared_ptr<const dns::Answer>;

constexpr std::size_t kMaxExplanation = 400;

bool is_void(const dns::Answer& answer) {
  return answer.status == dns::Status::nxdomain || answer.status == dns::Status::no_data ||
         (answer.status == dns::Status::ok && answer.records.empty());
}

bool is_subdomain_or_same(std::string_view name, std::string_view domain) {
  if (iequals(name, domain)) return true;
  return name.size() > domain.size() && iequals(name.substr(name.size() - domain.size()), domain) &&
         name[name.size() - domain.size() - 1] == '.';
}

/// Section 4.3: a domain that can have a record.
bool can_be_asked(const std::string& domain) {
  return dns::is_query_name(domain) && domain.find('.') != std::string::npos && domain.front() != '[';
}

/// One evaluation with its counters; lives for one check_spf.
class Evaluation {
public:
  Evaluation(const SpfQuestion& question, dns::Resolver& resolver, const Clock& clock, const SpfLimits& limits)
      : resolver_(resolver), clock_(clock), limits_(limits), until_(clock.now() + limits.time) {
    values_.local = question.local.empty() ? "postmaster" : question.local;
    values_.sender_domain = question.domain;
    values_.ip = question.ip;
    values_.helo = question.helo;
    if (!question.receiver.empty()) values_.receiver = question.receiver;
    values_.now = millis(clock.wall()) / 1000;
  }

  Task<SpfResult> check_host(std::string domain);
  Task<std::string> explain();
  std::string take_reason() { return std::move(reason_); }

private:
  enum class Match { no, yes, temperror, permerror };

  Task<AnswerPtr> ask(std::string name, dns::Type type);
  Task<Match> try_directive(const SpfDirective& directive, const std::string& domain);
  Task<Match> try_include(const SpfDirective& directive, std::string target);
  Task<Match> try_a(const SpfDirective& directive, std::string target);
  Task<Match> try_mx(const SpfDirective& directive, std::string target);
  Task<Match> try_ptr(std::string target);
  Task<Match> try_exists(std::string target);
  Task<Match> match_addresses(const SpfDirective& directive, std::string host, bool counts);
  Task<void> load_validated_names();
  Task<void> set_validated_name(const std::string& domain);
  Task<SpfResult> redirected(const std::string& spec, const std::string& domain);
  Match unsure();
  Match address_in(const SpfDirective& directive, const dns::Answer& answer) const;
  Match failed(Match match, std::string why);
  /// Counts a term that asks; false and a reason when there were too many.
  bool may_ask_again();
  /// Counts an empty answer; false and a reason when there were too many.
  bool note_void(const dns::Answer& answer, const std::string& name);

  dns::Resolver& resolver_;
  const Clock& clock_;
  const SpfLimits& limits_;
  Instant until_;
  SpfMacroValues values_;
  unsigned lookups_ = 0;
  unsigned voids_ = 0;
  bool late_ = false;
  std::optional<std::vector<std::string>> validated_; ///< names of the address that lead back to it
  AnswerPtr reverse_;                                 ///< to the question for those names
  bool unsure_ = false;                               ///< there may be more, which we could not ask for
  std::string reason_;
  std::string exp_; ///< the domain-spec of the explanation of the record that decided
  std::string exp_domain_;
};

Evaluation::Match Evaluation::failed(Match match, std::string why) {
  reason_ = std::move(why);
  return match;
}

bool Evaluation::may_ask_again() {
  if (++lookups_ <= limits_.lookups) return true;
  reason_ = "more than " + std::to_string(limits_.lookups) + " terms that need the DNS";
  return false;
}

bool Evaluation::note_void(const dns::Answer& answer, const std::string& name) {
  if (!dns::is_escaped_query_name(dns::escape_name(name))) return true; // it was not looked up
  if (!is_void(answer) || ++voids_ <= limits_.void_lookups) return true;
  reason_ = "too many names without records, the last one is " + printable(name, 100);
  return false;
}

Task<AnswerPtr> Evaluation::ask(std::string name, dns::Type type) {
  if (late_ || clock_.now() >= until_) {
    late_ = true;
    auto answer = std::make_shared<dns::Answer>();
    answer->own_fault = true; // it is we who look no further
    answer->why = "the evaluation took too long";
    co_return answer;
  }
  // A macro may give a name blanks and backslashes (section 7.1), and there may be records.
  name = dns::escape_name(name);
  if (!dns::is_escaped_query_name(name)) {
    auto answer = std::make_shared<dns::Answer>();
    answer->status = dns::Status::nxdomain; // section 4.8 leaves this to us: nothing matches
    co_return answer;
  }
  AnswerPtr answer = co_await resolver_.query(std::move(name), type);
  co_return answer;
}

Task<SpfResult> Evaluation::check_host(std::string domain) {
  if (!can_be_asked(domain)) {
    reason_ = "\"" + printable(domain, 100) + "\" is no domain that can have a record";
    co_return SpfResult::none;
  }
  const AnswerPtr answer = co_await ask(domain, dns::Type::txt);
  if (answer->status == dns::Status::servfail) {
    reason_ = "the DNS failed for " + printable(domain, 100) + ": " + printable(answer->why, 100);
    co_return SpfResult::temperror;
  }
  const std::string* text = nullptr;
  for (const auto& record : answer->records) {
    if (!is_spf_record(record.text)) continue;
    if (text) { // section 4.5
      reason_ = printable(domain, 100) + " has several SPF records";
      co_return SpfResult::permerror;
    }
    text = &record.text;
  }
  if (!text) {
    reason_ = printable(domain, 100) + " has no SPF record";
    co_return SpfResult::none;
  }
  const auto record = parse_spf_record(*text);
  if (!record) {
    reason_ = "the SPF record of " + printable(domain, 100) + " is malformed: " + record.error().message;
    co_return SpfResult::permerror;
  }
  for (const auto& directive : record->directives) {
    const Match match = co_await try_directive(directive, domain);
    if (match == Match::temperror) co_return SpfResult::temperror;
    if (match == Match::permerror) co_return SpfResult::permerror;
    if (match == Match::no) continue;
    reason_ = "\"" + printable(directive.text, 100) + "\" of " + printable(domain, 100) + " matches";
    exp_ = record->exp.value_or("");
    exp_domain_ = domain;
    co_return directive.qualifier;
  }
  if (record->redirect) {
    const SpfResult result = co_await redirected(*record->redirect, domain);
    co_return result;
  }
  reason_ = "nothing in the SPF record of " + printable(domain, 100) + " matches"; // section 4.7
  co_return SpfResult::neutral;
}

/// Section 6.1.
Task<SpfResult> Evaluation::redirected(const std::string& spec, const std::string& domain) {
  if (!may_ask_again()) co_return SpfResult::permerror;
  values_.domain = domain;
  if (uses_spf_validated_name(spec)) {
    co_await set_validated_name(domain);
    if (unsure_) {
      unsure();
      co_return SpfResult::temperror;
    }
  }
  std::string target = spf_target_name(spec, values_);
  SpfResult result = co_await check_host(target);
  if (result == SpfResult::none) {
    reason_ = "redirect=: " + reason_;
    result = SpfResult::permerror;
  }
  co_return result;
}

Task<Evaluation::Match> Evaluation::try_directive(const SpfDirective& directive, const std::string& domain) {
  switch (directive.mechanism) {
    case SpfMechanism::all: co_return Match::yes;
    case SpfMechanism::ip4:
    case SpfMechanism::ip6: {
      const bool inside = in_network(values_.ip, directive.network, values_.ip.v4 ? directive.bits4 : directive.bits6);
      co_return inside ? Match::yes : Match::no;
    }
    default: break;
  }
  if (!may_ask_again()) co_return Match::permerror;
  std::string target = domain;
  if (!directive.domain_spec.empty()) {
    // RFC 8616 section 4: a local part beyond ASCII can be no label, so the term matches nothing.
    if (!is_ascii(values_.local) && uses_spf_local_part(directive.domain_spec)) co_return Match::no;
    values_.domain = domain;
    if (uses_spf_validated_name(directive.domain_spec)) {
      co_await set_validated_name(domain);
      if (unsure_) co_return unsure();
    }
    target = spf_target_name(directive.domain_spec, values_);
  }
  Match match = Match::no;
  switch (directive.mechanism) {
    case SpfMechanism::include: match = co_await try_include(directive, std::move(target)); break;
    case SpfMechanism::a: match = co_await try_a(directive, std::move(target)); break;
    case SpfMechanism::mx: match = co_await try_mx(directive, std::move(target)); break;
    case SpfMechanism::ptr: match = co_await try_ptr(std::move(target)); break;
    default: match = co_await try_exists(std::move(target)); break;
  }
  co_return match;
}

/// The table of section 5.2.
Task<Evaluation::Match> Evaluation::try_include(const SpfDirective& directive, std::string target) {
  const SpfResult result = co_await check_host(std::move(target));
  switch (result) {
    case SpfResult::pass: co_return Match::yes;
    case SpfResult::temperror: co_return Match::temperror;
    case SpfResult::permerror: co_return Match::permerror;
    case SpfResult::none: {
      std::string why = "\"" + printable(directive.text, 100) + "\": " + reason_;
      co_return failed(Match::permerror, std::move(why));
    }
    default: co_return Match::no;
  }
}

Evaluation::Match Evaluation::address_in(const SpfDirective& directive, const dns::Answer& answer) const {
  const unsigned bits = values_.ip.v4 ? directive.bits4 : directive.bits6;
  const bool found = std::ranges::any_of(answer.records, [&](const dns::Record& record) {
    const auto ip = parse_ip(record.text);
    return ip && in_network(values_.ip, *ip, bits);
  });
  return found ? Match::yes : Match::no;
}

Task<Evaluation::Match> Evaluation::match_addresses(const SpfDirective& directive, std::string host, bool counts) {
  const dns::Type type = values_.ip.v4 ? dns::Type::a : dns::Type::aaaa;
  const AnswerPtr answer = co_await ask(host, type);
  if (answer->status == dns::Status::servfail) {
    std::string why = "the DNS failed for " + printable(host, 100) + ": " + printable(answer->why, 100);
    co_return failed(Match::temperror, std::move(why));
  }
  if (counts && !note_void(*answer, host)) co_return Match::permerror;
  co_return address_in(directive, *answer);
}

Task<Evaluation::Match> Evaluation::try_a(const SpfDirective& directive, std::string target) {
  const Match match = co_await match_addresses(directive, std::move(target), true);
  co_return match;
}

Task<Evaluation::Match> Evaluation::try_mx(const SpfDirective& directive, std::string target) {
  const AnswerPtr answer = co_await ask(target, dns::Type::mx);
  if (answer->status == dns::Status::servfail) {
    std::string why = "the DNS failed for the MX of " + printable(target, 100) + ": " + printable(answer->why, 100);
    co_return failed(Match::temperror, std::move(why));
  }
  if (!note_void(*answer, target)) co_return Match::permerror;
  if (answer->records.size() > limits_.hosts) {
    std::string why = printable(target, 100) + " has more than " + std::to_string(limits_.hosts) + " MX records";
    co_return failed(Match::permerror, std::move(why));
  }
  bool counts = true; // section 4.6.4 limits terms with empty answers: hosts count as one
  for (const auto& record : answer->records) {
    if (record.text.empty()) continue; // a null MX
    std::string host = record.text;
    const unsigned before = voids_;
    const Match match = co_await match_addresses(directive, std::move(host), counts);
    counts = counts && voids_ == before;
    if (match != Match::no) co_return match;
  }
  co_return Match::no;
}

/// Section 5.5: the names of the client's address that lead back to it. An error of the DNS gives none.
Task<void> Evaluation::load_validated_names() {
  if (validated_) co_return;
  validated_.emplace();
  std::string reverse = values_.ip.reverse_name();
  const AnswerPtr names = co_await ask(std::move(reverse), dns::Type::ptr);
  reverse_ = names;
  unsure_ = names->own_fault;
  if (names->status != dns::Status::ok) co_return;
  const SpfDirective exact;
  const std::size_t most = std::min<std::size_t>(names->records.size(), limits_.hosts);
  const dns::Type type = values_.ip.v4 ? dns::Type::a : dns::Type::aaaa;
  for (std::size_t i = 0; i < most; ++i) {
    std::string name = names->records[i].text;
    const AnswerPtr addresses = co_await ask(name, type);
    unsure_ |= addresses->own_fault;
    if (addresses->status == dns::Status::ok && address_in(exact, *addresses) == Match::yes)
      validated_->push_back(std::move(name));
  }
}

Task<Evaluation::Match> Evaluation::try_ptr(std::string target) {
  co_await load_validated_names();
  if (!note_void(*reverse_, values_.ip.reverse_name())) co_return Match::permerror;
  const bool found = std::ranges::any_of(*validated_, [&](const auto& n) { return is_subdomain_or_same(n, target); });
  if (found) co_return Match::yes;
  co_return unsure_ ? unsure() : Match::no;
}

/// Section 5.5 makes errors of the DNS no match, so that the sender may fail. What failed for reasons of our own is not
/// his error.
Evaluation::Match Evaluation::unsure() {
  return failed(Match::temperror, "the names of " + values_.ip.to_string() + " could not be asked for");
}

/// Section 7.3: the domain itself, else a name below it, else any.
Task<void> Evaluation::set_validated_name(const std::string& domain) {
  co_await load_validated_names();
  values_.validated = "unknown";
  if (validated_->empty()) co_return;
  auto best = std::ranges::find_if(*validated_, [&](const auto& n) { return iequals(n, domain); });
  if (best == validated_->end())
    best = std::ranges::find_if(*validated_, [&](const auto& n) { return is_subdomain_or_same(n, domain); });
  values_.validated = best == validated_->end() ? validated_->front() : *best;
}

/// Section 5.7: always A, also for IPv6.
Task<Evaluation::Match> Evaluation::try_exists(std::string target) {
  const AnswerPtr answer = co_await ask(target, dns::Type::a);
  if (answer->status == dns::Status::servfail) {
    std::string why = "the DNS failed for " + printable(target, 100) + ": " + printable(answer->why, 100);
    co_return failed(Match::temperror, std::move(why));
  }
  if (!note_void(*answer, target)) co_return Match::permerror;
  co_return is_void(*answer) ? Match::no : Match::yes;
}

/// Section 6.2: any error means there is no explanation.
Task<std::string> Evaluation::explain() {
  if (exp_.empty()) co_return std::string();
  values_.domain = exp_domain_;
  if (uses_spf_validated_name(exp_)) co_await set_validated_name(exp_domain_);
  std::string target = spf_target_name(exp_, values_);
  const AnswerPtr answer = co_await ask(std::move(target), dns::Type::txt);
  if (answer->status != dns::Status::ok || answer->records.size() != 1) co_return std::string();
  const std::string& text = answer->records.front().text;
  if (!check_spf_macros(text, SpfMacroUse::explanation)) co_return std::string();
  if (uses_spf_validated_name(text)) co_await set_validated_name(exp_domain_);
  std::string expanded = expand_spf_macros(text, values_, kMaxExplanation);
  const bool plain = std::ranges::all_of(expanded, [](char c) { return c >= ' ' && c < 127; });
  if (!plain) expanded.clear(); // a sender's octets that are no text for a reply
  co_return expanded;
}

} // namespace

SpfQuestion spf_question_for_helo(const Ip& ip, const std::string& helo, const std::string& receiver) {
  return {ip, helo, {}, to_lower(helo), receiver, true};
}

SpfQuestion spf_question_for_sender(const Ip& ip, const std::string& helo, const mail::Address& sender,
                                    const std::string& receiver) {
  if (sender.domain.empty()) return {ip, helo, {}, to_lower(helo), receiver, false};
  return {ip, helo, sender.local, to_lower(sender.domain), receiver, false};
}

Task<SpfOutcome> check_spf(const SpfQuestion& question, dns::Resolver& resolver, const Clock& clock,
                           const SpfLimits& limits) {
  Evaluation evaluation(question, resolver, clock, limits);
  std::string domain = question.domain;
  if (domain.ends_with('.')) domain.pop_back();
  SpfOutcome outcome;
  outcome.domain = domain;
  outcome.result = co_await evaluation.check_host(std::move(domain));
  outcome.reason = evaluation.take_reason();
  if (outcome.result == SpfResult::fail) outcome.explanation = co_await evaluation.explain();
  co_return outcome;
}

} // namespace paquebot::mailauth
