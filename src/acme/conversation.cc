#include "acme/conversation.h"

#include "base/text.h"
#include "http/date.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace paquebot::acme {
namespace {

using std::chrono::seconds;

constexpr unsigned kMostBadNonces = 10;
constexpr unsigned kMostFailures = 4;
constexpr unsigned kMostRequests = 400;
constexpr std::size_t kMostNonce = 512;
/// What an authority asks to wait is waited here; beyond that the order is put off as a whole.
constexpr seconds kPatience{60};
constexpr seconds kMostWait{24 * 3600};

std::optional<seconds> wanted_wait(const Reply& reply, std::int64_t now) {
  return http::retry_after(reply.fields, now / 1000, kMostWait);
}

} // namespace

Conversation::Conversation(std::string directory_url, PrivateKey key)
    : directory_url_(std::move(directory_url)), key_(std::move(key)) {}

void Conversation::look_up() { begin(Mode::look_up, {}, {}, {}); }
void Conversation::get(std::string url) { begin(Mode::get, std::move(url), {}, {}); }
void Conversation::post(std::string url, std::string payload, std::string account) {
  begin(Mode::post, std::move(url), std::move(payload), std::move(account));
}

void Conversation::begin(Mode mode, std::string url, std::string payload, std::string account) {
  mode_ = mode;
  url_ = std::move(url);
  payload_ = std::move(payload);
  account_ = std::move(account);
  heard_.reset();
  pause_.reset();
  bad_nonces_ = failures_ = 0;
  ask_next();
}

/// What has to be asked now.
void Conversation::ask_next() {
  if (failure_) return;
  if (++requests_ > kMostRequests) return give_up({.words = "the authority does not come to an end"});
  if (!directory_ || mode_ == Mode::look_up) {
    part_ = Part::directory;
    request_ = {"GET", directory_url_, {}, {}};
    return;
  }
  if (mode_ == Mode::get) {
    part_ = Part::request;
    request_ = {"GET", url_, {}, {}};
    return;
  }
  if (nonce_.empty()) {
    part_ = Part::nonce;
    request_ = {"HEAD", directory_->new_nonce, {}, {}};
    return;
  }
  part_ = Part::request;
  auto content = sign_request(key_, {.url = url_, .nonce = std::exchange(nonce_, {}), .account = account_}, payload_);
  if (!content) return give_up({.words = content.error().message});
  request_ = {"POST", url_, "application/jose+json", std::move(*content)};
}

Conversation::Step Conversation::next() {
  if (failure_) return Broken{&*failure_};
  if (heard_) return Heard{&*heard_};
  if (pause_) return Pause{*pause_};
  if (part_ == Part::nothing) return Rest{};
  return Ask{&request_};
}

void Conversation::answered(Reply reply, std::int64_t now) {
  if (failure_ || heard_ || pause_ || part_ == Part::nothing) return;
  const std::string* nonce = http::find_field(reply.fields, "replay-nonce");
  if (nonce != nullptr && nonce->size() <= kMostNonce && base64url_decode(*nonce)) nonce_ = *nonce;
  if (reply.content.size() > kMostAnswer) return give_up({.words = "the authority's answer is too large"});
  if (reply.status == 429) {
    auto wait = wanted_wait(reply, now).value_or(seconds(0));
    return give_up(
        {.words = explain(Problem{.kind = "rateLimited", .words = read_problem(reply).words}, 429), .wait = wait});
  }
  if (reply.status >= 500)
    return put_off(fmt::format("the authority failed (HTTP {})", reply.status), wanted_wait(reply, now));
  if (part_ == Part::directory) return take_directory(reply);
  if (part_ == Part::nonce) {
    if (nonce_.empty()) return put_off("the authority gives no nonce", wanted_wait(reply, now));
    return ask_next();
  }
  take_reply(std::move(reply), now);
}

void Conversation::take_directory(const Reply& reply) {
  if (reply.status != 200)
    return give_up({.words = fmt::format("acme.directory {} can't be read (HTTP {})", directory_url_, reply.status),
                    .ours = true});
  auto directory = read_directory(reply.content);
  if (!directory) return give_up({.words = directory.error().message, .ours = true});
  directory_ = std::move(*directory);
  failures_ = 0;
  if (mode_ != Mode::look_up) return ask_next();
  part_ = Part::nothing;
  heard_ = reply;
}

void Conversation::take_reply(Reply reply, std::int64_t) {
  if (mode_ == Mode::post && reply.status == 400 && read_problem(reply).kind == "badNonce") {
    if (++bad_nonces_ > kMostBadNonces) return give_up({.words = "the authority takes none of its own nonces"});
    return ask_next(); // with the nonce of this answer, else a new one
  }
  part_ = Part::nothing;
  heard_ = std::move(reply);
}

void Conversation::unreachable(const Error& why) {
  if (failure_ || heard_ || pause_ || part_ == Part::nothing) return;
  nonce_.clear(); // it may have been used
  put_off("the authority can't be reached: " + printable(why.message, 300), std::nullopt);
}

void Conversation::put_off(std::string why, std::optional<seconds> wanted) {
  if (++failures_ > kMostFailures || wanted.value_or(seconds(0)) > kPatience)
    return give_up({.words = std::move(why), .wait = wanted.value_or(seconds(0))});
  pause_ = std::max(wanted.value_or(seconds(0)), seconds(1 << failures_));
}

void Conversation::give_up(Failure failure) {
  failure_ = std::move(failure);
  part_ = Part::nothing;
}

void Conversation::rested() {
  if (failure_ || !pause_) return;
  pause_.reset();
  ask_next();
}

} // namespace paquebot::acme
