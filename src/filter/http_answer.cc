#include "filter/http_answer.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http.hpp>

namespace paquebot::filter {

namespace http = boost::beast::http;

struct HttpAnswer::Impl {
  http::response_parser<http::string_body> parser;
  std::string pending; ///< octets that the parser did not take yet
};

HttpAnswer::HttpAnswer(std::size_t max_body) : impl_(std::make_unique<Impl>()) {
  constexpr std::uint32_t max_head = 32u << 10;
  impl_->parser.eager(true);
  impl_->parser.header_limit(max_head);
  impl_->parser.body_limit(max_body);
}

HttpAnswer::~HttpAnswer() = default;

Result<bool> HttpAnswer::feed(std::string_view bytes) {
  boost::beast::error_code error;
  auto& parser = impl_->parser;
  if (bytes.empty()) {
    if (parser.got_some()) parser.put_eof(error);
    if (error || !parser.is_done()) return fail(Errc::invalid, "the connection closed within the HTTP response");
    return true;
  }
  impl_->pending += bytes;
  while (!parser.is_done() && !impl_->pending.empty()) {
    const auto used = parser.put(boost::asio::buffer(impl_->pending), error);
    impl_->pending.erase(0, used);
    if (error == http::error::need_more) return false;
    if (error == http::error::body_limit || error == http::error::header_limit)
      return fail(Errc::no_space, "the HTTP response is too large");
    if (error) return fail(Errc::invalid, "this is not HTTP: " + error.message());
    if (used == 0) break;
  }
  return parser.is_done();
}

unsigned HttpAnswer::status() const { return impl_->parser.get().result_int(); }
const std::string& HttpAnswer::body() const { return impl_->parser.get().body(); }

} // namespace paquebot::filter
