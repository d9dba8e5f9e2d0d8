#include "sink/faults.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace paquebot::sink {
namespace {

constexpr std::array<std::string_view, 9> kStages{"connect", "ehlo", "starttls", "auth", "mail",
                                                  "rcpt",    "data", "end",      "after"};
constexpr std::array<std::string_view, 10> kDeeds{"reply",    "delay", "stall",       "drop",      "drip",
                                                  "greylist", "full",  "certificate", "duplicate", "bounce"};
constexpr std::chrono::minutes kLongest{10};
constexpr std::size_t kMostSeen = 10'000;

/// Numbers that nobody can tell from random ones, of a number (splitmix64).
std::uint64_t mixed(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15ull;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

bool has_place(Does does, Stage at) {
  switch (does) {
    case Does::greylist: return at == Stage::mail || at == Stage::rcpt || at == Stage::data || at == Stage::end;
    case Does::full: return at == Stage::rcpt || at == Stage::data || at == Stage::end;
    case Does::certificate: return at == Stage::starttls;
    case Does::duplicate:
    case Does::bounce: return at == Stage::after;
    default: return true;
  }
}

Result<> check(const Fault& fault) {
  const auto wrong = [](std::string why) { return fail(Errc::invalid, std::move(why)); };
  if (!has_place(fault.does, fault.at))
    return wrong(fmt::format("\"{}\" does not go with \"{}\"", word_of(fault.does), word_of(fault.at)));
  if (!fault.sender.empty() && fault.at < Stage::mail) return wrong("the sender is known from \"mail\" on");
  if (!fault.recipient.empty() && fault.at < Stage::rcpt) return wrong("recipients are known from \"rcpt\" on");
  if (!fault.inbox.empty() && fault.at < Stage::auth) return wrong("the inbox is known from \"auth\" on");
  if (fault.percent && *fault.percent > 100) return wrong("percent is 0 to 100");
  if (fault.nth > 0 && fault.each > 0) return wrong("nth and each are two things");
  if (fault.time && (fault.time->count() < 0 || *fault.time > kLongest)) return wrong("seconds are 0 to 600");
  if (fault.certificate != "stranger" && fault.certificate != "expired" && fault.certificate != "name")
    return wrong("a certificate is expired, name or stranger");
  if (fault.id.size() > 60 || !std::ranges::all_of(fault.id, [](char c) { return is_alnum(c) || c == '-'; }))
    return wrong("an id is letters, digits and hyphens, at most 60");
  for (const std::string* pattern : {&fault.inbox, &fault.sender, &fault.recipient})
    if (pattern->size() > 320) return wrong("a pattern has at most 320 octets");
  return {};
}

std::string ordinal(std::uint64_t number) {
  const std::uint64_t last = number % 10, two = number % 100;
  const bool teen = two > 10 && two < 20;
  return fmt::format("{}{}", number, teen ? "th" : last == 1 ? "st" : last == 2 ? "nd" : last == 3 ? "rd" : "th");
}

} // namespace

std::string_view word_of(Stage stage) { return kStages[static_cast<std::size_t>(stage)]; }
std::string_view word_of(Does does) { return kDeeds[static_cast<std::size_t>(does)]; }
std::optional<Stage> stage_of(std::string_view word) {
  const auto found = std::ranges::find(kStages, word);
  if (found == kStages.end()) return {};
  return static_cast<Stage>(found - kStages.begin());
}
std::optional<Does> does_of(std::string_view word) {
  const auto found = std::ranges::find(kDeeds, word);
  if (found == kDeeds.end()) return {};
  return static_cast<Does>(found - kDeeds.begin());
}

/// Greedy with one place to go back to: linear in the product of both, which are short.
bool fits_pattern(std::string_view text, std::string_view pattern) {
  std::size_t t = 0, p = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && pattern[p] == to_lower(text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

mail::Reply usual_reply(Stage stage, Does does) {
  if (does == Does::greylist) return {451, {4, 7, 1}, "greylisted, try again later"};
  if (does == Does::full) return {452, {4, 2, 2}, "the mailbox is full, try again later"};
  if (does == Does::bounce) return {550, {5, 1, 1}, "there is no such mailbox"};
  if (stage == Stage::connect) return {421, {4, 3, 2}, "the sink was told to say so"};
  if (stage == Stage::starttls) return {454, {4, 7, 0}, "TLS is not there at the moment"};
  if (stage == Stage::auth) return {535, {5, 7, 8}, "name or password are wrong, the sink was told to say"};
  return {451, {4, 3, 0}, "the sink was told to say so"};
}

std::chrono::milliseconds usual_time(Does does) {
  switch (does) {
    case Does::delay: return std::chrono::seconds(5);
    case Does::stall: return std::chrono::minutes(5);
    case Does::drip: return std::chrono::milliseconds(200);
    case Does::bounce: return std::chrono::seconds(2);
    default: return {};
  }
}

void Faults::changed() {
  ++version_;
  if (on_change) on_change();
}

bool Faults::fits(const Fault& fault, const Occasion& occasion) const {
  if (fault.at != occasion.stage) return false;
  const auto any = [](const auto& texts, const std::string& pattern) {
    return pattern.empty() ||
           std::ranges::any_of(texts, [&](const std::string& one) { return fits_pattern(one, pattern); });
  };
  if (!fault.sender.empty() && !(occasion.sender && fits_pattern(*occasion.sender, fault.sender))) return false;
  return any(occasion.recipients, fault.recipient) && any(occasion.inboxes, fault.inbox);
}

/// Of those that fit, by their number alone.
bool Faults::is_chosen(const Fault& fault) const {
  if (fault.times > 0 && fault.hits >= fault.times) return false;
  if (fault.nth > 0 && fault.matches != fault.nth) return false;
  if (fault.each > 0 && fault.matches % fault.each != 0) return false;
  if (!fault.percent) return true;
  const auto place = static_cast<std::uint64_t>(&fault - faults_.data());
  const std::uint64_t drawn = mixed(mixed(fault.seed.value_or(seed_) ^ mixed(place)) + fault.matches);
  return drawn % 100 < *fault.percent;
}

/// Greylisting: whether it was away for long enough.
bool Faults::passes(const Fault& fault, const Occasion& occasion) {
  std::string who = fault.id + "\n" + occasion.client + "\n" + occasion.sender.value_or("");
  for (const std::string& one : occasion.recipients) who += "\n" + one;
  const Instant now = clock_.now();
  const auto seen = seen_.find(who);
  if (seen != seen_.end()) return now - seen->second >= fault.time.value_or(usual_time(fault.does));
  if (seen_.size() >= kMostSeen) seen_.clear();
  seen_[who] = now;
  return false;
}

std::optional<Hit> Faults::strike(const Occasion& occasion) {
  for (Fault& fault : faults_) {
    if (!fits(fault, occasion)) continue;
    ++fault.matches;
    if (!is_chosen(fault) || (fault.does == Does::greylist && passes(fault, occasion))) continue;
    ++fault.hits;
    Hit hit{fault.does, fault.reply.value_or(usual_reply(fault.at, fault.does)),
            fault.time.value_or(usual_time(fault.does)), fault.certificate};
    changed();
    return hit;
  }
  return {};
}

Result<Fault> Faults::add(Fault fault) {
  if (faults_.size() >= kMost) return fail(Errc::no_space, fmt::format("there are {} faults already", kMost));
  fault.inbox = to_lower(fault.inbox);
  fault.sender = to_lower(fault.sender);
  fault.recipient = to_lower(fault.recipient);
  if (auto fine = check(fault); !fine) return std::unexpected(fine.error());
  if (fault.id.empty()) fault.id = fmt::format("f{}", ++made_);
  std::erase_if(faults_, [&](const Fault& one) { return one.id == fault.id; });
  fault.matches = fault.hits = 0;
  faults_.push_back(fault);
  changed();
  return fault;
}

bool Faults::remove(const std::string& id) {
  const bool there = std::erase_if(faults_, [&](const Fault& one) { return one.id == id; }) > 0;
  if (there) changed();
  return there;
}

Result<> Faults::replace(std::vector<Fault> faults, std::optional<std::uint64_t> seed) {
  Faults fresh(clock_);
  fresh.seed_ = seed.value_or(seed_);
  for (Fault& one : faults)
    if (auto added = fresh.add(std::move(one)); !added) return std::unexpected(added.error());
  faults_ = std::move(fresh.faults_);
  seed_ = fresh.seed_;
  made_ = fresh.made_;
  seen_.clear();
  changed();
  return {};
}

std::string when_of(const Fault& fault) {
  std::vector<std::string> words;
  if (!fault.inbox.empty()) words.push_back("inbox " + fault.inbox);
  if (!fault.sender.empty()) words.push_back("from " + fault.sender);
  if (!fault.recipient.empty()) words.push_back("to " + fault.recipient);
  if (fault.nth > 0) words.push_back("the " + ordinal(fault.nth));
  if (fault.each > 0) words.push_back("each " + ordinal(fault.each));
  if (fault.percent) words.push_back(fmt::format("{} %", *fault.percent));
  if (fault.seed) words.push_back(fmt::format("seed {}", *fault.seed));
  if (fault.times > 0) words.push_back(fmt::format("at most {} times", fault.times));
  return words.empty() ? "always" : fmt::format("{}", fmt::join(words, ", "));
}

std::string said_of(const Fault& fault) {
  const std::string reply = fault.reply.value_or(usual_reply(fault.at, fault.does)).to_string();
  const double seconds = static_cast<double>(fault.time.value_or(usual_time(fault.does)).count()) / 1000.0;
  switch (fault.does) {
    case Does::reply:
    case Does::full: return reply;
    case Does::greylist: return seconds > 0 ? fmt::format("{}, for {:g} s", reply, seconds) : reply;
    case Does::delay: return fmt::format("{:g} s late", seconds);
    case Does::stall: return fmt::format("{:g} s, then drops the connection", seconds);
    case Does::drop: return fault.at == Stage::after ? "the message is kept, its 250 is not said" : "no word";
    case Does::drip: return fmt::format("an octet each {:g} s", seconds);
    case Does::certificate: return fault.certificate;
    case Does::duplicate: return "the message is there twice";
    case Does::bounce: return fmt::format("a report after {:g} s, {}", seconds, reply);
  }
  return {};
}

Result<mail::Reply> read_reply(std::string_view text) {
  text = trim(text);
  const auto code = parse_u64(text.substr(0, 3));
  if (text.size() < 3 || !code || *code < 400 || *code > 599 || (text.size() > 3 && text[3] != ' '))
    return fail(Errc::invalid, "a reply is \"452 4.2.2 words\", its code 400 to 599");
  mail::Reply reply;
  reply.code = static_cast<std::uint16_t>(*code);
  text = trim(text.substr(3));
  if (const auto enhanced = mail::EnhancedCode::parse(text)) {
    if (enhanced->klass != *code / 100) return fail(Errc::invalid, "the two codes of that reply are of two classes");
    reply.enhanced = *enhanced;
    text = trim(text.substr(std::min(text.find(' '), text.size())));
  }
  reply.text = printable(text.empty() ? "the sink was told to say so" : text, 400);
  return reply;
}

} // namespace paquebot::sink
