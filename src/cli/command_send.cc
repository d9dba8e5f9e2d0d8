// `send --as`: a message handed to this machine's server by its API, in the name of an account of its own.
#include "base/encoding.h"
#include "base/text.h"
#include "cli/compose.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "control/target.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

namespace paquebot::cli {
namespace {

/// "Bob <b@c>, \"D, E\" <d@e>": at the commas that are in no quotes.
json::array addresses_in(const std::vector<std::string>& lists) {
  json::array all;
  for (const std::string& list : lists) {
    std::string one;
    bool quoted = false;
    for (std::size_t i = 0; i <= list.size(); ++i) {
      if (i == list.size() || (list[i] == ',' && !quoted)) {
        if (const auto trimmed = trim(one); !trimmed.empty()) all.emplace_back(json::string(trimmed));
        one.clear();
        continue;
      }
      if (list[i] == '"') quoted = !quoted;
      one += list[i];
      if (list[i] == '\\' && quoted && i + 1 < list.size()) one += list[++i];
    }
  }
  return all;
}

Result<std::string> read_whole(Session& session, const std::string& path) {
  std::ostringstream text;
  if (path == "-") {
    text << session.in().rdbuf();
    return text.str();
  }
  std::ifstream in(path, std::ios::binary);
  if (!in || !(text << in.rdbuf()).good())
    return session.failure(kNoInput, path + " can't be read: " + std::strerror(errno));
  return text.str();
}

Result<> add_texts(Session& session, const Arguments& arguments, json::object& wanted) {
  for (const char* form : {"text", "html"}) {
    const std::string option = std::string("--") + form;
    if (arguments.has(option)) wanted[form] = arguments.text(option);
    if (!arguments.has(option + "-file")) continue;
    auto text = read_whole(session, arguments.text(option + "-file"));
    if (!text) return std::unexpected(text.error());
    wanted[form] = std::move(*text);
  }
  if (wanted.contains("text") || wanted.contains("html")) return {};
  auto text = read_whole(session, "-"); // like mail(1): what is typed or piped is the text
  if (!text) return std::unexpected(text.error());
  wanted["text"] = std::move(*text);
  return {};
}

Result<> add_files(Session& session, const Arguments& arguments, json::object& wanted) {
  json::array files;
  for (const std::string& path : arguments.list("--attach")) {
    const auto content = read_whole(session, path);
    if (!content) return std::unexpected(content.error());
    files.push_back(json::object{{"name", std::filesystem::path(path).filename().string()},
                                 {"type", content_type_of(path)},
                                 {"content", base64_encode(*content)}});
  }
  if (!files.empty()) wanted["attachments"] = std::move(files);
  return {};
}

Result<json::object> wanted_message(Session& session, const Arguments& arguments) {
  json::object wanted;
  if (arguments.has("--from")) wanted["from"] = arguments.text("--from");
  for (const char* name : {"to", "cc", "bcc"})
    if (const auto option = std::string("--") + name; arguments.has(option))
      wanted[name] = addresses_in(arguments.list(option));
  if (arguments.has("--subject")) wanted["subject"] = arguments.text("--subject");
  json::object headers;
  for (const std::string& field : arguments.list("--header")) {
    const auto colon = field.find(':');
    if (colon == field.npos) return session.failure(kUsage, "\"" + printable(field, 100) + "\" is no \"Name: value\"");
    headers[field.substr(0, colon)] = std::string(trim(field.substr(colon + 1)));
  }
  if (!headers.empty()) wanted["headers"] = std::move(headers);
  if (auto added = add_texts(session, arguments, wanted); !added) return std::unexpected(added.error());
  if (auto added = add_files(session, arguments, wanted); !added) return std::unexpected(added.error());
  return wanted;
}

} // namespace

int send_as(Session& session, const Arguments& arguments) {
  for (const char* option :
       {"--server", "--user", "--priority", "--hold-for", "--hold-until", "--deliver-by", "--require-tls"})
    if (arguments.has(option))
      return session.report(session.failure(kUsage, std::string(option) + " does not go with --as").error());
  const auto wanted = wanted_message(session, arguments);
  if (!wanted) return session.report(wanted.error());
  const std::string target = "/v1/send?account=" + control::percent_encode(arguments.text("--as"));
  const auto answer = session.call("POST", target, control::to_text(*wanted));
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  session.out() << "accepted id=" << control::get_text(*answer, "id") << '\n';
  std::string refused;
  for (const auto& one : control::get_list(*answer, "recipients"))
    if (!control::get_bool(one, "accepted"))
      refused += (refused.empty() ? "" : "; ") + printable(control::get_text(one, "address"), 256) + ": " +
                 printable(control::get_text(one, "reply"));
  if (refused.empty()) return kOk;
  return session.report({Errc::refused, "not to all: " + refused});
}

} // namespace paquebot::cli
