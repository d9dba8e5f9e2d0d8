#include "base/text.h"
#include "imap/mailbox_name.h"
#include "imap/server_impl.h"
#include "imap/write.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace paquebot::imap {

void ServerSession::Selected::forget() {
  open_ = read_only_ = idling_ = stale_ = expunged_ = false;
  modseq_ = 0;
  uidnext_ = 1;
  view_ = {};
  keywords_.clear();
  hidden_.clear();
  saved_.clear();
  own_.clear();
}

// ---- SELECT and its end ----

void ServerSession::Selected::select(Lexer& args, bool read_only) {
  auto name = session_.read_mailbox(args);
  if (!name) return;
  auto parameters = parse_select_parameters(args, session_.qresync);
  if (!parameters) return session_.bad("CONDSTORE, or QRESYNC where it is enabled, is expected behind the name");
  session_.condstore = session_.condstore || parameters->condstore;
  resync_ = std::move(parameters->resync);
  if (open_) { // RFC 9051 section 6.3.2: what was selected is not any more, whatever comes of this
    forget();
    session_.untagged("OK [CLOSED] the mailbox of before is closed");
  }
  AskOpen question{*name, read_only, !session_.rev2};
  session_.ask_for<Opened>(std::move(question), [this, read_only, name = std::move(*name)](Opened& answer) {
    if (answer.fault != Fault::none) return session_.fault(answer.fault, "mailbox");
    read_only_ = read_only;
    opened(std::move(answer), name);
  });
}

void ServerSession::Selected::opened(Opened answer, const std::string& name) {
  open_ = true;
  stale_ = false;
  view_ = View(answer.uids);
  keywords_ = std::move(answer.keywords);
  const MailboxFacts& facts = answer.facts;
  modseq_ = facts.modseq;
  uidnext_ = facts.uidnext;
  Impl& s = session_;
  s.untagged(fmt::format("FLAGS ({})", all_flags_text(keywords_)));
  s.untagged(fmt::format("{} EXISTS", view_.count()));
  if (!s.rev2) s.untagged("0 RECENT");
  s.untagged(read_only_ ? "OK [PERMANENTFLAGS ()] it is read only"
                        : fmt::format("OK [PERMANENTFLAGS ({} \\*)] these are kept", all_flags_text(keywords_)));
  s.untagged(fmt::format("OK [UIDVALIDITY {}] uids hold", facts.uidvalidity));
  s.untagged(fmt::format("OK [UIDNEXT {}] the next uid", facts.uidnext));
  s.untagged(fmt::format("OK [HIGHESTMODSEQ {}] changes are numbered", facts.modseq));
  s.untagged(fmt::format("OK [MAILBOXID ({})] it keeps its id", mailbox_id(facts.id)));
  if (const std::uint32_t first = view_.number_of(answer.first_unseen); !s.rev2 && first != 0)
    s.untagged(fmt::format("OK [UNSEEN {}] the first that is not seen", first));
  if (s.rev2) s.untagged(fmt::format("LIST ({}) \"/\" {}", "", s.name_text(name)));
  const std::string ending = read_only_ ? "[READ-ONLY] it is open" : "[READ-WRITE] it is open";
  if (resync_ && resync_->uidvalidity == facts.uidvalidity) return resync(ending);
  s.ok(ending);
}

void ServerSession::Selected::close(bool expunging) {
  const auto end = [this] {
    forget();
    session_.ask_for<Done>(AskClose{}, [this](Done&) { session_.ok("it is closed"); });
  };
  if (!expunging || read_only_) return end();
  session_.ask_for<Done>(AskExpunge{view_.uids()}, [end](Done&) { end(); });
}

void ServerSession::Selected::expunge(Lexer* uids) {
  doomed_ = view_.uids();
  if (uids != nullptr) {
    const auto text = uids->space() ? uids->sequence_set() : std::nullopt;
    if (!text || !uids->at_end()) return session_.bad("uids are expected");
    auto set = resolve(*text, true);
    if (!set) return;
    doomed_ = std::move(*set);
  }
  if (read_only_) return session_.no("[CANNOT] the mailbox is open read only");
  session_.ask_for<Done>(AskExpunge{std::exchange(doomed_, {})}, [this](Done& done) {
    session_.must_look = session_.tells_modseq = true;
    if (done.fault != Fault::none) return session_.fault(done.fault, "mailbox");
    session_.ok("they are gone");
  });
}

// ---- IDLE (RFC 2177) ----

void ServerSession::Selected::idle() {
  idling_ = true;
  stale_ = open_; // what came while the command was on its way
  session_.running = false;
  session_.out += "+ idling\r\n";
}

void ServerSession::Selected::done(std::string_view line) {
  idling_ = false;
  session_.running = true;
  session_.tells = Impl::Tells::all;
  if (iequals(line, "DONE")) return session_.ok("that was it");
  session_.bad("DONE is expected");
}

// ---- Sets ----

std::optional<UidSet> ServerSession::Selected::resolve(std::string_view text, bool by_uid) {
  const auto set = parse_sequence_set(text);
  if (!set) {
    session_.bad("that is no set of numbers");
    return {};
  }
  if (set->saved) return saved();
  if (by_uid) return view_.present(set->resolve(view_.highest()));
  const UidSet numbers = set->resolve(view_.count());
  if (numbers.empty() || numbers.back().last > view_.count()) {
    session_.bad("there is no message of that number");
    return {};
  }
  return view_.uids_of(numbers);
}

void ServerSession::Selected::set_keywords(std::vector<Keyword> keywords) {
  if (keywords.size() == keywords_.size()) return; // they are only ever added
  keywords_ = std::move(keywords);
  session_.untagged(fmt::format("FLAGS ({})", all_flags_text(keywords_)));
  if (!read_only_)
    session_.untagged(fmt::format("OK [PERMANENTFLAGS ({} \\*)] these are kept", all_flags_text(keywords_)));
}

// ---- News ----

void ServerSession::Selected::told(const std::vector<Row>& rows) {
  for (const Row& row : rows)
    if (!row.untouched && (own_.empty() || own_.back() != row.modseq)) own_.push_back(row.modseq);
  stale_ = true; // so that they are forgotten, and whatever came between is told
}

void ServerSession::Selected::tell_news(bool with_expunged, std::function<void()> then) {
  stale_ = false;
  session_.ask_for<News>(AskNews{}, [this, with_expunged, then = std::move(then)](News& answer) {
    if (answer.fault == Fault::not_found) {
      forget();
      then(); // what was asked for is done all the same
      return session_.bye("the mailbox was deleted");
    }
    if (answer.fault == Fault::none)
      news(std::move(answer), with_expunged);
    else
      stale_ = !idling_; // asked for again with the next command
    then();
  });
}

void ServerSession::Selected::news(News news, bool with_expunged) {
  set_keywords(std::move(news.keywords));
  const UidSet gone = view_.present(news.gone);
  std::vector<UidRun> all(hidden_);
  all.insert(all.end(), gone.begin(), gone.end());
  hidden_ = normalize(std::move(all));
  if (with_expunged && !hidden_.empty()) tell_hidden();
  const std::uint32_t before = view_.count();
  const std::uint32_t highest = view_.highest();
  UidSet fresh;
  for (UidRun run : news.added) {
    run.first = std::max(run.first, highest + 1);
    if (run.first <= run.last) fresh.push_back(run);
  }
  view_.add(fresh);
  uidnext_ = std::max(uidnext_, view_.highest() + 1);
  modseq_ = std::max(modseq_, news.modseq);
  if (view_.count() != before) {
    session_.untagged(fmt::format("{} EXISTS", view_.count()));
    if (!session_.rev2) session_.untagged("0 RECENT");
  }
  for (const Row& row : news.changed) {
    if (std::ranges::find(own_, row.modseq) != own_.end()) continue;
    if (const std::uint32_t number = view_.number_of(row.uid); number != 0) tell_flags(row, number);
  }
  own_.clear();
}

} // namespace paquebot::imap
