#include "base/text.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "control/target.h"
#include "store/sending_limits.h"

#include <ostream>

namespace paquebot::cli {
namespace {

std::string readable(std::string name) {
  for (char& c : name)
    if (c == '_') c = ' ';
  return name;
}

std::string amount(std::string_view name, std::int64_t value) {
  if (store::limit_kind(name) == store::LimitKind::bytes_per_day) return size_text(static_cast<std::uint64_t>(value));
  return std::to_string(value);
}

/// "messages_per_hour=500" as a field of the request: a number, none (0) or default (null).
Result<> read_setting(const std::string& text, json::object& wanted) {
  const auto equals = text.find('=');
  const std::string name = text.substr(0, equals);
  const auto kind = store::limit_kind(name);
  if (equals == text.npos || !kind) {
    std::string known;
    for (const store::LimitKind one : store::kLimitKinds) known += "\n  " + std::string(store::name_of(one)) + "=…";
    return fail(Errc::invalid, printable(text) + " is no limit; write one of" + known);
  }
  const std::string value = text.substr(equals + 1);
  if (value == "default") {
    wanted[name] = nullptr;
  } else if (value == "none") {
    wanted[name] = 0;
  } else if (*kind == store::LimitKind::bytes_per_day) {
    const auto size = parse_size(value);
    if (!size) return std::unexpected(size.error());
    wanted[name] = *size;
  } else {
    const auto number = parse_u64(value);
    if (!number) return fail(Errc::invalid, printable(value) + " is not a number, \"none\" or \"default\"");
    wanted[name] = *number;
  }
  return {};
}

} // namespace

void print_limits(std::ostream& out, const json::array& limits) {
  Table table({"LIMIT", "USED", "OF", "UNTIL", ""});
  for (const std::size_t column : {1U, 2U}) table.align_right(column);
  for (const auto& limit : limits) {
    const std::string name = control::get_text(limit, "name");
    const std::int64_t most = control::get_number(limit, "most");
    const std::int64_t until = control::get_time(limit, "until");
    table.add({readable(name), until == 0 ? "-" : amount(name, control::get_number(limit, "used")),
               most == 0 ? "any" : amount(name, most), until == 0 ? "-" : time_text(until),
               control::get_bool(limit, "own") ? "its own" : ""});
  }
  table.print(out);
}

int account_limit(Session& session, const Arguments& arguments) {
  const std::string path = "/v1/accounts/" + control::path_encode(arguments.text("LOGIN")) + "/limits";
  json::object wanted;
  for (const std::string& setting : arguments.list("LIMIT"))
    if (const auto read = read_setting(setting, wanted); !read) return session.report(read.error());
  const auto answer =
      wanted.empty() ? session.call("GET", path) : session.call("PATCH", path, control::to_text(wanted));
  if (!answer) return session.report(answer.error());
  const auto& limits = control::get_list(*answer, "limits");
  if (session.json)
    session.out() << control::to_pretty_text(
        json::object{{"login", control::get_text(*answer, "login")}, {"limits", limits}});
  else
    print_limits(session.out(), limits);
  return kOk;
}

} // namespace paquebot::cli
