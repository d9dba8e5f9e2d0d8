#include "store/sqlite/verify.h"

#include "base/text.h"
#include "store/sqlite/rules.h"

#include <algorithm>
#include <iterator>

namespace paquebot::store::sqlite {
namespace {

constexpr std::size_t kMostLines = 100;
constexpr const char* kCannotLook = "file.readable";

std::string words_about(const char* words, const Query& row, int column) {
  std::string line = words;
  const auto place = line.find('%');
  if (place == std::string::npos) return line;
  const bool id = row.blob(column) && row.view(column).size() == sizeof(Ulid::bytes);
  return line.replace(place, 1, id ? row.ulid(column).to_string() : printable(row.view(column), 200));
}

/// A slice of a table under all of its rules.
std::optional<CheckPlace> look(Check& check, const Walk& walk, const CheckPlace& from) {
  const int keys = walk.table.columns();
  Slice slice(walk.bulk ? check.bulk : check.main, walk.table, walk_columns(walk), from.after);
  while (!check.enough() && slice.row()) {
    int column = keys;
    for (const Rule& rule : walk.rules) {
      if (!slice.at().flag(++column)) continue;
      if (rule.confirmed == nullptr || rule.confirmed(check, slice.at()))
        check.tell(rule.name, words_about(rule.words, slice.at(), keys), rule.advice);
    }
  }
  std::string next = slice.next();
  if (next.empty()) return {};
  return CheckPlace{from.part, std::move(next), {}};
}

std::optional<CheckPlace> look(Check& check, const Question& question, const CheckPlace&) {
  Query q = check.main.query(question.sql);
  while (!check.enough() && q.row()) check.tell(question.name, words_about(question.words, q, 0), question.advice);
  return {};
}

std::optional<CheckPlace> look(Check& check, const Look& own, const CheckPlace& from) { return own.step(check, from); }

/// What a missing table or a damaged page makes impossible to look at is a finding, and the other parts are looked at
/// all the same; a file that can't be read is none.
std::optional<CheckPlace> look_at_part(Check& check, const Part& part, const CheckPlace& from) {
  try {
    return std::visit([&](const auto& one) { return look(check, one, from); }, part);
  } catch (const DbError& error) {
    if ((error.code & 0xFF) != SQLITE_ERROR && !error.damaged()) throw;
    check.tell(error.damaged() ? kPagesRule : kCannotLook, "this can't be looked at: " + printable(error.message, 300),
               kDamaged);
    return {};
  }
}

} // namespace

const std::vector<Part>& all_parts() {
  static const std::vector<Part> all = [] {
    std::vector<Part> list;
    for (const auto& parts : {shape_parts(), directory_parts(), queue_parts(), mailbox_parts(), content_parts(),
                              certificate_parts(), access_parts(), feed_parts(), stranger_parts()})
      list.insert(list.end(), parts.begin(), parts.end());
    return list;
  }();
  return all;
}

std::string walk_columns(const Walk& walk) {
  std::string columns = walk.shown;
  for (const Rule& rule : walk.rules) columns += std::string(", (") + rule.broken + ")";
  return columns;
}

CheckStep check_step(Db& main, Db& bulk, Id epoch, const CheckPlace& from) {
  const auto& all = all_parts();
  CheckStep out;
  out.total = all.size();
  out.done = std::min<std::uint64_t>(from.part + 1, all.size());
  if (from.part >= all.size()) return out;
  Check check{main, bulk, epoch};
  out.next = look_at_part(check, all[from.part], from);
  out.findings = std::move(check.findings);
  if (!out.next && from.part + 1 < all.size()) out.next = CheckPlace{from.part + 1, {}, {}};
  return out;
}

void FindingLines::add(std::vector<Finding> findings) {
  for (Finding& finding : findings)
    if (++told_[finding.rule] <= kMostLines) lines.push_back(std::move(finding.what));
}

} // namespace paquebot::store::sqlite
