// The verbs of the mail programs: `send` and `fetch`. Their work is done in send.h and fetch.h.
#include "base/text.h"
#include "cli/client_target.h"
#include "cli/fetch.h"
#include "cli/passwords.h"
#include "cli/safe_folder.h"
#include "cli/send.h"
#include "cli/trusted_path.h"
#include "cli/verbs.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iostream>
#include <sstream>
#include <unistd.h>

namespace paquebot::cli {
namespace {

Result<TlsMode> read_tls(const Arguments& arguments) {
  const std::string text = arguments.text("--tls");
  if (text.empty() || text == "auto") return TlsMode::automatic;
  if (text == "starttls") return TlsMode::starttls;
  if (text == "implicit") return TlsMode::implicit;
  if (text == "none") return TlsMode::none;
  return fail(Errc::invalid, "--tls must be auto, starttls, implicit or none");
}

/// --require-tls begins with the first server: TLS, and its certificate checked (RFC 8689 section 4.3).
Result<> require_tls(SendOptions& options) {
  if (options.wishes.tls != mail::TlsWish::required) return {};
  if (options.target.tls == TlsMode::none || !options.target.verify)
    return fail(Errc::invalid,
                "--require-tls needs TLS with a checked certificate: leave out --tls none and --insecure");
  const bool plain = options.target.tls == TlsMode::automatic &&
                     !options.target.tls_first.value_or(options.target.server.ends_with(":465"));
  if (plain && options.target.user.empty()) options.target.tls = TlsMode::starttls;
  return {};
}

Result<FetchOptions> read_fetch(Session& session, const Arguments& arguments) {
  auto target = read_target(session, arguments, &ServerPlace::pop3, "localhost:995");
  if (!target) return std::unexpected(target.error());
  if (target->user.empty()) return session.failure(kUsage, "say whose mail: --user you@example.org");
  FetchOptions options;
  options.target = std::move(*target);
  options.json = session.json;
  options.remove = arguments.has("--delete");
  if (const std::string folder = arguments.text("--folder"); !folder.empty()) options.folder = folder;
  if (const std::string newest = arguments.text("--newest"); !newest.empty()) {
    const auto number = parse_u64(newest);
    if (!number || *number > UINT32_MAX) return fail(Errc::invalid, "--newest must be a number");
    options.newest = static_cast<std::uint32_t>(*number);
  }
  return options;
}

Result<std::vector<std::uint32_t>> read_numbers(const Arguments& arguments) {
  std::vector<std::uint32_t> numbers;
  for (const auto& text : arguments.list("NUMBER")) {
    const auto number = parse_u64(text);
    if (!number || *number == 0 || *number > UINT32_MAX) {
      return fail(Errc::invalid, "\"" + printable(text, 64) + "\" is not a message number (see: paquebot fetch list)");
    }
    numbers.push_back(static_cast<std::uint32_t>(*number));
  }
  return numbers;
}

int finish(Session& session, const Result<>& result) { return result ? int{kOk} : session.report(result.error()); }

using NumberedAction = Result<> (*)(const FetchOptions&, const std::vector<std::uint32_t>&, std::ostream&);

int with_numbers(Session& session, const Arguments& arguments, NumberedAction action) {
  const auto numbers = read_numbers(arguments);
  if (!numbers) return session.report(numbers.error());
  const auto options = read_fetch(session, arguments);
  if (!options) return session.report(options.error());
  return finish(session, action(*options, *numbers, session.out()));
}

/// What is to be read can be: before anybody is asked for a password.
Result<> check_files(Session& session, const SendOptions& options) {
  std::vector<std::string> files = options.letter.attachments;
  for (const std::string& file : {options.text_file, options.html_file})
    if (!file.empty() && file != "-") files.push_back(file);
  for (const std::string& file : files) {
    const Descriptor open(::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (!open) return session.failure(kNoInput, file + " can't be read: " + std::strerror(errno));
  }
  return {};
}

} // namespace

Result<Target> read_target(Session& session, const Arguments& arguments, NearListener ServerPlace::* listener,
                           const char* standard) {
  Target target;
  const auto tls = read_tls(arguments);
  if (!tls) return session.failure(kUsage, tls.error().message);
  target.tls = *tls;
  target.server = arguments.text("--server");
  if (target.server.empty()) {
    const auto place = session.place();
    target.server = standard;
    if (place && !((*place).*listener).address.empty()) {
      target.server = ((*place).*listener).address;
      target.tls_first = ((*place).*listener).tls_first;
    }
  }
  target.verify = !arguments.has("--insecure");
  if (const std::string file = arguments.text("--ca-file"); !file.empty()) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    if (!in || !(text << in.rdbuf()))
      return session.failure(kNoInput, "can't read " + file + ": " + std::strerror(errno));
    target.ca_pem = text.str();
  }
  target.user = arguments.text("--user");
  if (!target.user.empty()) {
    auto password = read_password(password_source(arguments, "Password for " + printable(target.user), false), session);
    if (!password) return std::unexpected(password.error());
    target.password = std::move(*password);
  }
  return target;
}

int send(Session& session, const Arguments& arguments) {
  if (arguments.has("--as")) return send_as(session, arguments);
  SendOptions options;
  options.letter.from = arguments.text("--from");
  options.letter.to = arguments.list("--to");
  options.letter.cc = arguments.list("--cc");
  options.letter.bcc = arguments.list("--bcc");
  options.letter.subject = arguments.text("--subject");
  options.letter.attachments = arguments.list("--attach");
  options.letter.headers = arguments.list("--header");
  if (arguments.has("--text")) options.letter.text = arguments.text("--text");
  if (arguments.has("--html")) options.letter.html = arguments.text("--html");
  options.text_file = arguments.text("--text-file");
  options.html_file = arguments.text("--html-file");
  // Like mail(1): what is typed or piped is the text.
  const bool has_text =
      options.letter.text || options.letter.html || !options.text_file.empty() || !options.html_file.empty();
  if (!has_text && options.letter.attachments.empty()) options.text_file = "-";
  options.progress = session.terminal() && !arguments.has("--quiet");
  if (auto there = check_files(session, options); !there) return session.report(there.error());
  if (options.letter.from.empty()) options.letter.from = arguments.text("--user");
  if (options.letter.from.empty())
    return session.report(session.failure(kUsage, "say who writes: --from you@example.org").error());
  auto target = read_target(session, arguments, &ServerPlace::submission, "localhost:587");
  if (!target) return session.report(target.error());
  options.target = std::move(*target);
  auto wishes = read_wishes(arguments, system_clock().wall());
  if (!wishes) return session.report(wishes.error());
  options.wishes = std::move(*wishes);
  if (auto safe = require_tls(options); !safe)
    return session.report(session.failure(kUsage, safe.error().message).error());
  return finish(session, send_letter(std::move(options), session.in(), session.out(), session.err()));
}

int fetch_list(Session& session, const Arguments& arguments) {
  const auto options = read_fetch(session, arguments);
  if (!options) return session.report(options.error());
  return finish(session, fetch_list(*options, session.out()));
}

int fetch_show(Session& session, const Arguments& arguments) { return with_numbers(session, arguments, fetch_show); }
int fetch_save(Session& session, const Arguments& arguments) {
  const std::string folder = arguments.has("--folder") ? arguments.text("--folder") : ".";
  if (const auto usable = SafeFolder::open(folder); !usable)
    return session.report(session.failure(kCantCreate, usable.error().message).error());
  return with_numbers(session, arguments, fetch_save);
}
int fetch_delete(Session& session, const Arguments& arguments) {
  return with_numbers(session, arguments, fetch_delete);
}

} // namespace paquebot::cli
