// The page without scripts: what strangers wrote is text in it, whatever it holds.
#include "base/text.h"
#include "http/path.h"
#include "mail/timestamp.h"
#include "sink/handlers.h"
#include "sink/present.h"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <ranges>

namespace paquebot::sink {
namespace {

constexpr std::size_t kRows = 100;

/// Text between tags or in a quoted attribute. Octets that are no UTF-8, and controls, become U+FFFD.
std::string inert(std::string_view text, std::size_t most = 64u << 10) {
  std::string out;
  while (!text.empty() && out.size() < most) {
    const std::size_t length = printable_length(text);
    const bool line = text.front() == '\n' || text.front() == '\t';
    if (length == 0 && !line && text.front() != '\r')
      out += "\xEF\xBF\xBD";
    else if (text.front() == '&')
      out += "&amp;";
    else if (text.front() == '<')
      out += "&lt;";
    else if (text.front() == '>')
      out += "&gt;";
    else if (text.front() == '"')
      out += "&quot;";
    else if (text.front() == '\'')
      out += "&#39;";
    else if (text.front() != '\r')
      out += text.substr(0, std::max<std::size_t>(length, 1));
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

constexpr std::string_view kStyle = R"(:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .25rem .5rem; border-top: 1px solid #8886; }
pre { white-space: pre-wrap; }
iframe { width: 100%; height: 32rem; border: 1px solid #8886; background: #fff; }
nav a, form.inline { display: inline-block; margin-right: 1rem; }
dt { font-weight: 600; }
input, select, button { font: inherit; max-width: 100%; }
.new { font-weight: 600; }
)";

std::string frame(std::string_view title, std::string_view base, const std::string& body) {
  return fmt::format("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                     "<title>{} - paquebot sink</title>\n<link rel=\"stylesheet\" href=\"/plain/style.css\">\n</head>\n"
                     "<body>\n<header><a href=\"{}/plain/\">Sink</a>: takes everything, sends nothing on</header>\n"
                     "<main>\n{}</main>\n</body>\n</html>\n",
                     inert(title, 200), inert(base), body);
}

std::string time_text(WallTime at) {
  const std::string stamp = mail::format_timestamp(at);
  return fmt::format("<time datetime=\"{0}\">{0}</time>", stamp);
}

std::string button(const std::string& place, std::string_view words) {
  return fmt::format("<form class=\"inline\" method=\"post\" action=\"{}\"><button>{}</button></form>\n", inert(place),
                     words);
}

std::string inbox_links(const SiteParts& parts, const Ask& ask) {
  std::string out = "<nav aria-label=\"Inboxes\">\n<a href=\"/plain/\">all</a>\n";
  for (const auto& [name, inbox] : parts.inboxes.all())
    out += fmt::format("<a href=\"/inbox/{0}/plain/\"{2}>{0} ({1})</a>\n", inert(name), inbox.messages.size(),
                       name == ask.inbox ? " aria-current=\"true\"" : "");
  return out + "</nav>\n";
}

std::string rows(const SiteParts& parts, const Ask& ask) {
  const auto found = found_messages(parts, ask.inbox, ask.get("query"));
  if (!found) return "<p role=\"alert\">" + inert(found.error().message) + "</p>\n";
  if (found->empty()) return "<p>There is no message.</p>\n";
  std::string out = "<table><thead><tr><th>Subject</th><th>From</th><th>To</th><th>Came</th></tr></thead><tbody>\n";
  for (const MessagePtr& one : *found | std::views::take(kRows)) {
    std::string to;
    for (const std::string& address : one->envelope.to) to += (to.empty() ? "" : ", ") + address;
    out += fmt::format("<tr{}><td><a href=\"{}/plain/message/{}\"><bdi>{}</bdi></a></td><td><bdi>{}</bdi></td>"
                       "<td><bdi>{}</bdi></td><td>{}</td></tr>\n",
                       one->read ? "" : " class=\"new\"", ask.base, one->id,
                       one->brief.subject.empty() ? "(no subject)" : inert(one->brief.subject, 300),
                       inert(one->envelope.from, 300), inert(to, 300), time_text(one->received));
  }
  out += "</tbody></table>\n";
  if (found->size() > kRows) out += fmt::format("<p>{} older ones are not shown: search.</p>\n", found->size() - kRows);
  return out;
}

std::string choices(std::string_view name, std::string_view words) {
  std::string out = fmt::format("<label>{0} <select name=\"{0}\">", name);
  for (const std::string_view one : split(words, ' ')) out += fmt::format("<option>{}</option>", one);
  return out + "</select></label>\n";
}

std::string fault_part(const SiteParts& parts) {
  std::string out = "<section aria-labelledby=\"faults\"><h2 id=\"faults\">Faults</h2>\n"
                    "<p>What the sink does wrong on purpose, first match first.</p>\n<table><thead><tr><th>When</th>"
                    "<th>At</th><th>Does</th><th>Hits</th><th></th></tr></thead><tbody>\n";
  for (const Fault& one : parts.faults.all())
    out += fmt::format("<tr><td>{}</td><td>{}</td><td>{}: {}</td><td>{}</td><td>{}</td></tr>\n", inert(when_of(one)),
                       word_of(one.at), word_of(one.does), inert(said_of(one)), one.hits,
                       button("/plain/faults/" + one.id + "/delete", "Remove"));
  out += "</tbody></table>\n<form method=\"post\" action=\"/plain/faults\">\n";
  for (const std::string_view field : {"inbox", "sender", "recipient", "nth", "percent", "seconds", "reply"})
    out += fmt::format("<label>{0} <input name=\"{0}\" autocomplete=\"off\"></label>\n", field);
  out += choices("at", "rcpt connect ehlo starttls auth mail data end after");
  out += choices("does", "reply delay stall drop drip greylist full certificate duplicate bounce");
  return out + "<button>Add a fault</button>\n</form></section>\n";
}

std::string list_of(std::string_view title, const std::vector<std::string>& texts) {
  if (texts.empty()) return {};
  std::string out = fmt::format("<dt>{}</dt>", title);
  for (const std::string& one : texts) out += "<dd><code>" + inert(one, 4096) + "</code></dd>";
  return out + "\n";
}

std::string part_links(const Ask& ask, const Message& message, const Content& content) {
  std::string out;
  for (const std::vector<Part>* some : {&content.attachments, &content.inlines})
    for (const Part& one : *some)
      out +=
          fmt::format("<li><a href=\"{}/api/v1/message/{}/part/{}\"><bdi>{}</bdi></a> {}, {} octets</li>\n", ask.base,
                      message.id, one.id, inert(safe_name(one.name), 200), inert(one.type, 100), one.bytes.size());
  return out.empty() ? out : "<h2>Parts</h2>\n<ul>\n" + out + "</ul>\n";
}

/// The value of a form's field as a fault has it: numbers as numbers.
void put_field(json::object& fault, const std::string& name, const std::string& value) {
  if (value.empty()) return;
  const bool number = name == "nth" || name == "percent";
  if (const auto whole = parse_u64(value); number && whole)
    fault[name] = *whole;
  else if (name == "seconds")
    fault[name] = std::strtod(value.c_str(), nullptr);
  else
    fault[name] = value;
}

} // namespace

http::Response page_style(const SiteParts&, const Ask&) { return say_text(std::string(kStyle), "text/css"); }

http::Response page_list(const SiteParts& parts, const Ask& ask) {
  std::string body = fmt::format("<h1>{}</h1>\n", ask.inbox.empty() ? "All inboxes" : inert(ask.inbox));
  for (const std::string& one : parts.facts.smtp)
    body += fmt::format("<p><code>{}</code>: the login name is the inbox, any password will do; an inbox keeps {} "
                        "messages for {} days.</p>\n",
                        inert(one), parts.inboxes.bounds().messages, parts.inboxes.bounds().age.count() / 24);
  body += inbox_links(parts, ask);
  body += fmt::format("<form role=\"search\"><label>Find <input type=\"search\" name=\"query\" value=\"{}\"></label> "
                      "<button>Find</button></form>\n",
                      inert(ask.get("query"), 1000));
  body += rows(parts, ask);
  body += button(ask.base + "/plain/delete", "Delete all of these");
  return say_page(frame(ask.inbox.empty() ? "All inboxes" : ask.inbox, ask.base, body + fault_part(parts)));
}

http::Response page_message(const SiteParts& parts, const Ask& ask) {
  const MessagePtr message = parts.inboxes.find(ask.inbox, ask.path[2]);
  if (!message) return say_problem(404, "there is no such message");
  if (!message->read) {
    message->read = true;
    parts.inboxes.changed();
  }
  const Content content = read_content(*message->raw);
  const std::string subject = content.subject.empty() ? "(no subject)" : content.subject;
  std::string body = fmt::format("<h1><bdi>{}</bdi></h1>\n<dl>\n", inert(subject, 1000));
  body += list_of("From", {content.from ? content.from->name + " <" + content.from->address + ">" : ""});
  body += list_of("Sender", {"<" + message->envelope.from + ">"});
  body += list_of("Recipients", message->envelope.to);
  body += fmt::format("<dt>Came</dt><dd>{}, {} octets, TLS {}</dd>\n", time_text(message->received),
                      message->raw->size(), message->envelope.tls.empty() ? "none" : message->envelope.tls);
  body += list_of("Links", links_of(content)) + list_of("Codes", codes_of(content)) + "</dl>\n";
  const std::string view = ask.base + "/view/" + message->id + ".html";
  if (!content.html.empty())
    body += fmt::format("<h2>HTML</h2>\n<iframe sandbox src=\"{0}\" title=\"The message as HTML, without scripts\">"
                        "</iframe>\n<p>Scripts are off. {1} pictures from elsewhere were not fetched: "
                        "<a href=\"{0}?pictures=1\">show them</a>.</p>\n",
                        view, remote_pictures(content.html));
  if (!content.text.empty()) body += "<h2>Text</h2>\n<pre><bdi>" + inert(content.text) + "</bdi></pre>\n";
  body += part_links(ask, *message, content);
  body += "<h2>Source</h2>\n<pre><bdi>" + inert(*message->raw) + "</bdi></pre>\n";
  body += fmt::format("<p><a href=\"{}/api/v1/message/{}/raw?download=1\">Download</a></p>\n", ask.base, message->id);
  body += button(ask.base + "/plain/message/" + message->id + "/delete", "Delete");
  return say_page(frame(subject, ask.base, body));
}

http::Response page_delete(const SiteParts& parts, const Ask& ask) {
  if (const MessagePtr message = parts.inboxes.find(ask.inbox, ask.path[2])) parts.inboxes.remove(ask.inbox, message);
  return lead_to(ask.base + "/plain/");
}

http::Response page_delete_all(const SiteParts& parts, const Ask& ask) {
  for (const MessagePtr& one : parts.inboxes.list(ask.inbox)) parts.inboxes.remove(ask.inbox, one);
  return lead_to(ask.base + "/plain/");
}

http::Response page_add_fault(const SiteParts& parts, const Ask& ask) {
  const auto form = http::Query::parse(ask.content);
  if (!form) return say_problem(form.error().status, form.error().detail);
  json::object wanted;
  for (const http::Field& one : form->all()) put_field(wanted, one.name, one.value);
  auto fault = read_fault(wanted);
  if (!fault) return say_problem(422, fault.error().error.message, fault.error().field);
  const auto added = parts.faults.add(std::move(*fault));
  return added ? lead_to("/plain/") : say_problem(422, added.error().message);
}

http::Response page_delete_fault(const SiteParts& parts, const Ask& ask) {
  parts.faults.remove(std::string(ask.path[2]));
  return lead_to("/plain/");
}

} // namespace paquebot::sink
