#include "imap/flags.h"
#include "imap/server_impl.h"

#include <algorithm>
#include <fmt/format.h>
#include <ranges>
#include <utility>

/// CONDSTORE and QRESYNC (RFC 7162): what has changed behind a modseq.
namespace paquebot::imap {
namespace {

constexpr std::size_t kRunsInLine = 5000;      // of uids that vanished
constexpr std::uint64_t kMostSampled = 10'000; // pairs of numbers and uids that are looked at

/// Behind "QRESYNC".
std::optional<Resync> parse_resync(Lexer& args) {
  Resync out;
  if (!args.space() || !args.take('(')) return {};
  const auto uidvalidity = args.number();
  const auto modseq = uidvalidity && args.space() ? args.number() : std::nullopt;
  if (!modseq || *uidvalidity > UINT32_MAX || *modseq > INT64_MAX) return {};
  out.uidvalidity = static_cast<std::uint32_t>(*uidvalidity);
  out.modseq = static_cast<std::int64_t>(*modseq);
  const auto set = [&](std::optional<SequenceSet>& into) {
    const auto text = args.sequence_set();
    into = text ? parse_sequence_set(*text) : std::nullopt;
    return into && !into->saved;
  };
  if (args.space() && args.peek() != '(') {
    if (!set(out.known)) return {};
    args.space();
  }
  if (args.take('(') && !(set(out.numbers) && args.space() && set(out.their_uids) && args.take(')'))) return {};
  if (!args.take(')')) return {};
  return out;
}

/// Up to which uid the client knows of all that was deleted: its sample agrees with what is there. 0: it tells nothing.
std::uint32_t known_up_to(const Resync& resync, const View& view) {
  if (!resync.numbers || !resync.their_uids) return 0;
  UidSet numbers = resync.numbers->resolve(view.count()), uids = resync.their_uids->resolve(view.highest());
  std::uint32_t known = 0;
  for (std::uint64_t n = 0; n < kMostSampled && !numbers.empty() && !uids.empty(); ++n) {
    const std::uint32_t number = take_front(numbers, 1)[0].first, uid = take_front(uids, 1)[0].first;
    if (number > view.count() || view.uid_of(number) != uid) break;
    known = uid;
  }
  return known;
}

} // namespace

std::optional<SelectParameters> parse_select_parameters(Lexer& args, bool qresync) {
  SelectParameters out;
  if (args.at_end()) return out;
  if (!args.space() || !args.take('(')) return {};
  for (bool first = true; !args.take(')'); first = false) {
    if (!first && !args.space()) return {};
    if (args.take_word("QRESYNC")) {
      if (out.resync || !qresync) return {};
      out.resync = parse_resync(args);
      if (!out.resync) return {};
    } else if (!args.take_word("CONDSTORE")) {
      return {};
    }
    out.condstore = true;
  }
  if (!args.at_end()) return {};
  return out;
}

void ServerSession::Selected::resync(std::string ending) {
  session_.ask_for<Since>(AskSince{resync_->modseq}, [this, ending = std::move(ending)](Since& since) {
    if (since.fault != Fault::none) return session_.fault(since.fault, "mailbox");
    const std::uint32_t last = uidnext_ - 1;
    UidSet known = resync_->known ? resync_->known->resolve(last) : UidSet();
    if (!resync_->known && last > 0) known = {{1, last}};
    const std::uint32_t sampled = known_up_to(*resync_, view_);
    UidSet asked = sampled > 0 ? without(known, {{1, sampled}}) : known;
    resync_.reset();
    tell_vanished(since, asked);
    resync_rows(intersect(since.changed, known), ending);
  });
}

void ServerSession::Selected::resync_rows(UidSet left, std::string ending) {
  left = view_.present(left);
  if (left.empty()) return session_.ok(ending);
  AskRows question{take_front(left, kRowsAtOnce)};
  session_.ask_for<Rows>(std::move(question), [this, left = std::move(left), ending = std::move(ending)](Rows& rows) {
    if (rows.fault != Fault::none) return session_.fault(rows.fault, "mailbox");
    for (const Row& row : rows.rows)
      if (const std::uint32_t number = view_.number_of(row.uid); number != 0) tell_flags(row, number);
    resync_rows(left, ending);
  });
}

void ServerSession::Selected::tell_vanished(const Since& since, const UidSet& asked) {
  UidSet gone = since.all_gone ? asked : intersect(since.gone, asked);
  if (uidnext_ > 1) gone = intersect(gone, {{1, uidnext_ - 1}});
  gone = uidnext_ > 1 ? without(gone, view_.uids()) : UidSet();
  while (!gone.empty()) {
    const std::size_t some = std::min(gone.size(), kRunsInLine);
    const auto cut = gone.begin() + static_cast<std::ptrdiff_t>(some);
    session_.untagged("VANISHED (EARLIER) " + to_text(UidSet(gone.begin(), cut)));
    gone.erase(gone.begin(), cut);
  }
}

void ServerSession::Selected::tell_flags(const Row& row, std::uint32_t number) {
  const std::string modseq = session_.condstore ? fmt::format(" MODSEQ ({})", row.modseq) : std::string();
  session_.untagged(
      fmt::format("{} FETCH (UID {} FLAGS ({}){})", number, row.uid, flags_text(row.flags, keywords_), modseq));
}

/// The deletions that were kept back.
void ServerSession::Selected::tell_hidden() {
  if (session_.qresync) {
    session_.untagged("VANISHED " + to_text(hidden_));
  } else {
    // The highest first, so that the numbers of those that follow stay what they are.
    for (const UidRun& run : hidden_ | std::views::reverse)
      for (std::uint32_t uid = run.last;; --uid) {
        if (const std::uint32_t number = view_.number_of(uid); number != 0)
          session_.untagged(fmt::format("{} EXPUNGE", number));
        if (uid == run.first) break;
      }
  }
  view_.remove(hidden_);
  hidden_.clear();
  expunged_ = true;
}

} // namespace paquebot::imap
