#include "service/console_site.h"

#include "base/text.h"
#include "http/credentials.h"
#include "web/assets.h"

#include <zlib.h>

namespace paquebot::service {
namespace {

constexpr std::string_view kConsole = "/console/";
constexpr std::string_view kAssets = "/console/assets/";

http::Answer console_problem(unsigned status, std::string_view detail) {
  return {.response = http::problem(status, detail), .source = nullptr};
}

http::Answer console_redirect() {
  http::Answer answer;
  answer.response.status = 302;
  answer.response.fields = {{"Location", std::string(kConsole)}};
  return answer;
}

/// The tag of what is sent: packed and unpacked they are two things (RFC 9110 section 8.8.3.3).
std::string tag_of_asset(const web::Asset& asset, bool packed) {
  const std::string_view bare = asset.etag.substr(1, asset.etag.size() - 2);
  return "\"" + std::string(bare) + (packed ? "-gz\"" : "\"");
}

http::Answer asset_answer(const web::Asset& asset, const http::Request& request) {
  const bool packed = takes_gzip(request);
  const std::string tag = tag_of_asset(asset, packed);
  http::Answer answer;
  answer.response.fields = {{"Content-Type", std::string(asset.type)},
                            {"ETag", tag},
                            {"Cache-Control", "no-cache"},
                            {"Vary", "Accept-Encoding"},
                            {"Content-Security-Policy", std::string(console_policy())},
                            {"Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"}};
  const std::string* known = request.field("if-none-match");
  if (known != nullptr && http::matches_tag(*known, tag, http::TagMatch::weak)) {
    answer.response.status = 304;
    return answer;
  }
  if (packed) answer.response.fields.push_back({"Content-Encoding", "gzip"});
  answer.response.content = packed ? std::string(asset.gzip) : unpack_gzip(asset.gzip);
  return answer;
}

/// Of an element of Accept-Encoding: its weight is none.
bool is_refused(std::string_view element) {
  const auto at = element.find("q=");
  if (at == element.npos) return false;
  return element.substr(at + 2).find_first_not_of("0.") == std::string_view::npos;
}

} // namespace

std::string_view console_policy() {
  return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
         "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
         "require-trusted-types-for 'script'; trusted-types 'none'";
}

bool takes_gzip(const http::Request& request) {
  for (const std::string_view element : http::list_of(request.fields, "accept-encoding")) {
    const std::string_view name = trim(element.substr(0, element.find(';')));
    if (iequals(name, "gzip") || name == "*") return !is_refused(element);
  }
  return false;
}

std::string unpack_gzip(std::string_view packed) {
  constexpr int gzip_window = 15 + 16;
  constexpr std::size_t piece = 64u << 10;
  z_stream stream{};
  if (inflateInit2(&stream, gzip_window) != Z_OK) return {};
  std::string in(packed), out, part(piece, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  int done = Z_OK;
  while (done == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(part.data());
    stream.avail_out = static_cast<uInt>(part.size());
    done = inflate(&stream, Z_NO_FLUSH);
    out.append(part, 0, part.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  return done == Z_STREAM_END ? out : std::string();
}

Task<http::Answer> ConsoleSite::answer(http::Exchange exchange) {
  const http::Request& request = exchange.request;
  if (request.method != "GET" && request.method != "HEAD") {
    http::Answer refused = console_problem(405, "this can only be read");
    refused.response.fields.push_back({"Allow", "GET, HEAD"});
    co_return refused;
  }
  const std::string_view path = request.path;
  if (!path.starts_with(kConsole)) co_return console_redirect();
  const web::Asset* found =
      path.starts_with(kAssets) ? web::find_asset(path.substr(kAssets.size())) : web::find_asset("index.html");
  if (found == nullptr) co_return console_problem(404, "there is nothing here");
  co_return asset_answer(*found, request);
}

} // namespace paquebot::service
