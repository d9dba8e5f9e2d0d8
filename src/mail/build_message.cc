#include "mail/build_message.h"

#include "base/text.h"
#include "mail/date.h"
#include "mail/encoded_word.h"
#include "mail/fold.h"
#include "mail/head.h"
#include "mail/transfer_encoding.h"

#include <algorithm>
#include <array>
#include <optional>

namespace paquebot::mail {
namespace {

constexpr std::size_t kGoodLine = 78; // RFC 5322 section 2.1.1
constexpr std::size_t kMostFields = 50;
constexpr std::size_t kMostValue = 16'384; // octets of one text of the head
constexpr std::size_t kMostName = 1'024;   // octets of a name of somebody, or of a file

bool has_controls(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

/// atext of RFC 5322 section 3.2.3.
bool is_atom_char(char c) {
  return is_alnum(c) || std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}

/// token of RFC 2045 section 5.1.
bool is_token_char(char c) {
  return is_alnum(c) || std::string_view("!#$%&'*+-.^_`{|}~").find(c) != std::string_view::npos;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

/// What looks like an encoded word would be read as one.
bool is_plain(std::string_view text) {
  return is_ascii(text) && !has_controls(text) && text.find("=?") == std::string_view::npos;
}

std::string phrase(std::string_view name) {
  if (!is_plain(name)) return encode_words(name);
  const bool atoms = std::ranges::all_of(name, [](char c) { return is_atom_char(c) || c == ' '; });
  return atoms && trim(name) == name ? std::string(name) : quoted(name);
}

std::string in_words(const Mailbox& mailbox) {
  const std::string address = mailbox.address.to_string();
  return mailbox.name.empty() ? address : phrase(mailbox.name) + " <" + address + ">";
}

/// "Name: value" with CRLF; begins on the next line where the first would be too long.
std::string field_of(std::string_view name, std::string_view value) {
  const std::size_t first = std::min(value.find("\r\n"), value.size());
  std::string field(name);
  field += field.size() + 2 + first > kGoodLine - 2 && first + 1 <= kGoodLine ? ":\r\n " : ": ";
  field += value;
  field += "\r\n";
  return fold_field(field);
}

/// Text of the head: as it is, folded at spaces, or in encoded words.
std::string text_value(std::string_view name, std::string_view text) {
  if (!is_plain(text)) return encode_words(text);
  std::string out;
  std::size_t column = name.size() + 2;
  while (!text.empty()) {
    const auto blank = text.find(' ', 1);
    const std::string_view word = text.substr(0, blank);
    const bool can_fold = word.size() > 1 && word.front() == ' ' && word.find_first_not_of(' ') != word.npos;
    if (can_fold && column + word.size() > kGoodLine) {
      out += "\r\n";
      column = 0;
    }
    out += word;
    column += word.size();
    text.remove_prefix(word.size());
  }
  return out;
}

std::string list_value(std::string_view name, const std::vector<Mailbox>& all) {
  std::string out;
  std::size_t column = name.size() + 2;
  for (const Mailbox& one : all) {
    const std::string shown = in_words(one);
    if (!out.empty()) out += ',';
    if (!out.empty() && column + shown.size() + 2 > kGoodLine) {
      out += "\r\n";
      column = 0;
    }
    if (!out.empty()) out += ' ';
    out += shown;
    column += shown.size() + 2;
  }
  return out;
}

/// A parameter of Content-Disposition: quoted, or by RFC 2231 in pieces.
std::string parameter(std::string_view name, std::string_view value) {
  if (is_ascii(value) && value.size() <= 60) return ";\r\n " + std::string(name) + "=" + quoted(value);
  constexpr std::size_t kPiece = 48;
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string encoded;
  std::vector<std::string> pieces;
  for (const char c : value) {
    const auto octet = static_cast<unsigned char>(c);
    if (is_alnum(c) || c == '.' || c == '-' || c == '_')
      encoded += c;
    else
      encoded += std::string("%") + kHex[octet >> 4] + kHex[octet & 15];
    if (encoded.size() < kPiece) continue;
    pieces.push_back(std::move(encoded));
    encoded.clear();
  }
  if (!encoded.empty()) pieces.push_back(std::move(encoded));
  if (pieces.size() == 1) return ";\r\n " + std::string(name) + "*=utf-8''" + pieces[0];
  std::string out;
  for (std::size_t i = 0; i < pieces.size(); ++i)
    out += ";\r\n " + std::string(name) + "*" + std::to_string(i) + "*=" + (i == 0 ? "utf-8''" : "") + pieces[i];
  return out;
}

/// With CRLF as line ends, and one at its end.
std::string with_line_ends(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    if (text[i] == '\n' || text[i] == '\r')
      out += "\r\n";
    else
      out += text[i];
  }
  if (!out.ends_with("\r\n")) out += "\r\n";
  return out;
}

/// Whether text goes as it is: ASCII in short lines, nothing that programs on the way would change.
bool travels_as_it_is(std::string_view text) {
  if (!is_ascii(text)) return false;
  for (const std::string_view line : split(text, '\n')) {
    const std::string_view bare = line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
    if (bare.size() > kGoodLine || bare.starts_with("From ") || bare.ends_with(' ') || bare.ends_with('\t'))
      return false;
    if (bare.starts_with("--")) return false; // like a boundary
  }
  return true;
}

template <class Encoder>
std::string encoded_by(std::string_view text) {
  Encoder encoder;
  std::string out;
  encoder.feed(text, out);
  encoder.finish(out);
  if (!out.ends_with("\r\n")) out += "\r\n";
  return out;
}

/// Fields and content of a part, with a CRLF at its end.
std::string text_part(std::string_view subtype, std::string_view given) {
  const std::string text = with_line_ends(given);
  std::string head = "Content-Type: text/" + std::string(subtype) + "; charset=utf-8\r\nContent-Transfer-Encoding: ";
  if (travels_as_it_is(text)) return head + "7bit\r\n\r\n" + text;
  const auto beyond = std::ranges::count_if(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  if (static_cast<std::size_t>(beyond) > text.size() / 3) // shorter then
    return head + "base64\r\n\r\n" + encoded_by<Base64Encoder>(text);
  return head + "quoted-printable\r\n\r\n" + encoded_by<QuotedPrintableEncoder>(text);
}

std::string file_part(const AttachedFile& file) {
  const std::string type = file.type.empty() ? "application/octet-stream" : to_lower(file.type);
  std::string part = "Content-Type: " + type;
  if (type.starts_with("text/") && is_utf8(file.content)) part += "; charset=utf-8";
  part += "\r\nContent-Transfer-Encoding: base64\r\n";
  if (!file.content_id.empty()) part += "Content-ID: <" + file.content_id + ">\r\n";
  part += file.content_id.empty() ? "Content-Disposition: attachment" : "Content-Disposition: inline";
  if (!file.name.empty()) part += parameter("filename", file.name);
  return part + "\r\n\r\n" + encoded_by<Base64Encoder>(file.content);
}

/// "=_" is in no line of quoted-printable or base 64, and no line of a part that travels as it is begins with "--".
class Multiparts {
public:
  explicit Multiparts(std::string token) : token_(std::move(token)) {}

  std::string join(std::string_view subtype, const std::vector<std::string>& parts) {
    const std::string boundary = "=_pq" + std::to_string(++made_) + "_" + token_;
    std::string out = "Content-Type: multipart/" + std::string(subtype) + ";\r\n boundary=\"" + boundary + "\"\r\n\r\n";
    for (const std::string& part : parts) out += "--" + boundary + "\r\n" + part + "\r\n"; // the last is the boundary's
    return out + "--" + boundary + "--\r\n";
  }

private:
  std::string token_;
  unsigned made_ = 0;
};

std::string content_of(const Letter& letter) {
  Multiparts multiparts(letter.token);
  std::vector<std::string> shown, attached;
  for (const AttachedFile& file : letter.files)
    (file.content_id.empty() || letter.html.empty() ? attached : shown).push_back(file_part(file));
  std::vector<std::string> forms;
  if (!letter.text.empty() || letter.html.empty()) forms.push_back(text_part("plain", letter.text));
  if (!letter.html.empty()) {
    std::string html = text_part("html", letter.html);
    if (!shown.empty()) {
      shown.insert(shown.begin(), std::move(html));
      html = multiparts.join("related", shown);
    }
    forms.push_back(std::move(html));
  }
  std::string content = forms.size() == 1 ? std::move(forms[0]) : multiparts.join("alternative", forms);
  if (attached.empty()) return content;
  attached.insert(attached.begin(), std::move(content));
  return multiparts.join("mixed", attached);
}

// ---- What is refused ----

std::optional<std::string> unfit_text(std::string_view text, std::size_t most) {
  if (!is_utf8(text)) return "it is not UTF-8";
  if (has_controls(text)) return "it has control characters in it";
  if (text.size() > most) return "it is longer than " + std::to_string(most) + " octets";
  return {};
}

std::optional<std::string> unfit_body(std::string_view text) {
  if (!is_utf8(text)) return "it is not UTF-8";
  if (text.find('\0') != text.npos) return "it holds NUL";
  return {};
}

/// "image/png"; multiparts and messages can't be encoded (RFC 2045 section 6.4).
std::optional<std::string> unfit_type(std::string_view type) {
  if (type.empty()) return {};
  const auto parts = split(type, '/');
  const auto good = [](std::string_view part) {
    return !part.empty() && part.size() <= 127 && std::ranges::all_of(part, is_token_char);
  };
  if (parts.size() != 2 || !good(parts[0]) || !good(parts[1])) return "it is no type as \"image/png\"";
  if (iequals(parts[0], "multipart") || iequals(parts[0], "message"))
    return "messages and multiparts can't be attached by that type: say application/octet-stream";
  return {};
}

std::optional<std::string> unfit_content_id(std::string_view id) {
  const bool good =
      id.size() <= 200 && std::ranges::all_of(id, [](char c) { return is_atom_char(c) || c == '.' || c == '@'; });
  return good ? std::optional<std::string>() : "it may have letters, digits, dots and one of !#$%&'*+-/=?^_`{|}~@ only";
}

std::optional<Unfit> unfit_file(const AttachedFile& file, const std::string& at) {
  if (auto why = unfit_text(file.name, kMostName)) return Unfit{at + ".name", *why};
  if (auto why = unfit_type(file.type)) return Unfit{at + ".type", *why};
  if (auto why = unfit_content_id(file.content_id)) return Unfit{at + ".content_id", *why};
  return {};
}

std::optional<Unfit> unfit(const Letter& letter) {
  if (auto why = unfit_text(letter.subject, kMostValue)) return Unfit{"subject", *why};
  if (auto why = unfit_text(letter.from.name, kMostName)) return Unfit{"from", *why};
  for (const auto& [name, list] : {std::pair("to", &letter.to), {"cc", &letter.cc}, {"reply_to", &letter.reply_to}})
    for (const Mailbox& one : *list)
      if (auto why = unfit_text(one.name, kMostName)) return Unfit{name, *why};
  if (auto why = unfit_body(letter.text)) return Unfit{"text", *why};
  if (auto why = unfit_body(letter.html)) return Unfit{"html", *why};
  if (letter.fields.size() > kMostFields) return Unfit{"headers", "there may be 50 of them"};
  for (const auto& [name, value] : letter.fields) {
    if (!is_free_field(name)) return Unfit{"headers." + printable(name, 80), "this field is not for you to write"};
    if (auto why = unfit_text(value, kMostValue)) return Unfit{"headers." + name, *why};
  }
  for (std::size_t i = 0; i < letter.files.size(); ++i)
    if (auto bad = unfit_file(letter.files[i], "attachments." + std::to_string(i))) return bad;
  return {};
}

} // namespace

bool is_free_field(std::string_view name) {
  static constexpr std::array kOurs = {"from",
                                       "sender",
                                       "to",
                                       "cc",
                                       "bcc",
                                       "reply-to",
                                       "subject",
                                       "date",
                                       "message-id",
                                       "mime-version",
                                       "received",
                                       "received-spf",
                                       "return-path",
                                       "delivered-to",
                                       "dkim-signature",
                                       "authentication-results",
                                       "domainkey-signature",
                                       "x-mailbox-line",
                                       "x-original-to",
                                       "x-envelope-from",
                                       "envelope-to",
                                       "errors-to",
                                       "apparently-to",
                                       "return-receipt-to"};
  static constexpr std::array kBeginnings = {"content-", "resent-", "arc-", "x-paquebot-", "x-spam", "x-rspamd-"};
  const bool good = !name.empty() && name.size() <= 76 &&
                    std::ranges::all_of(name, [](char c) { return is_alnum(c) || c == '-' || c == '_'; });
  if (!good) return false;
  const std::string lower = to_lower(name);
  return std::ranges::none_of(kOurs, [&](std::string_view one) { return lower == one; }) &&
         std::ranges::none_of(kBeginnings, [&](std::string_view one) { return lower.starts_with(one); });
}

Result<Mailbox> parse_mailbox(std::string_view text) {
  if (has_controls(text)) return fail(Errc::invalid, "it has control characters in it");
  text = trim(text);
  if (!text.ends_with('>')) {
    auto address = parse_address(text);
    if (!address) return std::unexpected(address.error());
    return Mailbox{{}, std::move(*address)};
  }
  const auto open = text.rfind('<');
  if (open == text.npos) return fail(Errc::invalid, "\"<\" is missing");
  auto address = parse_address(text.substr(open + 1, text.size() - open - 2));
  if (!address) return std::unexpected(address.error());
  std::string_view name = trim(text.substr(0, open));
  if (!is_utf8(name)) return fail(Errc::invalid, "the name is not UTF-8");
  const bool in_quotes = name.size() >= 2 && name.front() == '"' && name.back() == '"';
  if (!in_quotes) return Mailbox{std::string(name), std::move(*address)};
  Mailbox out{{}, std::move(*address)};
  name = name.substr(1, name.size() - 2);
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '\\' && i + 1 < name.size()) ++i;
    out.name += name[i];
  }
  return out;
}

std::expected<std::string, Unfit> build_message(const Letter& letter) {
  if (auto bad = unfit(letter)) return std::unexpected(std::move(*bad));
  std::string out = field_of("Date", format_date(letter.date));
  out += field_of("From", in_words(letter.from));
  if (!letter.to.empty()) out += field_of("To", list_value("To", letter.to));
  if (!letter.cc.empty()) out += field_of("Cc", list_value("Cc", letter.cc));
  if (!letter.reply_to.empty()) out += field_of("Reply-To", list_value("Reply-To", letter.reply_to));
  if (!letter.subject.empty()) out += field_of("Subject", text_value("Subject", letter.subject));
  out += "Message-ID: <" + letter.message_id + ">\r\n";
  for (const auto& [name, value] : letter.fields) out += field_of(name, text_value(name, value));
  return out + "MIME-Version: 1.0\r\n" + content_of(letter);
}

} // namespace paquebot::mail
