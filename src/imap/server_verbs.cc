#include "base/text.h"
#include "imap/server_impl.h"
#include "imap/write.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <utility>

namespace paquebot::imap {

/// A command of the language.
struct ServerSession::Impl::Verb {
  std::string_view name;
  State states; ///< in which it may come
  bool words;   ///< it has arguments, which it reads itself
  Tells tells;  ///< what its end may tell of the selected mailbox (RFC 9051 section 7.5.1)
  void (*handler)(Impl&, Lexer&);

  static void compress(Impl& s, Lexer& args);

  static const Verb kAll[];
  using enum Tells;
};

// RFC 9051 section 6, RFC 3501 (LSUB, CHECK), RFC 2971 (ID).
const ServerSession::Impl::Verb ServerSession::Impl::Verb::kAll[] = {
    {"CAPABILITY", any, false, all,
     [](Impl& s, Lexer&) {
       s.untagged("CAPABILITY " + s.capabilities());
       s.ok("that is all");
     }},
    {"NOOP", any, false, all,
     [](Impl& s, Lexer&) {
       s.must_look = true;
       s.ok("nothing was done");
     }},
    {"LOGOUT", any, false, all, [](Impl& s, Lexer&) { s.logout(); }},
    {"ID", any, true, all, [](Impl& s, Lexer& a) { s.identify(a); }},
    {"STARTTLS", stranger, false, all, [](Impl& s, Lexer&) { s.starttls(); }},
    {"AUTHENTICATE", stranger, true, all, [](Impl& s, Lexer& a) { s.login.authenticate(a); }},
    {"LOGIN", stranger, true, all, [](Impl& s, Lexer& a) { s.login.login(a); }},
    {"ENABLE", inside, true, all, [](Impl& s, Lexer& a) { s.enable(a); }},
    {"SELECT", inside, true, all, [](Impl& s, Lexer& a) { s.selected.select(a, false); }},
    {"EXAMINE", inside, true, all, [](Impl& s, Lexer& a) { s.selected.select(a, true); }},
    {"CREATE", inside, true, all, [](Impl& s, Lexer& a) { s.folders.create(a); }},
    {"DELETE", inside, true, all, [](Impl& s, Lexer& a) { s.folders.change(a, AskFolder::What::remove); }},
    {"RENAME", inside, true, all, [](Impl& s, Lexer& a) { s.folders.rename(a); }},
    {"SUBSCRIBE", inside, true, all, [](Impl& s, Lexer& a) { s.folders.change(a, AskFolder::What::subscribe); }},
    {"UNSUBSCRIBE", inside, true, all, [](Impl& s, Lexer& a) { s.folders.change(a, AskFolder::What::unsubscribe); }},
    {"LIST", inside, true, all, [](Impl& s, Lexer& a) { s.folders.list(a); }},
    {"LSUB", inside, true, all, [](Impl& s, Lexer& a) { s.folders.lsub(a); }},
    {"NAMESPACE", inside, false, all,
     [](Impl& s, Lexer&) {
       s.untagged("NAMESPACE ((\"\" \"/\")) NIL NIL");
       s.ok("that is all");
     }},
    {"STATUS", inside, true, all, [](Impl& s, Lexer& a) { s.folders.status(a); }},
    {"APPEND", inside, true, all, [](Impl& s, Lexer&) { s.bad("a message is expected, as a literal"); }},
    {"REPLACE", selecting, true, all, [](Impl& s, Lexer&) { s.bad("a message is expected, as a literal"); }},
    {"GETQUOTA", inside, true, all, [](Impl& s, Lexer& a) { s.folders.quota(a, false); }},
    {"GETQUOTAROOT", inside, true, all, [](Impl& s, Lexer& a) { s.folders.quota(a, true); }},
    {"COMPRESS", inside, true, all, &Verb::compress},
    {"IDLE", inside, false, all, [](Impl& s, Lexer&) { s.selected.idle(); }},
    {"CHECK", selecting, false, all,
     [](Impl& s, Lexer&) {
       s.must_look = true;
       s.ok("all is kept already");
     }},
    {"CLOSE", selecting, false, all, [](Impl& s, Lexer&) { s.selected.close(true); }},
    {"UNSELECT", selecting, false, all, [](Impl& s, Lexer&) { s.selected.close(false); }},
    {"EXPUNGE", selecting, false, all, [](Impl& s, Lexer&) { s.selected.expunge(nullptr); }},
    {"SEARCH", selecting, true, no_expunge, [](Impl& s, Lexer& a) { s.searcher.search(a); }},
    {"SORT", selecting, true, no_expunge, [](Impl& s, Lexer& a) { s.arranger.sort(a); }},
    {"THREAD", selecting, true, no_expunge, [](Impl& s, Lexer& a) { s.arranger.thread(a); }},
    {"FETCH", selecting, true, no_expunge, [](Impl& s, Lexer& a) { s.fetcher.fetch(a); }},
    {"STORE", selecting, true, no_expunge, [](Impl& s, Lexer& a) { s.editor.store(a); }},
    {"COPY", selecting, true, all, [](Impl& s, Lexer& a) { s.editor.copy(a, false); }},
    {"MOVE", selecting, true, all, [](Impl& s, Lexer& a) { s.editor.copy(a, true); }},
    // The same with uids, found by the word behind UID.
    {"UID EXPUNGE", selecting, true, all, [](Impl& s, Lexer& a) { s.selected.expunge(&a); }},
    {"UID SEARCH", selecting, true, all, [](Impl& s, Lexer& a) { s.searcher.search(a); }},
    {"UID SORT", selecting, true, all, [](Impl& s, Lexer& a) { s.arranger.sort(a); }},
    {"UID THREAD", selecting, true, all, [](Impl& s, Lexer& a) { s.arranger.thread(a); }},
    {"UID FETCH", selecting, true, all, [](Impl& s, Lexer& a) { s.fetcher.fetch(a); }},
    {"UID STORE", selecting, true, all, [](Impl& s, Lexer& a) { s.editor.store(a); }},
    {"UID COPY", selecting, true, all, [](Impl& s, Lexer& a) { s.editor.copy(a, false); }},
    {"UID MOVE", selecting, true, all, [](Impl& s, Lexer& a) { s.editor.copy(a, true); }},
    {"UID REPLACE", selecting, true, all, [](Impl& s, Lexer&) { s.bad("a message is expected, as a literal"); }},
};

const ServerSession::Impl::Verb* ServerSession::Impl::find_verb(std::string_view name) {
  const auto found = std::ranges::find_if(Verb::kAll, [&](const Verb& verb) { return iequals(verb.name, name); });
  return found == std::end(Verb::kAll) ? nullptr : found;
}

void ServerSession::Impl::command(std::string_view line) {
  running = true;
  tells = Tells::all;
  Lexer args(line);
  const auto its_tag = args.tag();
  tag = its_tag ? std::string(*its_tag) : "*";
  // Another protocol: somebody makes a browser or a proxy speak with us. Nothing that follows is looked at.
  for (const std::string_view foreign : {"GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT"})
    if (logged_in.empty() && iequals(tag, foreign) && line.find(" HTTP/") != std::string_view::npos) {
      running = false;
      return bye("this is no web server");
    }
  if (!its_tag || !args.space()) return bad("a tag and a command are expected");
  const auto name = args.atom();
  if (!name) return bad("a command is expected");
  by_uid = iequals(*name, "UID");
  std::string full(*name);
  if (by_uid) {
    const auto second = args.space() ? args.atom() : std::nullopt;
    if (!second) return bad("a command is expected behind UID");
    full = "UID " + std::string(*second);
  }
  const Verb* verb = find_verb(full);
  if (verb == nullptr) return bad("there is no such command");
  run(*verb, args);
}

void ServerSession::Impl::run(const Verb& verb, Lexer args) {
  if ((verb.states & state()) == 0) {
    if (state() == stranger) return bad("log in first");
    return bad(verb.states == stranger ? "that comes before the login" : "select a mailbox first");
  }
  if (!verb.words && !args.at_end()) return bad("it takes no arguments");
  tells = verb.tells;
  verb.handler(*this, args);
}

std::string ServerSession::Impl::capabilities() const {
  std::string out = "IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE";
  if (logged_in.empty()) {
    if (!encrypted && options->tls_available) out += " STARTTLS";
    if (!encrypted && !options->login_in_clear) return out + " LOGINDISABLED";
    for (const std::string_view name : sasl::server_mechanisms(login.offer())) out.append(" AUTH=").append(name);
    return out;
  }
  out += " IDLE NAMESPACE CHILDREN UIDPLUS UNSELECT MOVE SPECIAL-USE CREATE-SPECIAL-USE LIST-EXTENDED LIST-STATUS "
         "STATUS=SIZE ESEARCH SEARCHRES BINARY UTF8=ACCEPT CONDSTORE QRESYNC QUOTA QUOTA=RES-STORAGE OBJECTID SAVEDATE "
         "PREVIEW REPLACE MULTIAPPEND WITHIN SORT THREAD=ORDEREDSUBJECT THREAD=REFERENCES";
  if (!compressed) out += " COMPRESS=DEFLATE";
  return out + fmt::format(" APPENDLIMIT={}", options->max_message);
}

/// RFC 2971. What the client says of itself is read and forgotten; of us it learns nothing but the name.
void ServerSession::Impl::identify(Lexer& args) {
  bool good = args.space();
  if (good && !args.take_word("NIL")) {
    good = args.take('(');
    for (std::size_t fields = 0; good && !args.take(')'); ++fields) {
      good = fields < 30 && args.string() && args.space() && args.nstring();
      args.space();
    }
  }
  if (!good || !args.at_end()) return bad("NIL or a list of names and values is expected");
  untagged("ID (\"name\" \"Paquebot\")");
  ok("pleased to meet you");
}

void ServerSession::Impl::starttls() {
  if (encrypted) return bad("TLS is there already");
  if (!options->tls_available) return bad("there is no TLS here");
  ok("begin TLS");
  tls_pending = true;
}

/// RFC 4978.
void ServerSession::Impl::Verb::compress(Impl& s, Lexer& args) {
  if (!args.space() || !args.take_word("DEFLATE") || !args.at_end()) return s.bad("DEFLATE is expected");
  if (s.compressed) return s.no("[COMPRESSIONACTIVE] all is compressed already");
  s.ask_for<Done>(AskCompress{}, [&s](Done& done) {
    if (done.fault != Fault::none) return s.no("[LIMIT] too many connections are compressed already");
    s.compression_pending = true;
    s.ok("compressed from here on");
  });
}

/// RFC 5161.
void ServerSession::Impl::enable(Lexer& args) {
  std::string enabled;
  do {
    const auto word = args.space() ? args.atom() : std::nullopt;
    if (!word) return bad("names of capabilities are expected");
    if (iequals(*word, "IMAP4rev2") && !std::exchange(rev2, true))
      enabled += " IMAP4rev2";
    else if (iequals(*word, "UTF8=ACCEPT") && !std::exchange(utf8_accept, true))
      enabled += " UTF8=ACCEPT";
    else if (iequals(*word, "CONDSTORE") && !condstore)
      enabled += " CONDSTORE";
    else if (iequals(*word, "QRESYNC") && !std::exchange(qresync, true))
      enabled += " QRESYNC";
    if (qresync || iequals(*word, "CONDSTORE")) enable_condstore();
    utf8 = rev2 || utf8_accept;
  } while (!args.at_end());
  untagged("ENABLED" + enabled);
  ok("enabled");
}

/// RFC 7162 section 3.1: by any command that has to do with modseqs.
void ServerSession::Impl::enable_condstore() {
  if (std::exchange(condstore, true) || !selected.is_open()) return;
  untagged(fmt::format("OK [HIGHESTMODSEQ {}] changes are numbered", selected.modseq()));
}

void ServerSession::Impl::logout() {
  running = false;
  untagged("BYE until next time");
  out.append(tag).append(" OK goodbye\r\n");
  closing = true;
}

} // namespace paquebot::imap
