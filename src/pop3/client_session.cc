#include "pop3/client_session.h"

#include "base/encoding.h"
#include "base/text.h"
#include "pop3/line_buffer.h"
#include "pop3/message_decoder.h"
#include "sasl/client.h"
#include "sasl/secret.h"

#include <algorithm>
#include <cassert>
#include <deque>
#include <fmt/format.h>

namespace paquebot::pop3 {

namespace {

constexpr std::size_t kProgress = 4096;        // octets of a long reply that earn a new deadline
constexpr std::size_t kMaxCapabilities = 1000; // lines of a CAPA reply
constexpr std::size_t kMaxCommand = 255;       // octets of a command, RFC 2449 section 4
constexpr std::size_t kAhead = 64;             // commands sent before their replies
constexpr std::size_t kMaxUidl = 255;          // octets; RFC 1939 section 7 allows 70, some servers more

bool sendable(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

/// The first two words of a listing's line.
struct Row {
  std::string_view number, value;
};
Row read_row(std::string_view line) {
  std::size_t gap = line.find(' ');
  if (gap == std::string_view::npos) return {line, {}};
  std::string_view value = trim(line.substr(gap + 1));
  return {line.substr(0, gap), value.substr(0, value.find(' '))};
}

} // namespace

struct ClientSession::Impl {
  /// What the next line from the server answers.
  enum class Awaits : std::uint8_t {
    nothing,
    greeting,
    capa,
    capa_lines,
    stls,
    utf8,
    auth,
    user,
    pass,
    list,
    list_lines,
    uidl,
    uidl_lines,
    retrieve,
    message,
    remove,
    quit,
  };

  Impl(ClientOptions o, bool e) : options(std::move(o)), encrypted(e) {}
  ~Impl() { forget_secrets(); }

  ClientAction next();
  ClientAction action_of_input();
  void line(std::string_view text);
  void reply(bool good, std::string_view text);
  void command_reply(bool good, std::string_view text);
  void listing_line(std::string_view text);
  void list_row(std::string_view text);
  void uidl_row(std::string_view text);
  void message_input();

  void send(Awaits what, std::string_view command);
  void start(Awaits what, const std::string& command);
  void capabilities_known();
  void set_utf8();
  void log_in();
  void begin_auth();
  bool fall_back();
  void ask_ahead();
  void one_retrieved();
  void auth_challenge(std::string_view text);
  void logged_in();
  void forget_secrets();
  void fail(ClientFailure kind, std::string text); // a command failed, the session goes on
  void give_up(ClientFailure kind, std::string text, bool polite = false);
  void broken(std::string_view what) {
    give_up(ClientFailure::malformed, fmt::format("the server broke the protocol: {}", what));
  }

  ClientOptions options;
  bool encrypted;
  Awaits awaits = Awaits::greeting;
  LineBuffer input;
  MessageDecoder decoder;
  std::string waiting; // message octets not decoded yet
  std::string chunk;
  std::string out;
  bool out_given = false;
  bool start_tls = false;
  bool ready = false;
  bool done = false;
  bool closed = false;
  std::uint32_t window = 1;
  std::size_t since_window = 0;

  std::size_t capability_count = 0;
  bool offers_stls = false;
  bool offers_pipelining = false;
  bool offers_utf8 = false;
  bool offers_utf8_user = false;
  std::vector<std::string> offered;
  std::unique_ptr<sasl::ClientMechanism> mechanism;
  sasl::Channel channel;
  bool fell_back = false; ///< from SCRAM to PLAIN

  std::deque<std::uint32_t> wanted; ///< messages not asked for yet
  long wanted_lines = -1;
  std::size_t in_flight = 0; ///< retrievals asked for and not answered

  std::vector<MailboxItem> items;
  std::size_t uidl_at = 0;
  ClientFailure failure = ClientFailure::none;
  std::string error;
};

void ClientSession::Impl::forget_secrets() {
  sasl::wipe(options.password);
  mechanism.reset();
}

void ClientSession::Impl::send(Awaits what, std::string_view command) {
  awaits = what;
  out += command;
  out += "\r\n";
  ++window;
  since_window = 0;
}

void ClientSession::Impl::fail(ClientFailure kind, std::string text) {
  failure = kind;
  error = std::move(text);
}

void ClientSession::Impl::give_up(ClientFailure kind, std::string text, bool polite) {
  if (closed) return;
  fail(kind, std::move(text));
  forget_secrets();
  if (polite)
    out += "QUIT\r\n";
  else
    out.clear();
  closed = true;
  start_tls = false;
  awaits = Awaits::nothing;
}

ClientAction ClientSession::Impl::next() {
  if (out_given) {
    sasl::wipe(out); // the password may have been in it
    out_given = false;
  }
  if (!out.empty()) {
    out_given = true;
    return ClientSend{out};
  }
  return action_of_input();
}

ClientAction ClientSession::Impl::action_of_input() {
  for (;;) {
    if (!out.empty()) return next();
    if (done) {
      done = false;
      return ClientDone{};
    }
    if (closed) return ClientClosed{};
    if (start_tls) return ClientStartTls{};
    if (awaits == Awaits::nothing) return ClientReady{};
    if (awaits == Awaits::message) {
      message_input();
      if (!chunk.empty()) return ClientChunk{chunk};
      if (awaits != Awaits::message) continue;
      return ClientNeedInput{options.timeout, window};
    }
    std::string_view text;
    switch (input.next(options.max_line, text)) {
      case LineBuffer::Status::line: line(text); break;
      case LineBuffer::Status::too_long: broken("a line is too long"); break;
      case LineBuffer::Status::none: return ClientNeedInput{options.timeout, window};
    }
  }
}

void ClientSession::Impl::message_input() {
  chunk.clear();
  if (!waiting.empty()) {
    std::size_t used = decoder.decode(waiting, chunk);
    waiting.erase(0, used);
  }
  if (!decoder.ended()) return;
  if (!waiting.empty() && in_flight < 2) return broken("octets after the end of a message");
  input.append(waiting);
  waiting.clear();
  one_retrieved();
}

void ClientSession::Impl::ask_ahead() {
  const std::size_t most = offers_pipelining ? kAhead : 1;
  for (; !wanted.empty() && in_flight < most; ++in_flight) {
    const std::uint32_t number = wanted.front();
    wanted.pop_front();
    out += wanted_lines < 0 ? fmt::format("RETR {}\r\n", number) : fmt::format("TOP {} {}\r\n", number, wanted_lines);
  }
  awaits = in_flight == 0 ? Awaits::nothing : Awaits::retrieve;
  ++window;
  since_window = 0;
}

void ClientSession::Impl::one_retrieved() {
  done = true;
  --in_flight;
  if (in_flight > kAhead / 2) { // in batches: not one write a message
    awaits = Awaits::retrieve;
    ++window;
  } else {
    ask_ahead();
  }
}

void ClientSession::Impl::line(std::string_view text) {
  if (awaits == Awaits::capa_lines || awaits == Awaits::list_lines || awaits == Awaits::uidl_lines) {
    return listing_line(text);
  }
  if (awaits == Awaits::auth && (text == "+" || text.starts_with("+ "))) {
    return auth_challenge(text.substr(std::min<std::size_t>(2, text.size())));
  }
  std::string_view indicator = text.substr(0, text.find(' ')); // RFC 1939 section 3
  bool good = iequals(indicator, "+OK");
  if (!good && !iequals(indicator, "-ERR")) return broken(fmt::format("\"{}\"", printable(text, 80)));
  std::string said = printable(trim(text.substr(indicator.size())));
  if (said.empty()) said = "no reason given";
  reply(good, said);
}

void ClientSession::Impl::reply(bool good, std::string_view text) {
  switch (awaits) {
    case Awaits::greeting:
      if (!good) return give_up(ClientFailure::greeting, std::string(text), true);
      return send(Awaits::capa, "CAPA");
    case Awaits::capa:
      if (good)
        awaits = Awaits::capa_lines;
      else
        capabilities_known(); // a server without RFC 2449
      return;
    case Awaits::stls:
      if (!good) {
        return give_up(ClientFailure::tls_unavailable, fmt::format("the server refused TLS: {}", text), true);
      }
      start_tls = true;
      return;
    case Awaits::utf8: return log_in(); // refused: then without it
    case Awaits::user:
      if (!good) return give_up(ClientFailure::login, std::string(text), true);
      out.reserve(options.password.size() + 16); // so that no copy stays behind
      out += "PASS ";
      send(Awaits::pass, options.password);
      return forget_secrets();
    case Awaits::auth:
    case Awaits::pass:
      if (!good && fall_back()) return;
      if (!good) return give_up(ClientFailure::login, std::string(text), true);
      // RFC 5802 section 3: whoever skips the proof does not know the password.
      if (mechanism && !mechanism->complete())
        return give_up(ClientFailure::login, "the server says that we are logged in before the login was through",
                       true);
      return logged_in();
    default: return command_reply(good, text);
  }
}

void ClientSession::Impl::command_reply(bool good, std::string_view text) {
  if (good && awaits == Awaits::list) {
    awaits = Awaits::list_lines;
    return;
  }
  if (good && awaits == Awaits::uidl) {
    awaits = Awaits::uidl_lines;
    uidl_at = 0;
    return;
  }
  if (good && awaits == Awaits::retrieve) {
    awaits = Awaits::message;
    decoder = MessageDecoder();
    waiting = input.take_rest();
    fail(ClientFailure::none, {});
    return;
  }
  // UIDL is optional (RFC 1939 section 7): without it the listing stands.
  if (!good && awaits != Awaits::uidl) fail(ClientFailure::command, std::string(text));
  if (awaits == Awaits::retrieve) return one_retrieved();
  if (awaits == Awaits::quit) closed = true;
  awaits = Awaits::nothing;
  done = true;
}

void ClientSession::Impl::capabilities_known() {
  if (encrypted || !(options.tls_wanted || options.tls_required)) return set_utf8();
  // A server without CAPA may still know STLS; with TLS required it is worth the question.
  if (offers_stls || (options.tls_required && capability_count == 0)) return send(Awaits::stls, "STLS");
  if (options.tls_required) {
    return give_up(ClientFailure::tls_unavailable,
                   "the server does not offer TLS, and the password is not sent without it", true);
  }
  set_utf8();
}

void ClientSession::Impl::set_utf8() {
  if (!offers_utf8) return log_in();
  send(Awaits::utf8, "UTF8"); // RFC 6856 section 2.1: before the login, and after STLS
}

void ClientSession::Impl::log_in() {
  if (options.user.empty() || !sendable(options.user) || !sendable(options.password)) {
    return give_up(ClientFailure::login, "the user name or password is empty or holds a line break", true);
  }
  // RFC 5034 section 3: AUTH only where SASL was announced.
  mechanism = sasl::make_client(offered, sasl::Credentials{"", options.user, options.password}, channel);
  if (!mechanism && !offers_utf8_user && !(is_ascii(options.user) && is_ascii(options.password))) {
    // RFC 6856 section 2.2.
    return give_up(ClientFailure::login, "the server takes no user names and passwords beyond ASCII", true);
  }
  if (!mechanism) return send(Awaits::user, "USER " + options.user);
  begin_auth();
}

void ClientSession::Impl::begin_auth() {
  std::string command = fmt::format("AUTH {}", mechanism->name());
  // Section 4: an initial response only in a command of at most 255 octets. PLAIN has the longest: two octets more than
  // name and password.
  std::size_t length = command.size() + 1 + (2 + options.user.size() + options.password.size() + 2) / 3 * 4 + 2;
  if (mechanism->name() == "PLAIN" && length <= kMaxCommand) {
    auto first = mechanism->initial();
    command += ' ';
    command += base64_encode(*first);
    sasl::wipe(*first);
  }
  send(Awaits::auth, command);
  sasl::wipe(command);
}

/// Once, to PLAIN, where that gives nothing away.
bool ClientSession::Impl::fall_back() {
  if (!mechanism || fell_back) return false;
  auto other = sasl::make_fallback(*mechanism, offered, {"", options.user, options.password}, channel);
  if (!other) return false;
  fell_back = true;
  mechanism = std::move(other);
  begin_auth();
  return true;
}

void ClientSession::Impl::auth_challenge(std::string_view text) {
  auto challenge = base64_decode(text);
  Result<std::string> response = challenge ? mechanism->respond(*challenge) : paquebot::fail(Errc::invalid, "");
  if (!response) return send(Awaits::auth, "*"); // RFC 5034 section 4: cancel
  send(Awaits::auth, base64_encode(*response));
  sasl::wipe(*response);
}

void ClientSession::Impl::logged_in() {
  forget_secrets();
  awaits = Awaits::nothing;
}

void ClientSession::Impl::listing_line(std::string_view text) {
  since_window += text.size() + 2;
  if (since_window >= kProgress) {
    ++window;
    since_window = 0;
  }
  if (text == ".") {
    if (awaits == Awaits::capa_lines) return capabilities_known();
    if (awaits == Awaits::list_lines) return send(Awaits::uidl, "UIDL");
    awaits = Awaits::nothing;
    done = true;
    return;
  }
  if (text.starts_with('.')) text.remove_prefix(1);
  if (awaits == Awaits::list_lines) return list_row(text);
  if (awaits == Awaits::uidl_lines) return uidl_row(text);
  if (++capability_count > kMaxCapabilities) return broken("endless CAPA");
  if (iequals(text, "STLS")) offers_stls = true;
  if (iequals(text, "PIPELINING")) offers_pipelining = true;
  if (iequals(text, "UTF8") || istarts_with(text, "UTF8 ")) offers_utf8 = true;
  if (iequals(text, "UTF8 USER")) offers_utf8_user = true;
  if (!istarts_with(text, "SASL ")) return;
  for (std::string_view name : split(text.substr(5), ' ')) {
    if (!name.empty() && offered.size() < kMaxCapabilities) offered.emplace_back(name);
  }
}

void ClientSession::Impl::list_row(std::string_view text) {
  Row row = read_row(text);
  auto number = parse_u64(row.number);
  auto size = parse_u64(row.value);
  if (!number || !size || *number > 0xffffffffU || *number <= (items.empty() ? 0 : items.back().number)) {
    return broken(fmt::format("\"{}\" in the listing", printable(text, 80)));
  }
  if (items.size() >= options.max_items) return broken("the listing is too long");
  items.push_back({static_cast<std::uint32_t>(*number), *size, {}});
}

void ClientSession::Impl::uidl_row(std::string_view text) {
  Row row = read_row(text);
  auto number = parse_u64(row.number);
  if (!number || row.value.empty() || row.value.size() > kMaxUidl) {
    return broken(fmt::format("\"{}\" in the listing", printable(text, 80)));
  }
  while (uidl_at < items.size() && items[uidl_at].number < *number) ++uidl_at;
  if (uidl_at < items.size() && items[uidl_at].number == *number) items[uidl_at].uidl = row.value;
}

ClientSession::ClientSession(ClientOptions options, bool encrypted)
    : impl_(std::make_unique<Impl>(std::move(options), encrypted)) {}
ClientSession::~ClientSession() = default;

void ClientSession::feed(std::string_view bytes) {
  if (impl_->closed || impl_->start_tls) return;
  if (impl_->awaits != Impl::Awaits::message) return impl_->input.append(bytes);
  impl_->waiting.append(bytes);
  impl_->since_window += bytes.size();
  if (impl_->since_window < kProgress) return;
  ++impl_->window;
  impl_->since_window = 0;
}

void ClientSession::set_channel(sasl::Channel channel) { impl_->channel = std::move(channel); }
void ClientSession::tls_started() {
  // RFC 2595 section 4: what was learnt in clear, or slipped in before the handshake, counts for nothing.
  impl_->start_tls = false;
  impl_->encrypted = true;
  impl_->input.clear();
  impl_->offered.clear();
  impl_->capability_count = 0;
  impl_->offers_stls = impl_->offers_pipelining = impl_->offers_utf8 = impl_->offers_utf8_user = false;
  impl_->send(Impl::Awaits::capa, "CAPA");
}

void ClientSession::tls_failed(std::string cause) { impl_->give_up(ClientFailure::tls_failed, printable(cause)); }
void ClientSession::timed_out() { impl_->give_up(ClientFailure::timeout, "the server did not answer in time"); }
void ClientSession::eof() { impl_->give_up(ClientFailure::lost, "the server closed the connection"); }

void ClientSession::Impl::start(Awaits what, const std::string& command) {
  if (closed) return;
  assert(awaits == Awaits::nothing && out.empty());
  fail(ClientFailure::none, {});
  if (!input.empty()) return broken("octets that nobody asked for");
  send(what, command);
}

void ClientSession::list() {
  impl_->items.clear();
  impl_->start(Impl::Awaits::list, "LIST");
}
void ClientSession::retrieve(std::uint32_t number, long lines) { retrieve_all({number}, lines); }
void ClientSession::retrieve_all(std::vector<std::uint32_t> numbers, long lines) {
  if (impl_->closed) return;
  assert(impl_->awaits == Impl::Awaits::nothing && impl_->out.empty());
  impl_->fail(ClientFailure::none, {});
  if (!impl_->input.empty()) return impl_->broken("octets that nobody asked for");
  impl_->wanted.assign(numbers.begin(), numbers.end());
  impl_->wanted_lines = lines;
  impl_->ask_ahead();
}
void ClientSession::remove(std::uint32_t number) { impl_->start(Impl::Awaits::remove, fmt::format("DELE {}", number)); }
void ClientSession::quit() { impl_->start(Impl::Awaits::quit, "QUIT"); }

ClientAction ClientSession::next() { return impl_->next(); }
const std::vector<MailboxItem>& ClientSession::items() const { return impl_->items; }
const std::string& ClientSession::error() const { return impl_->error; }
bool ClientSession::ok() const { return impl_->failure == ClientFailure::none; }
ClientFailure ClientSession::failure() const { return impl_->failure; }
bool ClientSession::encrypted() const { return impl_->encrypted; }

} // namespace paquebot::pop3
