#include "filter/link.h"

#include "base/clock.h"
#include "net/endpoint.h"

#include <algorithm>

namespace paquebot::filter {

void Link::begin_step() {
  step_ = system_clock().now() + options_.timeout;
  if (total_) step_ = std::min(step_, *total_);
  if (stream_) stream_->set_deadline(step_);
}

void Link::begin_total() { total_ = system_clock().now() + options_.total_timeout; }

Task<std::vector<std::string>> Link::addresses() const {
  std::vector<std::string> found;
  const std::string& host = options_.place.host;
  if (net::is_ip_address(host)) {
    found.push_back(host);
    co_return found;
  }
  if (host == "localhost") { // RFC 6761 section 6.3: never a question for the DNS
    found.emplace_back("127.0.0.1");
    found.emplace_back("::1");
    co_return found;
  }
  constexpr std::size_t most = 8;
  for (const dns::Type type : {dns::Type::a, dns::Type::aaaa}) {
    std::string name = host;
    const auto answer = co_await means_.resolver->query(std::move(name), type);
    for (const dns::Record& record : answer->records)
      if (found.size() < most) found.push_back(record.text);
  }
  co_return found;
}

Task<Result<>> Link::connect() {
  stream_.reset();
  net::Wheel& wheel = *means_.wheel;
  boost::asio::any_io_executor executor = means_.executor;
  if (!options_.place.path.empty()) {
    std::string path = options_.place.path;
    auto made = co_await net::connect_local(std::move(executor), wheel, std::move(path), step_);
    if (!made) co_return std::unexpected(made.error());
    stream_.emplace(std::move(*made));
    co_return Result<>();
  }
  Error last{Errc::not_found, "the DNS knows no address of " + options_.place.host};
  const std::vector<std::string> all = co_await addresses();
  for (const std::string& address : all) {
    net::Endpoint to;
    to.address = address;
    to.port = options_.place.port;
    std::string from;
    executor = means_.executor;
    auto made = co_await net::connect_tcp(std::move(executor), wheel, std::move(to), std::move(from), step_);
    if (made) {
      stream_.emplace(std::move(*made));
      co_return Result<>();
    }
    last = made.error();
  }
  co_return std::unexpected(last);
}

Task<Result<>> Link::write(std::string_view bytes) {
  if (!stream_) co_return fail(Errc::closed, "there is no connection");
  stream_->set_deadline(step_);
  co_return co_await stream_->write(bytes);
}

Task<Result<std::string_view>> Link::read_to_end() {
  if (!stream_) co_return fail(Errc::closed, "there is no connection");
  stream_->set_deadline(step_);
  co_return co_await stream_->read();
}

Task<Result<std::string_view>> Link::read() {
  auto got = co_await read_to_end();
  if (got && got->empty()) co_return fail(Errc::closed, "it closed the connection");
  co_return got;
}

} // namespace paquebot::filter
