#include "base/text.h"
#include "imap/message_reader.h"
#include "imap/search_filter.h"
#include "imap/server_impl.h"
#include "imap/texts.h"

#include <algorithm>
#include <deque>
#include <fmt/format.h>
#include <iterator>
#include <utility>

namespace paquebot::imap {
namespace {

constexpr std::size_t kSearchedAtOnce = 16;
/// Fewer are read as soon as the index would have answered.
constexpr std::uint64_t kWorthAsking = 32;

/// Looks for needles in folded text that comes in pieces.
class NeedleScan {
public:
  NeedleScan(const std::vector<std::string>& needles, std::vector<bool>& found) : needles_(needles), found_(found) {
    for (const std::string& one : needles) longest_ = std::max(longest_, one.size());
  }
  void look(const std::string& text) {
    folded_ += text;
    for (std::size_t i = 0; i < needles_.size(); ++i)
      if (!found_[i] && folded_.find(needles_[i]) != std::string::npos) found_[i] = true;
    if (folded_.size() > longest_) folded_.erase(0, folded_.size() - longest_);
  }
  void end_part() { folded_.clear(); }
  bool all_found() const {
    return std::ranges::all_of(found_, [](bool one) { return one; });
  }

private:
  const std::vector<std::string>& needles_;
  std::vector<bool>& found_;
  std::size_t longest_ = 1;
  std::string folded_;
};

} // namespace

/// One SEARCH.
struct ServerSession::Searcher::Work {
  explicit Work(Impl& s)
      : session(s), reader([&s](AskBody question, std::function<void(Piece&)> then) {
          s.ask_for<Piece>(std::move(question), std::move(then));
        }) {}

  void begin();
  void go();
  void load_rows();
  void load_contents();
  bool look();
  void look_at_head();
  bool look_at_body();
  void end();
  void give_up();
  void take(const Row& row);
  std::string modseq_text(std::string_view before, std::string_view behind) const;
  void answer_old(const UidSet& shown);
  void answer_extended(const UidSet& shown);
  SearchFacts facts(const Row& row) const { return {&row, &session.selected.keywords()}; }

  Impl& session;
  MessageReader reader;
  SearchProgram program;
  std::function<void(UidSet)> then;
  UidSet todo;
  std::vector<std::uint32_t> unsure; ///< it takes their content
  std::deque<Content> waiting;
  std::vector<UidRun> found;
  std::int64_t highest = 0; ///< modseq of them
  Row lowest_uid, highest_uid;
  bool failed = false;

  // Of the message under way.
  bool reading = false;
  std::vector<bool> in_head, in_body;
  bool body_begun = false;
  BodyTexts texts;
  std::optional<NeedleScan> scan;
  std::function<void()> resume = [this] { go(); };
};

ServerSession::Searcher::Searcher(Impl& session) : session_(session) {}
ServerSession::Searcher::~Searcher() = default;

void ServerSession::Searcher::search(Lexer& args, std::function<void(UidSet)> then) {
  work_ = std::make_unique<Work>(session_);
  work_->then = std::move(then);
  const View& view = session_.selected.view();
  const auto resolve = [&](std::string_view text, bool by_uid) -> std::optional<UidSet> {
    const auto set = parse_sequence_set(text);
    if (!set) return {};
    if (set->saved) return session_.selected.saved();
    if (by_uid) return view.present(set->resolve(view.highest()));
    return view.uids_of(set->resolve(view.count())); // numbers that are none find nothing
  };
  const Clock& clock = session_.options->clock != nullptr ? *session_.options->clock : system_clock();
  const SearchProblem problem = parse_search(args, resolve, millis(clock.wall()), work_->program);
  if (problem != SearchProblem::none) {
    work_.reset();
    if (problem == SearchProblem::charset)
      return session_.no("[BADCHARSET (UTF-8 US-ASCII)] only UTF-8 is searched in");
    return session_.bad("what is searched for can't be understood");
  }
  if (work_->then && (work_->program.extended || work_->program.charset)) {
    work_.reset();
    return session_.bad("the charset stands in front, and only what is searched for behind it");
  }
  if (work_->program.charset && session_.utf8_accept) { // RFC 6855 section 3
    work_.reset();
    return session_.bad("all is UTF-8: no charset is expected");
  }
  if (work_->program.modseqs) session_.enable_condstore();
  work_->todo = view.uids();
  for (const SearchNode& node : work_->program.root.children)
    if (node.key == SearchNode::Key::uids) work_->todo = intersect(work_->todo, node.set);
  const bool plain = std::ranges::all_of(work_->program.root.children, [](const SearchNode& node) {
    return node.key == SearchNode::Key::uids || (node.key == SearchNode::Key::all_of && node.children.empty());
  });
  if (plain) work_->found = std::exchange(work_->todo, {});
  work_->begin();
}

/// Where there is an index, what can't be found is left out at once.
void ServerSession::Searcher::Work::begin() {
  auto plan = std::make_shared<const FilterPlan>(plan_of(program));
  if (!plan->useful() || count_of(todo) < kWorthAsking) return go();
  session.ask_for<RuledOut>(AskRuledOut{std::move(plan)}, [this](RuledOut& answer) {
    todo = without(todo, answer.uids);
    go();
  });
}

void ServerSession::Searcher::Work::go() {
  for (;;) {
    if (reader.failed()) return give_up();
    if (reading || !waiting.empty()) {
      if (look()) continue;
      if (reader.failed()) give_up();
      return;
    }
    if (failed) return end();
    if (!unsure.empty()) return load_contents();
    if (todo.empty()) return end();
    return load_rows();
  }
}

void ServerSession::Searcher::Work::load_rows() {
  session.ask_for<Rows>(AskRows{take_front(todo, kRowsAtOnce)}, [this](Rows& answer) {
    failed = answer.fault != Fault::none;
    for (const Row& row : answer.rows) {
      const Verdict verdict = judge(program.root, facts(row));
      if (verdict == Verdict::yes) take(row);
      if (verdict == Verdict::unknown) unsure.push_back(row.uid);
    }
    go();
  });
}

void ServerSession::Searcher::Work::load_contents() {
  AskContents question;
  question.uids.assign(unsure.begin(),
                       unsure.begin() + static_cast<std::ptrdiff_t>(std::min(unsure.size(), kSearchedAtOnce)));
  session.ask_for<Contents>(std::move(question), [this](Contents& answer) {
    const bool gone = answer.fault == Fault::not_found;
    failed = !gone && (answer.fault != Fault::none || answer.contents.empty());
    const std::size_t used = gone ? 1 : std::min(answer.contents.size(), unsure.size());
    unsure.erase(unsure.begin(), unsure.begin() + static_cast<std::ptrdiff_t>(used));
    waiting.assign(std::make_move_iterator(answer.contents.begin()), std::make_move_iterator(answer.contents.end()));
    go();
  });
}

/// Goes on with a message. False: something was asked for, or it can't be read.
bool ServerSession::Searcher::Work::look() {
  if (!reading) {
    reader.begin(std::move(waiting.front()));
    waiting.pop_front();
    reading = true;
    body_begun = false;
    look_at_head();
  }
  const Row& row = reader.content().row;
  SearchFacts known = facts(row);
  known.head = &reader.content().head;
  known.in_head = &in_head;
  Verdict verdict = judge(program.root, known);
  if (verdict == Verdict::unknown) {
    if (!look_at_body()) return false;
    known.in_body = &in_body;
    verdict = judge(program.root, known);
  }
  if (verdict == Verdict::yes) take(row);
  reader.end();
  reading = false;
  return true;
}

void ServerSession::Searcher::Work::look_at_head() {
  in_head.assign(program.needles.size(), false);
  if (program.needles.empty()) return;
  each_field(reader.content().head, [this](const std::string& text) {
    for (std::size_t i = 0; i < program.needles.size(); ++i)
      if (text.find(program.needles[i]) != std::string::npos) in_head[i] = true;
  });
}

bool ServerSession::Searcher::Work::look_at_body() {
  if (!std::exchange(body_begun, true)) {
    in_body.assign(program.needles.size(), false);
    scan.emplace(program.needles, in_body);
    texts.begin();
  }
  const BodyTexts::Sink sink{[this](const std::string& text) { scan->look(text); }, [this] { scan->end_part(); }};
  return texts.walk(reader, resume, sink, [this] { return !scan->all_found(); });
}

void ServerSession::Searcher::Work::give_up() {
  reader.end();
  reading = false;
  failed = true;
  waiting.clear();
  end();
}

void ServerSession::Searcher::Work::take(const Row& row) {
  if (found.empty() || row.uid < lowest_uid.uid) lowest_uid = row;
  if (found.empty() || row.uid > highest_uid.uid) highest_uid = row;
  highest = std::max(highest, row.modseq);
  found.push_back({row.uid, row.uid});
}

/// RFC 7162 section 3.1.10: of what the answer tells of.
std::string ServerSession::Searcher::Work::modseq_text(std::string_view before, std::string_view behind) const {
  if (!program.modseqs || found.empty()) return {};
  std::int64_t told = highest;
  if (program.extended && !program.all && !program.count && (program.minimum || program.maximum))
    told = std::max(program.minimum ? lowest_uid.modseq : 0, program.maximum ? highest_uid.modseq : 0);
  return fmt::format("{}MODSEQ {}{}", before, told, behind);
}

void ServerSession::Searcher::Work::answer_old(const UidSet& shown) {
  session.out += "* SEARCH";
  for (const UidRun& run : shown)
    for (std::uint64_t one = run.first; one <= run.last; ++one)
      fmt::format_to(std::back_inserter(session.out), " {}", one);
  session.out += modseq_text(" (", ")") + "\r\n";
}

/// RFC 4731.
void ServerSession::Searcher::Work::answer_extended(const UidSet& shown) {
  std::string tag;
  for (const char c : session.tag) tag += c == '"' || c == '\\' ? '_' : c;
  std::string line = fmt::format("ESEARCH (TAG \"{}\"){}", tag, session.by_uid ? " UID" : "");
  if (program.minimum && !shown.empty()) line += fmt::format(" MIN {}", shown.front().first);
  if (program.maximum && !shown.empty()) line += fmt::format(" MAX {}", shown.back().last);
  if (program.all && !shown.empty()) line += " ALL " + to_text(shown);
  if (program.count) line += fmt::format(" COUNT {}", count_of(shown));
  line += modseq_text(" ", "");
  if (program.all || program.minimum || program.maximum || program.count) session.untagged(line);
}

void ServerSession::Searcher::Work::end() {
  const auto alive = std::move(session.searcher.work_);
  Selected& selected = session.selected;
  if (failed) {
    if (program.save) selected.save({});
    return session.fault(Fault::unavailable, "message");
  }
  const UidSet uids = normalize(found);
  if (then) return then(uids);
  UidSet shown = uids;
  if (!session.by_uid) {
    shown.clear();
    for (const UidRun& run : uids)
      for (std::uint64_t uid = run.first; uid <= run.last; ++uid)
        if (const auto number = selected.view().number_of(static_cast<std::uint32_t>(uid)); number != 0)
          append(shown, number);
  }
  if (session.rev2 && !program.extended) program.extended = program.all = true;
  if (program.extended)
    answer_extended(shown);
  else
    answer_old(shown);
  if (program.save) {
    // RFC 5182 section 2.1: with MIN or MAX alone only those are kept.
    UidSet kept = uids;
    if (!uids.empty() && !program.all && !program.count && (program.minimum || program.maximum)) {
      std::vector<UidRun> ends;
      if (program.minimum) ends.push_back({uids.front().first, uids.front().first});
      if (program.maximum) ends.push_back({uids.back().last, uids.back().last});
      kept = normalize(std::move(ends));
    }
    selected.save(std::move(kept));
  }
  session.ok("that is all");
}

} // namespace paquebot::imap
