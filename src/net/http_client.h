#pragma once

#include "base/result.h"
#include "base/task.h"
#include "http/client_session.h"
#include "net/network.h"

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::net {

class Stream;
class TlsContext;
class Wheel;

/// "https://acme.example:14000/dir?a=b", taken apart (RFC 3986, RFC 9110 section 4.2).
struct HttpUrl {
  bool secure = true;            ///< https
  std::string host;              ///< a name in lower case, or an address without brackets
  std::uint16_t port = 443;      ///< the scheme's when none is named
  std::string target;            ///< as it was written: "/dir?a=b"
  std::string authority() const; ///< as Host has it: without the scheme's own port
};
/// `invalid` for another scheme, user information, a fragment, and what is no URL; at most 8000 octets.
Result<HttpUrl> parse_http_url(std::string_view url);

/// The addresses of a host name, in the order in which they are to be tried; an error or none: there is none. Never
/// asked for what is an address already, nor for "localhost" (RFC 6761 section 6.3).
using ResolveHost = std::function<Task<Result<std::vector<std::string>>>(std::string host)>;

struct HttpClientOptions {
  std::string ca_pem; ///< roots that vouch for servers, instead of the system's; PEM
  bool plain = false; ///< also http: URLs; else they are refused
  /// Networks that may be asked although they are not of the public Internet (public_address.h): the operator's own,
  /// and those of tests. All others are refused after the name was resolved.
  Networks also;
  std::chrono::milliseconds connect_timeout{15'000}; ///< for each address, handshake included
  std::chrono::milliseconds timeout{60'000};         ///< for a request as a whole; a resolver has bounds of its own
  http::ClientOptions answer;                        ///< bounds of what comes back; max_content is 1 MiB
};

/// What is asked.
struct HttpRequest {
  std::string method = "GET";
  std::string url;
  http::Fields fields; ///< as http::Call has them
  std::string content;
};

/// Asks other servers over HTTP/1.1. Each request has a connection of its own, under verified TLS (name and chain) with
/// ALPN "http/1.1"; nobody is followed anywhere (a redirect is an answer), no cookie is kept, nothing is sent twice. A
/// whole answer comes back, whatever its status, or an error: `invalid` (the URL, the request, or an answer that is no
/// HTTP), `refused` (the address), `not_found` (no address), `timeout`, `no_space` (too large), `io` (TLS), `closed`.
/// Belongs to one executor; several requests may be under way at once. It and `wheel` must outlive them.
class HttpClient {
public:
  HttpClient(boost::asio::any_io_executor executor, Wheel& wheel, ResolveHost resolve, HttpClientOptions options = {});

  Task<Result<http::Reply>> send(HttpRequest request);

private:
  using Instant = std::chrono::steady_clock::time_point;

  Task<Result<std::vector<std::string>>> addresses_of(const HttpUrl& url);
  Task<Result<Stream>> connect(const HttpUrl& url, Instant by);
  Task<Result<Stream>> connect_to(const HttpUrl& url, std::string address, Instant by);
  Result<> prepare_tls();

  boost::asio::any_io_executor executor_;
  Wheel& wheel_;
  ResolveHost resolve_;
  HttpClientOptions options_;
  std::shared_ptr<const http::ClientOptions> answer_, secure_answer_;
  std::shared_ptr<TlsContext> tls_; ///< made when it is needed first: roots take time and memory
};

/// One request over a connection that is there, by `by`; for local sockets, and whoever connects by himself. The
/// connection is of no use afterwards. Errors as above.
Task<Result<http::Reply>> ask_http(Stream stream, http::Call call, std::shared_ptr<const http::ClientOptions> options,
                                   std::chrono::steady_clock::time_point by);

} // namespace paquebot::net
