#include "sink/present.h"

#include "base/text.h"
#include "mail/head.h"

#include <algorithm>
#include <glib.h>
#include <map>
#include <memory>
#include <set>

namespace paquebot::sink {
namespace {

using control::time_value;

json::object person_json(const Person& person) { return {{"Name", person.name}, {"Address", person.address}}; }

json::array people_json(const std::vector<Person>& people) {
  json::array all;
  for (const Person& one : people) all.push_back(person_json(one));
  return all;
}

json::array texts_json(const auto& texts) {
  json::array all;
  for (const std::string& one : texts) all.emplace_back(one);
  return all;
}

/// The field Bcc, and those that nobody was told of.
json::array blind_json(const Message& message) {
  json::array all = people_json(message.brief.bcc);
  for (const std::string& one : blind_of(message)) all.push_back(person_json({{}, one}));
  return all;
}

std::string checksum(GChecksumType kind, const std::string& bytes) {
  const std::unique_ptr<char, decltype(&g_free)> text(
      g_compute_checksum_for_data(kind, reinterpret_cast<const guchar*>(bytes.data()), bytes.size()), &g_free);
  return text ? text.get() : std::string();
}

json::array parts_json(const std::vector<Part>& parts) {
  json::array all;
  for (const Part& one : parts) {
    json::object sums{{"MD5", checksum(G_CHECKSUM_MD5, one.bytes)},
                      {"SHA1", checksum(G_CHECKSUM_SHA1, one.bytes)},
                      {"SHA256", checksum(G_CHECKSUM_SHA256, one.bytes)}};
    all.push_back(json::object{{"PartID", one.id},
                               {"FileName", one.name},
                               {"ContentType", one.type},
                               {"ContentID", one.cid},
                               {"Size", one.bytes.size()},
                               {"Checksums", std::move(sums)}});
  }
  return all;
}

/// "message-id" as "Message-Id": one form for each name, as clients of Mailpit know it.
std::string canonical_name(std::string_view name) {
  std::string out;
  bool first = true;
  for (const char c : name) {
    out += first && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : first ? c : to_lower(c);
    first = c == '-';
  }
  return out;
}

std::map<std::string, std::vector<std::string>> fields_of(const std::string& raw) {
  std::map<std::string, std::vector<std::string>> fields;
  mail::HeadSplitter splitter;
  if (!splitter.feed(raw) || !splitter.finish()) return fields;
  const auto head = mail::Head::parse(splitter.take_head());
  if (!head) return fields;
  for (const mail::Field& one : *head)
    if (!one.name().empty()) fields[canonical_name(one.name())].push_back(mail::unfold(one.value()));
  return fields;
}

/// RFC 2369: addresses in angle brackets; of mail and of the web at most one each.
json::object unsubscribe_json(const std::string& raw) {
  const auto fields = fields_of(raw);
  const auto text = [&](const char* name) {
    const auto found = fields.find(name);
    return found == fields.end() ? std::string() : found->second.front();
  };
  const std::string header = text("List-Unsubscribe");
  json::array links;
  std::string wrong;
  for (const std::string_view one : split(header, ',')) {
    const std::string_view link = trim(one);
    if (link.empty()) continue;
    const bool known =
        istarts_with(link, "<mailto:") || istarts_with(link, "<https://") || istarts_with(link, "<http://");
    if (known && link.ends_with('>'))
      links.emplace_back(link.substr(1, link.size() - 2));
    else
      wrong = "not a link in angle brackets: " + printable(link, 100);
  }
  return {{"Header", header},
          {"HeaderPost", text("List-Unsubscribe-Post")},
          {"Links", std::move(links)},
          {"Errors", wrong}};
}

} // namespace

json::object brief_json(const Message& m) {
  const Brief& b = m.brief;
  return {{"ID", m.id},
          {"MessageID", b.message_id},
          {"Read", m.read},
          {"From", person_json(b.from)},
          {"To", people_json(b.to)},
          {"Cc", people_json(b.cc)},
          {"Bcc", blind_json(m)},
          {"ReplyTo", people_json(b.reply_to)},
          {"Subject", b.subject},
          {"Created", time_value(millis(m.received))},
          {"Username", m.envelope.login},
          {"Tags", texts_json(m.tags)},
          {"Size", m.raw->size()},
          {"Attachments", b.attachments},
          {"Snippet", b.snippet},
          {"Inboxes", texts_json(m.inboxes)}};
}

json::object message_json(const Message& m, const Content& content) {
  json::object envelope{{"From", m.envelope.from},
                        {"To", texts_json(m.envelope.to)},
                        {"Helo", m.envelope.helo},
                        {"Client", m.envelope.client}};
  return {{"ID", m.id},
          {"MessageID", content.message_id},
          {"From", person_json(content.from.value_or(Person{}))},
          {"To", people_json(content.to)},
          {"Cc", people_json(content.cc)},
          {"Bcc", blind_json(m)},
          {"ReplyTo", people_json(content.reply_to)},
          {"ReturnPath", m.envelope.from},
          {"Subject", content.subject},
          {"ListUnsubscribe", unsubscribe_json(*m.raw)},
          {"Date", time_value(millis(content.date.value_or(m.received)))},
          {"Tags", texts_json(m.tags)},
          {"Username", m.envelope.login},
          {"Text", content.text},
          {"HTML", content.html},
          {"Size", m.raw->size()},
          {"Inline", parts_json(content.inlines)},
          {"Attachments", parts_json(content.attachments)},
          {"Received", time_value(millis(m.received))},
          {"Envelope", std::move(envelope)},
          {"TLS", m.envelope.tls},
          {"Inboxes", texts_json(m.inboxes)},
          {"Links", texts_json(links_of(content))},
          {"Codes", texts_json(codes_of(content))},
          {"RemotePictures", remote_pictures(content.html)}};
}

json::object headers_json(const std::string& raw) {
  json::object all;
  for (const auto& [name, values] : fields_of(raw)) all[name] = texts_json(values);
  return all;
}

json::array tags_json(std::span<const MessagePtr> messages) {
  std::set<std::string> tags;
  for (const MessagePtr& one : messages) tags.insert(one->tags.begin(), one->tags.end());
  return texts_json(tags);
}

} // namespace paquebot::sink
