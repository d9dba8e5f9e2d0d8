#include "service/http_session.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "policy/client_rates.h"
#include "service/forwarded.h"

#include <exception>
#include <utility>

namespace paquebot::service {
namespace {

/// For implicit TLS: nothing was said yet.
constexpr std::chrono::seconds kHttpFirstHandshake{30};
/// Octets of content that nobody is asked for, and those that a network may hold in any case.
constexpr std::uint64_t kFreeContent = 16u << 10;
constexpr std::uint64_t kLeastContent = 1u << 20;
/// An answer goes out at least so fast, after a first while.
constexpr std::chrono::seconds kSending{60};
constexpr std::size_t kOctetsInSecond = 4096;

http::Visitor visitor_of(const net::Stream& stream) {
  http::Visitor visitor;
  const net::Endpoint local = stream.local();
  const long uid = stream.peer_uid();
  if (uid >= 0) {
    visitor.uid = static_cast<std::uint32_t>(uid);
    return visitor;
  }
  visitor.address = stream.remote().address;
  visitor.port = local.port;
  return visitor;
}

} // namespace

HttpConnection::HttpConnection(HttpParts parts, std::shared_ptr<const HttpListenerOptions> options, net::Stream stream,
                               boost::asio::any_io_executor executor)
    : parts_(parts), options_(std::move(options)), pump_(std::move(stream), net::Pump::Side::server),
      executor_(std::move(executor)), session_(options_->session), peer_(visitor_of(pump_.stream())),
      share_(parts.memory, kFreeContent, {policy::network_of(peer_.address), kLeastContent}) {}

Task<void> HttpConnection::serve(std::shared_ptr<HttpConnection> self) {
  HttpConnection& connection = *self;
  std::weak_ptr<LiveSession> weak = self;
  connection.token_ = connection.parts_.sessions.enter(connection.executor_, weak);
  std::exception_ptr broke; // what was taken is given back all the same
  try {
    bool begun = co_await connection.begin();
    if (begun) co_await connection.pump_.run(connection);
  } catch (...) {
    broke = std::current_exception();
  }
  connection.parts_.sessions.leave(connection.token_);
  connection.forget();
  connection.pump_.stream().close();
  if (broke) std::rethrow_exception(broke);
}

Task<bool> HttpConnection::begin() {
  if (!options_->tls) co_return true;
  net::TlsContext& context = *options_->tls;
  auto info = co_await pump_.accept_tls(context, kHttpFirstHandshake);
  if (!info) {
    log::info("tls-failed", {{"client", peer_.address}, {"why", info.error().message}});
    co_return false;
  }
  peer_.encrypted = true;
  peer_.server_name = std::move(info->server_name);
  co_return info->protocol != net::kAcmeProtocol; // who asked for that has seen what he came for
}

void HttpConnection::shut_down() {
  session_.shut_down();
  if (source_) source_->stop();
  pump_.wake();
}

net::LiveFacts HttpConnection::facts() const {
  const net::Endpoint remote = pump_.stream().remote();
  return {.protocol = "http",
          .role = peer_.uid ? "control" : "http",
          .peer = peer_.uid ? "uid " + std::to_string(*peer_.uid) : remote.to_string(),
          .state = pump_.writing()       ? "is slow to read"
                   : request_ != nullptr ? "waits for an answer"
                                         : "is silent",
          .tls = peer_.encrypted ? "TLS" : ""};
}

/// Requests carry tokens, cookies and passwords in many places.
void HttpConnection::watch(std::shared_ptr<net::Transcript> transcript) {
  if (transcript->lines().empty())
    transcript->add(net::Transcript::Who::note, "what is said over HTTP is not shown", millis(system_clock().wall()));
}

void HttpConnection::end() {
  if (source_) source_->stop();
  pump_.cut();
}

// ---- What the pump asks ----

net::Order HttpConnection::next() {
  using Kind = net::Order::Kind;
  for (;;) {
    action_ = session_.next();
    if (const auto fault = session_.take_fault())
      log::debug("http-refused", {{"client", peer_.address}, {"status", fault->status}, {"why", fault->detail}});
    if (const auto* send = std::get_if<http::Send>(&action_)) {
      const auto within = kSending + std::chrono::seconds(send->bytes.size() / kOctetsInSecond);
      return {.kind = Kind::send, .bytes = send->bytes, .within = within};
    }
    if (const auto* need = std::get_if<http::NeedInput>(&action_))
      return {.kind = Kind::read, .within = need->within, .window = need->window};
    if (std::holds_alternative<http::Close>(action_)) return {.kind = Kind::rest};
    if (std::holds_alternative<http::EndOutput>(action_)) {
      pump_.stream().end_output();
    } else if (std::holds_alternative<http::Forget>(action_)) {
      forget();
    } else if (const auto* begun = std::get_if<http::AskRequest>(&action_); begun != nullptr && request_ == nullptr) {
      begin_request(*begun);
    } else if (const auto* piece = std::get_if<http::Content>(&action_); piece == nullptr || !keep(*piece)) {
      return {.kind = Kind::question};
    }
  }
}

/// Content is asked for before anybody is; a request that may bring none is answered without it.
void HttpConnection::begin_request(const http::AskRequest& ask) {
  request_ = ask.request;
  const std::uint64_t most =
      parts_.site.most_content(*request_, visitor_for(*request_, peer_, options_->forwarded_from));
  if (most > 0 || request_->framing == http::Framing::none) session_.read_content(ask.id, most);
}

/// False: memory for it has to be asked for.
bool HttpConnection::keep(const http::Content& piece) {
  if (!share_.covers(content_.size() + piece.bytes.size())) return false;
  content_ += piece.bytes;
  return true;
}

void HttpConnection::forget() {
  request_ = nullptr;
  source_.reset();
  std::string().swap(content_);
  share_.reset();
}

Task<void> HttpConnection::answer() {
  const auto by_kind = [this](const auto& action) -> Task<void> {
    if constexpr (requires { ask(action); })
      return ask(action);
    else
      throw std::logic_error("the pump's own"); // see next()
  };
  return std::visit(by_kind, action_);
}

// ---- Questions of the session ----

Task<void> HttpConnection::ask(http::AskRequest ask) { return respond(ask.id); }
Task<void> HttpConnection::ask(http::AskResponse ask) { return respond(ask.id); }

/// The octets are the engine's, which keeps them until it is fed again: not before this is over.
Task<void> HttpConnection::ask(http::Content piece) {
  const std::uint64_t wanted = content_.size() + piece.bytes.size();
  const bool granted = co_await share_.grow(wanted);
  if (granted) {
    content_ += piece.bytes;
    co_return;
  }
  log::warning("http-no-memory", {{"client", peer_.address}});
  http::Response busy = http::problem(503, "this server has no memory left for it: try again later");
  busy.fields.push_back({"Retry-After", "30"});
  session_.respond(piece.id, std::move(busy));
  forget();
}

Task<http::Answer> HttpConnection::have_answered(http::Exchange exchange) {
  std::string broke;
  try {
    Task<http::Answer> asking = parts_.site.answer(std::move(exchange));
    http::Answer answer = co_await std::move(asking);
    co_return answer;
  } catch (const std::exception& thrown) {
    broke = thrown.what();
  }
  log::error("http-answer-broke", {{"client", peer_.address}, {"why", broke}});
  http::Answer failed;
  failed.response = http::problem(500, "an error of this server's; its log tells more");
  co_return failed;
}

Task<void> HttpConnection::respond(std::uint32_t id) {
  http::Exchange exchange;
  exchange.request = *request_;
  exchange.content = std::move(content_);
  exchange.visitor = visitor_for(*request_, peer_, options_->forwarded_from);
  Task<http::Answer> asking = have_answered(std::move(exchange));
  http::Answer answer = co_await std::move(asking);
  answer.response.streamed = answer.source != nullptr;
  note(*request_, answer.response.status);
  forget();
  source_ = std::move(answer.source);
  session_.respond(id, std::move(answer.response));
  if (source_ && pump_.leaving()) source_->stop();
}

Task<void> HttpConnection::ask(http::AskContent ask) {
  std::uint32_t id = ask.id;
  http::ContentSource& source = *source_;
  Result<std::string> piece = fail(Errc::io, "it broke");
  try {
    piece = co_await source.next();
  } catch (const std::exception& thrown) {
    piece = fail(Errc::io, thrown.what());
  }
  if (!piece) log::warning("http-answer-broke", {{"client", peer_.address}, {"why", piece.error().message}});
  const bool last = !piece || piece->empty();
  if (piece)
    session_.content(id, *piece, last);
  else
    session_.content(id, std::string_view(), true, true);
  if (last) source_.reset();
}

void HttpConnection::note(const http::Request& request, unsigned status) const {
  log::debug("http-request", {{"client", peer_.address},
                              {"method", request.method},
                              {"host", request.host},
                              {"path", request.path},
                              {"status", status}});
}

std::shared_ptr<const HttpListenerOptions> control_socket_options() {
  http::ServerOptions session;
  session.max_requests = 1'000'000; // an import is many
  auto options = std::make_shared<HttpListenerOptions>();
  options->session = std::make_shared<const http::ServerOptions>(std::move(session));
  return options;
}

} // namespace paquebot::service
