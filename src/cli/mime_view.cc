#include "cli/mime_view.h"

#include "base/text.h"
#include "cli/gmime_ptr.h"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <gmime/gmime.h>

namespace paquebot::cli {

namespace {

constexpr int kMaxDepth = 50;
constexpr std::size_t kMaxParts = 10'000;

std::string owned(char* text) {
  OwnedText owner(text);
  return text == nullptr ? std::string() : std::string(text);
}

std::string list_text(InternetAddressList* list) {
  return list == nullptr ? std::string() : owned(internet_address_list_to_string(list, nullptr, FALSE));
}

LetterHead head_of(GMimeMessage* message) {
  LetterHead head;
  head.from = list_text(g_mime_message_get_from(message));
  head.to = list_text(g_mime_message_get_to(message));
  head.cc = list_text(g_mime_message_get_cc(message));
  if (const char* subject = g_mime_message_get_subject(message)) head.subject = subject;
  if (GDateTime* date = g_mime_message_get_date(message)) {
    std::unique_ptr<GDateTime, decltype(&g_date_time_unref)> local(g_date_time_to_local(date), &g_date_time_unref);
    if (local) head.date = owned(g_date_time_format(local.get(), "%Y-%m-%d %H:%M"));
  }
  return head;
}

bool is_attachment(GMimeObject* part) {
  GMimeContentDisposition* disposition = g_mime_object_get_content_disposition(part);
  return disposition != nullptr && g_mime_content_disposition_is_attachment(disposition);
}

bool is_text(GMimeObject* part, const char* subtype) {
  return GMIME_IS_TEXT_PART(part) && g_mime_content_type_is_type(g_mime_object_get_content_type(part), "text", subtype);
}

std::uint64_t decoded_size(GMimePart* part) {
  GMimeDataWrapper* content = g_mime_part_get_content(part);
  if (content == nullptr) return 0;
  auto length = g_mime_stream_length(g_mime_data_wrapper_get_stream(content));
  auto octets = length > 0 ? static_cast<std::uint64_t>(length) : 0;
  bool base64 = g_mime_part_get_content_encoding(part) == GMIME_CONTENT_ENCODING_BASE64;
  return base64 ? octets * 57 / 78 : octets; // lines of 76 characters and CRLF carry 57 octets
}

Owned<GMimeMessage> parse(GMimeStream* stream) {
  Owned<GMimeParser> parser(g_mime_parser_new_with_stream(stream));
  g_mime_parser_set_persist_stream(parser.get(), TRUE);
  return Owned<GMimeMessage>(g_mime_parser_construct_message(parser.get(), nullptr));
}

} // namespace

LetterHead read_head(std::string_view header_block) {
  start_gmime();
  Owned<GMimeStream> stream(g_mime_stream_mem_new_with_buffer(header_block.data(), header_block.size()));
  auto message = parse(stream.get());
  return message ? head_of(message.get()) : LetterHead{};
}

struct MimeView::Impl {
  Owned<GMimeStream> stream;
  Owned<GMimeMessage> message;
  LetterHead head;
  GMimeObject* text = nullptr; ///< owned by the message, as all parts
  bool html = false;
  std::vector<Attachment> attachments;
  std::vector<GMimeObject*> parts; ///< of the attachments

  void collect(GMimeObject* part, int depth);
};

/// Walks the tree; beyond the depth a part is shown as it is.
void MimeView::Impl::collect(GMimeObject* part, int depth) {
  if (part == nullptr || parts.size() >= kMaxParts) return;
  if (GMIME_IS_MULTIPART(part) && depth < kMaxDepth) {
    int count = g_mime_multipart_get_count(GMIME_MULTIPART(part));
    for (int i = 0; i < count; ++i) collect(g_mime_multipart_get_part(GMIME_MULTIPART(part), i), depth + 1);
    return;
  }
  if (text == nullptr && is_text(part, "plain") && !is_attachment(part)) {
    text = part;
    return;
  }
  if (is_text(part, "html") && !is_attachment(part)) html = true;
  Attachment found;
  found.type = owned(g_mime_content_type_get_mime_type(g_mime_object_get_content_type(part)));
  found.size = 0;
  if (GMIME_IS_PART(part)) {
    if (const char* name = g_mime_part_get_filename(GMIME_PART(part))) found.name = name;
    found.size = decoded_size(GMIME_PART(part));
  }
  attachments.push_back(std::move(found));
  parts.push_back(part);
}

MimeView::MimeView(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MimeView::~MimeView() = default;
MimeView::MimeView(MimeView&&) noexcept = default;

Result<MimeView> MimeView::open(TempFile& file) {
  start_gmime();
  if (auto done = file.rewind(); !done) return std::unexpected(done.error());
  auto impl = std::make_unique<Impl>();
  impl->stream.reset(g_mime_stream_fs_new(file.descriptor()));
  g_mime_stream_fs_set_owner(GMIME_STREAM_FS(impl->stream.get()), FALSE);
  impl->message = parse(impl->stream.get());
  if (!impl->message) return fail(Errc::invalid, "this is not a message that can be read; save it to look at it");
  impl->head = head_of(impl->message.get());
  impl->collect(g_mime_message_get_mime_part(impl->message.get()), 0);
  return MimeView(std::move(impl));
}

const LetterHead& MimeView::head() const { return impl_->head; }
bool MimeView::html_only() const { return impl_->text == nullptr && impl_->html; }
const std::vector<MimeView::Attachment>& MimeView::attachments() const { return impl_->attachments; }

Result<MimeView::Text> MimeView::text(std::size_t most) const {
  if (impl_->text == nullptr) return Text();
  GMimeDataWrapper* content = g_mime_part_get_content(GMIME_PART(impl_->text));
  if (content == nullptr) return Text();
  auto decoded = TempFile::make(); // not into memory: it may be of any size
  if (!decoded) return std::unexpected(decoded.error());
  Owned<GMimeStream> raw(g_mime_stream_fs_new(decoded->descriptor()));
  g_mime_stream_fs_set_owner(GMIME_STREAM_FS(raw.get()), FALSE);
  Owned<GMimeStream> filtered(g_mime_stream_filter_new(raw.get()));
  const char* charset = g_mime_text_part_get_charset(GMIME_TEXT_PART(impl_->text));
  if (charset != nullptr) {
    if (auto* filter = g_mime_filter_charset_new(charset, "utf-8")) {
      Owned<GMimeFilter> owner(filter);
      g_mime_stream_filter_add(GMIME_STREAM_FILTER(filtered.get()), filter);
    }
  }
  if (g_mime_data_wrapper_write_to_stream(content, filtered.get()) < 0 || g_mime_stream_flush(filtered.get()) != 0) {
    return fail(Errc::io, "the text can't be decoded into the temporary directory (TMPDIR)");
  }
  if (auto done = decoded->rewind(); !done) return std::unexpected(done.error());
  Text out;
  out.text.resize(most + 1);
  std::size_t size = 0;
  while (size < out.text.size()) {
    auto got = decoded->read(out.text.data() + size, out.text.size() - size);
    if (!got) return std::unexpected(got.error());
    if (*got == 0) break;
    size += *got;
  }
  out.cut = size > most;
  out.text.resize(std::min(size, most));
  std::erase(out.text, '\r');
  return out;
}

Result<> MimeView::save(std::size_t index, int descriptor) const {
  GMimeObject* part = impl_->parts.at(index);
  Owned<GMimeStream> raw(g_mime_stream_fs_new(descriptor));
  g_mime_stream_fs_set_owner(GMIME_STREAM_FS(raw.get()), FALSE);
  gssize written = 0;
  if (GMIME_IS_PART(part)) {
    GMimeDataWrapper* content = g_mime_part_get_content(GMIME_PART(part));
    if (content != nullptr) written = g_mime_data_wrapper_write_to_stream(content, raw.get());
  } else if (GMIME_IS_MESSAGE_PART(part)) {
    GMimeMessage* inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(part));
    if (inner != nullptr) written = g_mime_object_write_to_stream(GMIME_OBJECT(inner), nullptr, raw.get());
  } else {
    written = g_mime_object_write_to_stream(part, nullptr, raw.get());
  }
  // Nothing is buffered. Its flush would be an fsync for each of perhaps ten thousand parts: the caller syncs all at
  // once.
  if (written < 0) {
    return fail(errno == ENOSPC ? Errc::no_space : Errc::io,
                fmt::format("a part can't be written: {}", std::strerror(errno)));
  }
  return {};
}

} // namespace paquebot::cli
