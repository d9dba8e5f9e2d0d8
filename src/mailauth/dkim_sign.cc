#include "mailauth/dkim_sign.h"

#include "base/encoding.h"
#include "base/text.h"
#include "mailauth/signature.h"
#include "mailauth/text.h"

#include <algorithm>

namespace paquebot::mailauth {
namespace {

constexpr std::size_t kColumns = 76;
/// RFC 6376 section 5.4.1; signed as often as they occur and once more.
constexpr std::string_view kOverSigned[] = {"from",       "reply-to",     "subject",      "date",
                                            "to",         "cc",           "message-id",   "in-reply-to",
                                            "references", "mime-version", "content-type", "content-transfer-encoding"};
/// Signed as often as they occur: a mailing list may add its own.
constexpr std::string_view kSigned[] = {"sender",
                                        "resent-date",
                                        "resent-from",
                                        "resent-to",
                                        "resent-cc",
                                        "list-id",
                                        "list-help",
                                        "list-post",
                                        "list-subscribe",
                                        "list-owner",
                                        "list-unsubscribe",
                                        "list-archive",
                                        "list-unsubscribe-post"};
/// No message has more of one kind that are worth signing.
constexpr std::size_t kMostOfOne = 20;

/// Appends to a field whose last line has `column` octets, breaking before the limit.
class Folder {
public:
  Folder(std::string& out, std::size_t column) : out_(out), column_(column) {}
  void put(std::string_view piece) {
    if (column_ + piece.size() > kColumns && column_ > 1) {
      if (out_.ends_with(' ')) out_.pop_back();
      out_ += "\r\n\t";
      column_ = 1;
    }
    out_ += piece;
    column_ += piece.size();
  }
  void space() {
    out_ += ' ';
    ++column_;
  }

private:
  std::string& out_;
  std::size_t column_;
};

void put_value(Folder& folder, std::string_view start, std::string_view value, std::string_view end) {
  // A value with colons may be folded behind each of them (RFC 6376 section 3.5, h=).
  std::string piece(start);
  while (!value.empty()) {
    const auto colon = value.find(':');
    const std::size_t length = colon == std::string_view::npos ? value.size() : colon + 1;
    piece += value.substr(0, length);
    value.remove_prefix(length);
    if (value.empty()) piece += end;
    folder.put(piece);
    piece.clear();
  }
}

} // namespace

std::string compose_tags(std::string_view field_name, const std::vector<std::pair<std::string, std::string>>& tags) {
  std::string out = std::string(field_name) + ": ";
  Folder folder(out, out.size());
  bool first = true;
  for (const auto& [name, value] : tags) {
    if (!first) folder.space();
    first = false;
    put_value(folder, name + "=", value, ";");
  }
  folder.space();
  folder.put("b=");
  return out;
}

void append_signature(std::string& field, std::string_view octets) {
  const std::string text = base64_encode(octets);
  const auto line = field.rfind('\n');
  Folder folder(field, field.size() - (line == std::string::npos ? 0 : line + 1));
  for (std::size_t i = 0; i < text.size(); i += 8) folder.put(std::string_view(text).substr(i, 8));
  field += "\r\n";
}

std::vector<std::string> fields_to_sign(const mail::Head& head) {
  std::vector<std::string> names;
  const auto add = [&](std::string_view name, std::size_t times) {
    for (std::size_t i = 0; i < times; ++i) names.emplace_back(name);
  };
  for (const auto name : kOverSigned) add(name, std::min(head.count(name), kMostOfOne) + 1);
  for (const auto name : kSigned) add(name, std::min(head.count(name), kMostOfOne));
  return names;
}

Result<std::string> DkimSigner::finish(const mail::Head& head,
                                       const std::vector<std::shared_ptr<const SigningKey>>& keys, WallTime now) {
  const std::string body = base64_encode(view(hash_.finish()));
  Signature covered;
  covered.head_form = Canonical::relaxed;
  covered.fields = fields_to_sign(head);
  const std::string names = joined(covered.fields);
  std::string fields;
  for (const auto& key : keys) {
    std::string field = compose_tags("DKIM-Signature", {{"v", "1"},
                                                        {"a", std::string(to_string(key->key.kind())) + "-sha256"},
                                                        {"c", "relaxed/relaxed"},
                                                        {"d", key->domain},
                                                        {"s", key->selector},
                                                        {"t", std::to_string(millis(now) / 1000)},
                                                        {"h", names},
                                                        {"bh", body}});
    const mail::Field own{field, std::string_view("DKIM-Signature").size()};
    const auto signature = key->key.sign(sha256(signed_head(head, own, covered)));
    if (!signature) return std::unexpected(signature.error());
    append_signature(field, *signature);
    fields += field;
  }
  return fields;
}

} // namespace paquebot::mailauth
