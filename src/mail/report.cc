#include "mail/report.h"

#include "base/encoding.h"
#include "base/random.h"
#include "base/text.h"
#include "mail/content_scan.h"
#include "mail/content_type.h"
#include "mail/convert.h"
#include "mail/date.h"
#include "mail/head.h"
#include "mail/transfer_encoding.h"

#include <algorithm>
#include <fmt/format.h>

namespace paquebot::mail {
namespace {

constexpr std::size_t kFoldReportAt = 78;
/// A word longer than this is cut, so that no line passes 998 octets.
constexpr std::size_t kMaxWord = 900;
constexpr std::size_t kMaxDiagnostic = 4000;
constexpr std::size_t kMaxMessageId = 250;

/// Whatever cannot stand in a field becomes "?".
std::string cleaned(std::string_view text, bool international) {
  std::string clean;
  while (!text.empty()) {
    const std::size_t length = printable_length(text);
    const bool good = length == 1 || (length > 1 && international);
    clean += good ? text.substr(0, length) : "?";
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return clean;
}

/// Adds "Name: value" folded at spaces.
void add_field(std::string& out, std::string_view name, std::string_view value, bool international) {
  std::string line = std::string(name) + ":";
  bool first = true; // it stays beside the name
  for (const std::string_view word : split(value, ' ')) {
    if (word.empty()) continue;
    const std::string clean = cleaned(word.substr(0, kMaxWord), international);
    if (line.size() + 1 + clean.size() > kFoldReportAt && !first) {
      out += line + "\r\n";
      line.clear();
    }
    first = false;
    line += ' ';
    line += clean;
  }
  out += line + "\r\n";
}

/// The same for what must come back octet by octet (RFC 3461 sections 4.2, 4.4: addresses, ENVID): on one line, with
/// all blanks.
void add_exact(std::string& out, std::string_view name, std::string_view value, bool international) {
  out.append(name).append(": ").append(cleaned(value.substr(0, kMaxWord), international)).append("\r\n");
}

/// An address of type "utf-8" as a report carries it (RFC 6533 section 3, utf-8-addr-unitext): what would be read as an
/// encoded character, or is none of its grammar, is encoded.
std::string unitext(std::string_view address) {
  std::string out;
  for (const char c : address) {
    const bool plain =
        static_cast<unsigned char>(c) >= 0x80 || (c > ' ' && c < 0x7F && c != '\\' && c != '+' && c != '=');
    if (plain)
      out += c;
    else
      out += fmt::format("\\x{{{:02X}}}", static_cast<unsigned>(static_cast<unsigned char>(c)));
  }
  return out;
}

/// "type; address", as a field has it; `given` is as Recipient::orcpt: decoded already.
std::string typed_address(std::string_view given) {
  const auto semicolon = std::min(given.find(';'), given.size());
  const auto type = given.substr(0, semicolon);
  const auto address = given.substr(std::min(semicolon + 1, given.size()));
  return std::string(type) + ';' + (iequals(type, "utf-8") ? unitext(address) : std::string(address));
}

std::string_view action_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::failed: return "failed";
    case Outcome::delayed: return "delayed";
    case Outcome::delivered: return "delivered";
    case Outcome::relayed: return "relayed";
    case Outcome::expanded: return "expanded";
  }
  return "failed";
}

bool has(const ReportInput& input, Outcome outcome) {
  return std::ranges::any_of(input.recipients, [outcome](const auto& r) { return r.outcome == outcome; });
}

bool is_international(const ReportInput& input) {
  if (input.to.international() || (input.smtputf8 && !is_ascii(input.head))) return true;
  return std::ranges::any_of(input.recipients, [](const ReportRecipient& r) {
    return r.address.international() || !is_ascii(r.orcpt) || istarts_with(r.orcpt, "utf-8;");
  });
}

void add_recipient(std::string& out, const ReportRecipient& r, bool international) {
  const auto field = [&](std::string_view name, std::string_view value) { add_field(out, name, value, international); };
  out += "\r\n";
  if (!r.orcpt.empty()) add_exact(out, "Original-Recipient", typed_address(r.orcpt), international);
  const std::string address = r.address.to_string();
  add_exact(out, "Final-Recipient", r.address.international() ? "utf-8; " + unitext(address) : "rfc822; " + address,
            international);
  field("Action", action_of(r.outcome));
  field("Status", status_of(r).to_string());
  // RFC 3464 section 2.3.5: whoever said what we report. A diagnostic of type smtp is what a server said; our own words
  // have no registered type (section 2.3.6).
  const Told& told = r.told;
  if (told.peer.code != 0) {
    if (!told.host.empty()) field("Remote-MTA", "dns; " + told.host);
    field("Diagnostic-Code", "smtp; " + told.peer.to_string().substr(0, kMaxDiagnostic));
  } else if (!told.own.text.empty()) {
    field("Diagnostic-Code", "x-paquebot; " + own_words(told).substr(0, kMaxDiagnostic));
  }
  if (r.last_attempt) field("Last-Attempt-Date", format_date(*r.last_attempt));
  if (r.outcome == Outcome::delayed && r.will_retry_until) field("Will-Retry-Until", format_date(*r.will_retry_until));
}

std::string status_fields(const ReportInput& input, bool international) {
  std::string out;
  if (!input.envid.empty()) add_exact(out, "Original-Envelope-Id", input.envid, international);
  add_field(out, "Reporting-MTA", "dns; " + input.host, international);
  add_field(out, "Arrival-Date", format_date(input.arrival), international);
  if (input.deliver_by) add_field(out, "Deliver-By-Date", format_date(*input.deliver_by), international);
  if (!input.hold_request.empty()) add_field(out, "Future-Release-Request", input.hold_request, international);
  for (const ReportRecipient& r : input.recipients) add_recipient(out, r, international);
  return out;
}

/// The third part: its header block and content.
struct Original {
  std::string head;
  std::string content;
};

std::string part_head(std::string_view type, std::string_view description, std::string_view encoding) {
  return fmt::format("Content-Type: {}\r\nContent-Description: {}\r\nContent-Transfer-Encoding: {}\r\n\r\n", type,
                     description, encoding);
}

bool fits(std::string_view text) {
  ContentScan scan;
  scan.feed(text);
  scan.finish();
  return !scan.bare_cr && !scan.bare_lf && !scan.has_nul && scan.longest_line <= kMaxLine;
}

std::optional<std::string> converted(std::string_view head, std::string_view body, bool binary) {
  MessageConverter converter({.from_binary = binary});
  std::string out;
  if (!converter.start(head, out) || !converter.feed(body, out) || !converter.finish(out)) return {};
  if (!is_ascii(out) || !fits(out)) return {};
  return out;
}

std::optional<Original> whole_original(const ReportInput& input) {
  if (!input.body || input.ret == Ret::headers || !has(input, Outcome::failed)) return {};
  if (is_ascii(input.head)) {
    auto text = converted(input.head, *input.body, input.binary);
    if (!text) return {};
    return Original{part_head("message/rfc822", "Your message", "7bit"), std::move(*text)};
  }
  std::string text = std::string(input.head) + std::string(*input.body);
  if (!input.smtputf8 || !is_utf8(input.head) || !fits(text)) return {};
  return Original{part_head("message/global", "Your message", "8bit"), std::move(text)};
}

Original original_headers(const ReportInput& input) {
  const std::string head(input.head);
  const std::string_view description = "Headers of your message";
  if (is_ascii(head) && fits(head)) return {part_head("text/rfc822-headers", description, "7bit"), head};
  if (input.smtputf8 && is_utf8(head) && fits(head)) {
    return {part_head("message/global-headers", description, "8bit"), head};
  }
  // Broken headers may be encoded (RFC 6522 section 4).
  QuotedPrintableEncoder encoder;
  std::string content;
  encoder.feed(head, content);
  encoder.finish(content);
  return {part_head("text/rfc822-headers", description, "quoted-printable"), std::move(content)};
}

std::string_view subject_of(const ReportInput& input) {
  if (has(input, Outcome::failed)) return "Mail delivery failed";
  if (has(input, Outcome::delayed)) return "Mail delivery delayed";
  return "Mail delivery report";
}

/// The original's Message-ID, when it is one that can be repeated.
std::string original_message_id(std::string_view bytes) {
  const auto head = Head::parse(std::string(bytes));
  const std::string id = head ? head->value("Message-ID") : "";
  const bool good = id.size() > 2 && id.size() <= kMaxMessageId && id.front() == '<' && id.back() == '>' &&
                    std::ranges::all_of(id, [](char c) { return c > ' ' && c < 0x7F; });
  return good ? id : "";
}

std::string compose_head(const ReportInput& input, bool international, const std::string& boundary) {
  std::string out;
  const bool utf8 = input.to.international();
  add_field(out, "From", "Mail delivery <mailer-daemon@" + input.host + ">", utf8);
  add_field(out, "To", "<" + input.to.to_string() + ">", utf8);
  add_field(out, "Subject", subject_of(input), utf8);
  add_field(out, "Date", format_date(input.now), utf8);
  add_field(out, "Message-ID", "<" + input.id + "@" + input.host + ">", utf8);
  if (const std::string id = original_message_id(input.head); !id.empty()) {
    add_field(out, "In-Reply-To", id, utf8);
    add_field(out, "References", id, utf8);
  }
  out += "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n";
  out += "Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"" + boundary + "\"\r\n";
  if (international) out += "Content-Transfer-Encoding: 8bit\r\n";
  return out += "\r\n";
}

void end_line(std::string& text) {
  if (!text.ends_with("\r\n")) text += "\r\n";
}

} // namespace

Report compose_report(const ReportInput& input) {
  const bool international = is_international(input);
  std::string text = report_text(input, international);
  std::string status = status_fields(input, international);
  auto whole = whole_original(input);
  Original original = whole ? std::move(*whole) : original_headers(input);
  end_line(original.content);

  std::string boundary;
  do {
    boundary = "=_" + hex_encode(random_bytes(16));
  } while (original.content.find(boundary) != std::string::npos || status.find(boundary) != std::string::npos);

  const std::string_view encoding = international ? "8bit" : "7bit";
  const std::string delimiter = "--" + boundary;
  Report report;
  report.body = delimiter + "\r\n" +
                part_head(international ? "text/plain; charset=utf-8" : "text/plain; charset=us-ascii", "What happened",
                          encoding) +
                text + "\r\n" + delimiter + "\r\n" +
                part_head(international ? "message/global-delivery-status" : "message/delivery-status",
                          "Delivery report", encoding) +
                status + "\r\n" + delimiter + "\r\n" + original.head + original.content + "\r\n" + delimiter + "--\r\n";
  report.head = compose_head(input, international, boundary);
  report.eight_bit = !is_ascii(report.body);
  report.smtputf8 = input.to.international();
  return report;
}

std::optional<RedactedReport> redact_report(std::string_view head, std::string_view body) {
  constexpr std::string_view kLeftOut =
      "\r\nThe headers of your message are left out: it was to be sent under TLS only,\r\n"
      "and this report could not be.\r\n";
  auto fields = Head::parse(std::string(head));
  const ContentType type = parse_content_type(fields ? fields->value("Content-Type") : std::string());
  const std::string delimiter = "\r\n--" + type.boundary;
  if (!type.is("multipart", "report") || !body.starts_with(delimiter.substr(2) + "\r\n")) return {};
  const auto text_end = body.find(delimiter + "\r\n");
  const auto status_end = text_end == body.npos ? body.npos : body.find(delimiter, text_end + delimiter.size());
  if (status_end == body.npos) return {};
  for (const std::string_view name : {"In-Reply-To", "References"}) fields->remove(name);
  RedactedReport redacted{fields->to_string(), std::string(body.substr(0, text_end))};
  redacted.body.append(kLeftOut).append(body, text_end, status_end - text_end).append(delimiter).append("--\r\n");
  return redacted;
}

} // namespace paquebot::mail
