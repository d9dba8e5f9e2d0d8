#include "base/text.h"
#include "imap/arrange.h"
#include "imap/server_impl.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <utility>

namespace paquebot::imap {
namespace {

constexpr std::size_t kArrangedAtOnce = 16;
/// Octets that one command may hold of keys or threads: some 100,000 messages.
constexpr std::size_t kMostArranged = 32u << 20;

} // namespace

/// One SORT or THREAD.
struct ServerSession::Arranger::Work {
  explicit Work(Impl& s) : session(s) {}

  void go();
  void load_rows();
  void load_contents();
  void take(const Row& row, const std::string& head);
  void end();

  Impl& session;
  std::vector<SortCriterion> criteria; ///< SORT's
  std::optional<Threader> threader;    ///< THREAD's
  bool with_head = true;
  UidSet todo;
  std::vector<std::uint32_t> waiting; ///< taken of todo, not read yet
  struct Sorted {
    std::string key;
    std::uint32_t number; ///< or uid: what is told
  };
  std::vector<Sorted> sorted;
  std::size_t octets = 0;
  bool failed = false, too_many = false;
};

ServerSession::Arranger::Arranger(Impl& session) : session_(session) {}
ServerSession::Arranger::~Arranger() = default;

void ServerSession::Arranger::sort(Lexer& args) {
  work_ = std::make_unique<Work>(session_);
  auto criteria = args.space() ? parse_sort_criteria(args) : std::nullopt;
  if (!criteria) {
    work_.reset();
    return session_.bad("what to sort by is expected: (DATE), (REVERSE ARRIVAL SUBJECT)");
  }
  work_->with_head = needs_head(*criteria);
  work_->criteria = std::move(*criteria);
  search(args);
}

void ServerSession::Arranger::thread(Lexer& args) {
  const auto name = args.space() ? args.atom() : std::nullopt;
  const bool subject = name && iequals(*name, "ORDEREDSUBJECT");
  if (!subject && !(name && iequals(*name, "REFERENCES")))
    return session_.bad("ORDEREDSUBJECT or REFERENCES is expected");
  work_ = std::make_unique<Work>(session_);
  work_->threader.emplace(subject ? Threader::By::subject : Threader::By::references);
  search(args);
}

/// The charset, and what is searched for.
void ServerSession::Arranger::search(Lexer& args) {
  const auto charset = args.space() ? args.astring() : std::nullopt;
  if (!charset) {
    work_.reset();
    return session_.bad("a charset is expected");
  }
  if (!iequals(*charset, "UTF-8") && !iequals(*charset, "US-ASCII")) {
    work_.reset();
    return session_.no("[BADCHARSET (UTF-8 US-ASCII)] only UTF-8 is searched in");
  }
  session_.searcher.search(args, [this](UidSet found) {
    work_->todo = std::move(found);
    work_->go();
  });
}

void ServerSession::Arranger::Work::go() {
  too_many = octets + (threader ? threader->octets() : 0) > kMostArranged;
  if (failed || too_many || (todo.empty() && waiting.empty())) return end();
  if (with_head)
    load_contents();
  else
    load_rows();
}

void ServerSession::Arranger::Work::load_rows() {
  session.ask_for<Rows>(AskRows{take_front(todo, kRowsAtOnce)}, [this](Rows& answer) {
    failed = answer.fault != Fault::none;
    for (const Row& row : answer.rows) take(row, std::string());
    go();
  });
}

void ServerSession::Arranger::Work::load_contents() {
  for (const UidRun& run : take_front(todo, kArrangedAtOnce - std::min(waiting.size(), kArrangedAtOnce)))
    for (std::uint64_t uid = run.first; uid <= run.last; ++uid) waiting.push_back(static_cast<std::uint32_t>(uid));
  session.ask_for<Contents>(AskContents{waiting}, [this](Contents& answer) {
    const bool gone = answer.fault == Fault::not_found; // the first one: it is in no order any more
    failed = !gone && (answer.fault != Fault::none || answer.contents.empty());
    const std::size_t used = gone ? 1 : std::min(answer.contents.size(), waiting.size());
    waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(used));
    for (const Content& content : answer.contents) take(content.row, content.head);
    go();
  });
}

void ServerSession::Arranger::Work::take(const Row& row, const std::string& head) {
  const std::uint32_t number = session.by_uid ? row.uid : session.selected.view().number_of(row.uid);
  if (number == 0) return;
  if (threader) return threader->add(number, row, head);
  Sorted one{sort_key(criteria, row, head), number};
  octets += sizeof(Sorted) + one.key.size();
  sorted.push_back(std::move(one));
}

void ServerSession::Arranger::Work::end() {
  const auto alive = std::move(session.arranger.work_);
  if (failed) return session.fault(Fault::unavailable, "message");
  if (too_many) return session.no("[LIMIT] these are too many messages to bring in order: search for fewer");
  if (threader) {
    const std::string threads = threader->threads();
    session.out += threads.empty() ? "* THREAD\r\n" : "* THREAD " + threads + "\r\n";
    return session.ok("that is all");
  }
  std::ranges::stable_sort(sorted, {}, &Sorted::key);
  session.out += "* SORT";
  for (const Sorted& one : sorted) fmt::format_to(std::back_inserter(session.out), " {}", one.number);
  session.out += "\r\n";
  session.ok("that is all");
}

} // namespace paquebot::imap
