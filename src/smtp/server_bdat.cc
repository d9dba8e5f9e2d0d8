// Content in chunks: BDAT (RFC 3030), and what becomes of octets that were announced and are not wanted.

#include "base/text.h"
#include "smtp/server_impl.h"

#include <algorithm>

namespace paquebot::smtp {
namespace {

struct Bdat {
  std::uint64_t size = 0;
  bool last = false;
  bool well_formed = true; ///< nothing but LAST stood behind the size
};

/// "chunk-size [LAST]" (section 2). Nothing when there is no size that can be believed: where the chunk ends, and the
/// next command begins, is not known then.
std::optional<Bdat> parse_bdat(std::string_view arguments) {
  const auto space = std::min(arguments.find(' '), arguments.size());
  const auto digits = arguments.substr(0, space);
  const bool number = !digits.empty() && std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
  const auto size = number ? parse_u64(digits) : std::nullopt;
  if (!size) return {};
  const auto marker = trim(arguments.substr(space));
  return Bdat{*size, iequals(marker, "LAST"), marker.empty() || iequals(marker, "LAST")};
}

} // namespace

using Impl = ServerSession::Impl;

/// Comes in every state, also before TLS and login: whatever is wrong, the announced octets have to be read, since
/// they are content and never commands (section 2: "MUST accept and discard the associated message data").
void Impl::do_bdat(std::string_view arguments) {
  said_ = "BDAT"; // also of what follows
  const auto bdat = parse_bdat(arguments);
  if (!bdat) return hang_up("501 5.5.4 say BDAT size [LAST]; where the next command begins is not known now");
  chunk_size_ = chunk_left_ = bdat->size;
  chunk_last_ = bdat->last;
  mode_ = Mode::chunk;
  ++window_;
  stray_ = out_of_place();
  if (!chunks_) begin_content();
  if (stray_.code == 0 && !bdat->well_formed) fail_chunks({501, {5, 5, 4}, "say BDAT size [LAST]"});
  const auto most = options_->max_message_size;
  if (stray_.code == 0 && most != 0 && (content_size_ > most || chunk_left_ > most - content_size_))
    fail_chunks(larger_than_taken());
  if ((stray_.code != 0 || content_refusal_) && chunk_left_ > most_swallowed()) return give_up_chunk();
  if (stray_.code != 0 || std::exchange(chunks_, true)) return;
  scan_ = {};
  if (content_refusal_) return;
  staged_ = true;
  ask(Question::data, AskData{});
}

/// Why a chunk can't belong to any content; code 0 when it can.
mail::Reply Impl::out_of_place() const {
  if (options_->tls_required && !encrypted_) return {530, {5, 7, 0}, "say STARTTLS first"};
  if (helo_.empty() || !extended_) return {503, {5, 5, 1}, "say EHLO first"};
  if (options_->auth_required && login_.empty()) return {530, {5, 7, 0}, "log in first"};
  if (!transaction_) return {503, {5, 5, 1}, "say MAIL first"};
  if (!recipients_.empty()) return {};
  const bool lmtp = options_->role == Role::lmtp;
  return {static_cast<std::uint16_t>(lmtp ? 503 : 554), {5, 5, 1}, "no valid recipients"};
}

/// The first thing that goes wrong is what every further chunk of the message is answered with.
void Impl::fail_chunks(mail::Reply why) {
  if (!content_refusal_) content_refusal_ = std::make_unique<mail::Reply>(std::move(why));
  drop_content();
}

/// What lines must not hold.
bool Impl::chunk_is_broken() const { return scan_.has_nul || scan_.bare_cr || (scan_.bare_lf && !mends_bare_lf()); }

/// The next piece of content, or empty when input is needed, the chunk is over or the piece was dropped.
std::string_view Impl::chunk_step() {
  if (unmended_.empty()) {
    if (chunk_left_ == 0) return finish_chunk();
    const auto taken = std::min<std::uint64_t>(chunk_left_, input_.size());
    unmended_ = input_.substr(0, static_cast<std::size_t>(taken));
    input_.remove_prefix(unmended_.size());
    chunk_left_ -= unmended_.size();
    if (stray_.code == 0 && !content_refusal_ && sender_.body != mail::BodyType::binary && !unmended_.empty()) {
      scan_.feed(unmended_);
      open_line_ = unmended_.back() != '\n';
    }
  }
  const std::size_t came = unmended_.size();
  if (staged_ && stray_.code == 0) {
    const bool binary = sender_.body == mail::BodyType::binary;
    const auto piece = binary ? std::exchange(unmended_, {}) : mended(unmended_);
    content_size_ += piece.size();
    if (binary || (!chunk_is_broken() && !too_large())) return piece;
    drop_content(); // refused when the chunk is over, so that the reason does not depend on how it was cut
  }
  unmended_ = {};
  swallowed_ += came;
  if (swallowed_ > most_swallowed()) hang_up("421 4.7.0 too much data after the message was refused");
  return {};
}

/// All of a chunk was read: the reply to it, or the question about the whole message. Gives the line end that the last
/// line of a text is without, so that all content of lines ends alike, by DATA or by BDAT.
std::string_view Impl::finish_chunk() {
  if (chunk_last_) scan_.finish();
  const bool lines = stray_.code == 0 && sender_.body != mail::BodyType::binary;
  if (lines && chunk_is_broken()) fail_chunks(scan_.has_nul ? holds_nul() : holds_bare()); // as with DATA
  if (lines && !staged_ && too_large()) fail_chunks(larger_than_taken());
  if (lines && chunk_last_ && staged_ && std::exchange(open_line_, false)) {
    content_size_ += 2;
    return "\r\n";
  }
  mode_ = Mode::command;
  ++window_;
  if (stray_.code != 0) {
    answer_stray();
  } else if (chunk_last_) {
    finish_chunks();
  } else if (content_refusal_) {
    const bool first = !std::exchange(chunks_failed_, true);
    if (first) remark(Remark::Kind::content_refused, content_refusal_->to_string());
    say(*content_refusal_, "");
    if (first && content_refusal_ && content_refusal_->permanent()) after_error(1);
  } else {
    if (chunk_size_ > 0) --commands_; // a large message has many
    say("250 2.0.0 " + std::to_string(chunk_size_) + " octets received");
  }
  return {};
}

void Impl::finish_chunks() {
  if (!content_refusal_) return ask(Question::content, AskContent{});
  mail::Reply refusal = std::move(*content_refusal_);
  if (chunks_failed_) return content_answered({&refusal, 1}); // that was remarked
  refuse_content_now(std::move(refusal));
}

void Impl::answer_stray() {
  const mail::Reply reply = std::exchange(stray_, {});
  // RFC 2033 section 4.3: a reply to BDAT LAST for each recipient, so none without recipients.
  const bool silent = options_->role == Role::lmtp && chunk_last_ && transaction_;
  if (silent) return end_transaction();
  remark(Remark::Kind::command_refused, reply.to_string());
  say(reply, "");
  after_error(1);
}

/// More is announced than is ever read of a refused message: waiting for it would only cost both.
void Impl::give_up_chunk() {
  mail::Reply reply = stray_.code != 0 ? std::exchange(stray_, {}) : *content_refusal_;
  if (!reply.permanent()) reply = {421, {4, 7, 0}, "too much data after the message was refused"};
  remark(Remark::Kind::content_refused, reply.to_string());
  say(std::move(reply), "");
  end_transaction();
  input_ = {};
  mode_ = Mode::closing;
}

} // namespace paquebot::smtp
