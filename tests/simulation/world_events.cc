#include "world.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace paquebot::simulation {

using namespace std::chrono_literals;

namespace {

constexpr auto kSending = std::chrono::hours(8 * 24); // and then as long as mail may wait
constexpr auto kFortnight = std::chrono::hours(14 * 24);
constexpr unsigned kMostTries = 60;

/// A whole reply: its code, 0 when none came, and its last line.
struct Said {
  unsigned code = 0;
  std::string text;
};

Task<Said> hear(Wire& wire) {
  for (;;) {
    auto line = co_await wire.line();
    Said reply;
    if (!line || line->size() < 3) co_return reply;
    if (line->size() > 3 && (*line)[3] == '-') continue;
    reply.code = static_cast<unsigned>(std::stoul(line->substr(0, 3)));
    reply.text = std::move(*line);
    co_return reply;
  }
}

Task<Said> ask(Wire& wire, std::string words) {
  words += "\r\n";
  Task<bool> said = wire.say(std::move(words));
  const bool heard = co_await std::move(said);
  Said nothing;
  if (!heard) co_return nothing;
  co_return co_await hear(wire);
}

std::vector<std::string> commands_of(const Letter& letter) {
  std::vector<std::string> all;
  all.push_back("EHLO client.near.test");
  all.push_back(fmt::format("MAIL FROM:<{}>{}", letter.sender, letter.parameters));
  for (const std::string& one : letter.recipients) all.push_back("RCPT TO:<" + one + ">");
  return all;
}

std::string content_of(const Letter& letter) {
  return fmt::format("From: <{0}>\r\nTo: <{1}>\r\nSubject: {2}\r\nMessage-ID: <{2}@near.test>\r\n"
                     "Date: Thu, 1 Jan 2026 00:00:00 +0000\r\n\r\n{3}.",
                     letter.sender, letter.recipients.front(), letter.token, letter.body);
}

/// What operators do, as often as they do it.
std::vector<std::string> order_verbs() { return {"cancel", "cancel", "cancel", "hold", "release", "retry"}; }

} // namespace

// ---- Senders ----

Letter World::write_letter(unsigned number) {
  static const std::vector<std::string> kUsers = users();
  Chance& chance = scene_.chance;
  Letter letter;
  letter.token = fmt::format("letter-{}", number);
  letter.sender = chance.one_of(kUsers);
  const std::size_t kind = chance.below(100);
  if (kind < 15) letter.recipients.push_back(chance.one_of(kUsers));
  if (kind >= 15 && kind < 20) letter.recipients.push_back("team@near.test");
  if (kind >= 20 && kind < 30) letter.recipients.push_back(chance.one_of(kUsers));
  if (kind >= 20) letter.recipients.push_back(remotes_.some_address());
  while (kind >= 80 && chance.percent(60)) {
    std::string more = remotes_.some_address();
    if (std::ranges::find(letter.recipients, more) == letter.recipients.end())
      letter.recipients.push_back(std::move(more));
  }
  if (chance.percent(5)) letter.parameters = fmt::format(" MT-PRIORITY={}", static_cast<int>(chance.below(9)) - 4);
  if (chance.percent(3)) letter.parameters = " BY=7200;N";
  const std::size_t lines = chance.per_mille(8) ? 2000 + chance.below(1000) : 2 + chance.below(40);
  for (std::size_t i = 0; i < lines; ++i)
    letter.body += fmt::format("{} of {}: all that is said here has to arrive as it was said.\r\n", i, letter.token);
  return letter;
}

Task<void> World::converse(const Letter& letter, Wire& wire, Heard& heard) {
  Chance& chance = scene_.chance;
  Said reply = co_await hear(wire);
  if (reply.code != 220) co_return;
  const std::vector<std::string> commands = commands_of(letter);
  for (const std::string& command : commands) {
    Task<Said> asked = ask(wire, command);
    reply = co_await std::move(asked);
    if (reply.code != 250) co_return;
  }
  std::string data = "DATA";
  Task<Said> begun = ask(wire, std::move(data));
  reply = co_await std::move(begun);
  if (reply.code != 354) co_return;
  std::string content = content_of(letter);
  if (chance.per_mille(10)) { // goes away within it
    content.resize(content.size() / 2);
    Task<bool> said = wire.say(std::move(content));
    co_await std::move(said);
    co_return;
  }
  heard.said = true;
  scene_.ledger.sent(letter);
  const bool impatient = chance.per_mille(10);
  if (impatient) {
    content += "\r\n";
    Task<bool> said = wire.say(std::move(content));
    co_await std::move(said);
    const auto patience = chance.between(0ms, 20ms);
    co_await net::sleep_for(patience);
    co_return;
  }
  Task<Said> ended = ask(wire, std::move(content));
  reply = co_await std::move(ended);
  heard.code = reply.code;
  const std::size_t at = reply.text.find("id=");
  if (at != std::string::npos) heard.id = reply.text.substr(at + 3, 26);
  std::string quit = "QUIT";
  Task<Said> left = ask(wire, std::move(quit));
  co_await std::move(left);
}

/// Until it is acknowledged, or refused for good.
Task<void> World::send(Letter letter) {
  ++opened_;
  remotes_.expect(letter.token, letter.body);
  for (unsigned tries = 0; tries < kMostTries; ++tries) {
    Heard heard;
    if (server() != nullptr) {
      auto wire = server()->call();
      co_await converse(letter, *wire, heard);
      wire->close();
    }
    if (heard.said) {
      scene_.tell("sender", fmt::format("{} hears {} {}", letter.token, heard.code, heard.id));
      scene_.ledger.heard(letter.token, heard.code, heard.id);
      if (heard.code / 100 == 2 || heard.code / 100 == 5) break;
    }
    const auto rest = scene_.chance.between(20s, 1200s);
    co_await net::sleep_for(rest);
  }
  --opened_;
}

Task<void> World::send_all() {
  const auto mean = std::chrono::duration_cast<std::chrono::milliseconds>(kSending) / options_.messages;
  for (unsigned i = 1; i <= options_.messages; ++i) {
    const auto rest = scene_.chance.between(0ms, 2 * mean);
    co_await net::sleep_for(rest);
    scene_.start(send(write_letter(i)));
  }
}

/// The course of the fortnight.
Task<void> World::come_to_rest() {
  const Instant end = scene_.clock.now() + kFortnight;
  co_await send_all();
  while (opened_ > 0) {
    const auto rest = 60s;
    co_await net::sleep_for(rest);
  }
  scene_.tell("world", "nothing goes wrong from now on");
  ending_ = true;
  disk_.trouble({});
  remotes_.set_moods({.refused = 0, .silent = 0, .quirks = 0, .servfail = 0});
  while (scene_.clock.now() < end) {
    const auto rest = std::chrono::hours(6);
    std::string verb = "release", what = R"({"all":true})";
    Task<std::optional<std::size_t>> asked = order(std::move(verb), std::move(what));
    co_await std::move(asked);
    co_await net::sleep_for(rest);
  }
  co_await judge();
  done_ = true;
}

// ---- What goes wrong ----

Task<void> World::spoil() {
  using End = SimDisk::End;
  Chance& chance = scene_.chance;
  while (!ending_) {
    const auto rest = chance.between(1h, 12h);
    co_await net::sleep_for(rest);
    if (ending_) co_return;
    const std::size_t what = chance.below(100);
    const unsigned soon = 1 + static_cast<unsigned>(chance.below(60));
    if (what < 25) end_within(End::killed, soon);
    if (what >= 25 && what < 55) end_within(End::power, soon);
    if (what >= 55 && what < 70 && server() != nullptr) {
      end_ = what < 62 ? End::killed : End::power;
      end_soon_ = true;
    }
    if (what >= 70 && what < 80 && server() != nullptr) server()->stop();
    if (what >= 80) co_await upset_disk();
  }
}

Task<void> World::upset_disk() {
  Chance& chance = scene_.chance;
  SimDisk::Trouble trouble;
  const std::size_t what = chance.below(3);
  if (what == 0) trouble.writes = 20 + static_cast<unsigned>(chance.below(300));
  if (what == 1) trouble.syncs = 50 + static_cast<unsigned>(chance.below(500));
  if (what == 2) trouble.full = true;
  scene_.tell("disk", fmt::format("trouble {} {} {}", trouble.writes, trouble.syncs, trouble.full));
  disk_.trouble(trouble);
  const auto time = chance.between(10s, 1200s);
  co_await net::sleep_for(time);
  disk_.trouble({});
  scene_.tell("disk", "is well again");
}

/// One domain is out of reach for days, so that mail for it is given up; the others now and then.
Task<void> World::upset_remotes() {
  Chance& chance = scene_.chance;
  const std::size_t lost = chance.below(remotes_.domains());
  remotes_.set_mood(lost, {.refused = 1000});
  while (!ending_) {
    const auto rest = chance.between(10min, 5h);
    co_await net::sleep_for(rest);
    const std::size_t domain = chance.below(remotes_.domains());
    if (ending_ || domain == lost) continue;
    Remotes::Mood mood;
    switch (chance.below(6)) {
      case 0: mood.refused = 1000; break;
      case 1: mood.silent = 700; break;
      case 2: mood.quirks = 800; break;
      case 3: mood.servfail = 1000; break;
      default: break; // as usual
    }
    remotes_.set_mood(domain, mood);
  }
}

// ---- Operators ----

Task<std::optional<std::size_t>> World::order(std::string verb, std::string what) {
  SimServer* const to = server();
  if (to == nullptr) co_return std::nullopt;
  ++figures_.orders;
  const std::string told = fmt::format("{} {}", verb, what);
  std::string method = "POST", target = "/v1/queue/" + verb;
  Task<control::Response> asked = to->order(std::move(method), std::move(target), std::move(what));
  const unsigned life = lives_;
  const control::Response response = co_await std::move(asked);
  if (life != lives_) co_return std::nullopt;
  scene_.tell("operator", fmt::format("{}: {} {}", told, response.status, response.body));
  const std::size_t at = response.body.find("\"recipients\":");
  if (response.status != 200 || at == std::string::npos) co_return std::nullopt;
  co_return std::stoul(response.body.substr(at + 13));
}

Task<void> World::operate() {
  Chance& chance = scene_.chance;
  static const std::vector<std::string> kVerbs = order_verbs();
  while (!ending_) {
    const auto rest = chance.between(5min, 100min);
    co_await net::sleep_for(rest);
    if (ending_ || scene_.ledger.under_way().empty()) continue;
    const std::string id = chance.one_of(scene_.ledger.under_way());
    const std::string verb = chance.one_of(kVerbs);
    std::string order_verb = verb, what = fmt::format(R"({{"id":"{}"}})", id);
    Task<std::optional<std::size_t>> asked = order(std::move(order_verb), std::move(what));
    const std::optional<std::size_t> changed = co_await std::move(asked);
    if (!changed || *changed == 0) scene_.ledger.forget_under_way(id);
    if (verb != "cancel") continue;
    if (changed && *changed > 0) ++figures_.cancelled;
    scene_.ledger.cancelled(id, changed);
  }
}

} // namespace paquebot::simulation
