#include "base/text.h"
#include "cli/verbs.h"
#include "control/action.h"
#include "control/target.h"

#include <filesystem>
#include <ostream>
#include <utility>

namespace paquebot::cli {

std::string Arguments::text(const std::string& name) const {
  const auto it = values_.find(name);
  return it == values_.end() || it->second.empty() ? std::string() : it->second.back();
}

std::vector<std::string> Arguments::list(const std::string& name) const {
  const auto it = values_.find(name);
  return it == values_.end() ? std::vector<std::string>() : it->second;
}

namespace {

constexpr const char* kUsualDataDir = "/var/lib/paquebot";

void move_to(ServerPlace& place, const std::string& folder) {
  const std::string data_dir = std::filesystem::absolute(folder).lexically_normal().string();
  place.data_dir = data_dir;
  place.control_socket = data_dir + "/control.sock";
  place.drop_dir = data_dir + "/drop";
}

} // namespace

Result<ServerPlace> Session::place() {
  auto found = environment_.locate(config);
  if (found && !data_dir.empty()) move_to(*found, data_dir);
  if (!found && found.error().code != Errc::not_found) configuration_failed_ = true;
  return found;
}

Result<ServerPlace> Session::place_of_server() {
  auto found = place();
  if (found) return found;
  ServerPlace guess;
  move_to(guess, data_dir.empty() ? kUsualDataDir : data_dir);
  if (data_dir.empty() && !connect_transport(guess.control_socket)) return found;
  if (!std::exchange(told_of_configuration_, true))
    err() << "paquebot: the configuration can't be used (paquebot check says why); working with "
          << printable(guess.data_dir, 400) << '\n';
  configuration_failed_ = false;
  return guess;
}

Result<Transport*> Session::transport(bool changes) {
  if (!transport_) {
    const auto where = place_of_server();
    if (!where) {
      configuration_failed_ = true;
      return std::unexpected(where.error());
    }
    auto opened = open_transport(*where, changes);
    if (!opened) return std::unexpected(opened.error());
    transport_ = std::move(*opened);
  }
  return transport_.get();
}

Result<json::value> Session::call(std::string_view method, std::string_view target, std::string_view body) {
  const auto way = transport(method != "GET");
  if (!way) return std::unexpected(way.error());
  const auto response = (*way)->call(method, target, body);
  if (!response) return std::unexpected(response.error());
  if (response->status != 200) return std::unexpected(control::error_of(*response));
  return control::parse_json(response->body, "the server's answer");
}

Result<json::value> Session::call_list(std::string target, std::string_view list) {
  target += (target.find('?') == target.npos ? "?limit=" : "&limit=") + std::to_string(control::kLargestPage);
  auto whole = call("GET", target);
  if (!whole || !whole->is_object()) return whole;
  for (std::string next = control::get_text(*whole, "next"); !next.empty();) {
    const auto page = call("GET", target + "&after=" + control::percent_encode(next));
    if (!page) return page;
    auto& all = whole->as_object()[list].as_array();
    for (const auto& item : control::get_list(*page, list)) all.push_back(item);
    next = control::get_text(*page, "next");
  }
  whole->as_object().erase("next");
  return whole;
}

std::unexpected<Error> Session::failure(Exit code, std::string message) {
  code_ = code;
  return fail(Errc::io, std::move(message));
}

bool Session::arrived() {
  out().flush();
  return out().good();
}

int Session::report(const Error& error) {
  for (const std::string_view line :
       split(error.message, '\n')) // what is wrong with a configuration file: several things
    err() << "paquebot: " << printable(line, 4096) << '\n';
  const int code = code_.value_or(exit_code(error));
  code_.reset();
  return configuration_failed_ ? kConfiguration : code;
}

Exit exit_code(const Error& error) {
  switch (error.code) {
    case Errc::invalid: return kBadData;
    case Errc::not_found:
    case Errc::conflict:
    case Errc::unsupported:
    case Errc::refused: return kRefused;
    case Errc::no_space:
    case Errc::timeout:
    case Errc::epoch_ended:
    case Errc::temporary: return kTemporary;
    case Errc::io: return kIo;
    case Errc::closed: return kUnavailable;
    case Errc::permission: return kPermission;
  }
  return kBug;
}

} // namespace paquebot::cli
