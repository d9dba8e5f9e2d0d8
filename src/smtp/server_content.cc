// What DATA and BDAT have in common: the octets of a message, from the answer to AskData to the verdict.

#include "smtp/server_impl.h"

#include <algorithm>
#include <cassert>

namespace paquebot::smtp {
namespace {

/// A refused message is read to its end, so that the session stays in step, but at most so much of it or once more
/// what a message may have.
constexpr std::uint64_t kMostSwallowed = 10 << 20;

} // namespace

void ServerSession::Content::stage() {
  assert(!staged_ && !refusal_ && session_.transaction.open());
  staged_ = true;
  session_.ask(Impl::Question::data, AskData{});
}

void ServerSession::Content::begin() {
  mender_ = {};
  unmended_ = {};
  size_ = 0;
  swallowed_ = 0;
  ++session_.window;
  ++session_.total_window;
}

void ServerSession::Content::drop() {
  unmended_ = {};
  if (std::exchange(staged_, false)) discard_ = true;
}

void ServerSession::Content::forget() {
  drop();
  refusal_.reset();
}

// ---- Octets ----

/// The next piece from the front of what came, counted. `lines`: it is given the line ends that it is without.
std::string_view ServerSession::Content::take(bool lines) {
  const auto piece = lines && mends_bare_lf() ? mender_.next(unmended_) : std::exchange(unmended_, {});
  size_ += piece.size();
  return piece;
}

std::string_view ServerSession::Content::line_end() {
  size_ += 2;
  return "\r\n";
}

void ServerSession::Content::swallow(std::uint64_t octets) {
  unmended_ = {};
  swallowed_ += octets;
}

void ServerSession::Content::bound_swallowed() {
  if (swallowed_ > most_swallowed()) session_.replies.hang_up("421 4.7.0 too much data after the message was refused");
}

std::uint64_t ServerSession::Content::most_swallowed() const {
  return std::max(kMostSwallowed, session_.options->max_message_size);
}

// ---- Refusals ----

bool ServerSession::Content::mends_bare_lf() const {
  // What XCLIENT tells of is another peer.
  return session_.options->mend_bare_lf || (session_.connection.mend_bare_lf && session_.greeting.told() == nullptr);
}

bool ServerSession::Content::too_large(std::uint64_t more) const {
  const auto most = session_.options->max_message_size;
  return most != 0 && (size_ > most || more > most - size_);
}

/// A server that drops NUL would find an end of data in CRLF NUL . CRLF.
mail::Reply ServerSession::Content::broken_lines(bool nul) {
  if (nul) return {550, {5, 6, 0}, "NUL in the message; only BODY=BINARYMIME may bring it"};
  return {550, {5, 6, 0}, "bare CR or LF in the message; its lines must end with CR LF"};
}

mail::Reply ServerSession::Content::larger_than_taken() {
  return {552, {5, 3, 4}, "message is larger than this server takes"};
}

void ServerSession::Content::refuse(mail::Reply verdict) {
  if (staged_ && session_.question == Impl::Question::none) fail(std::move(verdict));
}

void ServerSession::Content::fail(mail::Reply why) {
  if (!refusal_) refusal_ = std::make_unique<mail::Reply>(std::move(why));
  drop();
}

/// The content has come to its end and nobody outside is asked.
void ServerSession::Content::refuse_now(mail::Reply refusal) {
  session_.replies.remark(Remark::Kind::content_refused, refusal.to_string());
  judged({&refusal, 1});
}

void ServerSession::Content::judged(std::span<mail::Reply> verdicts) {
  assert(!verdicts.empty() && session_.transaction.open() && session_.mode == Impl::Mode::command);
  // RFC 2033 section 4.2: LMTP has a reply for each recipient that was accepted, in their order.
  const bool lmtp = session_.options->role == Role::lmtp;
  const std::size_t replies = lmtp ? session_.transaction.recipients().size() : 1;
  bool accepted = false, permanent = false;
  for (std::size_t i = 0; i < replies; ++i) {
    const auto& verdict = verdicts[std::min(i, verdicts.size() - 1)];
    accepted = accepted || verdict.positive();
    permanent = permanent || verdict.permanent();
    session_.replies.say(verdict, "250 2.0.0 accepted");
  }
  if (accepted) {
    staged_ = false; // it belongs to the outside now
    session_.transaction.count_message();
    session_.replies.forgive();
    session_.commands = 0;
  }
  session_.transaction.end();
  if (!accepted && permanent) session_.replies.count_error(1);
}

} // namespace paquebot::smtp
