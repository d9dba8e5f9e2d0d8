#include "imap/envelope.h"
#include "imap/fetch_work.h"
#include "imap/write.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <utility>

namespace paquebot::imap {
namespace {

constexpr std::size_t kContentsAtOnce = 16;

} // namespace

ServerSession::Fetcher::Fetcher(Impl& session) : session_(session) {}
ServerSession::Fetcher::~Fetcher() = default;

void ServerSession::Fetcher::fetch(Lexer& args) {
  const auto text = args.space() ? args.sequence_set() : std::nullopt;
  if (!text || !args.space()) return session_.bad("a set of messages is expected");
  auto items = parse_fetch_items(args);
  FetchModifiers modifiers;
  if (!items || !parse_fetch_modifiers(args, modifiers)) return session_.bad("items of messages are expected");
  if (modifiers.vanished && !(session_.by_uid && session_.qresync))
    return session_.bad("VANISHED is for UID FETCH, where QRESYNC is enabled");
  auto uids = session_.selected.resolve(*text, session_.by_uid);
  if (!uids) return;
  const auto is_modseq = [](const FetchItem& one) { return one.kind == FetchItem::Kind::modseq; };
  if (modifiers.changed_since && std::ranges::none_of(*items, is_modseq))
    items->push_back(simple_item(FetchItem::Kind::modseq, "MODSEQ"));
  if (std::ranges::any_of(*items, is_modseq)) session_.enable_condstore();
  work_ = std::make_unique<Work>(session_);
  Work& work = *work_;
  const auto is_uid = [](const FetchItem& one) { return one.kind == FetchItem::Kind::uid; };
  if (session_.by_uid && std::ranges::none_of(*items, is_uid))
    items->insert(items->begin(), simple_item(FetchItem::Kind::uid, "UID"));
  for (const FetchItem& one : *items) {
    work.content = work.content || one.needs_content();
    work.structure = work.structure || one.needs_structure();
    work.seen = work.seen || (one.sets_seen() && !session_.selected.read_only());
    work.has_flags = work.has_flags || one.kind == FetchItem::Kind::flags;
    work.has_modseq = work.has_modseq || one.kind == FetchItem::Kind::modseq;
  }
  work.items = std::move(*items);
  work.todo = std::move(*uids);
  if (!modifiers.changed_since) return work.go();
  const auto asked = parse_sequence_set(*text);
  work.since(*modifiers.changed_since, modifiers.vanished,
             asked && !asked->saved ? asked->resolve(session_.selected.view().highest()) : UidSet());
}

/// RFC 7162 sections 3.1.4.1 and 3.2.6.
void ServerSession::Fetcher::Work::since(std::int64_t modseq, bool vanished, UidSet asked) {
  session.ask_for<Since>(AskSince{modseq}, [this, vanished, asked = std::move(asked)](Since& answer) {
    fault = answer.fault;
    if (fault == Fault::none && vanished) session.selected.tell_vanished(answer, asked);
    todo = intersect(todo, answer.changed);
    go();
  });
}

void ServerSession::Fetcher::Work::go() {
  for (;;) {
    if (reader.failed()) return cut_off();
    if (waiting.empty() && !reading) {
      if (todo.empty() || fault != Fault::none) return end();
      return load();
    }
    if (message()) continue;
    if (reader.failed()) cut_off();
    return;
  }
}

void ServerSession::Fetcher::Work::load() {
  if (!content) return load_rows();
  asked.clear();
  for (const UidRun& run : take_front(todo, kContentsAtOnce))
    for (std::uint32_t uid = run.first; uid - run.first <= run.last - run.first; ++uid) asked.push_back(uid);
  session.ask_for<Contents>(AskContents{asked}, [this](Contents& answer) { loaded(answer); });
}

void ServerSession::Fetcher::Work::loaded(Contents& answer) {
  std::size_t used = answer.contents.size();
  if (answer.fault == Fault::not_found) {
    missing = true;
    used = 1;
  } else if (answer.fault != Fault::none || used == 0) {
    fault = Fault::unavailable;
    used = asked.size();
  }
  UidSet left;
  for (std::size_t i = used; i < asked.size(); ++i) append(left, asked[i]);
  left.insert(left.end(), todo.begin(), todo.end());
  todo = normalize(std::move(left));
  waiting.assign(std::make_move_iterator(answer.contents.begin()), std::make_move_iterator(answer.contents.end()));
  if (seen) return mark_seen();
  go();
}

void ServerSession::Fetcher::Work::mark_seen() {
  AskStore question;
  question.flags = kSeen;
  for (const Content& one : waiting)
    if ((one.row.flags & kSeen) == 0) append(question.uids, one.row.uid);
  marked.clear();
  if (question.uids.empty()) return go();
  session.ask_for<Stored>(std::move(question), [this](Stored& stored) {
    if (stored.fault != Fault::none) return go(); // they are read all the same
    session.selected.told(stored.rows);
    for (const Row& row : stored.rows) {
      append(marked, row.uid);
      const auto one = std::ranges::find_if(waiting, [&](const Content& c) { return c.row.uid == row.uid; });
      if (one == waiting.end()) continue;
      one->row.flags = row.flags;
      one->row.modseq = row.modseq;
    }
    go();
  });
}

void ServerSession::Fetcher::Work::load_rows() {
  AskRows question{take_front(todo, kRowsAtOnce)};
  const std::uint64_t wanted = count_of(question.uids);
  session.ask_for<Rows>(std::move(question), [this, wanted](Rows& answer) {
    if (answer.fault != Fault::none) fault = Fault::unavailable;
    if (answer.rows.size() < wanted) untold = true;
    for (const Row& row : answer.rows) {
      const std::uint32_t number = session.selected.view().number_of(row.uid);
      if (number == 0) continue;
      fmt::format_to(std::back_inserter(session.out), "* {} FETCH (", number);
      for (std::size_t i = 0; i < items.size(); ++i) {
        if (i > 0) session.out += ' ';
        simple(items[i], row);
      }
      session.out += ")\r\n";
    }
    go();
  });
}

/// Writes the message under way, or the next that waits. False: something was asked for.
bool ServerSession::Fetcher::Work::message() {
  if (!reading) {
    reader.begin(std::move(waiting.front()));
    waiting.pop_front();
    reading = true;
    begun = false;
    next_item = 0;
  }
  const Row& row = reader.content().row;
  const std::uint32_t number = session.selected.view().number_of(row.uid);
  if (number != 0) {
    if (structure && !reader.scan(resume)) return false;
    if (!std::exchange(begun, true)) fmt::format_to(std::back_inserter(session.out), "* {} FETCH (", number);
    for (; next_item < items.size(); ++next_item) {
      if (next_item > 0 && stage == Stage::begin) session.out += ' ';
      if (!item(items[next_item])) return false;
      stage = Stage::begin;
    }
    const bool news = contains(marked, row.uid);
    if (!has_flags && news)
      fmt::format_to(std::back_inserter(session.out), " FLAGS ({})",
                     flags_text(row.flags, session.selected.keywords()));
    if (!has_modseq && news && session.condstore)
      fmt::format_to(std::back_inserter(session.out), " MODSEQ ({})", row.modseq);
    session.out += ")\r\n";
  }
  reader.end();
  reading = false;
  return true;
}

bool ServerSession::Fetcher::Work::item(const FetchItem& one) {
  using Kind = FetchItem::Kind;
  switch (one.kind) {
    case Kind::envelope:
      session.out += "ENVELOPE ";
      put_envelope(session.out, reader.content().head);
      return true;
    case Kind::body:
    case Kind::body_structure:
      session.out += one.label + " ";
      put_structure(session.out, reader.structure(), one.kind == Kind::body_structure);
      return true;
    case Kind::section: return section(one);
    case Kind::binary:
    case Kind::binary_size: return binary(one);
    case Kind::preview: return preview(one);
    default: simple(one, reader.content().row); return true;
  }
}

void ServerSession::Fetcher::Work::end() {
  const auto alive = std::move(session.fetcher.work_);
  if (fault == Fault::refused) return session.no("[UNKNOWN-CTE] some parts are encoded in an unknown way");
  if (fault != Fault::none) return session.fault(fault, "message");
  if (missing) return session.no("[EXPUNGEISSUED] some of the messages are gone");
  session.ok(untold ? "[EXPUNGEISSUED] the others are gone" : "that is all");
}

/// In the midst of a message, of which the client must not believe that it is whole.
void ServerSession::Fetcher::Work::cut_off() {
  const auto alive = std::move(session.fetcher.work_);
  if (begun) return session.drop();
  session.fault(Fault::unavailable, "message");
}

} // namespace paquebot::imap
