#include "imap/envelope.h"
#include "imap/fetch_items.h"
#include "imap/message_reader.h"
#include "imap/write.h"
#include "mail/head.h"

#include <algorithm>
#include <deque>
#include <fmt/format.h>
#include <iterator>
#include <utility>

namespace paquebot::imap {
namespace {

constexpr std::size_t kContentsAtOnce = 16;

} // namespace

/// One FETCH. What it writes goes on at the item where it had to ask for something.
struct ServerSession::Fetcher::Work {
  explicit Work(Impl& s)
      : session(s), reader([&s](AskBody question, std::function<void(Piece&)> then) {
          s.ask_for<Piece>(std::move(question), std::move(then));
        }) {}

  enum class Stage : std::uint8_t { begin, measure, write };

  void go();
  void load();
  void load_rows();
  void loaded(Contents& answer);
  void mark_seen();
  bool message();
  bool item(const FetchItem& one);
  bool section(const FetchItem& one);
  bool binary(const FetchItem& one);
  bool begin_binary(const FetchItem& one);
  bool locate(const FetchItem& one);
  bool write_range();
  bool collect(std::string& into);
  void simple(const FetchItem& one, const Row& row);
  void end();
  void cut_off();

  Impl& session;
  MessageReader reader;
  std::vector<FetchItem> items;
  bool content = false, structure = false, seen = false, has_flags = false;
  UidSet todo;
  std::vector<std::uint32_t> asked;
  std::deque<Content> waiting;
  UidSet marked; ///< \Seen was set just now
  bool missing = false;
  Fault fault = Fault::none;

  // Of the message under way.
  bool reading = false, begun = false;
  std::size_t next_item = 0;
  Stage stage = Stage::begin;
  std::uint64_t from = 0, to = 0, at = 0; ///< of what is written
  std::string text;                       ///< instead of a range
  std::optional<PartDecoder> decoder;
  PartDecoder::Encoding encoding{};
  std::uint64_t passed = 0, window_from = 0, window_to = 0; ///< of what is decoded
  std::function<void()> resume = [this] { go(); };
};

ServerSession::Fetcher::Fetcher(Impl& session) : session_(session) {}
ServerSession::Fetcher::~Fetcher() = default;

void ServerSession::Fetcher::fetch(Lexer& args) {
  const auto text = args.space() ? args.sequence_set() : std::nullopt;
  if (!text || !args.space()) return session_.bad("a set of messages is expected");
  auto items = parse_fetch_items(args);
  if (!items) return session_.bad("items of messages are expected");
  auto uids = session_.selected.resolve(*text, session_.by_uid);
  if (!uids) return;
  work_ = std::make_unique<Work>(session_);
  Work& work = *work_;
  const auto is_uid = [](const FetchItem& one) { return one.kind == FetchItem::Kind::uid; };
  if (session_.by_uid && std::ranges::none_of(*items, is_uid)) {
    FetchItem uid;
    uid.kind = FetchItem::Kind::uid;
    uid.label = "UID";
    items->insert(items->begin(), std::move(uid));
  }
  for (const FetchItem& one : *items) {
    work.content = work.content || one.needs_content();
    work.structure = work.structure || one.needs_structure();
    work.seen = work.seen || (one.sets_seen() && !session_.selected.read_only());
    work.has_flags = work.has_flags || one.kind == FetchItem::Kind::flags;
  }
  work.items = std::move(*items);
  work.todo = std::move(*uids);
  work.go();
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
      if (one != waiting.end()) one->row.flags = row.flags;
    }
    go();
  });
}

void ServerSession::Fetcher::Work::load_rows() {
  session.ask_for<Rows>(AskRows{take_front(todo, kRowsAtOnce)}, [this](Rows& answer) {
    if (answer.fault != Fault::none) fault = Fault::unavailable;
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

void ServerSession::Fetcher::Work::simple(const FetchItem& one, const Row& row) {
  std::string& out = session.out;
  out += one.label;
  out += ' ';
  switch (one.kind) {
    case FetchItem::Kind::flags:
      fmt::format_to(std::back_inserter(out), "({})", flags_text(row.flags, session.selected.keywords()));
      break;
    case FetchItem::Kind::uid: fmt::format_to(std::back_inserter(out), "{}", row.uid); break;
    case FetchItem::Kind::internal_date: put_date_time(out, row.internal_date); break;
    default: fmt::format_to(std::back_inserter(out), "{}", row.size); break;
  }
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
    if (!has_flags && contains(marked, row.uid))
      fmt::format_to(std::back_inserter(session.out), " FLAGS ({})",
                     flags_text(row.flags, session.selected.keywords()));
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
    default: simple(one, reader.content().row); return true;
  }
}

/// Where what is asked for is: a range, or with fields to choose from `text`. False: there is no such part.
bool ServerSession::Fetcher::Work::locate(const FetchItem& one) {
  using Text = FetchItem::Text;
  const std::uint64_t head = reader.content().head.size();
  from = 0;
  to = reader.size();
  if (one.part.empty()) {
    if (one.text == Text::text) from = head;
    if (one.text != Text::text && one.text != Text::whole) to = head;
    return true;
  }
  const mail::MimePart* part = find_part(reader.structure(), one.part);
  if (part == nullptr) return false;
  if (one.text == Text::mime || one.text == Text::whole) {
    const bool mime = one.text == Text::mime;
    from = mime ? part->head_offset : part->body_offset;
    to = from + (mime ? part->head_size : part->body_size);
    return true;
  }
  if (!part->is_message()) return false;
  const mail::MimePart& inner = *part->parts[0];
  from = one.text == Text::text ? inner.body_offset : inner.head_offset;
  to = from + (one.text == Text::text ? inner.body_size : inner.head_size);
  return true;
}

bool ServerSession::Fetcher::Work::section(const FetchItem& one) {
  using Text = FetchItem::Text;
  const bool chosen = one.text == Text::header_fields || one.text == Text::header_fields_not;
  if (stage == Stage::begin) {
    session.out += one.label + " ";
    if (!locate(one)) {
      session.out += "NIL";
      return true;
    }
    text.clear();
    at = from;
    stage = chosen ? Stage::measure : Stage::write;
    if (!chosen) {
      if (one.offset) from = std::min(from + *one.offset, to);
      if (one.offset) to = from + std::min(one.most, to - from);
      at = from;
      fmt::format_to(std::back_inserter(session.out), "{{{}}}\r\n", to - from);
    }
  }
  if (stage == Stage::write) return write_range();
  if (!collect(text)) return false;
  std::string fields = chosen_fields(text, one);
  if (one.offset) fields = fields.substr(std::min<std::uint64_t>(*one.offset, fields.size()), one.most);
  fmt::format_to(std::back_inserter(session.out), "{{{}}}\r\n", fields.size());
  session.out += fields;
  std::string().swap(text);
  return true;
}

/// A header block, of which no more than the largest that we take is looked at.
bool ServerSession::Fetcher::Work::collect(std::string& into) {
  to = std::min(to, from + mail::kMaxHead + 4096);
  while (at < to) {
    std::string_view bytes;
    if (!reader.piece(at, to, bytes, resume)) return false;
    into += bytes;
    at += bytes.size();
  }
  return true;
}

bool ServerSession::Fetcher::Work::write_range() {
  while (at < to) {
    // Nothing more is asked for while much waits to be sent: next() sends before it asks.
    std::string_view bytes;
    if (!reader.piece(at, to, bytes, resume)) return false;
    session.out += bytes;
    at += bytes.size();
  }
  return true;
}

// ---- BINARY (RFC 3516): decoded once to know its size, and once more to be sent ----

bool ServerSession::Fetcher::Work::begin_binary(const FetchItem& one) {
  session.out += one.label + " ";
  encoding = PartDecoder::Encoding::none;
  from = 0;
  to = reader.size();
  if (!one.part.empty()) {
    const mail::MimePart* part = find_part(reader.structure(), one.part);
    if (part == nullptr) {
      session.out += one.kind == FetchItem::Kind::binary_size ? "0" : "NIL";
      return false;
    }
    if (!part->is_multipart()) encoding = PartDecoder::encoding_of(*part);
    from = part->body_offset;
    to = from + part->body_size;
  }
  if (encoding == PartDecoder::Encoding::unknown) {
    session.out += one.kind == FetchItem::Kind::binary_size ? "0" : "NIL";
    fault = Fault::refused; // told at the end: UNKNOWN-CTE
    return false;
  }
  stage = Stage::measure;
  at = from;
  passed = 0;
  decoder.emplace(encoding);
  return true;
}

bool ServerSession::Fetcher::Work::binary(const FetchItem& one) {
  if (stage == Stage::begin && !begin_binary(one)) return true;
  for (;;) {
    std::string decoded;
    while (at < to) {
      std::string_view bytes;
      if (!reader.piece(at, to, bytes, resume)) return false;
      at += bytes.size();
      decoded.clear();
      decoder->feed(bytes, decoded);
      if (at == to) decoder->finish(decoded);
      const std::uint64_t begins = std::exchange(passed, passed + decoded.size());
      if (stage != Stage::write || begins >= window_to || passed <= window_from) continue;
      const std::uint64_t skip = window_from > begins ? window_from - begins : 0;
      session.out += std::string_view(decoded).substr(skip, std::min(passed, window_to) - begins - skip);
    }
    if (stage == Stage::write) return true;
    if (one.kind == FetchItem::Kind::binary_size) {
      session.out += fmt::format("{}", passed);
      return true;
    }
    window_from = one.offset ? std::min(*one.offset, passed) : 0;
    window_to = one.offset ? window_from + std::min(one.most, passed - window_from) : passed;
    session.out += fmt::format("~{{{}}}\r\n", window_to - window_from);
    stage = Stage::write;
    at = from;
    passed = 0;
    decoder.emplace(encoding);
  }
}

void ServerSession::Fetcher::Work::end() {
  const auto alive = std::move(session.fetcher.work_);
  if (fault == Fault::refused) return session.no("[UNKNOWN-CTE] some parts are encoded in an unknown way");
  if (fault != Fault::none) return session.fault(fault, "message");
  if (missing) return session.no("[EXPUNGEISSUED] some of the messages are gone");
  session.ok("that is all");
}

/// In the midst of a message, of which the client must not believe that it is whole.
void ServerSession::Fetcher::Work::cut_off() {
  const auto alive = std::move(session.fetcher.work_);
  if (begun) return session.drop();
  session.fault(Fault::unavailable, "message");
}

} // namespace paquebot::imap
