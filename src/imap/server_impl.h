#pragma once

#include "imap/command_reader.h"
#include "imap/flags.h"
#include "imap/lexer.h"
#include "imap/server_session.h"
#include "imap/uid_set.h"
#include "sasl/exchange.h"

#include <fmt/format.h>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace paquebot::imap {

/// Who logs in: LOGIN or AUTHENTICATE.
class ServerSession::Login {
public:
  explicit Login(Impl& session) : session_(session) {}
  void login(Lexer& args);
  void authenticate(Lexer& args);

  bool waits() const { return exchange_.waits(); } ///< the next line is a response, not a command
  void respond(std::string_view line) { show(exchange_.respond(line)); }
  void too_long() { exchange_.end("a response of more octets than may be"); }
  void answer(LoginVerdict verdict);
  void answer_keys(sasl::ScramCredentials credentials) { show(exchange_.answer_keys(std::move(credentials))); }

  sasl::Offer offer() const;
  void offer_scram(bool offered) { scram_ = offered; }
  void set_channel(sasl::Channel channel) { channel_ = std::move(channel); }
  const std::string& mechanism_name() const { return exchange_.mechanism(); }
  const sasl::Question& question() const { return exchange_.question(); }
  std::optional<sasl::Refusal> take_refusal() { return exchange_.take_refusal(); }
  void wipe() { exchange_.end(); }

private:
  bool allowed(); ///< false: refused already
  void show(sasl::Exchange::Outcome outcome);
  void refuse(LoginVerdict verdict);
  void ask();

  Impl& session_;
  sasl::Exchange exchange_;
  sasl::Channel channel_;
  std::optional<bool> scram_;                  ///< instead of the options'
  LoginVerdict verdict_ = LoginVerdict::wrong; ///< of the exchange that is about to end
  std::uint32_t failures_ = 0;
};

/// What a client knows of a mailbox that it selects once more (RFC 7162, QRESYNC).
struct Resync {
  std::uint32_t uidvalidity = 0;
  std::int64_t modseq = 0;
  std::optional<SequenceSet> known{};      ///< uids
  std::optional<SequenceSet> numbers{};    ///< a sample of message numbers,
  std::optional<SequenceSet> their_uids{}; ///< and the uids that they had
};

/// What stands behind the name in SELECT. `qresync`: it is enabled. Nothing when it is malformed.
struct SelectParameters {
  bool condstore = false;
  std::optional<Resync> resync{};
};
std::optional<SelectParameters> parse_select_parameters(Lexer& args, bool qresync);

/// Who listens to what is said; nobody does without `told`.
struct Ear {
  std::function<void(Said, std::string_view)> told{};
  std::uint32_t lines = 0; ///< untagged ones of the command under way

  void tell(Said who, std::string_view line) const;
};

/// The selected mailbox: what the session sees of it, and what it is told of changes.
class ServerSession::Selected {
public:
  explicit Selected(Impl& session) : session_(session) {}
  void select(Lexer& args, bool read_only);
  void close(bool expunging);
  void expunge(Lexer* uids); ///< null: all that are marked
  void idle();
  void done(std::string_view line); ///< the line that ends IDLE

  bool is_open() const { return open_; }
  bool read_only() const { return read_only_; }
  bool idling() const { return idling_; }
  const View& view() const { return view_; }
  const std::vector<Keyword>& keywords() const { return keywords_; }
  void set_keywords(std::vector<Keyword> keywords);
  /// Uids that a command names, by number or uid. Nothing: it names none, or one that isn't there; refused already.
  std::optional<UidSet> resolve(std::string_view text, bool by_uid);
  void save(UidSet uids) { saved_ = std::move(uids); } ///< "$"
  UidSet saved() const { return view_.present(saved_); }
  void forget(); ///< it is open no more

  void note_change() { stale_ = open_; }
  bool stale() const { return stale_; }
  bool hides() const { return !hidden_.empty(); } ///< some deletions were not told yet
  /// Tells what has changed, deletions only when `with_expunged`; then `then`.
  void tell_news(bool with_expunged, std::function<void()> then);
  /// The session itself has set these flags and told them: they are no news.
  void told(const std::vector<Row>& rows);
  std::int64_t modseq() const { return modseq_; } ///< the highest that was told
  bool take_expunged() { return std::exchange(expunged_, false); }
  /// VANISHED (EARLIER) of those that are not in the view.
  void tell_vanished(const Since& since, const UidSet& asked);
  /// A message's flags, as news of it.
  void tell_flags(const Row& row, std::uint32_t number);

private:
  void opened(imap::Opened opened, const std::string& name);
  void resync(std::string ending);
  void resync_rows(UidSet left, std::string ending);
  void news(News news, bool with_expunged);
  void tell_hidden();

  Impl& session_;
  bool open_ = false, read_only_ = false, idling_ = false;
  bool stale_ = false; ///< something has changed
  View view_;
  std::vector<Keyword> keywords_;
  UidSet hidden_; ///< gone, but not told yet
  UidSet saved_;
  std::vector<std::int64_t> own_; ///< modseqs of changes that were told
  UidSet doomed_;                 ///< to be expunged
  std::optional<Resync> resync_;  ///< of the SELECT under way
  std::int64_t modseq_ = 0;
  std::uint32_t uidnext_ = 1;
  bool expunged_ = false; ///< some deletions were told
};

/// LIST, STATUS and what makes, changes and names mailboxes.
class ServerSession::Folders {
public:
  explicit Folders(Impl& session) : session_(session) {}
  void list(Lexer& args);
  void lsub(Lexer& args);
  void status(Lexer& args);
  void quota(Lexer& args, bool of_mailbox);
  void create(Lexer& args);
  void change(Lexer& args, AskFolder::What what);
  void rename(Lexer& args);

private:
  void changed(Fault fault, std::string_view done);
  void made(Fault fault, std::string name);
  void tell_quota(std::string mailbox);
  Impl& session_;
};

/// FETCH. fetcher.h
class ServerSession::Fetcher {
public:
  explicit Fetcher(Impl& session);
  ~Fetcher();
  void fetch(Lexer& args);

private:
  struct Work;
  Impl& session_;
  std::unique_ptr<Work> work_; ///< while one goes on
};

/// SEARCH.
class ServerSession::Searcher {
public:
  explicit Searcher(Impl& session);
  ~Searcher();
  /// `then`: gets the uids that were found, instead of the client.
  void search(Lexer& args, std::function<void(UidSet)> then = {});

private:
  struct Work;
  Impl& session_;
  std::unique_ptr<Work> work_;
};

/// SORT and THREAD (RFC 5256).
class ServerSession::Arranger {
public:
  explicit Arranger(Impl& session);
  ~Arranger();
  void sort(Lexer& args);
  void thread(Lexer& args);

private:
  struct Work;
  void search(Lexer& args);
  Impl& session_;
  std::unique_ptr<Work> work_;
};

/// STORE, COPY and MOVE.
class ServerSession::Editor {
public:
  explicit Editor(Impl& session) : session_(session) {}
  void store(Lexer& args);
  void copy(Lexer& args, bool move);

private:
  void store_next();
  Impl& session_;
  UidSet left_; ///< of a STORE
  AskStore change_;
  UidSet refused_; ///< changed meanwhile
  bool silent_ = false;
};

/// APPEND, REPLACE.
class ServerSession::Appender {
public:
  explicit Appender(Impl& session) : session_(session) {}
  /// Whether the command so far is an APPEND whose message is the literal that comes now. Then it is dealt with.
  bool begins(std::string_view tag, Lexer args, const Literal& literal);
  /// One more literal behind a message: another message, or nonsense.
  void another(const Literal& literal);
  bool active() const { return active_; }
  void go_on();                    ///< input has come
  void end(std::string_view text); ///< the command, with what stands behind the literal
  void too_long();                 ///< what stands there

private:
  std::uint32_t replaced(std::string_view text, bool by_uid) const;
  void take(AskAppend question, const Literal& literal);
  void begun(Fault fault);
  void refuse(const Literal& literal, std::string ending);
  void finish_all(bool whole);
  void finish(Appended appended);
  Impl& session_;
  bool active_ = false;
  bool in_utf8_ = false; ///< the message stands in UTF8 (…)
  Fault fault_ = Fault::none;
  std::string refusal_; ///< how the command ends, when it may not be what it says
  std::string mailbox_;
  std::size_t messages_ = 0;   ///< of the command
  std::uint32_t replaces_ = 0; ///< uid; 0: APPEND
  std::size_t used_ = 0;       ///< octets of the command that were read
  std::uint64_t since_window_ = 0;
};

struct ServerSession::Impl {
  /// Bits, so that a row of the table can name several.
  enum State : std::uint8_t { stranger = 1, authenticated = 2, selecting = 4, any = 7, inside = 6 };
  enum class Tells : std::uint8_t { all, no_expunge };
  struct Verb;

  Impl(std::shared_ptr<const ServerOptions> o, bool e);
  ~Impl();

  // The loop.
  Action next();
  bool read_more(); ///< false: input is needed
  void handle(CommandReader::Status status);
  void literal_announced();
  std::size_t bound() const;
  State state() const;

  // Questions.
  using Then = std::function<void(Answer&)>;
  void ask(Question question, Then then);
  template <class Kind, class Function>
  void ask_for(Question question, Function then) {
    ask(std::move(question), [then = std::move(then)](Answer& answer) { then(std::get<Kind>(answer)); });
  }

  // Replies. Each of the first three ends the command; news come in front.
  void ok(std::string_view text);
  void no(std::string_view text);
  void bad(std::string_view text);
  void fault(Fault fault, std::string_view what);
  void untagged(std::string_view text);
  void bye(std::string_view text);
  void finish(std::string line);
  void conclude();
  void drop(); ///< closes, and nothing more is sent
  std::string name_text(std::string_view name) const;
  std::optional<std::string> read_mailbox(Lexer& args);

  // Commands (server_verbs.cc).
  void command(std::string_view line);
  void run(const Verb& verb, Lexer args);
  static const Verb* find_verb(std::string_view name);
  std::string capabilities() const;
  void identify(Lexer& args);
  void starttls();
  void enable(Lexer& args);
  void enable_condstore();
  void logout();

  std::shared_ptr<const ServerOptions> options;
  bool encrypted;
  CommandReader reader;
  std::uint32_t window = 1;
  std::uint32_t errors = 0;
  bool utf8 = false; ///< the client has said ENABLE IMAP4rev2 or UTF8=ACCEPT: names are UTF-8
  bool utf8_accept = false;
  bool rev2 = false;
  bool condstore = false, qresync = false; ///< RFC 7162

  std::string out;
  Ear ear;
  bool out_given = false; ///< out is with the driver; the next call of next() means it was sent
  bool tls_pending = false;
  bool compression_pending = false, compressed = false;
  bool closing = false;
  bool going_down = false;
  bool logged_out = false;
  bool heard = false;
  bool greet = true; ///< nothing was said yet

  std::string tag;
  std::string ending; ///< of the command that ends, while news are asked for
  bool running = false;
  bool by_uid = false; ///< UID stood in front of it
  Tells tells = Tells::all;
  bool tells_modseq = false; ///< with the end of the command under way, when it deleted something
  bool must_look = false;    ///< news are asked for whether or not somebody told of them

  std::uint32_t question_id = 0;
  std::optional<Question> question;
  bool login_asked = false;
  Then then;

  std::string logged_in;
  Login login{*this};
  Selected selected{*this};
  Folders folders{*this};
  Fetcher fetcher{*this};
  Searcher searcher{*this};
  Arranger arranger{*this};
  Editor editor{*this};
  Appender appender{*this};
};

} // namespace paquebot::imap
