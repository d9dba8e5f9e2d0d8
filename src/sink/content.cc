#include "sink/content.h"

#include "base/text.h"
#include "cli/gmime_ptr.h"

#include <algorithm>
#include <gmime/gmime.h>

namespace paquebot::sink {
namespace {

using cli::Owned;
using cli::OwnedText;

constexpr int kDeepest = 50;
constexpr std::size_t kMostParts = 1000;
constexpr int kMostPeople = 1000;

std::string text_or_empty(const char* text) { return text == nullptr ? std::string() : std::string(text); }

void add_people(InternetAddressList* list, std::vector<Person>& into) {
  if (list == nullptr) return;
  const int count = std::min(internet_address_list_length(list), kMostPeople);
  for (int i = 0; i < count; ++i) {
    InternetAddress* one = internet_address_list_get_address(list, i);
    if (INTERNET_ADDRESS_IS_GROUP(one)) {
      InternetAddressList* members = internet_address_group_get_members(INTERNET_ADDRESS_GROUP(one));
      const int inner = members == nullptr ? 0 : std::min(internet_address_list_length(members), kMostPeople);
      for (int k = 0; k < inner; ++k) {
        InternetAddress* member = internet_address_list_get_address(members, k);
        if (!INTERNET_ADDRESS_IS_MAILBOX(member)) continue; // a group in a group is none
        into.push_back({text_or_empty(internet_address_get_name(member)),
                        text_or_empty(internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(member)))});
      }
    } else if (INTERNET_ADDRESS_IS_MAILBOX(one)) {
      into.push_back({text_or_empty(internet_address_get_name(one)),
                      text_or_empty(internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(one)))});
    }
  }
}

std::string bytes_of(GMimeDataWrapper* wrapper) {
  if (wrapper == nullptr) return {};
  Owned<GMimeStream> memory(g_mime_stream_mem_new());
  g_mime_data_wrapper_write_to_stream(wrapper, memory.get());
  const GByteArray* array = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(memory.get()));
  return {reinterpret_cast<const char*>(array->data), array->len};
}

std::string bytes_of_object(GMimeObject* object) {
  Owned<GMimeStream> memory(g_mime_stream_mem_new());
  g_mime_object_write_to_stream(object, nullptr, memory.get());
  const GByteArray* array = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(memory.get()));
  return {reinterpret_cast<const char*>(array->data), array->len};
}

std::string decoded_text(GMimeObject* part) {
  if (!GMIME_IS_TEXT_PART(part)) return {};
  const OwnedText text(g_mime_text_part_get_text(GMIME_TEXT_PART(part)));
  return text_or_empty(text.get());
}

bool is_type(GMimeObject* part, const char* type, const char* subtype) {
  GMimeContentType* found = g_mime_object_get_content_type(part);
  return found != nullptr && g_mime_content_type_is_type(found, type, subtype) != FALSE;
}

/// Walks the parts of one message.
class Walk {
public:
  explicit Walk(Content& into) : into_(into) {}

  void visit(GMimeObject* part, const std::string& id, int depth) {
    if (part == nullptr || into_.attachments.size() + into_.inlines.size() >= kMostParts) return;
    if (GMIME_IS_MULTIPART(part) && depth < kDeepest) {
      const int count = g_mime_multipart_get_count(GMIME_MULTIPART(part));
      for (int i = 0; i < count; ++i)
        visit(g_mime_multipart_get_part(GMIME_MULTIPART(part), i), (id.empty() ? id : id + ".") + std::to_string(i + 1),
              depth + 1);
      return;
    }
    if (take_text(part)) return;
    keep(part, id.empty() ? "1" : id);
  }

private:
  bool take_text(GMimeObject* part) {
    GMimeContentDisposition* disposition = g_mime_object_get_content_disposition(part);
    if (disposition != nullptr && g_mime_content_disposition_is_attachment(disposition)) return false;
    if (is_type(part, "text", "plain")) {
      into_.text += decoded_text(part);
      return true;
    }
    if (!is_type(part, "text", "html") || !into_.html.empty()) return false;
    into_.html = decoded_text(part);
    return true;
  }

  void keep(GMimeObject* part, std::string id) {
    Part found;
    found.id = std::move(id);
    if (GMimeContentType* type = g_mime_object_get_content_type(part)) {
      const OwnedText name(g_mime_content_type_get_mime_type(type));
      found.type = to_lower(text_or_empty(name.get()));
    }
    found.cid = text_or_empty(g_mime_object_get_content_id(part));
    if (GMIME_IS_PART(part)) {
      found.name = text_or_empty(g_mime_part_get_filename(GMIME_PART(part)));
      found.bytes = bytes_of(g_mime_part_get_content(GMIME_PART(part)));
    } else if (GMIME_IS_MESSAGE_PART(part)) {
      GMimeMessage* inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(part));
      if (inner != nullptr) found.bytes = bytes_of_object(GMIME_OBJECT(inner));
    } else {
      found.bytes = bytes_of_object(part);
    }
    GMimeContentDisposition* disposition = g_mime_object_get_content_disposition(part);
    const bool attached = disposition != nullptr && g_mime_content_disposition_is_attachment(disposition);
    const bool shown = !attached && (!found.cid.empty() || disposition != nullptr);
    (shown ? into_.inlines : into_.attachments).push_back(std::move(found));
  }

  Content& into_;
};

} // namespace

Content read_content(const std::string& message) {
  cli::start_gmime();
  Content content;
  Owned<GMimeStream> stream(g_mime_stream_mem_new_with_buffer(message.data(), message.size()));
  Owned<GMimeParser> parser(g_mime_parser_new_with_stream(stream.get()));
  const Owned<GMimeMessage> parsed(g_mime_parser_construct_message(parser.get(), nullptr));
  if (!parsed) {
    content.text = message;
    return content;
  }
  std::vector<Person> from;
  add_people(g_mime_message_get_from(parsed.get()), from);
  if (!from.empty()) content.from = std::move(from.front());
  add_people(g_mime_message_get_to(parsed.get()), content.to);
  add_people(g_mime_message_get_cc(parsed.get()), content.cc);
  add_people(g_mime_message_get_bcc(parsed.get()), content.bcc);
  add_people(g_mime_message_get_reply_to(parsed.get()), content.reply_to);
  content.subject = text_or_empty(g_mime_message_get_subject(parsed.get()));
  content.message_id = text_or_empty(g_mime_message_get_message_id(parsed.get()));
  if (GDateTime* date = g_mime_message_get_date(parsed.get()))
    content.date = from_millis(g_date_time_to_unix(date) * 1000);
  Walk(content).visit(g_mime_message_get_mime_part(parsed.get()), {}, 0);
  return content;
}

std::string safe_name(std::string_view name) {
  constexpr std::size_t most = 120;
  const std::size_t slash = name.find_last_of("/\\");
  if (slash != std::string_view::npos) name.remove_prefix(slash + 1);
  std::string out;
  while (!name.empty() && out.size() < most) {
    const std::size_t length = printable_length(name);
    const bool plain = length > 0 && std::string_view("\"*:<>?|;%").find(name.front()) == std::string_view::npos;
    if (plain)
      out += name.substr(0, length);
    else
      out += '_';
    name.remove_prefix(std::max<std::size_t>(length, 1));
  }
  const std::size_t first = out.find_first_not_of(". ");
  return first == std::string::npos ? "attachment" : out.substr(first);
}

} // namespace paquebot::sink
