#include "http/message.h"

#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>

namespace paquebot::http {

namespace {

struct Reason {
  unsigned status;
  std::string_view words;
};
constexpr Reason kReasons[] = {
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

/// As the inside of a JSON string: what is not UTF-8 becomes "?".
std::string json_inside(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const char c = text.front();
    if (length == 0)
      out += '?';
    else if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (static_cast<unsigned char>(c) < 0x20)
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    else
      out += text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

} // namespace

const std::string* find_field(const Fields& fields, std::string_view name) {
  const auto found = std::ranges::find(fields, name, &Field::name);
  return found == fields.end() ? nullptr : &found->value;
}

const std::string* Request::field(std::string_view name) const { return find_field(fields, name); }

std::size_t count_fields(const Fields& fields, std::string_view name) {
  return static_cast<std::size_t>(std::ranges::count(fields, name, &Field::name));
}

std::vector<std::string_view> list_of(const Fields& fields, std::string_view name) {
  std::vector<std::string_view> all;
  for (const Field& field : fields) {
    if (field.name != name) continue;
    for (const std::string_view part : split(field.value, ',')) {
      if (const auto element = trim(part); !element.empty()) all.push_back(element);
    }
  }
  return all;
}

std::string_view reason_of(unsigned status) {
  const auto* const found = std::ranges::find(kReasons, status, &Reason::status);
  return found == std::end(kReasons) ? "Unknown" : found->words;
}

std::string_view code_of(unsigned status) {
  switch (status) {
    case 401: return "login_required";
    case 403:
    case 421: return "refused";
    case 404: return "not_found";
    case 405:
    case 426:
    case 501:
    case 505: return "unsupported";
    case 408:
    case 504: return "timeout";
    case 409: return "conflict";
    case 412: return "changed";
    case 413: return "too_large";
    case 429: return "slow_down";
    case 503: return "temporary";
    case 507: return "no_space";
    default: return status < 500 ? "invalid" : "io";
  }
}

Response problem(unsigned status, std::string_view detail) {
  return {.status = status,
          .fields = {{"Content-Type", "application/problem+json"}, {"Cache-Control", "no-store"}},
          .content = fmt::format(
              "{{\"type\":\"about:blank\",\"title\":\"{}\",\"status\":{},\"detail\":\"{}\",\"code\":\"{}\"}}\n",
              reason_of(status), status, json_inside(detail), code_of(status))};
}

} // namespace paquebot::http
