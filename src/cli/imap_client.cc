#include "cli/imap_client.h"

#include "base/encoding.h"
#include "base/text.h"
#include "imap/uid_set.h"
#include "imap/write.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <utility>

namespace paquebot::cli {
namespace {

constexpr std::chrono::minutes kAnswer{5};
constexpr std::size_t kMostLine = 64u << 20;    // octets: what SEARCH says of some million messages
constexpr std::size_t kMostLiterals = 4u << 20; // octets of one response, but for a message
constexpr std::size_t kMostMessages = 20'000'000;

/// Octets of the literal that a line announces at its end.
std::optional<std::uint64_t> literal_of(std::string_view line) {
  if (!line.ends_with('}')) return {};
  const std::size_t open = line.rfind('{');
  if (open == std::string_view::npos) return {};
  return parse_u64(line.substr(open + 1, line.size() - open - 2));
}

/// A password or login may be quoted when it is plain.
bool quotable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7F; });
}

std::string imap_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

} // namespace

std::unexpected<Error> ImapClient::wrong(Errc code, std::string_view what) const {
  return fail(code, fmt::format("{} {}", driver_.where(), what));
}

// ---- The wire ----

Result<> ImapClient::fill() {
  buffer_.erase(0, at_);
  at_ = 0;
  const auto bytes = driver_.read(kAnswer, window_);
  if (!bytes) {
    if (bytes.error().code == Errc::timeout)
      return wrong(Errc::timeout, "stopped answering." + driver_.silence_advice());
    return std::unexpected(bytes.error());
  }
  if (bytes->empty()) return wrong(Errc::closed, "closed the connection." + driver_.silence_advice());
  buffer_ += *bytes;
  ++window_;
  return {};
}

/// Without its end.
Result<std::string> ImapClient::line() {
  std::size_t looked = at_;
  for (;;) {
    const std::size_t end = buffer_.find('\n', looked);
    if (end != std::string::npos) {
      std::string text = buffer_.substr(at_, end - at_);
      at_ = end + 1;
      if (text.ends_with('\r')) text.pop_back();
      return text;
    }
    if (buffer_.size() - at_ > kMostLine) return wrong(Errc::invalid, "sends a line without an end");
    const std::size_t known = buffer_.size() - at_;
    if (auto more = fill(); !more) return std::unexpected(more.error());
    looked = at_ + known;
  }
}

/// A line with its literals, which stand in it as they came.
Result<std::string> ImapClient::response() {
  auto whole = line();
  std::size_t octets = 0;
  while (whole) {
    const auto size = literal_of(*whole);
    if (!size) return whole;
    octets += *size;
    if (*size > kMostLiterals || octets > kMostLiterals)
      return wrong(Errc::invalid, "sends a literal that is too large");
    while (buffer_.size() - at_ < *size)
      if (auto more = fill(); !more) return std::unexpected(more.error());
    whole->append("\r\n").append(buffer_, at_, *size);
    at_ += *size;
    auto rest = line();
    if (!rest) return rest;
    *whole += *rest;
  }
  return whole;
}

Result<> ImapClient::send(std::string_view text) {
  ++window_;
  return driver_.write(text);
}

/// The end of the command, behind its tag.
Result<std::string> ImapClient::command(const std::string& text,
                                        const std::function<void(std::string_view)>& untagged) {
  tag_ = fmt::format("p{}", ++tags_);
  if (auto sent = send(fmt::format("{} {}\r\n", tag_, text)); !sent) return std::unexpected(sent.error());
  for (;;) {
    auto one = response();
    if (!one) return one;
    if (one->starts_with(tag_ + " ")) return one->substr(tag_.size() + 1);
    if (istarts_with(*one, "* BYE")) return wrong(Errc::closed, "says " + printable(one->substr(2), 200));
    if (one->starts_with('+')) return wrong(Errc::invalid, "waits for something that it was not asked for");
    if (untagged) untagged(*one);
  }
}

Result<> ImapClient::must(const std::string& text, const std::function<void(std::string_view)>& untagged) {
  const auto end = command(text, untagged);
  if (!end) return std::unexpected(end.error());
  if (istarts_with(*end, "OK")) return {};
  return wrong(Errc::refused, "says " + printable(*end, 200));
}

// ---- To the login ----

void ImapClient::take_capabilities(std::string_view text) { capabilities_ = to_lower(fmt::format(" {} ", text)); }

bool ImapClient::can(std::string_view capability) const {
  return capabilities_.contains(to_lower(fmt::format(" {} ", capability)));
}

Result<> ImapClient::learn_capabilities() {
  capabilities_.clear();
  return must("CAPABILITY", [this](std::string_view line) {
    if (istarts_with(line, "* CAPABILITY ")) take_capabilities(line.substr(13));
  });
}

Result<> ImapClient::greet() {
  const auto greeting = response();
  if (!greeting) return std::unexpected(greeting.error());
  preauth_ = istarts_with(*greeting, "* PREAUTH");
  if (preauth_ || istarts_with(*greeting, "* OK")) return {};
  if (istarts_with(*greeting, "* BYE")) return wrong(Errc::temporary, "turned us away: " + printable(*greeting, 200));
  return wrong(Errc::invalid, "does not speak IMAP: " + printable(*greeting, 200) + ". Is this the right port?");
}

Result<> ImapClient::secure() {
  if (driver_.encrypted() || !driver_.tls().wanted) return {};
  if (!can("STARTTLS")) {
    if (!driver_.tls().required) return {};
    return wrong(Errc::unsupported, "does not offer STARTTLS. Try its port with TLS (993), or --tls none on a network "
                                    "that you trust.");
  }
  if (auto agreed = must("STARTTLS", {}); !agreed) return agreed;
  buffer_.clear(); // what was slipped in behind the answer counts for nothing
  at_ = 0;
  if (auto started = driver_.start_tls(); !started) return started;
  return learn_capabilities();
}

/// Sends what the server waits for, and reads the end of the command.
Result<std::string> ImapClient::finish_login(std::string_view secret) {
  for (bool sent = false;;) {
    auto one = response();
    if (!one) return one;
    if (one->starts_with(tag_ + " ")) return one->substr(tag_.size() + 1);
    if (!one->starts_with('+')) continue;
    if (std::exchange(sent, true)) return wrong(Errc::invalid, "asks for more than a login has");
    if (auto given = send(fmt::format("{}\r\n", secret)); !given) return std::unexpected(given.error());
  }
}

Result<> ImapClient::log_in(const Target& target) {
  if (preauth_) return {};
  Result<std::string> end;
  if (can("AUTH=PLAIN")) {
    tag_ = fmt::format("p{}", ++tags_);
    if (auto sent = send(fmt::format("{} AUTHENTICATE PLAIN\r\n", tag_)); !sent) return std::unexpected(sent.error());
    end = finish_login(base64_encode(std::string("\0", 1) + target.user + std::string("\0", 1) + target.password));
  } else if (can("LOGINDISABLED")) {
    return wrong(Errc::unsupported, "takes no login with a password on this connection");
  } else if (!quotable(target.user) || !quotable(target.password)) {
    return wrong(Errc::unsupported, "takes only logins and passwords of ASCII: it does not offer AUTH=PLAIN");
  } else {
    end = command(fmt::format("LOGIN {} {}", imap_quoted(target.user), imap_quoted(target.password)), {});
  }
  if (!end) return std::unexpected(end.error());
  if (!istarts_with(*end, "OK"))
    return wrong(Errc::permission,
                 fmt::format("refused the login of \"{}\": {}", printable(target.user), printable(*end, 200)));
  return learn_capabilities();
}

Result<ImapClient> ImapClient::open(const Target& wanted) {
  Target target = wanted;
  auto where = parse_server(target.server);
  if (!where) return std::unexpected(where.error());
  const bool clear_start = target.tls == TlsMode::starttls || target.tls == TlsMode::none;
  if (where->port == 0) where->port = clear_start ? 143 : 993;
  auto driver = ClientDriver::connect(target, *where);
  if (!driver) return std::unexpected(driver.error());
  ImapClient client(std::move(*driver));
  if (auto done = client.greet(); !done) return std::unexpected(done.error());
  if (auto done = client.learn_capabilities(); !done) return std::unexpected(done.error());
  if (auto done = client.secure(); !done) return std::unexpected(done.error());
  if (auto done = client.log_in(target); !done) return std::unexpected(done.error());
  return Result<ImapClient>(std::move(client));
}

// ---- Reading ----

Result<std::vector<ImapFolder>> ImapClient::list() {
  std::vector<ImapFolder> folders;
  bool many = false;
  const auto take = [&](std::string_view line) {
    auto folder = parse_imap_folder(line);
    if (!folder || folder->use == "\\All" || folder->use == "\\Flagged") return;
    many = many || folders.size() == kMostFolders;
    if (!many) folders.push_back(std::move(*folder));
  };
  const bool extended = can("LIST-EXTENDED");
  const std::string wanted = can("SPECIAL-USE") ? "SPECIAL-USE SUBSCRIBED" : "SUBSCRIBED";
  if (auto done = must(extended ? "LIST \"\" \"*\" RETURN (" + wanted + ")" : "LIST \"\" \"*\"", take); !done)
    return std::unexpected(done.error());
  if (many) return wrong(Errc::invalid, fmt::format("has more than {} mailboxes", kMostFolders));
  if (auto done = extended ? Result<>() : learn_subscriptions(folders); !done) return std::unexpected(done.error());
  // Where none is, nobody has ever said what is to be shown.
  const bool known = std::ranges::any_of(folders, [](const ImapFolder& one) { return one.subscribed.has_value(); });
  for (ImapFolder& one : folders)
    if (known && !one.subscribed) one.subscribed = false;
  return folders;
}

/// Of a server without RFC 5258. One that can't tell, though RFC 3501 has it, is no reason to read nothing.
Result<> ImapClient::learn_subscriptions(std::vector<ImapFolder>& folders) {
  std::set<std::string> names;
  auto done = must("LSUB \"\" \"*\"", [&](std::string_view line) {
    auto folder = parse_imap_subscription(line);
    if (folder && names.size() < kMostFolders) names.insert(std::move(folder->name));
  });
  if (!done && done.error().code != Errc::refused) return done;
  for (ImapFolder& one : folders)
    if (names.contains(one.name)) one.subscribed = true;
  return {};
}

namespace {

/// Of "* OK [UIDNEXT 17] …".
std::optional<std::uint32_t> code_number(std::string_view line, std::string_view code) {
  if (!istarts_with(line, "* OK [")) return {};
  line.remove_prefix(6);
  if (!istarts_with(line, code) || !line.substr(code.size()).starts_with(' ')) return {};
  line.remove_prefix(code.size() + 1);
  const auto number = parse_u64(line.substr(0, line.find(']')));
  if (!number || *number > UINT32_MAX) return {};
  return static_cast<std::uint32_t>(*number);
}

} // namespace

Result<ImapContents> ImapClient::examine(const ImapFolder& folder) {
  std::string name;
  imap::put_string(name, folder.wire);
  if (name.starts_with('{')) return wrong(Errc::refused, "has a mailbox whose name can't be written");
  ImapContents contents;
  const auto told = [&](std::string_view line) {
    contents.uidvalidity = code_number(line, "UIDVALIDITY").value_or(contents.uidvalidity);
    contents.uidnext = code_number(line, "UIDNEXT").value_or(contents.uidnext);
  };
  if (auto done = must("EXAMINE " + name, told); !done) return std::unexpected(done.error());
  std::vector<std::uint32_t>& uids = contents.uids;
  bool good = true;
  auto done = must("UID SEARCH ALL", [&](std::string_view line) {
    if (!istarts_with(line, "* SEARCH")) return;
    for (const std::string_view word : split(line.substr(8), ' ')) {
      if (word.empty()) continue;
      const auto uid = parse_u64(word);
      good = good && uid && *uid != 0 && *uid <= UINT32_MAX && uids.size() < kMostMessages;
      if (!good) return;
      uids.push_back(static_cast<std::uint32_t>(*uid));
    }
  });
  if (!done) return std::unexpected(done.error());
  if (!good) return wrong(Errc::invalid, "names messages by what is no uid");
  std::ranges::sort(uids);
  uids.erase(std::ranges::unique(uids).begin(), uids.end());
  return contents;
}

Result<std::vector<ImapFacts>> ImapClient::facts(const std::vector<std::uint32_t>& uids) {
  imap::UidSet set;
  for (const std::uint32_t uid : uids) imap::append(set, uid);
  std::vector<ImapFacts> all;
  auto done = must(fmt::format("UID FETCH {} (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID "
                               "DATE FROM TO SUBJECT)])",
                               imap::to_text(set)),
                   [&](std::string_view line) {
                     auto one = parse_imap_facts(line);
                     // News of others' flags are no answer.
                     if (one && (one->date || one->size > 0) && std::ranges::binary_search(uids, one->uid))
                       all.push_back(std::move(*one));
                   });
  if (!done) return std::unexpected(done.error());
  std::ranges::sort(all, {}, &ImapFacts::uid);
  const auto twice = std::ranges::unique(all, {}, &ImapFacts::uid);
  all.erase(twice.begin(), twice.end());
  return all;
}

Result<bool> ImapClient::begin(std::uint32_t uid) {
  tag_ = fmt::format("p{}", ++tags_);
  if (auto sent = send(fmt::format("{} UID FETCH {} (BODY.PEEK[])\r\n", tag_, uid)); !sent)
    return std::unexpected(sent.error());
  left_ = 0;
  short_.clear();
  for (;;) {
    const auto one = line();
    if (!one) return std::unexpected(one.error());
    if (one->starts_with(tag_ + " ")) {
      if (istarts_with(std::string_view(*one).substr(tag_.size() + 1), "OK")) return false;
      return wrong(Errc::refused, "says " + printable(one->substr(tag_.size() + 1), 200));
    }
    if (istarts_with(*one, "* BYE")) return wrong(Errc::closed, "says " + printable(one->substr(2), 200));
    const bool content = one->contains(" FETCH (") && one->contains("BODY[]");
    const auto size = literal_of(*one);
    if (content && size) {
      left_ = *size;
      reading_ = true;
      return true;
    }
    if (size) return wrong(Errc::invalid, "sends a literal where none was asked for");
    if (!content) continue;
    const auto facts = parse_imap_facts(one->contains("UID ") ? *one : one->substr(0, one->size() - 1) + " UID 1)");
    if (!facts) return wrong(Errc::invalid, "sends a message that can't be read");
    short_ = facts->fields;
    reading_ = true;
    return true;
  }
}

Result<std::string_view> ImapClient::piece() {
  constexpr std::size_t kPiece = 64 * 1024;
  piece_.clear();
  if (!reading_) return std::string_view();
  if (left_ == 0 && short_.empty()) {
    if (auto ended = end_message(); !ended) return std::unexpected(ended.error());
    return std::string_view();
  }
  if (!short_.empty()) {
    piece_ = std::exchange(short_, {});
    return std::string_view(piece_);
  }
  if (at_ == buffer_.size())
    if (auto more = fill(); !more) return std::unexpected(more.error());
  const auto part = static_cast<std::size_t>(std::min<std::uint64_t>({left_, buffer_.size() - at_, kPiece}));
  piece_ = buffer_.substr(at_, part);
  at_ += part;
  left_ -= part;
  return std::string_view(piece_);
}

/// What stands behind a message, up to the end of the command.
Result<> ImapClient::end_message() {
  reading_ = false;
  for (;;) {
    const auto one = response();
    if (!one) return std::unexpected(one.error());
    if (one->starts_with(tag_ + " ")) return {};
    if (istarts_with(*one, "* BYE")) return wrong(Errc::closed, "says " + printable(one->substr(2), 200));
  }
}

Result<> ImapClient::drop() {
  while (reading_) {
    const auto more = piece();
    if (!more) return std::unexpected(more.error());
  }
  return {};
}

void ImapClient::quit() { static_cast<void>(command("LOGOUT", {})); }

} // namespace paquebot::cli
