#include "control/letter.h"

#include "base/encoding.h"
#include "base/text.h"

#include <algorithm>

namespace paquebot::control {
namespace {

constexpr std::size_t kMostFiles = 100;
constexpr std::size_t kMostMetadata = 20;
constexpr std::size_t kMostMetadataName = 40;
constexpr std::size_t kMostMetadataText = 500;

bool is_metadata_name(std::string_view name) {
  return !name.empty() && name.size() <= kMostMetadataName &&
         std::ranges::all_of(name, [](char c) { return is_alnum(c) || c == '_' || c == '-' || c == '.'; });
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

Found<mail::Mailbox> one_mailbox(std::string_view text, const std::string& field) {
  auto mailbox = mail::parse_mailbox(text);
  if (!mailbox)
    return refuse(Errc::invalid, "\"" + printable(text, 256) + "\" is not an address: " + mailbox.error().message,
                  "write it as \"ann@example.org\" or \"Ann <ann@example.org>\"", field);
  return std::move(*mailbox);
}

Found<std::vector<mail::Mailbox>> mailboxes(const json::object& body, std::string_view name) {
  std::vector<mail::Mailbox> all;
  const auto texts = texts_field(body, name);
  if (!texts) return std::unexpected(Problem(texts.error()));
  for (std::size_t i = 0; i < texts->size(); ++i) {
    auto one = one_mailbox((*texts)[i], std::string(name) + "." + std::to_string(i));
    if (!one) return std::unexpected(one.error());
    all.push_back(std::move(*one));
  }
  return all;
}

Found<std::vector<mail::AttachedFile>> files(const json::object& body) {
  std::vector<mail::AttachedFile> all;
  const auto* list = body.if_contains("attachments");
  if (list == nullptr) return all;
  if (list->as_array().size() > kMostFiles)
    return refuse(Errc::invalid, "there may be " + std::to_string(kMostFiles) + " attachments", {}, "attachments");
  for (const json::value& one : list->as_array()) {
    const std::string at = "attachments." + std::to_string(all.size());
    mail::AttachedFile file;
    file.name = get_text(one, "name");
    file.type = get_text(one, "type");
    file.content_id = get_text(one, "content_id");
    const auto* content = one.is_object() ? one.as_object().if_contains("content") : nullptr;
    auto octets = content != nullptr && content->is_string() ? base64_decode(content->as_string()) : std::nullopt;
    if (!octets) return refuse(Errc::invalid, "it is not base 64 (RFC 4648, with padding)", {}, at + ".content");
    file.content = std::move(*octets);
    all.push_back(std::move(file));
  }
  return all;
}

} // namespace

Found<std::string> read_metadata(const json::object& body) {
  const auto* words = body.if_contains("metadata");
  if (words == nullptr) return std::string();
  const json::object& object = words->as_object();
  if (object.size() > kMostMetadata)
    return refuse(Errc::invalid, "metadata has at most " + std::to_string(kMostMetadata) + " members", {}, "metadata");
  for (const auto& [name, value] : object) {
    const std::string at = "metadata." + printable(name, 80);
    if (!is_metadata_name(name))
      return refuse(Errc::invalid, "a name in metadata has 1 to 40 letters, digits, \"_\", \"-\" and \".\"", {}, at);
    if (!value.is_string() || value.as_string().size() > kMostMetadataText || has_control(value.as_string()))
      return refuse(Errc::invalid, "metadata holds texts of at most 500 octets, without control characters", {}, at);
  }
  return object.empty() ? std::string() : to_text(object);
}

Found<WantedLetter> read_letter(const json::object& body, const std::string& from) {
  WantedLetter out;
  const std::string author = body.contains("from") ? std::string(body.at("from").as_string()) : from;
  auto sender = one_mailbox(author, "from");
  if (!sender) return std::unexpected(sender.error());
  out.letter.from = std::move(*sender);
  std::vector<mail::Mailbox> bcc;
  for (const auto& [name, list] : {std::pair("to", &out.letter.to), std::pair("cc", &out.letter.cc),
                                   std::pair("bcc", &bcc), std::pair("reply_to", &out.letter.reply_to)}) {
    auto found = mailboxes(body, name);
    if (!found) return std::unexpected(found.error());
    *list = std::move(*found);
  }
  for (const auto* list : {&out.letter.to, &out.letter.cc, &bcc})
    for (const mail::Mailbox& one : *list)
      if (std::ranges::find(out.recipients, one.address) == out.recipients.end()) out.recipients.push_back(one.address);
  if (out.recipients.empty()) return refuse(Errc::invalid, "it says to nobody", "name somebody in to, cc or bcc", "to");
  const json::value whole(body);
  out.letter.subject = get_text(whole, "subject");
  out.letter.text = get_text(whole, "text");
  out.letter.html = get_text(whole, "html");
  auto attached = files(body);
  if (!attached) return std::unexpected(attached.error());
  out.letter.files = std::move(*attached);
  if (const auto* headers = body.if_contains("headers"))
    for (const auto& [name, value] : headers->as_object()) {
      if (!value.is_string())
        return refuse(Errc::invalid, "a header field is a text", {}, "headers." + printable(name, 80));
      out.letter.fields.emplace_back(std::string(name), std::string(value.as_string()));
    }
  auto metadata = read_metadata(body);
  if (!metadata) return std::unexpected(metadata.error());
  out.metadata = std::move(*metadata);
  return out;
}

} // namespace paquebot::control
