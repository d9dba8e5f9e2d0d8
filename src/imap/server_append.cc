#include "base/text.h"
#include "imap/mailbox_name.h"
#include "imap/server_impl.h"
#include "imap/write.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace paquebot::imap {
namespace {

constexpr std::size_t kAppendPiece = 64u << 10;
constexpr std::uint64_t kWindow = 4096; // octets that give the client time anew
constexpr std::uint64_t kDroppedAppend = 1u << 20;
constexpr std::string_view kTooLarge = "NO [TOOBIG] the message is larger than APPENDLIMIT says";

/// What stands in front of a message: flags, date, how it comes. Nothing, or why it is malformed.
std::string_view parse_message(Lexer& args, AskAppend& question, bool& in_utf8) {
  if (args.peek() == '(') {
    auto list = parse_flags(args);
    if (!list || !args.space()) return "a list of flags is expected";
    question.flags = list->flags;
    question.keywords = std::move(list->keywords);
  }
  if (args.peek() == '"') {
    const auto text = args.string();
    const auto date = text ? parse_date_time(*text) : std::nullopt;
    if (!date || !args.space()) return "a date and time are expected";
    question.date = *date;
  }
  in_utf8 = args.take_word("UTF8"); // RFC 6855 section 4
  if (in_utf8 && !(args.space() && args.take('(') && args.peek() == '~')) return "a literal8 is expected";
  args.take('~');
  return args.peek() == '{' ? std::string_view() : "a message is expected, as a literal";
}

} // namespace

/// The one message that REPLACE names; 0: there is none.
std::uint32_t ServerSession::Appender::replaced(std::string_view text, bool by_uid) const {
  const auto set = parse_sequence_set(text);
  if (!set || set->saved || set->ranges.size() != 1 || set->ranges[0].first != set->ranges[0].last) return 0;
  const View& view = session_.selected.view();
  const std::uint32_t number = set->ranges[0].first;
  if (number == 0) return view.highest();
  if (by_uid) return view.number_of(number) != 0 ? number : 0;
  return number <= view.count() ? view.uid_of(number) : 0;
}

bool ServerSession::Appender::begins(std::string_view tag, Lexer args, const Literal& literal) {
  auto verb = args.space() ? args.atom() : std::nullopt;
  const bool by_uid = verb && iequals(*verb, "UID");
  if (by_uid) verb = args.space() ? args.atom() : std::nullopt;
  const bool replaces = verb && iequals(*verb, "REPLACE");
  if (!verb || !(replaces || (!by_uid && iequals(*verb, "APPEND"))) || !args.space()) return false;
  if (replaces && !session_.selected.is_open()) return false;
  const auto named = replaces ? args.sequence_set() : std::nullopt;
  if (replaces && (!named || !args.space())) return false;
  if (args.peek() == '{' && args.rest().find("\r\n") + 2 == args.rest().size()) return false; // the mailbox's name
  session_.tag = std::string(tag);
  session_.running = true;
  session_.tells = Impl::Tells::all;
  messages_ = 0;
  replaces_ = 0;
  fault_ = Fault::none;
  refusal_.clear();
  const auto wire = args.astring();
  auto name = wire ? read_name(*wire, session_.utf8) : std::nullopt;
  AskAppend question;
  const bool spaced = wire && args.space();
  const std::string_view why = spaced ? parse_message(args, question, in_utf8_) : "a mailbox is expected";
  if (!why.empty()) return refuse(literal, fmt::format("BAD {}", why)), true;
  if (!name) return refuse(literal, "BAD that is no name of a mailbox"), true;
  if (replaces) replaces_ = replaced(*named, by_uid);
  if (replaces && replaces_ == 0) return refuse(literal, "NO [NONEXISTENT] there is no such message"), true;
  if (replaces && session_.selected.read_only())
    return refuse(literal, "NO [CANNOT] the mailbox is open read only"), true;
  if (literal.size > session_.options->max_message) return refuse(literal, std::string(kTooLarge)), true;
  mailbox_ = std::move(*name);
  active_ = true;
  since_window_ = 0;
  take(std::move(question), literal);
  return true;
}

/// Of a command whose first message is not taken.
void ServerSession::Appender::refuse(const Literal& literal, std::string ending) {
  active_ = false;
  if (literal.waits)
    session_.reader.abandon();
  else if (literal.size <= kDroppedAppend)
    session_.reader.skip();
  else // RFC 7888 section 4
    session_.closing = true;
  if (ending.starts_with("BAD")) ++session_.errors;
  session_.finish(std::move(ending));
  if (session_.closing) session_.untagged("BYE it would take too long to read the rest");
}

void ServerSession::Appender::take(AskAppend question, const Literal& literal) {
  ++messages_;
  question.mailbox = mailbox_;
  question.size = literal.size;
  session_.ask_for<Done>(std::move(question), [this](Done& done) { begun(done.fault); });
}

/// The literal's turn has come.
void ServerSession::Appender::begun(Fault fault) {
  if (fault_ == Fault::none) fault_ = fault;
  const Literal announced = session_.reader.literal();
  // RFC 3502 section 6.3.11: a message of no octets is none.
  if (announced.size == 0 && fault_ == Fault::none) fault_ = Fault::refused;
  if (fault_ != Fault::none && announced.waits) {
    session_.reader.abandon();
    return finish_all(false);
  }
  if (announced.waits) session_.out += "+ go on\r\n";
  used_ = session_.reader.text().size();
  session_.reader.stream();
  session_.running = false;
}

void ServerSession::Appender::another(const Literal& literal) {
  Lexer args(session_.reader.text().substr(used_));
  AskAppend question;
  std::string_view why = "nothing is expected behind the message";
  if (replaces_ == 0 && (!in_utf8_ || args.take(')')) && args.space()) why = parse_message(args, question, in_utf8_);
  if (why.empty() && messages_ == kMostAppended) why = "so many messages at once are too many";
  if (!why.empty()) refusal_ = fmt::format("BAD {}", why);
  if (why.empty() && literal.size > session_.options->max_message) refusal_ = kTooLarge;
  session_.running = true;
  if (!refusal_.empty()) {
    if (literal.waits)
      session_.reader.abandon();
    else
      session_.reader.skip();
    return finish_all(false);
  }
  if (fault_ != Fault::none) return begun(fault_); // it is read, and dropped
  take(std::move(question), literal);
}

void ServerSession::Appender::go_on() {
  const std::string_view piece = session_.reader.piece(kAppendPiece);
  since_window_ += piece.size();
  if (since_window_ >= kWindow) {
    since_window_ = 0;
    ++session_.window;
  }
  if (fault_ != Fault::none) return;
  session_.ask_for<Done>(AskAppendPiece{piece}, [this](Done& done) { fault_ = done.fault; });
}

void ServerSession::Appender::end(std::string_view text) {
  const std::string_view rest = text.substr(std::min(used_, text.size()));
  if (rest != (in_utf8_ ? ")" : "")) refusal_ = "BAD nothing is expected behind the message";
  session_.running = true;
  finish_all(refusal_.empty() && fault_ == Fault::none);
}

void ServerSession::Appender::too_long() {
  refusal_ = "BAD [TOOBIG] the line is too long";
  session_.running = true;
  finish_all(false);
}

void ServerSession::Appender::finish_all(bool whole) {
  active_ = false;
  session_.ask_for<Appended>(AskAppendEnd{whole, replaces_}, [this](Appended& appended) {
    if (!refusal_.empty()) {
      if (refusal_.starts_with("BAD")) ++session_.errors;
      return session_.finish(std::exchange(refusal_, {}));
    }
    if (fault_ != Fault::none) appended.fault = fault_;
    finish(std::move(appended));
  });
}

void ServerSession::Appender::finish(Appended appended) {
  session_.must_look = true;
  if (appended.fault == Fault::not_found) return session_.no("[TRYCREATE] there is no such mailbox");
  if (appended.fault != Fault::none) return session_.fault(appended.fault, "mailbox");
  std::string code;
  if (!appended.uids.empty()) code = fmt::format("[APPENDUID {} {}] ", appended.uidvalidity, to_text(appended.uids));
  if (replaces_ == 0) return session_.ok(code + "it is kept");
  // RFC 8508 section 4.4: in front of what is told of the deletion.
  if (!code.empty()) session_.untagged("OK " + code + "it is kept");
  if (appended.both) return session_.no("[UNAVAILABLE] the old message can't be deleted now: both are there");
  session_.tells_modseq = true;
  session_.ok("it is replaced");
}

} // namespace paquebot::imap
