#include "sasl/exchange.h"

#include "base/encoding.h"
#include "sasl/secret.h"

#include <algorithm>
#include <utility>

namespace paquebot::sasl {
namespace {

constexpr std::size_t kMostOfAName = 64; // RFC 4422 section 3.1: 20

std::string in_capitals(std::string_view name) {
  std::string out(name.substr(0, kMostOfAName));
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return out;
}

} // namespace

Exchange::Outcome Exchange::begin(std::string_view mechanism, std::optional<std::string_view> initial,
                                  const Offer& offer) {
  end();
  name_ = in_capitals(mechanism);
  judged_ = false;
  mechanism_ = make_server(mechanism, offer);
  if (!mechanism_) {
    note("this mechanism is not offered here");
    return Outcome::not_offered;
  }
  if (!initial) return proceed(mechanism_->step(nullptr));
  return feed(*initial == "=" ? std::string_view() : *initial);
}

Exchange::Outcome Exchange::respond(std::string_view line) {
  waits_ = false;
  if (line != "*") return feed(line);
  note("the client broke it off");
  end();
  return Outcome::cancelled;
}

Exchange::Outcome Exchange::feed(std::string_view line) {
  auto response = base64_decode(line);
  if (!response) {
    note("a response that is no base 64");
    end();
    return Outcome::no_base64;
  }
  const Outcome outcome = proceed(mechanism_->step(&*response));
  wipe(*response);
  return outcome;
}

void Exchange::take_password(std::string name, std::string_view secret, std::string_view command) {
  end();
  name_ = command;
  judged_ = true;
  question_.authcid = std::move(name);
  question_.secret = secret;
}

Exchange::Outcome Exchange::answer(bool accepted) {
  if (!mechanism_) {
    identity_ = accepted ? question_.authcid : std::string();
    wipe_question();
    return identity_.empty() ? Outcome::refused : Outcome::accepted;
  }
  wipe(question_.secret);
  const Outcome outcome = proceed(mechanism_->answer(accepted));
  if (outcome != Outcome::ask) wipe_question();
  return outcome;
}

Exchange::Outcome Exchange::answer_keys(ScramCredentials credentials) {
  if (!mechanism_) { // nobody asked for them
    wipe_question();
    return Outcome::refused;
  }
  const Outcome outcome = proceed(mechanism_->answer_keys(std::move(credentials)));
  if (outcome != Outcome::ask) wipe_question();
  return outcome;
}

Exchange::Outcome Exchange::proceed(Step step) {
  if (const auto* challenge = std::get_if<Challenge>(&step)) {
    challenge_ = base64_encode(challenge->bytes);
    waits_ = true;
    return Outcome::challenge;
  }
  if (auto* asked = std::get_if<Ask>(&step)) {
    question_ = asked->question;
    wipe(asked->question.secret);
    judged_ = question_.kind != Question::Kind::scram_keys;
    return Outcome::ask;
  }
  if (auto* success = std::get_if<Success>(&step)) {
    identity_ = std::move(success->authzid);
    end();
    return Outcome::accepted;
  }
  const bool malformed = std::get<Failure>(step).malformed;
  note(std::move(std::get<Failure>(step).cause));
  end();
  return malformed ? Outcome::malformed : Outcome::refused;
}

void Exchange::end(std::string_view cause) {
  if (mechanism_ && !cause.empty()) note(std::string(cause));
  mechanism_.reset();
  waits_ = false;
  wipe_question();
  wipe(challenge_);
}

/// What was judged outside is logged there.
void Exchange::note(std::string cause) {
  if (!judged_) untold_ = std::make_unique<Refusal>(Refusal{name_, std::move(cause)});
}

void Exchange::refuse(std::string cause) { untold_ = std::make_unique<Refusal>(Refusal{"", std::move(cause)}); }

std::optional<Refusal> Exchange::take_refusal() {
  if (!untold_) return {};
  return std::move(*std::exchange(untold_, nullptr));
}

void Exchange::wipe_question() {
  wipe(question_.secret);
  question_.authcid.clear();
  question_.authzid.clear();
}

} // namespace paquebot::sasl
