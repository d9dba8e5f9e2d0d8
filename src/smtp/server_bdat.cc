// Content in chunks: BDAT (RFC 3030), and what becomes of octets that were announced and are not wanted.

#include "base/text.h"
#include "smtp/server_impl.h"

#include <algorithm>
#include <cassert>

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

/// Comes in every state, also before TLS and login: whatever is wrong, the announced octets have to be read, since
/// they are content and never commands (section 2: "MUST accept and discard the associated message data").
void ServerSession::Chunks::bdat(std::string_view arguments) {
  session_.replies.about("BDAT"); // also of what follows
  const auto bdat = parse_bdat(arguments);
  if (!bdat)
    return session_.replies.hang_up("501 5.5.4 say BDAT size [LAST]; where the next command begins is not known now");
  Content& content = session_.content;
  size_ = left_ = bdat->size;
  last_ = bdat->last;
  session_.mode = Impl::Mode::chunk;
  ++session_.window;
  stray_ = out_of_place();
  if (!begun_) content.begin();
  if (stray_.code == 0 && !bdat->well_formed) content.fail({501, {5, 5, 4}, "say BDAT size [LAST]"});
  if (stray_.code == 0 && content.too_large(left_)) content.fail(Content::larger_than_taken());
  if ((stray_.code != 0 || content.refusal() != nullptr) && left_ > content.most_swallowed()) return give_up();
  if (stray_.code != 0 || std::exchange(begun_, true)) return;
  scan_ = {};
  if (content.refusal() == nullptr) content.stage();
}

/// Why a chunk can't belong to any content; code 0 when it can.
mail::Reply ServerSession::Chunks::out_of_place() const {
  const auto& o = *session_.options;
  if (o.tls_required && !session_.encrypted) return {530, {5, 7, 0}, "say STARTTLS first"};
  if (session_.greeting.name().empty() || !session_.greeting.extended()) return {503, {5, 5, 1}, "say EHLO first"};
  if (o.auth_required && session_.login.identity().empty()) return {530, {5, 7, 0}, "log in first"};
  if (!session_.transaction.open()) return {503, {5, 5, 1}, "say MAIL first"};
  if (!session_.transaction.recipients().empty()) return {};
  return {static_cast<std::uint16_t>(o.role == Role::lmtp ? 503 : 554), {5, 5, 1}, "no valid recipients"};
}

/// To AskData. Nothing is said before the chunk was read.
void ServerSession::Chunks::answered(mail::Reply verdict) {
  if (!verdict.positive()) session_.content.fail(std::move(verdict));
}

/// What lines must not hold.
bool ServerSession::Chunks::broken() const {
  return scan_.has_nul || scan_.bare_cr || (scan_.bare_lf && !session_.content.mends_bare_lf());
}

/// The next piece of content, or empty when input is needed, the chunk is over or the piece was dropped.
std::string_view ServerSession::Chunks::step() {
  Content& content = session_.content;
  const bool binary = session_.transaction.binary();
  if (!content.waits()) {
    if (left_ == 0) return finish_chunk();
    const auto taken = std::min<std::uint64_t>(left_, session_.input.size());
    const auto bytes = session_.input.substr(0, static_cast<std::size_t>(taken));
    session_.input.remove_prefix(bytes.size());
    left_ -= bytes.size();
    content.came(bytes);
    if (stray_.code == 0 && content.refusal() == nullptr && !binary && !bytes.empty()) {
      scan_.feed(bytes);
      open_line_ = bytes.back() != '\n';
    }
  }
  const std::size_t came = content.waiting();
  if (content.staged() && stray_.code == 0) {
    const auto piece = content.take(!binary);
    if (binary || (!broken() && !content.too_large())) return piece;
    content.drop(); // refused when the chunk is over, so that the reason does not depend on how it was cut
  }
  content.swallow(came);
  content.bound_swallowed();
  return {};
}

/// All of a chunk was read: the reply to it, or the question about the whole message. Gives the line end that the last
/// line of a text is without, so that all content of lines ends alike, by DATA or by BDAT.
std::string_view ServerSession::Chunks::finish_chunk() {
  Content& content = session_.content;
  assert(left_ == 0 && session_.mode == Impl::Mode::chunk);
  if (last_) scan_.finish();
  const bool lines = stray_.code == 0 && !session_.transaction.binary();
  if (lines && broken()) content.fail(Content::broken_lines(scan_.has_nul)); // as with DATA
  if (lines && !content.staged() && content.too_large()) content.fail(Content::larger_than_taken());
  if (lines && last_ && content.staged() && std::exchange(open_line_, false)) return content.line_end();
  session_.mode = Impl::Mode::command;
  ++session_.window;
  if (stray_.code != 0) {
    answer_stray();
  } else if (last_) {
    finish_content();
  } else if (content.refusal() != nullptr) {
    say_refusal();
  } else {
    if (size_ > 0) --session_.commands; // a large message has many
    session_.replies.say("250 2.0.0 " + std::to_string(size_) + " octets received");
  }
  return {};
}

/// It counts once a message.
void ServerSession::Chunks::say_refusal() {
  const mail::Reply& refusal = *session_.content.refusal();
  if (std::exchange(failed_, true)) return session_.replies.say(refusal, "");
  session_.replies.remark(Remark::Kind::content_refused, refusal.to_string());
  session_.replies.pass_on(refusal);
}

void ServerSession::Chunks::finish_content() {
  Content& content = session_.content;
  if (content.refusal() == nullptr) return session_.ask(Impl::Question::content, AskContent{});
  mail::Reply refusal = std::move(*content.refusal());
  if (failed_) return content.judged({&refusal, 1}); // that was remarked
  content.refuse_now(std::move(refusal));
}

void ServerSession::Chunks::answer_stray() {
  mail::Reply reply = std::exchange(stray_, {});
  // RFC 2033 section 4.3: a reply to BDAT LAST for each recipient, so none without recipients.
  const bool silent = session_.options->role == Role::lmtp && last_ && session_.transaction.open();
  if (silent) return session_.transaction.end();
  session_.replies.remark(Remark::Kind::command_refused, reply.to_string());
  session_.replies.pass_on(std::move(reply));
}

/// More is announced than is ever read of a refused message: waiting for it would only cost both.
void ServerSession::Chunks::give_up() {
  mail::Reply reply = stray_.code != 0 ? std::exchange(stray_, {}) : *session_.content.refusal();
  if (!reply.permanent()) reply = {421, {4, 7, 0}, "too much data after the message was refused"};
  session_.replies.remark(Remark::Kind::content_refused, reply.to_string());
  session_.replies.say(std::move(reply), "");
  session_.close();
}

} // namespace paquebot::smtp
