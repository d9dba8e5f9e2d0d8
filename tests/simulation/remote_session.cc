#include "remote_session.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <utility>

namespace paquebot::simulation {
namespace {

using namespace std::chrono_literals;

} // namespace

RemoteSession::RemoteSession(Remotes& remotes, std::unique_ptr<Wire> wire, std::string host, bool has_quirk)
    : remotes_(remotes), scene_(remotes.scene_), wire_(std::move(wire)), host_(std::move(host)) {
  if (!has_quirk) return;
  static const std::vector<std::string> kVerbs{"GREETING", "EHLO", "MAIL", "RCPT", "DATA", "TEXT", ".", ".", ".", "."};
  quirk_at_ = scene_.chance.one_of(kVerbs);
  static const std::vector<Act> kActs{Act::later, Act::later, Act::never, Act::farewell, Act::hang_up, Act::silence};
  static const std::vector<Act> kLast{Act::later,   Act::never, Act::farewell,  Act::hang_up,
                                      Act::silence, Act::lost,  Act::lost_late, Act::lost};
  quirk_ = quirk_at_ == "." ? scene_.chance.one_of(kLast) : scene_.chance.one_of(kActs);
}

Task<void> RemoteSession::serve(std::unique_ptr<RemoteSession> self) {
  RemoteSession& session = *self;
  co_await session.talk();
  session.wire_->close();
}

Task<bool> RemoteSession::reply(std::string text) {
  text += "\r\n";
  Task<bool> said = wire_->say(std::move(text));
  co_return co_await std::move(said);
}

RemoteSession::Act RemoteSession::act_at(const std::string& verb) {
  if (verb != quirk_at_) return Act::none;
  quirk_at_.clear();
  return quirk_;
}

/// All but what concerns a content that was taken.
Task<bool> RemoteSession::misbehave(Act act) {
  scene_.tell("remote", fmt::format("{} does what it should not: {}", host_, static_cast<int>(act)));
  std::string text;
  switch (act) {
    case Act::later: text = "451 4.3.0 not now"; break;
    case Act::never: text = "554 5.7.0 never"; break;
    case Act::farewell: text = "421 4.3.2 going down"; break;
    case Act::silence: co_await wire_->wait_for_end(); co_return false;
    case Act::none:
    case Act::hang_up:
    case Act::lost:
    case Act::lost_late: co_return false;
  }
  Task<bool> said = reply(std::move(text));
  const bool heard = co_await std::move(said);
  co_return heard&& act != Act::farewell;
}

Task<void> RemoteSession::talk() {
  std::string verb = "GREETING", argument;
  for (;;) {
    const auto thinking = scene_.chance.between(0ms, 60ms);
    if (thinking > 50ms) co_await net::sleep_for(thinking);
    Task<bool> answered = answer(verb, argument);
    const bool goes_on = co_await std::move(answered);
    if (!goes_on || wire_->gone()) co_return;
    const auto line = co_await wire_->line();
    if (!line) co_return;
    verb = line->substr(0, line->find(' '));
    argument = between(*line, "<", ">");
  }
}

Task<bool> RemoteSession::answer(std::string verb, std::string argument) {
  const Act act = act_at(verb);
  if (act != Act::none) co_return co_await misbehave(act);
  std::string text = "250 2.0.0 ok";
  if (verb == "GREETING") text = "220 " + host_;
  if (verb == "EHLO") text = "250-" + host_ + "\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES";
  if (verb == "QUIT") text = "221 2.0.0 bye";
  if (verb == "RSET" || verb == "MAIL") recipients_.clear();
  if (verb == "RSET" || verb == "MAIL") begun_ = verb == "MAIL";
  if (verb == "RCPT") {
    if (!begun_)
      text = "503 5.5.1 MAIL first";
    else if (argument.starts_with("nobody"))
      text = "550 5.1.1 no such user";
    else
      recipients_.push_back(argument);
  }
  if (verb == "DATA") {
    if (!recipients_.empty()) co_return co_await content();
    text = "554 5.5.1 no valid recipients";
  }
  Task<bool> said = reply(std::move(text));
  const bool heard = co_await std::move(said);
  co_return heard&& verb != "QUIT";
}

Task<bool> RemoteSession::content() {
  std::string go_on = "354 go on";
  Task<bool> said = reply(std::move(go_on));
  const bool heard = co_await std::move(said);
  if (!heard) co_return false;
  if (act_at("TEXT") != Act::none) co_return false; // hangs up within it
  content_.clear();
  for (;;) {
    const auto line = co_await wire_->line();
    if (!line) co_return false;
    if (*line == ".") break;
    content_.append(*line, line->starts_with('.') ? 1 : 0);
    content_ += "\r\n";
  }
  const auto storing = scene_.chance.between(0ms, 400ms);
  if (storing > 200ms) co_await net::sleep_for(storing);
  if (wire_->gone()) co_return false;
  const Act act = act_at(".");
  if (act == Act::lost || act == Act::lost_late) {
    take(false);
    if (act == Act::lost_late) co_await wire_->wait_for_end();
    co_return false;
  }
  if (act != Act::none) co_return co_await misbehave(act);
  take(true);
  std::string text = "250 2.0.0 taken";
  Task<bool> thanked = reply(std::move(text));
  co_return co_await std::move(thanked);
}

void RemoteSession::take(bool replied) {
  const std::string id = between(content_, "id ", "\r\n").substr(0, 26);
  const std::string token = between(content_, "Subject: ", "\r\n");
  const std::size_t body = content_.find("\r\n\r\n");
  const auto expected = remotes_.bodies_.find(token);
  const bool whole = body != std::string::npos && expected != remotes_.bodies_.end() &&
                     content_.compare(body + 4, std::string::npos, expected->second) == 0;
  scene_.tell("remote", fmt::format("{} takes {} ({}) for {}{}", host_, token, id, fmt::join(recipients_, " "),
                                    replied ? "" : ", and its reply is lost"));
  scene_.ledger.taken(id, token, recipients_, replied, whole);
  recipients_.clear();
  begun_ = false;
}

} // namespace paquebot::simulation
