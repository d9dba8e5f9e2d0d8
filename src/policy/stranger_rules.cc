#include "policy/stranger_rules.h"

#include "base/text.h"
#include "net/endpoint.h"

#include <algorithm>
#include <fmt/format.h>

namespace paquebot::policy {
namespace {

mail::Reply reply_of(const Finding& finding) {
  mail::EnhancedCode code = finding.code;
  if (finding.measure == Measure::refuse)
    return {550, code, finding.detail + "; if this is wrong, write to postmaster"};
  code.klass = 4;
  return {450, code, finding.detail + "; please try again later"};
}

Measure measure_of(const StrangerRules& options, int score) {
  if (options.refuse_at > 0 && score >= options.refuse_at) return Measure::refuse;
  if (options.defer_at > 0 && score >= options.defer_at) return Measure::defer;
  if (options.tag_at > 0 && score >= options.tag_at) return Measure::tag;
  return Measure::log;
}

Finding listed(const StrangerRules& options, const ClientFacts& facts) {
  int score = 0;
  std::string detail, text;
  std::vector<std::string_view> zones;
  for (const ListHit& hit : facts.hits) {
    if (std::ranges::find(zones, hit.zone) != zones.end()) continue; // by another name of the same client
    zones.push_back(hit.zone);
    score += hit.score;
    const bool same = &hit != facts.hits.data() && hit.what == (&hit - 1)->what;
    if (same)
      detail += ", " + hit.zone;
    else
      detail += fmt::format("{}{} is listed by {}", detail.empty() ? "" : " and ", hit.what, hit.zone);
    if (text.empty() && hit.score > 0) text = hit.text;
  }
  if (!text.empty()) detail += ": " + text;
  const Measure measure = measure_of(options, score);
  if (measure <= Measure::tag) detail += fmt::format(" (score {})", score);
  return {"dns-list", measure, std::move(detail), {5, 7, 1}};
}

/// RFC 7372 section 3.3: X.7.25 reverse DNS validation failed.
Finding nameless(Measure measure, ReverseDns reverse, const std::string& address) {
  const char* what =
      reverse == ReverseDns::none ? "{} has no name in the DNS" : "the name of {} in the DNS leads elsewhere";
  return {"reverse-dns", measure, fmt::format(fmt::runtime(what), address), {5, 7, 25}};
}

} // namespace

std::string_view name_of(Measure measure) {
  switch (measure) {
    case Measure::off: return "off";
    case Measure::log: return "log";
    case Measure::tag: return "tag";
    case Measure::defer: return "defer";
    case Measure::refuse: return "refuse";
  }
  return "off";
}

StrangerVerdict judge(const StrangerRules& options, const ClientFacts& facts, const Stranger& stranger) {
  StrangerVerdict verdict;
  auto& found = verdict.findings;
  if (stranger.early && options.early_talker != Measure::off)
    found.push_back({"early-talker", options.early_talker, "it spoke before it was greeted", {5, 5, 1}});
  const bool nobody = facts.reverse == ReverseDns::none || facts.reverse == ReverseDns::mismatch;
  if (nobody && options.reverse_dns != Measure::off)
    found.push_back(nameless(options.reverse_dns, facts.reverse, stranger.address));
  if (!stranger.helo_fault.empty() && options.helo != Measure::off)
    found.push_back({"helo", options.helo, stranger.helo_fault, {5, 7, 1}});
  if (!facts.hits.empty()) found.push_back(listed(options, facts));
  const auto worst = std::ranges::max_element(found, {}, &Finding::measure);
  if (worst != found.end() && worst->measure >= Measure::defer) verdict.reply = reply_of(*worst);
  for (const Finding& finding : found)
    if (finding.measure == Measure::tag) verdict.tags.push_back(fmt::format("{}; {}", finding.check, finding.detail));
  return verdict;
}

std::string helo_fault(std::string_view helo, std::string_view peer, std::string_view hostname, std::string_view here) {
  const std::string shown = "\"" + printable(helo, 100) + "\" in EHLO ";
  if (helo.starts_with('[')) {
    std::string_view literal = helo.substr(1, helo.size() > 1 ? helo.size() - 2 : 0);
    if (istarts_with(literal, "IPv6:")) literal.remove_prefix(5);
    const auto same = net::Networks::parse({std::string(peer)});
    if (!here.empty() && iequals(literal, here) && here != peer) return shown + "is our own address";
    return same && same->contains(literal) ? std::string() : shown + "is not the address you come from";
  }
  if (net::is_ip_address(helo)) return shown + "is an address without brackets";
  if (iequals(helo, hostname)) return shown + "is our own name";
  if (helo.find('.') == std::string_view::npos || helo.ends_with(".local") || iequals(helo, "localhost.localdomain"))
    return shown + "is not the full name of a host";
  return {};
}

bool names_sender(const std::vector<std::string>& list, const mail::Address& sender) {
  if (sender.empty()) return false;
  const std::string domain = to_lower(sender.domain), whole = to_lower(sender.local) + "@" + domain;
  return std::ranges::any_of(list, [&](const std::string& entry) {
    if (entry.starts_with('.')) return domain.ends_with(entry) || domain == entry.substr(1);
    return entry == domain || entry == whole;
  });
}

Result<std::string> sender_entry(std::string_view text) {
  if (text.find('@') != std::string_view::npos) {
    const auto address = mail::parse_address(text);
    if (!address) return std::unexpected(address.error());
    return to_lower(address->local) + "@" + address->domain;
  }
  const bool below = text.starts_with('.');
  auto domain = mail::normalize_domain(below ? text.substr(1) : text);
  if (!domain) return domain;
  return (below ? "." : "") + *domain;
}

mail::Reply early_reply(Measure measure) {
  if (measure == Measure::refuse) return {554, {5, 5, 1}, "you spoke before you were greeted"};
  if (measure == Measure::defer) return {421, {4, 5, 1}, "you spoke before you were greeted"};
  return {};
}

mail::Reply blocked_client(std::string_view address) {
  return {554, {5, 7, 1}, fmt::format("we take no mail from {}", printable(address, 64))};
}

mail::Reply blocked_sender(const std::string& address) {
  return {550, {5, 7, 1}, fmt::format("we take no mail from <{}>", printable(address, 256))};
}

mail::Reply greylisted(std::chrono::seconds left) {
  const auto minutes = std::max<std::int64_t>(1, (left.count() + 59) / 60);
  return {451, {4, 7, 1}, fmt::format("greylisted: try again in {} minute{}", minutes, minutes == 1 ? "" : "s")};
}

} // namespace paquebot::policy
