#include "cli/compose.h"

#include "base/encoding.h"
#include "base/text.h"
#include "base/ulid.h"
#include "cli/gmime_ptr.h"
#include "mail/address.h"
#include "sink/handlers.h"

#include <algorithm>
#include <gmime/gmime.h>

namespace paquebot::sink {
namespace {

namespace json = boost::json;
using cli::Owned;

constexpr std::size_t kMostRecipients = 1000;

Result<Person> person_in(const json::value& value, const char* field) {
  const auto wrong = [&](std::string_view why) {
    return fail(Errc::invalid, std::string(field) + ": " + std::string(why));
  };
  const json::object* object = value.if_object();
  if (object == nullptr) return wrong("an object with \"Email\" and \"Name\" is wanted");
  const std::string address = control::get_text(value, "Email");
  if (!mail::parse_address(address)) return wrong("\"" + printable(address, 100) + "\" is no address");
  return Person{control::get_text(value, "Name"), address};
}

Result<std::vector<Person>> people_in(const json::value& request, const char* field) {
  std::vector<Person> people;
  for (const json::value& one : control::get_list(request, field)) {
    auto person = person_in(one, field);
    if (!person) return std::unexpected(person.error());
    people.push_back(std::move(*person));
  }
  if (people.size() > kMostRecipients) return fail(Errc::invalid, std::string(field) + ": these are too many");
  return people;
}

void address_to(GMimeMessage* message, GMimeAddressType kind, const std::vector<Person>& people) {
  for (const Person& one : people)
    g_mime_message_add_mailbox(message, kind, one.name.empty() ? nullptr : one.name.c_str(), one.address.c_str());
}

Owned<GMimeObject> text_part(const char* kind, const std::string& text) {
  GMimeTextPart* part = g_mime_text_part_new_with_subtype(kind);
  g_mime_text_part_set_charset(part, "utf-8");
  g_mime_text_part_set_text(part, text.c_str());
  g_mime_part_set_content_encoding(GMIME_PART(part), GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
  return Owned<GMimeObject>(GMIME_OBJECT(part));
}

Result<Owned<GMimeObject>> file_part(const json::value& value) {
  const auto bytes = base64_decode(control::get_text(value, "Content"));
  if (!bytes) return fail(Errc::invalid, "Attachments: \"Content\" must be base 64");
  const std::string name = control::get_text(value, "Filename"), cid = control::get_text(value, "ContentID");
  std::string type = to_lower(control::get_text(value, "ContentType"));
  const auto slash = type.find('/');
  if (slash == std::string::npos || type.find_first_of(" ;\r\n\"") != std::string::npos)
    type = std::string(cli::content_type_of(name));
  const std::string major = type.substr(0, type.find('/')), minor = type.substr(type.find('/') + 1);
  GMimePart* part = g_mime_part_new_with_type(major.c_str(), minor.c_str());
  Owned<GMimeObject> owner(GMIME_OBJECT(part));
  const Owned<GMimeStream> memory(g_mime_stream_mem_new_with_buffer(bytes->data(), bytes->size()));
  const Owned<GMimeDataWrapper> content(
      g_mime_data_wrapper_new_with_stream(memory.get(), GMIME_CONTENT_ENCODING_DEFAULT));
  g_mime_part_set_content(part, content.get());
  g_mime_part_set_content_encoding(part, GMIME_CONTENT_ENCODING_BASE64);
  g_mime_object_set_disposition(GMIME_OBJECT(part), cid.empty() ? "attachment" : "inline");
  if (!name.empty()) g_mime_part_set_filename(part, safe_name(name).c_str());
  if (!cid.empty() && is_ascii(cid) && cid.find_first_of("<> \r\n") == std::string::npos)
    g_mime_object_set_content_id(GMIME_OBJECT(part), cid.c_str());
  return owner;
}

Owned<GMimeObject> multipart(const char* kind, std::vector<Owned<GMimeObject>> parts) {
  if (parts.size() == 1) return std::move(parts.front());
  GMimeMultipart* made = g_mime_multipart_new_with_subtype(kind);
  for (const Owned<GMimeObject>& one : parts) g_mime_multipart_add(made, one.get());
  return Owned<GMimeObject>(GMIME_OBJECT(made));
}

Result<Owned<GMimeObject>> body_of(const json::value& request) {
  const std::string text = control::get_text(request, "Text"), html = control::get_text(request, "HTML");
  std::vector<Owned<GMimeObject>> ways;
  if (!text.empty() || html.empty()) ways.push_back(text_part("plain", text));
  if (!html.empty()) ways.push_back(text_part("html", html));
  std::vector<Owned<GMimeObject>> all;
  all.push_back(multipart("alternative", std::move(ways)));
  for (const json::value& one : control::get_list(request, "Attachments")) {
    auto part = file_part(one);
    if (!part) return std::unexpected(part.error());
    all.push_back(std::move(*part));
  }
  return multipart("mixed", std::move(all));
}

/// Fields of the caller's own; what a line end in one would make is never made.
Result<> add_fields(GMimeMessage* message, const json::value& request) {
  const json::value* fields = request.as_object().if_contains("Headers");
  if (fields != nullptr && fields->is_object()) {
    for (const auto& [name, value] : fields->as_object()) {
      const bool token =
          !name.empty() && std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7F && c != ':'; });
      const std::string text = value.is_string() ? std::string(value.as_string()) : std::string();
      if (!token || !value.is_string() || text.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos)
        return fail(Errc::invalid, "Headers: \"" + printable(name, 60) + "\" is no field with a text in one line");
      g_mime_object_append_header(GMIME_OBJECT(message), std::string(name).c_str(), text.c_str(), "utf-8");
    }
  }
  std::string tags;
  for (const json::value& one : control::get_list(request, "Tags"))
    if (one.is_string()) tags += (tags.empty() ? "" : ", ") + tag_name(one.as_string());
  if (!tags.empty()) g_mime_object_append_header(GMIME_OBJECT(message), "X-Tags", tags.c_str(), "utf-8");
  return {};
}

std::string written(GMimeMessage* message) {
  const Owned<GMimeStream> memory(g_mime_stream_mem_new());
  g_mime_object_write_to_stream(GMIME_OBJECT(message), nullptr, memory.get());
  const GByteArray* array = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(memory.get()));
  std::string out;
  out.reserve(array->len + array->len / 32);
  for (guint at = 0; at < array->len; ++at) { // all of it is lines of seven bits
    const char c = static_cast<char>(array->data[at]);
    if (c == '\n' && (out.empty() || out.back() != '\r')) out += '\r';
    out += c;
  }
  return out;
}

} // namespace

Result<Composed> compose_message(const json::value& request) {
  cli::start_gmime();
  if (!request.is_object()) return fail(Errc::invalid, "the request must be an object");
  const json::value* sender = request.as_object().if_contains("From");
  if (sender == nullptr) return fail(Errc::invalid, "From: it is missing");
  const auto from = person_in(*sender, "From");
  const auto to = people_in(request, "To"), cc = people_in(request, "Cc"), reply = people_in(request, "ReplyTo");
  const auto bcc = control::texts_field(request.as_object(), "Bcc");
  for (const Error* wrong : {from ? nullptr : &from.error(), to ? nullptr : &to.error(), cc ? nullptr : &cc.error(),
                             reply ? nullptr : &reply.error(), bcc ? nullptr : &bcc.error()})
    if (wrong != nullptr) return std::unexpected(*wrong);
  Composed made;
  made.envelope.from = from->address;
  for (const std::vector<Person>* some : {&*to, &*cc})
    for (const Person& one : *some) made.envelope.to.push_back(one.address);
  for (const std::string& one : *bcc) {
    if (!mail::parse_address(one)) return fail(Errc::invalid, "Bcc: \"" + printable(one, 100) + "\" is no address");
    made.envelope.to.push_back(one);
  }
  auto body = body_of(request);
  if (!body) return std::unexpected(body.error());
  const Owned<GMimeMessage> message(g_mime_message_new(TRUE));
  address_to(message.get(), GMIME_ADDRESS_TYPE_FROM, {*from});
  address_to(message.get(), GMIME_ADDRESS_TYPE_TO, *to);
  address_to(message.get(), GMIME_ADDRESS_TYPE_CC, *cc);
  address_to(message.get(), GMIME_ADDRESS_TYPE_REPLY_TO, *reply);
  const std::string subject = control::get_text(request, "Subject");
  if (subject.find_first_of("\r\n") != std::string::npos) return fail(Errc::invalid, "Subject: it has one line");
  g_mime_message_set_subject(message.get(), subject.c_str(), "utf-8");
  GDateTime* now = g_date_time_new_now_utc();
  g_mime_message_set_date(message.get(), now);
  g_date_time_unref(now);
  static UlidSource ids;
  g_mime_message_set_message_id(message.get(), (to_lower(ids.next().to_string()) + "@sink.localhost").c_str());
  if (auto done = add_fields(message.get(), request); !done) return std::unexpected(done.error());
  g_mime_message_set_mime_part(message.get(), body->get());
  made.raw = written(message.get());
  return made;
}

} // namespace paquebot::sink
