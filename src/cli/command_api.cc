// Any action of the table, by its id.
#include "base/text.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "control/action.h"
#include "control/describe.h"
#include "control/schema.h"
#include "control/target.h"
#include "control/typescript.h"

#include <algorithm>
#include <fstream>
#include <ostream>
#include <sstream>

namespace paquebot::cli {
namespace {

constexpr std::size_t kMostFile = 2u << 20;

/// What was written behind the id, sorted to where it belongs.
struct Parts {
  std::string target;
  std::string body;
};

/// A value as the schema wants it: JSON where it is no text; a list of texts has commas between.
Result<json::value> read_value(const control::SchemaField& field, const std::string& text) {
  std::string_view type = field.type;
  if (type == "text" || type == "time" || type.find('/') != type.npos) return json::value(json::string(text));
  if (type == "[text]") {
    json::array list;
    for (const std::string_view part : split(text, ',')) list.emplace_back(json::string(trim(part)));
    return list;
  }
  return control::parse_json(text, "the value of " + field.name);
}

class Sorter {
public:
  explicit Sorter(const control::Action& action)
      : action_(action), names_(control::path_names(action)), query_(control::Schema::parse(query_text(action))),
        request_(control::Schema::parse(action.request)) {}

  Result<> take(const std::string& pair) {
    const auto equals = pair.find('=');
    if (equals == pair.npos) return fail(Errc::invalid, "\"" + printable(pair, 100) + "\" is no NAME=VALUE");
    const std::string name = pair.substr(0, equals), value = pair.substr(equals + 1);
    if (std::ranges::find(names_, name) != names_.end()) {
      path_[name] = value;
    } else if (query_.find(name) != nullptr) {
      target_query_ +=
          (target_query_.empty() ? "?" : "&") + control::percent_encode(name) + "=" + control::percent_encode(value);
    } else if (const auto* field = request_.find(name)) {
      auto read = read_value(*field, value);
      if (!read) return std::unexpected(read.error());
      body_[name] = std::move(*read);
    } else {
      return fail(Errc::invalid, std::string(action_.id) + " takes no \"" + printable(name, 100) + "\"");
    }
    return {};
  }

  Result<Parts> finish() const {
    Parts parts;
    for (const std::string_view part : split(action_.path.substr(1), '/')) {
      if (!part.starts_with('{')) {
        parts.target += "/" + std::string(part);
        continue;
      }
      const std::string name(part.substr(1, part.size() - 2));
      const auto given = path_.find(name);
      if (given == path_.end()) return fail(Errc::invalid, name + "=… is missing");
      parts.target += "/" + control::path_encode(given->second);
    }
    parts.target += target_query_;
    if (!body_.empty()) parts.body = control::to_text(body_);
    return parts;
  }

private:
  static std::string query_text(const control::Action& action) {
    return std::string(action.query) + (control::is_paged(action) ? " limit?:number after?:text" : "");
  }

  const control::Action& action_;
  std::vector<std::string> names_;
  control::Schema query_, request_;
  std::map<std::string, std::string> path_;
  std::string target_query_;
  json::object body_;
};

int list_actions(Session& session) {
  if (session.json) {
    session.out() << control::to_pretty_text(control::openapi());
    return kOk;
  }
  Table table({"ACTION", "WHAT IT DOES"});
  for (const auto& action : control::actions()) table.add({std::string(action.id), std::string(action.summary)});
  table.print(session.out());
  return kOk;
}

Result<std::string> read_body(Session& session, const std::string& name) {
  std::ifstream file;
  if (name != "-") {
    file.open(name, std::ios::binary);
    if (!file) return session.failure(kNoInput, "can't read " + printable(name, 400));
  }
  std::istream& in = name == "-" ? session.in() : file;
  std::string text(kMostFile + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kMostFile) return fail(Errc::invalid, printable(name, 400) + " is larger than 2 MiB");
  return text;
}

Result<Parts> read_parts(Session& session, const Arguments& arguments, const control::Action& action) {
  Sorter sorter(action);
  for (const std::string& pair : arguments.list("VALUE"))
    if (const auto taken = sorter.take(pair); !taken) return std::unexpected(taken.error());
  auto parts = sorter.finish();
  if (!parts || !arguments.has("--body")) return parts;
  if (!parts->body.empty()) return fail(Errc::invalid, "the request comes from --body, or from names: not both");
  auto body = read_body(session, arguments.text("--body"));
  if (!body) return std::unexpected(body.error());
  parts->body = std::move(*body);
  return parts;
}

} // namespace

int api(Session& session, const Arguments& arguments) {
  if (arguments.has("--print-reference")) {
    session.out() << control::reference();
    return kOk;
  }
  if (arguments.has("--types")) {
    session.out() << control::typescript();
    return kOk;
  }
  const std::string id = arguments.text("ID");
  if (id.empty()) return list_actions(session);
  const control::Action* action = control::find_action(id);
  if (action == nullptr)
    return session.report(
        session.failure(kUsage, "there is no action " + printable(id, 100) + " (paquebot api lists them)").error());
  if (arguments.has("--describe")) {
    session.out() << control::help_of(*action);
    return kOk;
  }
  const auto parts = read_parts(session, arguments, *action);
  if (!parts) {
    const int code = session.report(parts.error());
    session.err() << "Try: paquebot api " << id << " --describe\n";
    return code == kBadData ? int{kUsage} : code;
  }
  const auto answer = session.call(action->method, parts->target, parts->body);
  if (!answer) return session.report(answer.error());
  session.out() << control::to_pretty_text(*answer);
  return kOk;
}

} // namespace paquebot::cli
