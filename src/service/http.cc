#include "service/http.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http.hpp>
#include <optional>
#include <type_traits>

namespace paquebot::service {
namespace {

namespace http = boost::beast::http;

constexpr std::size_t kMaxHead = 16u << 10;

template <class Message>
constexpr bool kIsRequest = std::is_same_v<Message, HttpRequest>;

} // namespace

template <class Message>
struct HttpReader<Message>::Impl {
  using Parser = http::parser<kIsRequest<Message>, http::string_body>;

  std::size_t max_body;
  std::string pending;
  std::optional<Parser> parser;
  bool expectation_taken = false;

  explicit Impl(std::size_t most) : max_body(most) { renew(); }

  void renew() {
    parser.emplace();
    parser->eager(true);
    parser->header_limit(kMaxHead);
    parser->body_limit(max_body);
    expectation_taken = false;
  }
};

template <class Message>
HttpReader<Message>::HttpReader(std::size_t max_body) : impl_(std::make_unique<Impl>(max_body)) {}
template <class Message>
HttpReader<Message>::~HttpReader() = default;

template <class Message>
void HttpReader<Message>::feed(std::string_view bytes) {
  impl_->pending += bytes;
}

template <class Message>
Result<bool> HttpReader<Message>::complete() {
  while (!impl_->parser->is_done()) {
    boost::beast::error_code error;
    const auto used = impl_->parser->put(boost::asio::buffer(impl_->pending), error);
    impl_->pending.erase(0, used);
    if (error == http::error::need_more) return false;
    if (error == http::error::body_limit || error == http::error::header_limit) {
      return fail(Errc::no_space, "the HTTP message is too large");
    }
    if (error) return fail(Errc::invalid, "this is not HTTP: " + error.message());
    if (used == 0 || impl_->pending.empty()) return impl_->parser->is_done();
  }
  return true;
}

template <class Message>
Message HttpReader<Message>::take() {
  auto message = impl_->parser->release();
  Message out;
  out.keep_alive = message.keep_alive();
  out.body = std::move(message.body());
  if constexpr (kIsRequest<Message>) {
    out.method = message.method_string();
    out.target = message.target();
  } else {
    out.status = message.result_int();
  }
  impl_->renew();
  return out;
}

template <class Message>
bool HttpReader<Message>::take_expectation() {
  auto& parser = *impl_->parser;
  if (impl_->expectation_taken || !parser.is_header_done() || parser.is_done()) return false;
  if (!boost::beast::iequals(parser.get()[http::field::expect], "100-continue")) return false;
  return impl_->expectation_taken = true;
}

template <class Message>
bool HttpReader<Message>::idle() const {
  return impl_->pending.empty() && !impl_->parser->got_some();
}

template class HttpReader<HttpRequest>;
template class HttpReader<HttpResponse>;

std::string format_response(unsigned status, std::string_view body, bool keep_alive, bool head_only) {
  const auto reason = http::obsolete_reason(http::int_to_status(status));
  std::string out = "HTTP/1.1 " + std::to_string(status) + " " + std::string(reason.data(), reason.size()) + "\r\n";
  out += "Content-Type: application/json\r\nCache-Control: no-store\r\n";
  out += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  if (!keep_alive) out += "Connection: close\r\n";
  out += "\r\n";
  if (!head_only) out += body;
  return out;
}

std::string format_request(std::string_view method, std::string_view target, std::string_view body) {
  std::string out(method);
  out += " ";
  out += target;
  out += " HTTP/1.1\r\nHost: localhost\r\n";
  out += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  out += body;
  return out;
}

} // namespace paquebot::service
