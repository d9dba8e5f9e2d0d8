#include "imap/envelope.h"

#include "base/text.h"
#include "imap/write.h"
#include "mail/head.h"

#include <fmt/format.h>
#include <iterator>
#include <utility>

namespace paquebot::imap {
namespace {

constexpr std::size_t kMostAddresses = 1000;

/// Goes through an address list from left to right.
class AddressReader {
public:
  explicit AddressReader(std::string_view text) : text_(text) {}

  std::vector<EnvelopeAddress> read() {
    while (at_ < text_.size() && out_.size() < kMostAddresses) step();
    end_address();
    if (in_group_) end_group();
    return std::move(out_);
  }

private:
  void step() {
    const char c = text_[at_];
    if (c == '(') return comment();
    if (c == '"') return quoted();
    if (c == '<') return angle();
    ++at_;
    if (c == ',') return end_address();
    if (c == ':' && !in_group_ && !in_brackets_) return begin_group();
    if (c == ';' && in_group_) {
      end_address();
      return end_group();
    }
    if (c == '[') in_brackets_ = true;
    if (c == ']') in_brackets_ = false;
    if (is_space(c)) {
      blank_ = !words_.empty();
      return;
    }
    put_blank();
    words_ += c;
  }
  void put_blank() {
    if (std::exchange(blank_, false)) words_ += ' ';
  }
  void comment() {
    std::size_t depth = 0;
    std::string text;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '(' && depth++ == 0) continue;
      if (c == ')' && --depth == 0) break;
      if (c == '\\' && at_ + 1 < text_.size()) ++at_;
      text += text_[at_];
    }
    if (at_ < text_.size()) ++at_;
    comment_ = std::move(text);
  }
  void quoted() {
    put_blank();
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      words_ += text_[at_];
    }
    if (at_ < text_.size()) ++at_;
  }
  void angle() {
    name_ = std::move(words_);
    words_.clear();
    const auto end = text_.find('>', at_);
    spec_ = std::string(trim(text_.substr(at_ + 1, end == std::string_view::npos ? end : end - at_ - 1)));
    has_spec_ = true;
    at_ = end == std::string_view::npos ? text_.size() : end + 1;
    // A source route (RFC 5322 section 4.4).
    if (spec_.starts_with('@'))
      if (const auto colon = spec_.find(':'); colon != std::string::npos) spec_.erase(0, colon + 1);
  }
  void end_address() {
    EnvelopeAddress one;
    if (!has_spec_) spec_ = words_;
    one.name = has_spec_ ? name_ : comment_;
    const auto at = spec_.rfind('@');
    one.mailbox = unquoted(spec_.substr(0, at));
    if (at != std::string::npos) one.host = trim(std::string_view(spec_).substr(at + 1));
    if (!one.mailbox.empty() || !one.host.empty()) out_.push_back(std::move(one));
    clear();
  }
  static std::string unquoted(std::string_view local) {
    local = trim(local);
    if (local.size() < 2 || !local.starts_with('"') || !local.ends_with('"')) return std::string(local);
    std::string out;
    for (std::size_t i = 1; i + 1 < local.size(); ++i) {
      if (local[i] == '\\' && i + 2 < local.size()) ++i;
      out += local[i];
    }
    return out;
  }
  void begin_group() {
    EnvelopeAddress one;
    one.mailbox = std::move(words_);
    one.group_begins = true;
    out_.push_back(std::move(one));
    in_group_ = true;
    clear();
  }
  void end_group() {
    EnvelopeAddress one;
    one.group_ends = true;
    out_.push_back(std::move(one));
    in_group_ = false;
    clear();
  }
  void clear() {
    words_.clear();
    name_.clear();
    spec_.clear();
    comment_.clear();
    has_spec_ = blank_ = in_brackets_ = false;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<EnvelopeAddress> out_;
  std::string words_, name_, spec_, comment_;
  bool has_spec_ = false, blank_ = false, in_group_ = false, in_brackets_ = false;
};

void put_addresses(std::string& out, std::string_view value) {
  const auto all = envelope_addresses(value);
  if (all.empty()) return void(out += "NIL");
  out += '(';
  for (const EnvelopeAddress& one : all) {
    out += '(';
    put_nstring(out, one.name);
    out += " NIL ";
    if (one.group_ends)
      out += "NIL NIL";
    else if (one.group_begins) {
      put_string(out, one.mailbox);
      out += " NIL";
    } else {
      put_string(out, one.mailbox);
      out += ' ';
      put_string(out, one.host); // "" where there is none: NIL would begin a group
    }
    out += ')';
  }
  out += ')';
}

void put_parameters(std::string& out, const std::vector<std::pair<std::string, std::string>>& parameters) {
  if (parameters.empty()) return void(out += "NIL");
  out += '(';
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (i > 0) out += ' ';
    put_string(out, parameters[i].first);
    out += ' ';
    put_string(out, parameters[i].second);
  }
  out += ')';
}

void put_extension(std::string& out, const mail::MimePart& part) {
  out += ' ';
  if (part.disposition.token.empty()) {
    out += "NIL";
  } else {
    out += '(';
    put_string(out, part.disposition.token);
    out += ' ';
    put_parameters(out, part.disposition.parameters);
    out += ')';
  }
  out += ' ';
  if (part.languages.empty()) {
    out += "NIL";
  } else {
    out += '(';
    for (std::size_t i = 0; i < part.languages.size(); ++i) {
      if (i > 0) out += ' ';
      put_string(out, part.languages[i]);
    }
    out += ')';
  }
  out += ' ';
  put_nstring(out, part.location);
}

void put_single(std::string& out, const mail::MimePart& part, bool extended) {
  put_string(out, part.type);
  out += ' ';
  put_string(out, part.subtype);
  out += ' ';
  put_parameters(out, part.parameters);
  out += ' ';
  put_nstring(out, part.id);
  out += ' ';
  put_nstring(out, part.description);
  out += ' ';
  put_string(out, part.encoding.empty() ? "7bit" : part.encoding);
  fmt::format_to(std::back_inserter(out), " {}", part.body_size);
  if (part.is_message()) {
    out += ' ';
    put_envelope(out, part.parts[0]->head);
    out += ' ';
    put_structure(out, *part.parts[0], extended);
  }
  if (part.is_message() || part.type == "text") fmt::format_to(std::back_inserter(out), " {}", part.lines);
  if (!extended) return;
  out += ' ';
  put_nstring(out, part.md5);
  put_extension(out, part);
}

} // namespace

std::vector<EnvelopeAddress> envelope_addresses(std::string_view value) { return AddressReader(value).read(); }

void put_envelope(std::string& out, std::string_view head) {
  auto parsed = mail::Head::parse(std::string(head));
  const mail::Head fields = parsed ? std::move(*parsed) : mail::Head();
  out += '(';
  put_nstring(out, fields.value("Date"));
  out += ' ';
  put_nstring(out, fields.value("Subject"));
  const std::string from = fields.value("From");
  for (const char* name : {"From", "Sender", "Reply-To"}) {
    const std::string value = fields.value(name);
    out += ' ';
    put_addresses(out, envelope_addresses(value).empty() ? from : value);
  }
  for (const char* name : {"To", "Cc", "Bcc"}) {
    out += ' ';
    put_addresses(out, fields.value(name));
  }
  for (const char* name : {"In-Reply-To", "Message-ID"}) {
    out += ' ';
    put_nstring(out, fields.value(name));
  }
  out += ')';
}

void put_structure(std::string& out, const mail::MimePart& part, bool extended) {
  out += '(';
  if (part.is_multipart()) {
    for (const auto& one : part.parts) put_structure(out, *one, extended);
    out += ' ';
    put_string(out, part.subtype);
    if (extended) {
      out += ' ';
      put_parameters(out, part.parameters);
      put_extension(out, part);
    }
  } else {
    put_single(out, part, extended);
  }
  out += ')';
}

} // namespace paquebot::imap
