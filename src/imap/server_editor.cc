#include "base/text.h"
#include "imap/server_impl.h"

#include <fmt/format.h>
#include <utility>

namespace paquebot::imap {
namespace {

/// For COPYUID: uids in their order, as runs that rise.
std::string in_order(const std::vector<std::uint32_t>& uids) {
  std::string out;
  for (std::size_t i = 0; i < uids.size();) {
    std::size_t end = i + 1;
    while (end < uids.size() && uids[end] == uids[end - 1] + 1) ++end;
    if (!out.empty()) out += ',';
    out += fmt::format("{}", uids[i]);
    if (end - i > 1) out += fmt::format(":{}", uids[end - 1]);
    i = end;
  }
  return out;
}

} // namespace

// ---- STORE ----

void ServerSession::Editor::store(Lexer& args) {
  const auto text = args.space() ? args.sequence_set() : std::nullopt;
  if (!text || !args.space()) return session_.bad("a set of messages is expected");
  change_ = {};
  refused_.clear();
  if (args.take('(')) { // RFC 7162 section 3.1.3
    const auto modseq = args.take_word("UNCHANGEDSINCE") && args.space() ? args.number() : std::nullopt;
    if (!modseq || *modseq > INT64_MAX || !args.take(')') || !args.space())
      return session_.bad("UNCHANGEDSINCE and a number are expected");
    change_.unchanged_since = static_cast<std::int64_t>(*modseq);
  }
  if (args.take('+'))
    change_.how = AskStore::How::add;
  else if (args.take('-'))
    change_.how = AskStore::How::remove;
  else
    change_.how = AskStore::How::replace;
  silent_ = args.take_word("FLAGS.SILENT");
  const bool named = silent_ || args.take_word("FLAGS");
  auto list = named && args.space() ? parse_flags(args) : std::nullopt;
  if (!list || !args.at_end()) return session_.bad("FLAGS and a list of flags are expected");
  if (change_.unchanged_since) session_.enable_condstore();
  auto uids = session_.selected.resolve(*text, session_.by_uid);
  if (!uids) return;
  if (session_.selected.read_only()) return session_.no("[CANNOT] the mailbox is open read only");
  change_.flags = list->flags;
  change_.keywords = std::move(list->keywords);
  left_ = std::move(*uids);
  store_next();
}

void ServerSession::Editor::store_next() {
  if (left_.empty()) {
    if (refused_.empty()) return session_.ok("they are kept");
    const View& view = session_.selected.view();
    const UidSet named = session_.by_uid ? refused_ : view.numbers_of(refused_);
    return session_.ok(fmt::format("[MODIFIED {}] some were changed meanwhile", to_text(named)));
  }
  AskStore question = change_;
  question.uids = take_front(left_, kRowsAtOnce);
  session_.ask_for<Stored>(std::move(question), [this](Stored& stored) {
    if (stored.fault != Fault::none) {
      left_.clear();
      session_.must_look = true;
      return session_.fault(stored.fault, "message");
    }
    Selected& selected = session_.selected;
    selected.set_keywords(std::move(stored.keywords));
    selected.told(stored.rows);
    refused_.insert(refused_.end(), stored.refused.begin(), stored.refused.end());
    for (const Row& row : stored.rows) {
      const std::uint32_t number = selected.view().number_of(row.uid);
      const bool numbered = session_.condstore && !row.untouched;
      if (number == 0 || (silent_ && !numbered)) continue;
      std::string items;
      if (session_.by_uid || session_.rev2 || session_.condstore) items = fmt::format("UID {} ", row.uid);
      if (!silent_) items += fmt::format("FLAGS ({}) ", flags_text(row.flags, selected.keywords()));
      if (session_.condstore) items += fmt::format("MODSEQ ({}) ", row.modseq);
      items.pop_back();
      session_.untagged(fmt::format("{} FETCH ({})", number, items));
    }
    store_next();
  });
}

// ---- COPY and MOVE ----

void ServerSession::Editor::copy(Lexer& args, bool move) {
  const auto text = args.space() ? args.sequence_set() : std::nullopt;
  if (!text) return session_.bad("a set of messages is expected");
  auto to = session_.read_mailbox(args);
  if (!to) return;
  if (!args.at_end()) return session_.bad("nothing is expected behind the name");
  auto uids = session_.selected.resolve(*text, session_.by_uid);
  if (!uids) return;
  if (move && session_.selected.read_only()) return session_.no("[CANNOT] the mailbox is open read only");
  if (uids->empty()) return session_.ok("there are none");
  session_.ask_for<Copied>(AskCopy{std::move(*uids), std::move(*to), move}, [this, move](Copied& copied) {
    session_.must_look = true;
    session_.tells_modseq = move;
    if (copied.fault == Fault::not_found) return session_.no("[TRYCREATE] there is no such mailbox");
    if (copied.fault != Fault::none) return session_.fault(copied.fault, "mailbox");
    std::string code;
    if (!copied.from.empty())
      code = fmt::format("[COPYUID {} {} {}] ", copied.uidvalidity, in_order(copied.from), in_order(copied.to));
    if (!move) return session_.ok(code + "they are copied");
    // RFC 6851 section 4.3: in front of what is told of the deletion.
    if (!code.empty()) session_.untagged("OK " + code + "they are moved");
    session_.ok("they are moved");
  });
}

} // namespace paquebot::imap
