// The content of a message, from the answer to AskData to the verdict (RFC 5321 section 4.1.1.4).

#include "smtp/server_impl.h"

#include <algorithm>

namespace paquebot::smtp {
namespace {

/// A refused message is read to its end, so that the session stays in step, but at most so much of it or once more
/// what a message may have.
constexpr std::uint64_t kMostSwallowed = 10 << 20;

} // namespace

using Impl = ServerSession::Impl;

/// A server that drops NUL would find an end of data in CRLF NUL . CRLF.
mail::Reply Impl::holds_nul() { return {550, {5, 6, 0}, "NUL in the message; only BODY=BINARYMIME may bring it"}; }

mail::Reply Impl::holds_bare() {
  return {550, {5, 6, 0}, "bare CR or LF in the message; its lines must end with CR LF"};
}

std::uint64_t Impl::most_swallowed() const { return std::max(kMostSwallowed, options_->max_message_size); }

mail::Reply Impl::larger_than_taken() { return {552, {5, 3, 4}, "message is larger than this server takes"}; }

bool Impl::mends_bare_lf() const {
  return options_->mend_bare_lf || (connection_.mend_bare_lf && !told_); // what XCLIENT tells of is another peer
}

/// Takes from the front of what came, and gives its line ends what they are without.
std::string_view Impl::mended(std::string_view& piece) {
  return mends_bare_lf() ? mender_.next(piece) : std::exchange(piece, {});
}

void Impl::begin_content() {
  mender_ = {};
  unmended_ = {};
  content_size_ = 0;
  swallowed_ = 0;
  ++window_;
  ++total_window_;
}

void Impl::data_answered(mail::Reply verdict) {
  if (mode_ == Mode::chunk) { // nothing is said before the chunk was read
    if (!verdict.positive()) fail_chunks(std::move(verdict));
    return;
  }
  if (!verdict.positive()) {
    const bool permanent = verdict.permanent();
    end_transaction();
    remark(Remark::Kind::content_refused, verdict.to_string());
    say(std::move(verdict), "");
    if (permanent) after_error(1);
    return;
  }
  decoder_.reset();
  mode_ = Mode::data;
  begin_content();
  say("354 end data with <CR><LF>.<CR><LF>");
}

/// The next piece of content, or empty when input is needed, the data is over or the piece was dropped.
std::string_view Impl::data_step() {
  const std::size_t before = input_.size();
  if (unmended_.empty()) unmended_ = decoder_.next(input_);
  auto piece = mended(unmended_);
  content_size_ += piece.size();
  if (decoder_.bare_cr() || decoder_.nul() || (decoder_.bare_lf() && !mends_bare_lf()) || too_large()) drop_content();
  if (!staged_) {
    swallowed_ += before - input_.size();
    piece = unmended_ = {};
  }
  if (decoder_.done() && unmended_.empty() && piece.empty()) {
    finish_data();
  } else if (swallowed_ > most_swallowed()) {
    hang_up("421 4.7.0 too much data after the message was refused");
  }
  return piece;
}

bool Impl::too_large() const { return options_->max_message_size != 0 && content_size_ > options_->max_message_size; }

void Impl::refuse_content(mail::Reply verdict) {
  if (!staged_ || question_ != Question::none) return;
  content_refusal_ = std::make_unique<mail::Reply>(std::move(verdict));
  drop_content();
}

/// Which reason is given must not depend on how the data was cut, so it is chosen at the end.
void Impl::finish_data() {
  mode_ = Mode::command;
  ++window_;
  mail::Reply refusal;
  if (content_refusal_) {
    refusal = std::move(*content_refusal_);
  } else if (decoder_.nul()) {
    refusal = holds_nul();
  } else if (decoder_.bare_cr() || (decoder_.bare_lf() && !mends_bare_lf())) {
    refusal = holds_bare();
  } else if (too_large()) {
    refusal = larger_than_taken();
  } else {
    return ask(Question::content, AskContent{});
  }
  refuse_content_now(std::move(refusal));
}

/// The content has come to its end and nobody outside is asked.
void Impl::refuse_content_now(mail::Reply refusal) {
  remark(Remark::Kind::content_refused, refusal.to_string());
  content_answered({&refusal, 1});
}

void Impl::content_answered(std::span<mail::Reply> verdicts) {
  // RFC 2033 section 4.2: LMTP has a reply for each recipient that was accepted, in their order.
  const std::size_t replies = options_->role == Role::lmtp ? recipients_.size() : 1;
  bool accepted = false, permanent = false;
  for (std::size_t i = 0; i < replies; ++i) {
    const auto& verdict = verdicts[std::min(i, verdicts.size() - 1)];
    accepted = accepted || verdict.positive();
    permanent = permanent || verdict.permanent();
    say(verdict, "250 2.0.0 accepted");
  }
  if (accepted) {
    staged_ = false; // it belongs to the outside now
    ++messages_;
    errors_ = commands_ = 0;
  }
  end_transaction();
  if (!accepted && permanent) after_error(1);
}

void Impl::drop_content() {
  unmended_ = {};
  if (std::exchange(staged_, false)) discard_ = true;
}

} // namespace paquebot::smtp
