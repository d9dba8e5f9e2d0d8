#include "cli/compose.h"

#include "base/text.h"
#include "base/ulid.h"
#include "cli/gmime_ptr.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <gmime/gmime.h>
#include <mutex>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

namespace paquebot::cli {

void start_gmime() {
  static std::once_flag once;
  std::call_once(once, [] { g_mime_init(); });
}

namespace {

bool is_header_text(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

/// Canonical line ends, and one at the end.
std::string with_crlf(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 32 + 2);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    if (text[i] == '\r' || text[i] == '\n')
      out += "\r\n";
    else
      out += text[i];
  }
  if (!out.empty() && !out.ends_with('\n')) out += "\r\n";
  return out;
}

/// The file's name, as RFC 2231 has it, and in Content-Type too for old readers.
void name_part(GMimePart* part, const std::string& name) {
  g_mime_part_set_filename(part, name.c_str());
  auto* disposition = g_mime_object_get_content_disposition(GMIME_OBJECT(part));
  auto* type = g_mime_object_get_content_type(GMIME_OBJECT(part));
  auto* filename = g_mime_param_list_get_parameter(g_mime_content_disposition_get_parameters(disposition), "filename");
  auto* old_name = g_mime_param_list_get_parameter(g_mime_content_type_get_parameters(type), "name");
  for (GMimeParam* param : {filename, old_name}) {
    if (param != nullptr) g_mime_param_set_charset(param, "utf-8");
  }
}

class Composer {
public:
  explicit Composer(const Letter& letter) : letter_(letter), message_(g_mime_message_new(TRUE)) {}
  Result<Composed> run();

private:
  Result<> sender();
  Result<> addresses(GMimeAddressType type, const char* header, const std::vector<std::string>& lists);
  Result<> mailboxes(InternetAddressList* list, const std::string& from_text, bool into_envelope);
  Result<> own_headers();
  Result<Owned<GMimeObject>> body();
  Owned<GMimeObject> text_part(const char* subtype, const std::string& text);
  Result<Owned<GMimeObject>> attachment(const std::string& path);
  Result<Composed> write();

  const Letter& letter_;
  Owned<GMimeMessage> message_;
  mail::Sender sender_;
  std::vector<mail::Recipient> recipients_;
  std::set<mail::Address> seen_;
};

/// Checks every mailbox of a parsed list; recipients go into the envelope, each once.
Result<> Composer::mailboxes(InternetAddressList* list, const std::string& from_text, bool into_envelope) {
  int count = list == nullptr ? 0 : internet_address_list_length(list);
  if (count == 0) return fail(Errc::invalid, fmt::format("\"{}\" is not an address", printable(from_text)));
  for (int i = 0; i < count; ++i) {
    InternetAddress* one = internet_address_list_get_address(list, i);
    if (INTERNET_ADDRESS_IS_GROUP(one)) {
      auto* members = internet_address_group_get_members(INTERNET_ADDRESS_GROUP(one));
      if (auto done = mailboxes(members, from_text, into_envelope); !done) return done;
      continue;
    }
    internet_address_set_charset(one, "utf-8");
    const char* text = internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(one));
    auto address = mail::parse_address(text == nullptr ? "" : text);
    if (!address) {
      return fail(Errc::invalid, fmt::format("\"{}\" is not an address: {}",
                                             printable(text == nullptr ? from_text : text), address.error().message));
    }
    if (address->international()) sender_.smtputf8 = true;
    if (!into_envelope)
      sender_.reverse_path = *address;
    else if (seen_.insert(*address).second)
      recipients_.push_back({*address});
  }
  return {};
}

Result<> Composer::sender() {
  if (!is_header_text(letter_.from) || !is_utf8(letter_.from))
    return fail(Errc::invalid, "the sender holds a line break or is not UTF-8");
  Owned<InternetAddressList> list(internet_address_list_parse(nullptr, letter_.from.c_str()));
  if (auto done = mailboxes(list.get(), letter_.from, false); !done) return done;
  if (internet_address_list_length(list.get()) != 1) return fail(Errc::invalid, "the sender must be one address");
  internet_address_list_append(g_mime_message_get_addresses(message_.get(), GMIME_ADDRESS_TYPE_FROM), list.get());
  return {};
}

Result<> Composer::addresses(GMimeAddressType type, const char* header, const std::vector<std::string>& lists) {
  for (const std::string& text : lists) {
    if (!is_header_text(text) || !is_utf8(text)) {
      return fail(Errc::invalid, fmt::format("{} holds a line break or is not UTF-8: \"{}\"", header, printable(text)));
    }
    Owned<InternetAddressList> list(internet_address_list_parse(nullptr, text.c_str()));
    if (auto done = mailboxes(list.get(), text, true); !done) return done;
    if (type == GMIME_ADDRESS_TYPE_BCC) continue; // in the envelope only
    internet_address_list_append(g_mime_message_get_addresses(message_.get(), type), list.get());
  }
  return {};
}

Result<> Composer::own_headers() {
  if (!is_header_text(letter_.subject) || !is_utf8(letter_.subject)) {
    return fail(Errc::invalid, "the subject holds a line break or is not UTF-8");
  }
  g_mime_message_set_subject(message_.get(), letter_.subject.c_str(), "utf-8");
  std::unique_ptr<GDateTime, decltype(&g_date_time_unref)> now(g_date_time_new_now_local(), &g_date_time_unref);
  g_mime_message_set_date(message_.get(), now.get());
  UlidSource ids;
  std::string domain = sender_.reverse_path.is_literal() ? "paquebot.invalid" : sender_.reverse_path.domain;
  g_mime_message_set_message_id(message_.get(), fmt::format("{}@{}", ids.next().to_string(), domain).c_str());
  for (const std::string& header : letter_.headers) {
    std::size_t colon = header.find(':');
    std::string name = header.substr(0, colon);
    // RFC 5322 section 2.2: a name is of printable ASCII.
    bool good = colon != std::string::npos && !name.empty() && is_header_text(header) && is_utf8(header) &&
                std::ranges::all_of(name, [](char c) { return c > 0x20 && c < 0x7f; });
    if (!good)
      return fail(Errc::invalid, fmt::format("\"{}\" is not a header: write \"Name: value\"", printable(header)));
    std::string value(trim(std::string_view(header).substr(colon + 1)));
    g_mime_object_append_header(GMIME_OBJECT(message_.get()), name.c_str(), value.c_str(), "utf-8");
  }
  return {};
}

Owned<GMimeObject> Composer::text_part(const char* subtype, const std::string& text) {
  std::string canonical = with_crlf(text);
  Owned<GMimePart> part(GMIME_PART(g_mime_text_part_new_with_subtype(subtype)));
  g_mime_object_set_content_type_parameter(GMIME_OBJECT(part.get()), "charset", is_ascii(text) ? "us-ascii" : "utf-8");
  Owned<GMimeStream> stream(g_mime_stream_mem_new_with_buffer(canonical.data(), canonical.size()));
  Owned<GMimeDataWrapper> content(g_mime_data_wrapper_new_with_stream(stream.get(), GMIME_CONTENT_ENCODING_DEFAULT));
  g_mime_part_set_content(part.get(), content.get());
  auto encoding = g_mime_part_get_best_content_encoding(part.get(), GMIME_ENCODING_CONSTRAINT_7BIT);
  g_mime_part_set_content_encoding(part.get(), encoding);
  return Owned<GMimeObject>(GMIME_OBJECT(part.release()));
}

Result<Owned<GMimeObject>> Composer::attachment(const std::string& path) {
  int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat facts{};
  if (descriptor < 0 || fstat(descriptor, &facts) != 0) {
    int error = errno;
    if (descriptor >= 0) close(descriptor);
    Errc code = error == ENOENT ? Errc::not_found : error == EACCES ? Errc::permission : Errc::io;
    return fail(code, fmt::format("the attachment {} can't be read: {}", printable(path), std::strerror(error)));
  }
  Owned<GMimeStream> stream(g_mime_stream_fs_new(descriptor)); // owns the descriptor
  if (!S_ISREG(facts.st_mode))
    return fail(Errc::invalid, fmt::format("the attachment {} is not a file", printable(path)));
  std::string name = path.substr(path.rfind('/') + 1);
  std::string_view type = content_type_of(path);
  std::size_t slash = type.find('/');
  Owned<GMimePart> part(g_mime_part_new_with_type(std::string(type.substr(0, slash)).c_str(),
                                                  std::string(type.substr(slash + 1)).c_str()));
  g_mime_object_set_disposition(GMIME_OBJECT(part.get()), GMIME_DISPOSITION_ATTACHMENT);
  name_part(part.get(), is_utf8(name) && is_header_text(name) ? name : "attachment");
  Owned<GMimeDataWrapper> content(g_mime_data_wrapper_new_with_stream(stream.get(), GMIME_CONTENT_ENCODING_DEFAULT));
  g_mime_part_set_content(part.get(), content.get());
  g_mime_part_set_content_encoding(part.get(), GMIME_CONTENT_ENCODING_BASE64); // octet for octet, also text
  return Owned<GMimeObject>(GMIME_OBJECT(part.release()));
}

Result<Owned<GMimeObject>> Composer::body() {
  if ((letter_.text && !is_utf8(*letter_.text)) || (letter_.html && !is_utf8(*letter_.html))) {
    return fail(Errc::invalid, "the text is not UTF-8: convert it (iconv -t utf-8) or attach it");
  }
  Owned<GMimeObject> body;
  if (letter_.text || !letter_.html) body = text_part("plain", letter_.text.value_or(""));
  if (letter_.html) {
    Owned<GMimeObject> html = text_part("html", *letter_.html);
    if (body) {
      Owned<GMimeMultipart> both(g_mime_multipart_new_with_subtype("alternative"));
      g_mime_multipart_add(both.get(), body.get());
      g_mime_multipart_add(both.get(), html.get());
      body.reset(GMIME_OBJECT(both.release()));
    } else {
      body = std::move(html);
    }
  }
  if (letter_.attachments.empty()) return body;
  Owned<GMimeMultipart> mixed(g_mime_multipart_new_with_subtype("mixed"));
  g_mime_multipart_add(mixed.get(), body.get());
  for (const std::string& path : letter_.attachments) {
    auto part = attachment(path);
    if (!part) return std::unexpected(part.error());
    g_mime_multipart_add(mixed.get(), part->get());
  }
  return Owned<GMimeObject>(GMIME_OBJECT(mixed.release()));
}

Result<Composed> Composer::write() {
  auto file = TempFile::make();
  if (!file) return std::unexpected(file.error());
  std::unique_ptr<GMimeFormatOptions, decltype(&g_mime_format_options_free)> options(g_mime_format_options_new(),
                                                                                     &g_mime_format_options_free);
  g_mime_format_options_set_newline_format(options.get(), GMIME_NEWLINE_FORMAT_DOS);
  g_mime_format_options_set_param_encoding_method(options.get(), GMIME_PARAM_ENCODING_METHOD_RFC2231);
  Owned<GMimeStream> raw(g_mime_stream_fs_new(file->descriptor()));
  g_mime_stream_fs_set_owner(GMIME_STREAM_FS(raw.get()), FALSE);
  Owned<GMimeStream> buffered(g_mime_stream_buffer_new(raw.get(), GMIME_STREAM_BUFFER_BLOCK_WRITE));
  auto written = g_mime_object_write_to_stream(GMIME_OBJECT(message_.get()), options.get(), buffered.get());
  if (written < 0 || g_mime_stream_flush(buffered.get()) != 0) {
    return fail(Errc::no_space, fmt::format("the message can't be written to the temporary directory (TMPDIR): {}",
                                            std::strerror(errno)));
  }
  auto size = file->size();
  if (!size) return std::unexpected(size.error());
  if (auto done = file->rewind(); !done) return std::unexpected(done.error());
  return Composed{std::move(*file), *size, std::move(sender_), std::move(recipients_)};
}

Result<Composed> Composer::run() {
  if (auto done = sender(); !done) return std::unexpected(done.error());
  if (auto done = addresses(GMIME_ADDRESS_TYPE_TO, "To", letter_.to); !done) return std::unexpected(done.error());
  if (auto done = addresses(GMIME_ADDRESS_TYPE_CC, "Cc", letter_.cc); !done) return std::unexpected(done.error());
  if (auto done = addresses(GMIME_ADDRESS_TYPE_BCC, "Bcc", letter_.bcc); !done) return std::unexpected(done.error());
  if (recipients_.empty()) return fail(Errc::invalid, "there is no recipient");
  if (auto done = own_headers(); !done) return std::unexpected(done.error());
  auto content = body();
  if (!content) return std::unexpected(content.error());
  g_mime_message_set_mime_part(message_.get(), content->get());
  return write();
}

} // namespace

Result<Composed> compose(const Letter& letter) {
  start_gmime();
  return Composer(letter).run();
}

} // namespace paquebot::cli
