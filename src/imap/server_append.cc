#include "base/text.h"
#include "imap/mailbox_name.h"
#include "imap/server_impl.h"
#include "imap/write.h"

#include <fmt/format.h>
#include <utility>

namespace paquebot::imap {
namespace {

constexpr std::size_t kAppendPiece = 64u << 10;
constexpr std::uint64_t kWindow = 4096; // octets that give the client time anew
constexpr std::uint64_t kDroppedAppend = 1u << 20;

/// What stands in front of the message: mailbox, flags, date. Nothing: more is to come, or it is malformed.
std::optional<AskAppend> parse_append(Lexer& args, bool utf8, std::string_view& why) {
  AskAppend question;
  const auto wire = args.astring();
  if (!wire || !args.space()) return {};
  if (args.peek() == '(') {
    auto list = parse_flags(args);
    why = "a list of flags is expected";
    if (!list || !args.space()) return {};
    question.flags = list->flags;
    question.keywords = std::move(list->keywords);
  }
  if (args.peek() == '"') {
    const auto text = args.string();
    const auto date = text ? parse_date_time(*text) : std::nullopt;
    why = "a date and time are expected";
    if (!date || !args.space()) return {};
    question.date = *date;
  }
  args.take('~');
  if (args.peek() != '{') return {};
  auto name = read_name(*wire, utf8);
  why = "that is no name of a mailbox";
  if (!name) return {};
  question.mailbox = std::move(*name);
  why = {};
  return question;
}

} // namespace

bool ServerSession::Appender::begins(std::string_view tag, Lexer args, const Literal& literal) {
  const auto verb = args.space() ? args.atom() : std::nullopt;
  if (!verb || !iequals(*verb, "APPEND") || !args.space()) return false;
  if (args.peek() == '{' && args.rest().find("\r\n") + 2 == args.rest().size()) return false; // the mailbox's name
  std::string_view why = "a mailbox and a message are expected";
  auto question = parse_append(args, session_.utf8, why);
  session_.tag = std::string(tag);
  session_.running = true;
  session_.tells = Impl::Tells::all;
  const bool too_large = literal.size > session_.options->max_message;
  if (question && !too_large) {
    active_ = true;
    broken_ = false;
    fault_ = Fault::none;
    since_window_ = 0;
    question->size = literal.size;
    session_.ask_for<Done>(std::move(*question), [this](Done& done) {
      fault_ = done.fault;
      const Literal announced = session_.reader.literal();
      const bool empty = announced.size == 0 && fault_ == Fault::none;
      if (empty) fault_ = Fault::refused; // RFC 3502 section 6.3.11: a message of no octets is none
      if (fault_ != Fault::none && announced.waits) {
        active_ = false;
        session_.reader.abandon();
        return finish({fault_});
      }
      if (announced.waits) session_.out += "+ go on\r\n";
      session_.reader.stream();
      session_.running = false;
    });
    return true;
  }
  if (literal.waits)
    session_.reader.abandon();
  else if (literal.size <= kDroppedAppend)
    session_.reader.skip();
  else // RFC 7888 section 4
    session_.closing = true;
  if (question)
    session_.no("[TOOBIG] the message is larger than APPENDLIMIT says");
  else
    session_.bad(why);
  if (session_.closing) session_.untagged("BYE it would take too long to read the rest");
  return true;
}

void ServerSession::Appender::go_on() {
  const std::string_view piece = session_.reader.piece(kAppendPiece);
  since_window_ += piece.size();
  if (since_window_ >= kWindow) {
    since_window_ = 0;
    ++session_.window;
  }
  if (fault_ != Fault::none || broken_) return;
  session_.ask_for<Done>(AskAppendPiece{piece}, [this](Done& done) { fault_ = done.fault; });
}

void ServerSession::Appender::broken() {
  if (!active_) return;
  broken_ = true;
  end("");
}

void ServerSession::Appender::end(std::string_view rest) {
  active_ = false;
  session_.running = true;
  broken_ = broken_ || !rest.ends_with("}\r\n");
  session_.ask_for<Appended>(AskAppendEnd{!broken_ && fault_ == Fault::none}, [this](Appended& appended) {
    if (broken_) return session_.bad("nothing is expected behind the message");
    if (fault_ != Fault::none) appended.fault = fault_;
    finish(std::move(appended));
  });
}

void ServerSession::Appender::finish(Appended appended) {
  session_.must_look = true;
  if (appended.fault == Fault::not_found) return session_.no("[TRYCREATE] there is no such mailbox");
  if (appended.fault != Fault::none) return session_.fault(appended.fault, "mailbox");
  if (appended.uid == 0) return session_.ok("it is kept");
  session_.ok(fmt::format("[APPENDUID {} {}] it is kept", appended.uidvalidity, appended.uid));
}

} // namespace paquebot::imap
