#pragma once

#include "store/sqlite/check_place.h"
#include "store/sqlite/slice.h"
#include "store/types.h"

#include <span>
#include <string>
#include <variant>
#include <vector>

/// Every invariant of a store that its two files show: what verify() checks.
namespace paquebot::store::sqlite {

// What to do about a finding.
inline constexpr const char* kDamaged =
    "the disk or the file is damaged: check the disk, keep this directory for rescue and restore a backup";
inline constexpr const char* kIncomplete =
    "content is missing: restore a backup, or let go of it (queue cancel, or delete it)";
inline constexpr const char* kForeign =
    "large mail may be mixed up: put the bulk.db back that belongs to this paquebot.db, or restore a backup";
inline constexpr const char* kMiscounted = "no mail is lost by it, but this program made a mistake: please report it";
inline constexpr const char* kGivenAgain =
    "an id or uid would be given again, and with it mail be mixed up or lost: stop the server, restore a backup";
inline constexpr const char* kStuck =
    "mail may wait too long, or for ever: paquebot queue retry, or cancel, and please report it";
inline constexpr const char* kUnreachable = "mail to it is refused: lead the address somewhere else (paquebot alias)";

inline constexpr const char* kLost =
    "the message is lost: restore a backup, or let go of it (paquebot queue cancel ID)";

/// The rule that is broken when pages are damaged: what is read from the file may be anything.
inline constexpr const char* kPagesRule = "file.pages";

/// One look at the store, and what it finds.
struct Check {
  Db& main;
  Db& bulk;
  const Id epoch; ///< that works now or worked last
  std::vector<Finding> findings{};
  std::int64_t whole_file = 256LL << 20; ///< octets of a file whose pages are looked at in one read beside other work
  Id without_twins = 0;                  ///< the mailbox last looked at for a UIDL given twice, if it has none

  bool enough() const { return findings.size() >= 100; }
  void tell(const char* rule, std::string what, const char* advice) {
    if (findings.empty() || findings.back().what != what) findings.push_back({std::move(what), advice, rule});
  }
};

/// An invariant of the rows of a table.
struct Rule {
  const char* name;   ///< for programs: "message.pending"
  const char* broken; ///< an expression that is true for a row that breaks it; only index look-ups in other tables
  const char* words;  ///< what is told of it; "%" stands for what the walk shows of a row
  const char* advice = kMiscounted;
  /// Asked about such a row when the expression alone can't know; the columns are those of the walk's key.
  bool (*confirmed)(Check& check, const Query& row) = nullptr;
};

/// A table with its rules, all looked at in one walk.
struct Walk {
  bool bulk; ///< the table is in bulk.db
  Ordered table;
  const char* shown; ///< an expression: a number, a message's id or a name
  std::span<const Rule> rules;
};

/// An invariant of a whole store that one short read shows: a query for what breaks it.
struct Question {
  const char* name;
  const char* sql;
  const char* words; ///< "%" stands for the first column
  const char* advice = kMiscounted;
};

/// A part of the check with a function of its own, in steps: it goes on where `from` says (as the step before said in
/// `next`), and gives no next point once it is through.
struct Look {
  std::vector<const char*> names; ///< of its rules
  std::optional<CheckPlace> (*step)(Check& check, const CheckPlace& from);
};

using Part = std::variant<Walk, Question, Look>;

// In the order in which they are looked at.
std::vector<Part> shape_parts();       ///< tables, indexes, pages, rows that every store has, sequences
std::vector<Part> directory_parts();   ///< domains, accounts, addresses, keys, limits
std::vector<Part> queue_parts();       ///< messages, recipients, trails, destinations
std::vector<Part> mailbox_parts();     ///< mailboxes and their entries
std::vector<Part> content_parts();     ///< heads, bodies, bulk.db and who holds what
std::vector<Part> certificate_parts(); ///< certificates, their keys, and how they are got
std::vector<Part> access_parts();      ///< sessions, links and second factors, and who did what
std::vector<Part> feed_parts();        ///< what is told, hooks, and what came by the API
std::vector<Part> stranger_parts();    ///< what is kept of others: greylisting, DMARC reports

/// All of the above.
const std::vector<Part>& all_parts();
/// The columns that a walk asks for beside its key: what is shown, then a column for each rule.
std::string walk_columns(const Walk& walk);

} // namespace paquebot::store::sqlite
