#pragma once

#include "control/json.h"
#include "sink/site.h"

/// What answers the requests of SinkSite; the table is in routes.cc.
namespace paquebot::sink {

using Handler = http::Response (*)(const SiteParts& parts, const Ask& ask);
struct Route {
  std::string_view method;
  std::string_view path; ///< "api/v1/message/*/raw": a star is any one segment
  Handler handler;
};
std::span<const Route> routes();
bool fits_route(const Route& route, const std::vector<std::string_view>& path);

// Answers. What browsers are told with all of them: to take nothing for anything else, and to keep nothing.
http::Response say_json(const boost::json::value& value, unsigned status = 200);
http::Response say_text(std::string text, std::string_view type = "text/plain; charset=utf-8");
http::Response say_ok(); ///< "ok", as Mailpit says it
http::Response say_problem(unsigned status, std::string_view detail, std::string_view field = {});
http::Response say_page(std::string html);
http::Response lead_to(std::string place); ///< 303

// Messages.
http::Response list_messages(const SiteParts& parts, const Ask& ask);
http::Response search_messages(const SiteParts& parts, const Ask& ask);
http::Response show_message(const SiteParts& parts, const Ask& ask);
http::Response show_awaited(const SiteParts& parts, const Ask& ask);
http::Response show_headers(const SiteParts& parts, const Ask& ask);
http::Response show_raw(const SiteParts& parts, const Ask& ask);
http::Response show_part(const SiteParts& parts, const Ask& ask);
http::Response view_message(const SiteParts& parts, const Ask& ask);
http::Response mark_messages(const SiteParts& parts, const Ask& ask);
http::Response delete_messages(const SiteParts& parts, const Ask& ask);
http::Response delete_found(const SiteParts& parts, const Ask& ask);
http::Response send_message(const SiteParts& parts, const Ask& ask);
http::Response never_relays(const SiteParts& parts, const Ask& ask);
// Tags.
http::Response list_tags(const SiteParts& parts, const Ask& ask);
http::Response set_tags(const SiteParts& parts, const Ask& ask);
http::Response rename_tag(const SiteParts& parts, const Ask& ask);
http::Response delete_tag(const SiteParts& parts, const Ask& ask);
// The sink.
http::Response show_info(const SiteParts& parts, const Ask& ask);
http::Response show_settings(const SiteParts& parts, const Ask& ask);
http::Response show_me(const SiteParts& parts, const Ask& ask);
http::Response show_alive(const SiteParts& parts, const Ask& ask);
http::Response show_certificate(const SiteParts& parts, const Ask& ask);
http::Response list_inboxes(const SiteParts& parts, const Ask& ask);
http::Response delete_inbox(const SiteParts& parts, const Ask& ask);
// Faults.
http::Response list_faults(const SiteParts& parts, const Ask& ask);
http::Response add_fault(const SiteParts& parts, const Ask& ask);
http::Response replace_faults(const SiteParts& parts, const Ask& ask);
http::Response delete_fault(const SiteParts& parts, const Ask& ask);
http::Response delete_faults(const SiteParts& parts, const Ask& ask);
http::Response show_chaos(const SiteParts& parts, const Ask& ask);
http::Response change_chaos(const SiteParts& parts, const Ask& ask);
// The console, which has a page for the sink, and the page without scripts.
http::Response console_page(const SiteParts& parts, const Ask& ask);
http::Response console_file(const SiteParts& parts, const Ask& ask);
http::Response page_list(const SiteParts& parts, const Ask& ask);
http::Response page_message(const SiteParts& parts, const Ask& ask);
http::Response page_style(const SiteParts& parts, const Ask& ask);
http::Response page_delete(const SiteParts& parts, const Ask& ask);
http::Response page_delete_all(const SiteParts& parts, const Ask& ask);
http::Response page_add_fault(const SiteParts& parts, const Ask& ask);
http::Response page_delete_fault(const SiteParts& parts, const Ask& ask);

/// Messages of the inbox that fit the query, newest first; a query that is none fits nothing.
Result<std::vector<MessagePtr>> found_messages(const SiteParts& parts, const std::string& inbox,
                                               std::string_view query);
/// What a POST of api/v1/send asks for, as a message; its tags are in a field of it.
struct Composed {
  Envelope envelope;
  std::string raw;
};
Result<Composed> compose_message(const boost::json::value& request);

} // namespace paquebot::sink
