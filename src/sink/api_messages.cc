#include "base/text.h"
#include "http/path.h"
#include "sink/handlers.h"
#include "sink/present.h"

#include <algorithm>

namespace paquebot::sink {
namespace {

constexpr std::size_t kUsualLimit = 50, kMostLimit = 1000;

/// The message that the path names; null: not there.
MessagePtr named(const SiteParts& parts, const Ask& ask, std::size_t place) {
  return parts.inboxes.find(ask.inbox, ask.path[place]);
}
http::Response no_message() { return say_problem(404, "there is no such message"); }

void mark_read(const SiteParts& parts, const MessagePtr& message, bool read) {
  if (message->read == read) return;
  message->read = read;
  parts.inboxes.changed();
}

http::Response page_of(const SiteParts& parts, const Ask& ask, const std::vector<MessagePtr>& found) {
  const auto start = ask.get("start").empty() ? 0 : parse_u64(ask.get("start"));
  const auto limit = ask.get("limit").empty() ? kUsualLimit : parse_u64(ask.get("limit"));
  if (!start || !limit) return say_problem(400, "start and limit must be numbers");
  json::array rows;
  for (std::size_t at = *start; at < found.size() && rows.size() < std::min(*limit, kMostLimit); ++at)
    rows.push_back(brief_json(*found[at]));
  const std::vector<MessagePtr> all = parts.inboxes.list(ask.inbox);
  const auto unread = [](const std::vector<MessagePtr>& some) {
    return std::ranges::count(some, false, [](const MessagePtr& one) { return one->read; });
  };
  return say_json(json::object{{"total", all.size()},
                               {"unread", unread(all)},
                               {"count", rows.size()},
                               {"messages_count", found.size()},
                               {"messages_unread", unread(found)},
                               {"start", *start},
                               {"tags", tags_json(all)},
                               {"messages", std::move(rows)}});
}

/// The JSON object of a request; an empty one is none.
std::expected<json::object, http::Response> object_of(const Ask& ask) {
  auto object = control::parse_object(ask.content, "the request");
  if (!object) return std::unexpected(say_problem(400, object.error().message));
  return *object;
}

/// Messages that "IDs" names; all when there are none, and `all` is wanted then.
std::expected<std::vector<MessagePtr>, http::Response> chosen(const SiteParts& parts, const Ask& ask,
                                                              const json::object& request, bool all) {
  const json::value* given = request.if_contains("IDs");
  const bool none = given == nullptr || given->is_null();
  const auto ids = none ? Result<std::vector<std::string>>() : control::texts_field(request, "IDs");
  if (!ids) return std::unexpected(say_problem(400, ids.error().message, "IDs"));
  if (ids->empty()) return all ? parts.inboxes.list(ask.inbox) : std::vector<MessagePtr>();
  std::vector<MessagePtr> found;
  for (const std::string& id : *ids)
    if (const MessagePtr one = parts.inboxes.find(ask.inbox, id)) found.push_back(one);
  return found;
}

/// What a browser may show of a part by itself: pictures without scripts; all else is saved.
bool is_picture(std::string_view type) {
  static constexpr std::string_view shown[] = {"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"};
  return std::ranges::find(shown, type) != std::end(shown);
}

bool is_type(std::string_view type) {
  return type.size() < 100 && type.find('/') != std::string_view::npos &&
         std::ranges::all_of(type, [](char c) { return is_alnum(c) || std::string_view("/.+-_").contains(c); });
}

void attach(http::Response& response, std::string_view how, const std::string& name) {
  std::string plain;
  for (const char c : name) plain += static_cast<unsigned char>(c) < 0x80 ? c : '_';
  response.fields.push_back({"Content-Disposition", std::string(how) + "; filename=\"" + plain +
                                                        "\"; filename*=UTF-8''" + http::percent_encode(name)});
}

/// Pictures of the message itself lead to its parts.
std::string with_own_pictures(std::string html, const Ask& ask, const Message& message, const Content& content) {
  std::string out;
  for (std::size_t at = 0; at < html.size();) {
    const Part* found = nullptr;
    if (istarts_with(std::string_view(html).substr(at, 4), "cid:")) {
      const std::string_view rest = std::string_view(html).substr(at + 4);
      for (const Part& one : content.inlines)
        if (!one.cid.empty() && rest.starts_with(one.cid) && (found == nullptr || one.cid.size() > found->cid.size()))
          found = &one;
    }
    if (found != nullptr) {
      out += ask.base + "/api/v1/message/" + message.id + "/part/" + found->id;
      at += 4 + found->cid.size();
    } else {
      out += html[at++];
    }
  }
  return out;
}

} // namespace

Result<std::vector<MessagePtr>> found_messages(const SiteParts& parts, const std::string& inbox,
                                               std::string_view query) {
  const auto wanted = Query::parse(query);
  if (!wanted) return std::unexpected(wanted.error());
  std::vector<MessagePtr> found = parts.inboxes.list(inbox);
  std::erase_if(found, [&](const MessagePtr& one) { return !wanted->fits(*one); });
  return found;
}

http::Response list_messages(const SiteParts& parts, const Ask& ask) {
  return page_of(parts, ask, parts.inboxes.list(ask.inbox));
}

http::Response search_messages(const SiteParts& parts, const Ask& ask) {
  const auto found = found_messages(parts, ask.inbox, ask.get("query"));
  return found ? page_of(parts, ask, *found) : say_problem(400, found.error().message, "query");
}

http::Response show_message(const SiteParts& parts, const Ask& ask) {
  const MessagePtr message = named(parts, ask, 3);
  if (!message) return no_message();
  mark_read(parts, message, true);
  return say_json(message_json(*message, read_content(*message->raw)));
}

http::Response show_awaited(const SiteParts& parts, const Ask& ask) {
  const auto found = found_messages(parts, ask.inbox, ask.get("query"));
  if (!found || found->empty()) return no_message();
  mark_read(parts, found->front(), true);
  return say_json(message_json(*found->front(), read_content(*found->front()->raw)));
}

http::Response show_headers(const SiteParts& parts, const Ask& ask) {
  const MessagePtr message = named(parts, ask, 3);
  return message ? say_json(headers_json(*message->raw)) : no_message();
}

http::Response show_raw(const SiteParts& parts, const Ask& ask) {
  const MessagePtr message = named(parts, ask, 3);
  if (!message) return no_message();
  http::Response response = say_text(*message->raw);
  response.fields.front().value = "sandbox; default-src 'none'; frame-ancestors 'self'"; // the page shows it in a frame
  if (!ask.get("download").empty()) attach(response, "attachment", message->id + ".eml");
  return response;
}

http::Response show_part(const SiteParts& parts, const Ask& ask) {
  const MessagePtr message = named(parts, ask, 3);
  if (!message) return no_message();
  const Content content = read_content(*message->raw);
  for (const std::vector<Part>* some : {&content.attachments, &content.inlines})
    for (const Part& one : *some)
      if (one.id == ask.path[5]) {
        http::Response response = say_text(one.bytes, is_type(one.type) ? one.type : "application/octet-stream");
        response.fields.front().value = "sandbox; default-src 'none'"; // it is a stranger's, whatever it is
        attach(response, is_picture(one.type) ? "inline" : "attachment", safe_name(one.name));
        return response;
      }
  return say_problem(404, "the message has no such part");
}

/// "ID.html", "ID.txt".
http::Response view_message(const SiteParts& parts, const Ask& ask) {
  const std::string_view name = ask.path[1];
  const std::size_t dot = name.rfind('.');
  const std::string_view kind = dot == std::string_view::npos ? std::string_view() : name.substr(dot);
  const MessagePtr message = parts.inboxes.find(ask.inbox, name.substr(0, dot));
  if (!message || (kind != ".html" && kind != ".txt")) return no_message();
  const Content content = read_content(*message->raw);
  if (kind == ".txt") return say_text(content.text);
  if (content.html.empty()) return say_problem(404, "the message has no HTML");
  const bool pictures = ask.get("pictures") == "1";
  http::Response response =
      say_text(with_own_pictures(content.html, ask, *message, content), "text/html; charset=utf-8");
  response.fields.front().value =
      std::string("sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' ") +
      (pictures ? "https: http: " : "") + "data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'";
  return response;
}

http::Response mark_messages(const SiteParts& parts, const Ask& ask) {
  const auto request = object_of(ask);
  if (!request) return request.error();
  const auto read = control::bool_field(*request, "Read");
  const auto search = control::text_field(*request, "Search");
  if (!read || !search) return say_problem(400, !read ? read.error().message : search.error().message);
  auto some = chosen(parts, ask, *request, true);
  if (!some) return some.error();
  if (*search && !(*search)->empty()) {
    auto found = found_messages(parts, ask.inbox, **search);
    if (!found) return say_problem(400, found.error().message, "Search");
    some = std::move(*found);
  }
  for (const MessagePtr& one : *some) mark_read(parts, one, read->value_or(false));
  return say_ok();
}

http::Response delete_messages(const SiteParts& parts, const Ask& ask) {
  const auto request = object_of(ask);
  if (!request) return request.error();
  const auto some = chosen(parts, ask, *request, true);
  if (!some) return some.error();
  for (const MessagePtr& one : *some) parts.inboxes.remove(ask.inbox, one);
  return say_ok();
}

http::Response delete_found(const SiteParts& parts, const Ask& ask) {
  if (ask.get("query").empty()) return say_problem(400, "which ones? \"query\" is missing", "query");
  const auto found = found_messages(parts, ask.inbox, ask.get("query"));
  if (!found) return say_problem(400, found.error().message, "query");
  for (const MessagePtr& one : *found) parts.inboxes.remove(ask.inbox, one);
  return say_ok();
}

http::Response send_message(const SiteParts& parts, const Ask& ask) {
  const auto request = control::parse_json(ask.content, "the request");
  if (!request) return say_problem(400, request.error().message);
  auto made = compose_message(*request);
  if (!made) return say_problem(400, made.error().message);
  if (made->raw.size() > parts.inboxes.bounds().message) return say_problem(413, "the message is too large");
  std::set<std::string> names{ask.inbox};
  if (ask.inbox.empty()) names = inboxes_for(made->envelope, made->raw);
  const MessagePtr message = parts.inboxes.add(std::move(made->envelope), std::move(made->raw), names);
  return say_json(json::object{{"ID", message->id}});
}

http::Response never_relays(const SiteParts&, const Ask&) { return say_problem(400, "a sink sends nothing on, ever"); }

// ---- Tags ----

http::Response list_tags(const SiteParts& parts, const Ask& ask) {
  return say_json(tags_json(parts.inboxes.list(ask.inbox)));
}

http::Response set_tags(const SiteParts& parts, const Ask& ask) {
  const auto request = object_of(ask);
  if (!request) return request.error();
  const auto tags = control::texts_field(*request, "Tags");
  if (!tags) return say_problem(400, tags.error().message, "Tags");
  const auto some = chosen(parts, ask, *request, false);
  if (!some) return some.error();
  std::set<std::string> names;
  for (const std::string& one : *tags)
    if (const std::string name = tag_name(one); !name.empty() && names.size() < 100) names.insert(name);
  for (const MessagePtr& one : *some) one->tags.assign(names.begin(), names.end());
  parts.inboxes.changed();
  return say_ok();
}

namespace {

/// The tag in the path becomes another one, or none.
http::Response replace_tag(const SiteParts& parts, const Ask& ask, const std::string& by) {
  const std::string tag = tag_name(ask.path[3]);
  bool found = false;
  for (const MessagePtr& one : parts.inboxes.list(ask.inbox)) {
    if (std::erase(one->tags, tag) == 0) continue;
    found = true;
    if (!by.empty()) one->tags.push_back(by);
    std::ranges::sort(one->tags);
    one->tags.erase(std::unique(one->tags.begin(), one->tags.end()), one->tags.end());
  }
  if (!found) return say_problem(404, "no message has that tag");
  parts.inboxes.changed();
  return say_ok();
}

} // namespace

http::Response rename_tag(const SiteParts& parts, const Ask& ask) {
  const auto request = object_of(ask);
  if (!request) return request.error();
  const auto name = control::text_field(*request, "Name");
  const std::string by = name && *name ? tag_name(**name) : std::string();
  if (by.empty()) return say_problem(400, "\"Name\" must be a tag", "Name");
  return replace_tag(parts, ask, by);
}

http::Response delete_tag(const SiteParts& parts, const Ask& ask) { return replace_tag(parts, ask, {}); }

} // namespace paquebot::sink
