#include "queue/provider.h"

#include "base/text.h"
#include "base/units.h"

#include <algorithm>
#include <array>

namespace paquebot::queue {
namespace {

constexpr std::int64_t kDay = 86'400;
constexpr std::uint64_t kMostNumber = 1'000'000;

struct Period {
  std::string_view text;
  std::string_view words;
  std::int64_t seconds;
};
constexpr auto kPeriods = std::to_array<Period>(
    {{"s", "a second", 1}, {"min", "a minute", 60}, {"h", "an hour", 3600}, {"d", "a day", kDay}});

std::string plural(unsigned number, std::string_view what) {
  return std::to_string(number) + " " + std::string(what) + (number == 1 ? "" : "s");
}

/// Blanks and line ends count as one blank.
std::string plain_words(std::string_view text) {
  std::string words;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\t' || c == '\n';
    if (!blank || (!words.empty() && words.back() != ' ')) words += blank ? ' ' : c;
  }
  return to_lower(words);
}

/// Whether `pattern`, with `*` for anything, stands somewhere in `text`; both as plain_words() gives them.
bool occurs(std::string_view pattern, std::string_view text) {
  while (!pattern.empty()) {
    const auto star = pattern.find('*');
    const std::string_view piece = pattern.substr(0, star);
    const auto at = text.find(piece);
    if (at == std::string_view::npos) return false;
    text.remove_prefix(at + piece.size());
    pattern = star == std::string_view::npos ? std::string_view() : pattern.substr(star + 1);
  }
  return true;
}

bool is_said_by(const Rule& rule, const mail::Reply& reply) {
  if (rule.code != 0 && rule.code != reply.code) return false;
  if (rule.status && rule.status != reply.enhanced) return false;
  return rule.text.empty() || occurs(plain_words(rule.text), plain_words(reply.text));
}

} // namespace

std::int64_t Rate::interval() const { return number == 0 ? 0 : std::max<std::int64_t>(1, period * 1000 / number); }

std::string Rate::words() const {
  if (number == 0) return "any number";
  for (const Period& one : kPeriods)
    if (one.seconds == period) return std::to_string(number) + " " + std::string(one.words);
  return std::to_string(number) + " in " + std::to_string(period) + " s";
}

std::string Rate::to_string() const {
  if (number == 0) return {};
  for (const Period& one : kPeriods)
    if (one.seconds == period) return std::to_string(number) + "/" + std::string(one.text);
  return std::to_string(number) + "/" + std::to_string(period) + "s";
}

Result<Rate> parse_rate(std::string_view text) {
  const auto slash = text.find('/');
  const auto number = parse_u64(text.substr(0, slash));
  if (slash == std::string_view::npos || !number || *number == 0 || *number > kMostNumber)
    return fail(Errc::invalid, "is not like \"10/min\" (s, min, h or d, or a length such as 10m)");
  const std::string_view period = text.substr(slash + 1);
  for (const Period& one : kPeriods)
    if (one.text == period) return Rate{static_cast<std::uint32_t>(*number), one.seconds};
  const auto length = parse_seconds(period);
  if (!length || *length < 1 || *length > kDay)
    return fail(Errc::invalid, "is not like \"10/min\" (s, min, h or d, or a length such as 10m, a day at most)");
  return Rate{static_cast<std::uint32_t>(*number), *length};
}

std::string_view name_of(Scope scope) {
  switch (scope) {
    case Scope::source: return "source";
    case Scope::lane: return "lane";
    case Scope::tenant: return "tenant";
    case Scope::signing_domain: return "signing-domain";
    case Scope::recipient_domain: return "recipient-domain";
  }
  return {};
}

std::string_view name_of(Act act) {
  switch (act) {
    case Act::rate: return "rate";
    case Act::connections: return "connections";
    case Act::per_connection: return "per_connection";
    case Act::pause: return "pause";
    case Act::hold: return "hold";
    case Act::fail: return "fail";
  }
  return {};
}

std::string Rule::words() const {
  switch (act) {
    case Act::rate: return rate.words();
    case Act::connections: return plural(number, "connection") + " at most";
    case Act::per_connection: return plural(number, "message") + " a connection at most";
    case Act::pause: return "a pause";
    case Act::hold: return "the message is held";
    case Act::fail: return "the message is returned";
  }
  return {};
}

bool Provider::has_host(std::string_view host) const {
  return std::ranges::any_of(mx, [&](const std::string& name) {
    return name.starts_with('.') ? host.size() > name.size() && host.ends_with(name) : host == name;
  });
}

const Rule* Provider::rule(std::string_view wanted) const {
  const auto at = std::ranges::find(rules, wanted, &Rule::name);
  return at == rules.end() ? nullptr : &*at;
}

const Rule* Provider::match(const mail::Reply& reply) const {
  if (!reply.heard || reply.code < 400) return nullptr;
  const auto at = std::ranges::find_if(rules, [&](const Rule& one) { return is_said_by(one, reply); });
  return at == rules.end() ? nullptr : &*at;
}

const Provider* Providers::by_name(std::string_view name) const {
  const auto at = std::ranges::find(all_, name, &Provider::name);
  return at == all_.end() ? nullptr : &*at;
}

const Provider* Providers::of_hosts(std::span<const std::string> hosts) const {
  if (hosts.empty()) return nullptr;
  const auto at = std::ranges::find_if(all_, [&](const Provider& one) {
    return std::ranges::all_of(hosts, [&](const std::string& host) { return one.has_host(to_lower(host)); });
  });
  return at == all_.end() ? nullptr : &*at;
}

Result<mail::Reply> parse_said(std::string_view text) {
  mail::Reply reply;
  for (std::string_view line : split(text, '\n')) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    const auto code = parse_u64(line.substr(0, 3));
    const bool whole = line.size() >= 3 && (line.size() == 3 || line[3] == ' ' || line[3] == '-');
    if (!whole || !code || *code < 200 || *code > 599 || (reply.code != 0 && reply.code != *code))
      return fail(Errc::invalid, "is no reply such as \"421 4.7.28 too fast\"");
    reply.code = static_cast<std::uint16_t>(*code);
    line.remove_prefix(std::min<std::size_t>(4, line.size()));
    if (const auto status = mail::EnhancedCode::parse(line); status && status->klass == reply.code / 100) {
      reply.enhanced = *status;
      line.remove_prefix(std::min(line.find_first_of(" \t"), line.size() - 1) + 1);
    }
    if (!reply.text.empty()) reply.text += '\n';
    reply.text += printable(line, 1000);
  }
  reply.heard = true;
  return reply;
}

std::optional<std::string> fault_of_examples(const Provider& provider, const Rule& rule) {
  if (rule.examples.empty()) return "has no example: name a reply that it is for, example = [\"421 4.7.0 …\"]";
  for (const std::string& example : rule.examples) {
    const std::string shown = "the example \"" + printable(example, 200) + "\" ";
    const auto said = parse_said(example);
    if (!said) return shown + said.error().message;
    if (said->code < 400) return shown + "is no refusal";
    if (!is_said_by(rule, *said)) return shown + "does not match the rule: look at its code, status and text";
    const Rule* const before = provider.match(*said);
    if (before != nullptr && before->name != rule.name)
      return shown + "is matched by the rule " + before->name + " before it, so that this one would never count";
  }
  return std::nullopt;
}

} // namespace paquebot::queue
