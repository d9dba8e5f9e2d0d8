#include "sink/handlers.h"
#include "web/assets.h"

namespace paquebot::sink {
namespace {

/// What docs/console.md says of it: nothing but its own files.
constexpr std::string_view kConsolePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types "
    "'none'";

/// They are there compressed only; who takes no such thing takes no scripts either.
http::Response console_answer(const web::Asset* asset, const Ask& ask) {
  if (asset == nullptr) return say_problem(404, "there is nothing here");
  if (!ask.gzip) return lead_to("/plain/");
  http::Response response = say_text(std::string(asset->gzip), asset->type);
  response.fields.front().value = kConsolePolicy;
  response.fields.push_back({"Content-Encoding", "gzip"});
  response.fields.push_back({"Vary", "Accept-Encoding"});
  response.fields.push_back({"Cross-Origin-Opener-Policy", "same-origin"});
  return response;
}

} // namespace

http::Response console_page(const SiteParts&, const Ask& ask) {
  return console_answer(web::find_asset("index.html"), ask);
}

http::Response console_file(const SiteParts&, const Ask& ask) {
  return console_answer(web::find_asset(ask.path[2]), ask);
}

} // namespace paquebot::sink
