#include "base/text.h"
#include "pop3/client_impl.h"
#include "sasl/secret.h"

#include <algorithm>
#include <cassert>
#include <fmt/format.h>

namespace paquebot::pop3 {

namespace {

constexpr std::size_t kProgress = 4096; // octets of a long reply that earn a new deadline
constexpr std::size_t kAhead = 64;      // commands sent before their replies

} // namespace

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
  const std::size_t most = offers.pipelining ? kAhead : 1;
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
  if (awaits == Awaits::list_lines || awaits == Awaits::uidl_lines) {
    const bool list = awaits == Awaits::list_lines;
    if (!(list ? listing.size_row(text) : listing.name_row(text)))
      return broken(fmt::format("\"{}\" in the listing", printable(text, 80)));
    if (listing.items().size() > options.max_items) broken("the listing is too long");
    return;
  }
  if (!offers.line(text)) broken("endless CAPA");
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
  impl_->offers = {};
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
  impl_->listing.clear();
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
const std::vector<MailboxItem>& ClientSession::items() const { return impl_->listing.items(); }
const std::string& ClientSession::error() const { return impl_->error; }
bool ClientSession::ok() const { return impl_->failure == ClientFailure::none; }
ClientFailure ClientSession::failure() const { return impl_->failure; }
bool ClientSession::encrypted() const { return impl_->encrypted; }

} // namespace paquebot::pop3
