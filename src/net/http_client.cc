#include "net/http_client.h"

#include "base/clock.h"
#include "base/text.h"
#include "http/path.h"
#include "net/public_address.h"
#include "net/pump.h"
#include "net/tls.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace paquebot::net {
namespace {

constexpr std::size_t kLongestUrl = 8000;
constexpr std::size_t kMostHttpAddresses = 8;

/// An exchange as the pump sees it.
class Conversation final : public Session {
public:
  Conversation(http::ClientSession& engine, Order::Instant by) : engine_(engine), by_(by) {}

  Order next() override {
    const http::ClientAction action = engine_.next();
    if (const auto* send = std::get_if<http::Send>(&action))
      return {.kind = Order::Kind::send, .bytes = send->bytes, .within = kSending, .by = by_};
    if (const auto* need = std::get_if<http::NeedInput>(&action))
      return {.kind = Order::Kind::read, .within = need->within, .window = need->window, .by = by_};
    return {.kind = Order::Kind::rest};
  }
  Task<void> answer() override { throw std::logic_error("a client is asked nothing"); }
  void feed(std::string_view bytes) override { engine_.feed(bytes); }
  void eof() override { engine_.eof(); }
  void out_of_time() override { engine_.timed_out(); }
  Handshake handshake() override { throw std::logic_error("TLS is on before the exchange"); }
  void tls_started(TlsInfo) override {}
  void tls_failed(const Error&) override {}

private:
  static constexpr std::chrono::minutes kSending{5}; ///< for all octets; most callers have less time in all

  http::ClientSession& engine_;
  Order::Instant by_;
};

} // namespace

std::string HttpUrl::authority() const {
  std::string text = host.contains(':') ? "[" + host + "]" : host;
  if (port != (secure ? 443 : 80)) text += ":" + std::to_string(port);
  return text;
}

Result<HttpUrl> parse_http_url(std::string_view url) {
  const auto wrong = [&](const char* why) {
    return fail(Errc::invalid, "\"" + printable(url, 200) + "\" is no URL that can be asked: " + why);
  };
  if (url.size() > kLongestUrl) return wrong("it is too long");
  const auto target = http::parse_target("GET", url);
  if (!target || target->form != http::Form::absolute || !target->authority)
    return wrong("it must be as in \"https://host/path\"");
  HttpUrl out;
  out.secure = iequals(target->scheme, "https");
  out.host = target->authority->host;
  if (out.host.starts_with('[')) out.host = out.host.substr(1, out.host.size() - 2);
  if (out.host.empty()) return wrong("it names no host");
  out.port = target->authority->port.value_or(out.secure ? 443 : 80);
  if (out.port == 0) return wrong("its port is none");
  const std::string_view rest = url.substr(url.find("://") + 3);
  const auto end = rest.find_first_of("/?");
  out.target = end == std::string_view::npos ? "/" : std::string(rest.substr(end));
  if (out.target.starts_with('?')) out.target.insert(0, "/");
  return out;
}

Task<Result<http::Reply>> ask_http(Stream stream, http::Call call, std::shared_ptr<const http::ClientOptions> options,
                                   std::chrono::steady_clock::time_point by) {
  call.close = true;
  http::ClientSession engine(std::move(options));
  if (auto taken = engine.call(std::move(call)); !taken) co_return std::unexpected(taken.error());
  Conversation conversation(engine, by);
  Pump pump(std::move(stream), Pump::Side::client);
  co_await pump.run(conversation);
  pump.stream().close();
  const http::ClientAction end = engine.next();
  if (const auto* answered = std::get_if<http::Answered>(&end)) co_return *answered->answer;
  if (const auto* failed = std::get_if<http::Failed>(&end)) co_return std::unexpected(failed->error);
  co_return fail(Errc::closed, "the HTTP server's answer did not come");
}

HttpClient::HttpClient(boost::asio::any_io_executor executor, Wheel& wheel, ResolveHost resolve,
                       HttpClientOptions options)
    : executor_(std::move(executor)), wheel_(wheel), resolve_(std::move(resolve)), options_(std::move(options)),
      answer_(std::make_shared<const http::ClientOptions>(options_.answer)) {
  http::ClientOptions secure = options_.answer;
  secure.delimited = true;
  secure_answer_ = std::make_shared<const http::ClientOptions>(std::move(secure));
}

Result<> HttpClient::prepare_tls() {
  if (tls_) return {};
  auto made = TlsContext::client(true, options_.ca_pem);
  if (!made) return std::unexpected(made.error());
  if (auto set = (*made)->offer_protocols({"http/1.1"}); !set) return set;
  tls_ = std::move(*made);
  return {};
}

Task<Result<std::vector<std::string>>> HttpClient::addresses_of(const HttpUrl& url) {
  std::vector<std::string> found;
  if (is_ip_address(url.host)) {
    found.push_back(url.host);
  } else if (url.host == "localhost" || url.host.ends_with(".localhost")) {
    found = {"127.0.0.1", "::1"};
  } else {
    std::string host = url.host;
    auto resolved = co_await resolve_(std::move(host));
    if (!resolved) co_return resolved;
    found = std::move(*resolved);
  }
  if (found.empty()) co_return fail(Errc::not_found, url.host + " has no address");
  std::erase_if(found,
                [this](const std::string& one) { return !is_public_address(one) && !options_.also.contains(one); });
  if (found.empty())
    co_return fail(Errc::refused,
                   url.host + " leads to an address that is not of the public Internet: it is not asked");
  if (found.size() > kMostHttpAddresses) found.resize(kMostHttpAddresses);
  co_return found;
}

Task<Result<Stream>> HttpClient::connect_to(const HttpUrl& url, std::string address, Instant by) {
  Endpoint to{std::move(address), url.port};
  std::string from;
  boost::asio::any_io_executor executor = executor_;
  auto stream = co_await connect_tcp(std::move(executor), wheel_, std::move(to), std::move(from), by);
  if (!stream || !url.secure) co_return stream;
  TlsContext& context = *tls_;
  const std::string& name = url.host;
  auto info = co_await stream->start_tls_client(context, name);
  if (!info) co_return std::unexpected(info.error());
  co_return std::move(*stream);
}

/// Each address in turn, until one answers.
Task<Result<Stream>> HttpClient::connect(const HttpUrl& url, Instant by) {
  const auto all = co_await addresses_of(url);
  if (!all) co_return std::unexpected(all.error());
  Result<Stream> stream = fail(Errc::not_found, url.host + " has no address");
  for (const std::string& one : *all) {
    std::string address = one;
    const Instant now = system_clock().now();
    if (now >= by) co_return fail(Errc::timeout, url.host + " could not be reached in time");
    const Instant until = std::min(by, now + options_.connect_timeout);
    stream = co_await connect_to(url, std::move(address), until);
    if (stream) co_return stream;
  }
  co_return stream;
}

Task<Result<http::Reply>> HttpClient::send(HttpRequest request) {
  const auto url = parse_http_url(request.url);
  if (!url) co_return std::unexpected(url.error());
  if (!url->secure && !options_.plain) co_return fail(Errc::invalid, url->host + " is asked over https only");
  if (url->secure)
    if (auto ready = prepare_tls(); !ready) co_return std::unexpected(ready.error());
  const HttpUrl& where = *url;
  const Instant by = system_clock().now() + options_.timeout;
  auto stream = co_await connect(where, by);
  if (!stream) co_return std::unexpected(std::move(stream.error()));
  http::Call call;
  call.method = std::move(request.method);
  call.host = where.authority();
  call.target = where.target;
  call.fields = std::move(request.fields);
  call.content = std::move(request.content);
  auto options = where.secure ? secure_answer_ : answer_;
  auto reply = co_await ask_http(std::move(*stream), std::move(call), std::move(options), by);
  if (!reply) reply.error().message = where.host + ": " + reply.error().message;
  co_return reply;
}

} // namespace paquebot::net
