// Fuzzes what is made of targets, queries, cookies and lists of tags: what was decoded stays as it is when it is
// encoded and decoded again, and a path has no way up.

#include "http/credentials.h"
#include "http/path.h"
#include "http/query.h"

#include <cstdint>
#include <cstdlib>

using namespace paquebot::http;

namespace {

/// Every segment encoded again.
std::string encoded(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const auto end = std::min(path.find('/', 1), path.size());
    (out += '/') += percent_encode(path.substr(1, end - 1));
    path.remove_prefix(end);
  }
  return out;
}

void check_path(const std::string& path) {
  if (!path.starts_with('/') || path.contains("//") || (path + "/").contains("/../")) std::abort();
  if (path.contains('\\') || path.contains('\0')) std::abort();
  if (decode_path(encoded(path)) != path) std::abort();
}

void check_query(const Query& query) {
  std::string again;
  for (const Field& field : query.all()) again += "&" + percent_encode(field.name) + "=" + percent_encode(field.value);
  const auto read = Query::parse(again);
  if (!read || read->all() != query.all()) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 8192) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (percent_decode(percent_encode(text)) != text) std::abort();
  if (const auto path = decode_path(text)) check_path(*path);
  if (const auto target = parse_target("GET", text); target && target->form != Form::asterisk) check_path(target->path);
  if (const auto query = Query::parse(text)) check_query(*query);
  Request request;
  request.fields = {{"cookie", std::string(text)}, {"authorization", std::string(text)}};
  if (const auto value = cookie(request, "s"); value && value->contains(';')) std::abort();
  (void)bearer_token(request);
  (void)basic_login(request);
  if (matches_tag(text, "", TagMatch::weak)) std::abort();
  (void)matches_tag(text, "\"a\"", TagMatch::weak);
  return 0;
}
