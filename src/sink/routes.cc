#include "base/text.h"
#include "sink/handlers.h"

#include <algorithm>

namespace paquebot::sink {
namespace {

constexpr Route kRoutes[] = {
    {"GET", "api/v1/info", show_info},
    {"GET", "api/v1/webui", show_settings},
    {"GET", "v1/me", show_me},
    {"GET", "livez", show_alive},
    {"GET", "readyz", show_alive},
    {"GET", "certificate.pem", show_certificate},
    {"GET", "api/v1/inboxes", list_inboxes},
    {"DELETE", "api/v1/inboxes/*", delete_inbox},
    {"GET", "api/v1/messages", list_messages},
    {"PUT", "api/v1/messages", mark_messages},
    {"DELETE", "api/v1/messages", delete_messages},
    {"GET", "api/v1/search", search_messages},
    {"DELETE", "api/v1/search", delete_found},
    {"GET", "api/v1/wait", show_awaited},
    {"GET", "api/v1/message/*", show_message},
    {"GET", "api/v1/message/*/headers", show_headers},
    {"GET", "api/v1/message/*/raw", show_raw},
    {"GET", "api/v1/message/*/part/*", show_part},
    {"POST", "api/v1/message/*/release", never_relays},
    {"POST", "api/v1/send", send_message},
    {"GET", "view/*", view_message},
    {"GET", "api/v1/tags", list_tags},
    {"PUT", "api/v1/tags", set_tags},
    {"PUT", "api/v1/tags/*", rename_tag},
    {"DELETE", "api/v1/tags/*", delete_tag},
    {"GET", "api/v1/faults", list_faults},
    {"POST", "api/v1/faults", add_fault},
    {"PUT", "api/v1/faults", replace_faults},
    {"DELETE", "api/v1/faults", delete_faults},
    {"DELETE", "api/v1/faults/*", delete_fault},
    {"GET", "api/v1/chaos", show_chaos},
    {"PUT", "api/v1/chaos", change_chaos},
    {"GET", "console/assets/*", console_file},
    {"GET", "console", console_page},
    {"GET", "console/*", console_page},
    {"GET", "plain", page_list},
    {"GET", "plain/style.css", page_style},
    {"GET", "plain/message/*", page_message},
    {"POST", "plain/message/*/delete", page_delete},
    {"POST", "plain/delete", page_delete_all},
    {"POST", "plain/faults", page_add_fault},
    {"POST", "plain/faults/*/delete", page_delete_fault},
};

/// Of all answers: what strangers wrote is never taken for another type, asks for nothing, and is in no frame of
/// others.
const http::Fields& rules() {
  static const http::Fields fields = {{"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
                                      {"X-Content-Type-Options", "nosniff"},
                                      {"Referrer-Policy", "no-referrer"},
                                      {"Cache-Control", "no-store"}};
  return fields;
}

http::Response say(unsigned status, std::string_view type, std::string content) {
  http::Response response;
  response.status = status;
  response.fields = rules();
  response.fields.push_back({"Content-Type", std::string(type)});
  response.content = std::move(content);
  return response;
}

} // namespace

std::span<const Route> routes() { return kRoutes; }

bool fits_route(const Route& route, const std::vector<std::string_view>& path) {
  const std::vector<std::string_view> pattern = split(route.path, '/');
  return std::ranges::equal(pattern, path, [](std::string_view wanted, std::string_view is) {
    return wanted == "*" ? !is.empty() : wanted == is;
  });
}

http::Response say_json(const boost::json::value& value, unsigned status) {
  return say(status, "application/json", control::to_text(value) + "\n");
}
http::Response say_text(std::string text, std::string_view type) { return say(200, type, std::move(text)); }
http::Response say_ok() { return say_text("ok"); }

http::Response say_problem(unsigned status, std::string_view detail, std::string_view field) {
  boost::json::object problem{{"type", "about:blank"},
                              {"title", http::reason_of(status)},
                              {"status", status},
                              {"detail", detail},
                              {"code", http::code_of(status)}};
  if (!field.empty()) problem["field"] = field;
  problem["Error"] = detail; // as Mailpit tells it
  return say(status, "application/problem+json", control::to_text(problem) + "\n");
}

http::Response say_page(std::string html) {
  http::Response response = say_text(std::move(html), "text/html; charset=utf-8");
  response.fields.front().value =
      "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
      "frame-ancestors 'none'; require-trusted-types-for 'script'";
  response.fields.push_back({"Cross-Origin-Opener-Policy", "same-origin"});
  response.fields.push_back({"Cross-Origin-Resource-Policy", "same-origin"});
  return response;
}

http::Response lead_to(std::string place) {
  http::Response response = say(303, "text/plain; charset=utf-8", "see " + place + "\n");
  response.fields.push_back({"Location", std::move(place)});
  return response;
}

} // namespace paquebot::sink
