#include "store/postgres/dialect.h"

#include <algorithm>
#include <cassert>
#include <vector>

namespace paquebot::store::postgres {
namespace {

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

/// A pattern of GLOB as a regular expression, in quotes.
std::string pattern_of(std::string_view glob) {
  std::string out = "'^";
  for (std::size_t i = 0; i < glob.size(); ++i) {
    const char c = glob[i];
    if (c == '[') { // a set is written alike in both; its first character may be the bracket that would end it
      const std::size_t end = glob.find(']', i + 2);
      assert(end != std::string_view::npos);
      out += glob.substr(i, end + 1 - i);
      i = end;
    } else if (c == '*') {
      out += ".*";
    } else if (c == '?') {
      out += '.';
    } else {
      if (std::string_view(".+()|{}\\^$").contains(c)) out += '\\';
      out += c;
    }
  }
  return out + "$'";
}

class Translation {
public:
  explicit Translation(std::string_view sql) : sql_(sql) {}

  Said run() {
    Said said;
    said.kind = kind_of();
    while (at_ < sql_.size()) said.sql += next();
    said.sql += suffix_;
    said.parameters = parameters_;
    return said;
  }

private:
  Said::Kind kind_of() const {
    using Kind = Said::Kind;
    const std::string_view rest = sql_.substr(std::min(sql_.find_first_not_of(" \n"), sql_.size()));
    if (rest.starts_with("BEGIN")) return Kind::begin;
    if (rest.starts_with("COMMIT")) return Kind::commit;
    if (rest.starts_with("SAVEPOINT") || rest.starts_with("RELEASE") || rest.starts_with("ROLLBACK TO"))
      return Kind::savepoint;
    if (rest.starts_with("ROLLBACK")) return Kind::rollback;
    const bool changes = rest.starts_with("INSERT") || rest.starts_with("UPDATE") || rest.starts_with("DELETE") ||
                         rest.starts_with("SET ");
    return changes && !rest.contains("RETURNING") ? Kind::changes : Kind::rows;
  }

  bool follows(std::string_view text) const { return sql_.substr(at_).starts_with(text); }

  std::string quoted() { // from its opening quote
    const char quote = sql_[at_];
    std::size_t end = at_ + 1;
    while (end < sql_.size() && (sql_[end] != quote || (end + 1 < sql_.size() && sql_[end + 1] == quote)))
      end += sql_[end] == quote ? 2 : 1;
    std::string text(sql_.substr(at_, end + 1 - at_));
    at_ = end + 1;
    return text;
  }

  std::string parameter() {
    ++at_;
    int number = 0;
    for (; at_ < sql_.size() && sql_[at_] >= '0' && sql_[at_] <= '9'; ++at_) number = number * 10 + (sql_[at_] - '0');
    if (number == 0) number = parameters_ + 1;
    parameters_ = std::max(parameters_, number);
    return "$" + std::to_string(number);
  }

  /// What is between the parentheses that begin here, as PostgreSQL reads it, split at its commas.
  std::vector<std::string> arguments() {
    std::vector<std::string> all(1);
    int depth = 0;
    ++at_;
    for (; at_ < sql_.size() && (depth > 0 || sql_[at_] != ')');) {
      const char c = sql_[at_];
      if (c == ',' && depth == 0) {
        all.emplace_back();
        ++at_;
        continue;
      }
      depth += c == '(' ? 1 : c == ')' ? -1 : 0;
      all.back() += next();
    }
    ++at_;
    return all;
  }

  static std::string call(std::string_view name, const std::vector<std::string>& values) {
    std::string text = std::string(name) + "(";
    for (const std::string& one : values) text += (&one == &values.front() ? "" : ",") + one;
    return text + ")";
  }

  std::string function(std::string_view name) {
    if (name == "ifnull") return "coalesce";
    if (name == "instr") return "strpos";
    if (name == "char") return "chr";
    if (name == "unlikely") return "";
    if (name == "iif") {
      const auto values = arguments();
      assert(values.size() == 3);
      return "CASE WHEN " + values[0] + " THEN " + values[1] + " ELSE " + values[2] + " END";
    }
    const auto values = arguments();
    if (values.size() == 1) return call(name, values);
    return call(name == "max" ? "greatest" : "least", values);
  }

  static bool is_other_function(std::string_view word) {
    return word == "ifnull" || word == "instr" || word == "char" || word == "unlikely" || word == "iif" ||
           word == "max" || word == "min";
  }

  std::string word() {
    const std::size_t begin = at_;
    while (at_ < sql_.size() && is_word(sql_[at_])) ++at_;
    const std::string_view text = sql_.substr(begin, at_ - begin);
    if (follows("(") && is_other_function(text)) return function(text);
    if (text == "INSERT" && follows(" OR IGNORE")) {
      at_ += 10;
      suffix_ = " ON CONFLICT DO NOTHING";
    } else if (text == "INDEXED" && follows(" BY ")) {
      at_ += 4;
      while (at_ < sql_.size() && is_word(sql_[at_])) ++at_;
      return "";
    } else if (text == "LIMIT" && follows(" -1")) {
      at_ += 3;
      return "LIMIT ALL";
    } else if (text == "BEGIN" && follows(" IMMEDIATE")) {
      at_ += 10;
    } else if (text == "AS" && (follows(" INTEGER)") || follows(" BLOB)"))) {
      const bool number = follows(" INTEGER)");
      at_ += number ? 8 : 5;
      return number ? "AS BIGINT" : "AS TEXT";
    } else if (text == "NOT" && follows(" GLOB ")) {
      at_ += 5;
      return matches("!~");
    } else if (text == "GLOB") {
      return matches("~");
    }
    return std::string(text);
  }

  std::string matches(std::string_view how) { // behind GLOB
    ++at_;
    assert(sql_[at_] == '\'' && "only patterns that stand in the statement can be said otherwise");
    const std::string glob = quoted();
    return std::string(how) + " " + pattern_of(std::string_view(glob).substr(1, glob.size() - 2));
  }

  std::string next() {
    const char c = sql_[at_];
    if (c == 'x' && at_ + 1 < sql_.size() && sql_[at_ + 1] == '\'') {
      ++at_;
      return "'\\x" + quoted().substr(1) + "::bytea";
    }
    if (c == '\'' || c == '"') return quoted();
    if (c == '?') return parameter();
    if (is_word(c)) return word();
    ++at_;
    return std::string(1, c);
  }

  const std::string_view sql_;
  std::size_t at_ = 0;
  int parameters_ = 0;
  std::string suffix_;
};

} // namespace

Said say(std::string_view sql) {
  if (sql == "PRAGMA user_version") sql = "SELECT user_version FROM pragma_user_version";
  return Translation(sql).run();
}

} // namespace paquebot::store::postgres
