// Content behind DATA (RFC 5321 section 4.1.1.4).

#include "smtp/server_impl.h"

#include <cassert>

namespace paquebot::smtp {

void ServerSession::Data::data() {
  Replies& replies = session_.replies;
  replies.about("DATA");         // also of what follows
  if (session_.chunks.begun()) { // RFC 3030 section 2: never both in one transaction
    session_.content.fail({503, {5, 5, 1}, "BDAT and DATA in one transaction"});
    return replies.refuse("503 5.5.1 not after BDAT; RSET ends the transaction");
  }
  if (session_.transaction.recipients().empty()) {
    // RFC 5321 section 3.3 and 2920 section 3.1; LMTP differs (RFC 2033 section 4.2).
    const bool lmtp = session_.options->role == Role::lmtp;
    return replies.refuse(lmtp ? "503 5.5.1 no valid recipients" : "554 5.5.1 no valid recipients");
  }
  if (session_.transaction.binary()) // RFC 3030 section 3
    return replies.refuse("503 5.6.1 binary content comes by BDAT");
  session_.content.stage();
}

void ServerSession::Data::answered(mail::Reply verdict) {
  if (!verdict.positive()) {
    session_.transaction.end();
    session_.replies.remark(Remark::Kind::content_refused, verdict.to_string());
    return session_.replies.pass_on(std::move(verdict));
  }
  decoder_.reset();
  session_.mode = Impl::Mode::data;
  session_.content.begin();
  session_.replies.say("354 end data with <CR><LF>.<CR><LF>");
}

/// The next piece of content, or empty when input is needed, the data is over or the piece was dropped.
std::string_view ServerSession::Data::step() {
  Content& content = session_.content;
  const std::size_t before = session_.input.size();
  if (!content.waits()) content.came(decoder_.next(session_.input));
  auto piece = content.take(true);
  if (decoder_.nul() || broken() || content.too_large()) content.drop();
  if (!content.staged()) {
    content.swallow(before - session_.input.size());
    piece = {};
  }
  if (decoder_.done() && !content.waits() && piece.empty()) {
    finish();
  } else {
    content.bound_swallowed();
  }
  return piece;
}

/// A line end that is none, and that nobody mends.
bool ServerSession::Data::broken() const {
  return decoder_.bare_cr() || (decoder_.bare_lf() && !session_.content.mends_bare_lf());
}

/// Which reason is given must not depend on how the data was cut, so it is chosen at the end.
void ServerSession::Data::finish() {
  Content& content = session_.content;
  assert(session_.mode == Impl::Mode::data && !content.waits());
  session_.mode = Impl::Mode::command;
  ++session_.window;
  if (content.refusal() != nullptr) return content.refuse_now(std::move(*content.refusal()));
  if (decoder_.nul() || broken()) return content.refuse_now(Content::broken_lines(decoder_.nul()));
  if (content.too_large()) return content.refuse_now(Content::larger_than_taken());
  session_.ask(Impl::Question::content, AskContent{});
}

} // namespace paquebot::smtp
