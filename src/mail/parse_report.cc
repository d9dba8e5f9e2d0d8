#include "base/encoding.h"
#include "base/text.h"
#include "mail/content_type.h"
#include "mail/head.h"
#include "mail/lines.h"
#include "mail/report.h"
#include "mail/transfer_encoding.h"

namespace paquebot::mail {
namespace {

constexpr std::size_t kMaxParts = 20;
constexpr std::size_t kMaxStatus = 1024 * 1024;
constexpr std::size_t kMaxRecipients = 1000;
constexpr std::size_t kMaxReturned = 64 * 1024;

std::string_view trim_end(std::string_view line) {
  while (!line.empty() && std::string_view(" \t\r\n").find(line.back()) != std::string_view::npos)
    line.remove_suffix(1);
  return line;
}

/// The parts between the delimiters, each with its header block; at most kMaxParts.
std::vector<std::string_view> parts_of(std::string_view body, const std::string& boundary) {
  std::vector<std::string_view> parts;
  const std::string delimiter = "--" + boundary;
  const std::string closing = delimiter + "--";
  const char* start = nullptr;
  while (!body.empty() && parts.size() < kMaxParts) {
    const std::string_view line = take_line(body);
    const std::string_view text = trim_end(line);
    if (text != delimiter && text != closing) continue;
    if (start) parts.emplace_back(start, static_cast<std::size_t>(line.data() - start));
    start = line.data() + line.size();
    if (text == closing) return parts;
  }
  if (start && parts.size() < kMaxParts) parts.emplace_back(start, static_cast<std::size_t>(body.data() - start));
  return parts;
}

/// Splits at the first empty line.
std::pair<std::string_view, std::string_view> head_and_body(std::string_view message) {
  std::string_view rest = message;
  while (!rest.empty()) {
    const std::string_view line = take_line(rest);
    if (line == "\r\n" || line == "\n") break;
  }
  return {message.substr(0, message.size() - rest.size()), rest};
}

std::string decode(std::string_view content, std::string_view encoding) {
  content = content.substr(0, kMaxStatus);
  if (encoding == "quoted-printable") return quoted_printable_decode(content);
  if (encoding != "base64") return std::string(content);
  std::string compact;
  for (const char c : content) {
    if (c != '\r' && c != '\n' && c != ' ' && c != '\t') compact += c;
  }
  return base64_decode(compact).value_or("");
}

ParsedRecipient recipient_of(const Head& fields) {
  ParsedRecipient r;
  r.original_recipient = fields.value("Original-Recipient");
  r.final_recipient = fields.value("Final-Recipient");
  r.action = to_lower(fields.value("Action"));
  r.status = fields.value("Status");
  r.remote_mta = fields.value("Remote-MTA");
  r.diagnostic_code = fields.value("Diagnostic-Code");
  r.last_attempt_date = fields.value("Last-Attempt-Date");
  r.will_retry_until = fields.value("Will-Retry-Until");
  return r;
}

/// Groups of fields, parted by empty lines: one about the message, then one for each recipient.
Result<ParsedReport> parse_status(std::string_view text) {
  ParsedReport report;
  bool first = true;
  while (!text.empty() && report.recipients.size() < kMaxRecipients) {
    const auto [group, rest] = head_and_body(text);
    text = rest;
    auto fields = Head::parse(std::string(group));
    if (!fields) return std::unexpected(fields.error());
    if (fields->fields().empty()) continue;
    if (first) {
      report.reporting_mta = fields->value("Reporting-MTA");
      report.original_envelope_id = fields->value("Original-Envelope-Id");
      report.arrival_date = fields->value("Arrival-Date");
      first = false;
    }
    // Some servers leave out the empty line after the first group.
    if (fields->find("Final-Recipient") || fields->find("Action")) report.recipients.push_back(recipient_of(*fields));
  }
  if (report.recipients.empty()) return fail(Errc::invalid, "the delivery report names no recipient");
  return report;
}

/// RFC 6522 section 3, RFC 6533 section 4: the message, or its header block.
bool is_returned(const ContentType& kind) {
  return kind.is("message", "rfc822") || kind.is("text", "rfc822-headers") || kind.is("message", "global") ||
         kind.is("message", "global-headers");
}

/// The parts of a message that is multipart/report: their kind and decoded content, in their order.
struct ReportPart {
  ContentType kind;
  std::string_view content;
  std::string encoding;
};

Result<std::vector<ReportPart>> report_parts(std::string_view message, std::string_view what) {
  const auto [head_text, body] = head_and_body(message);
  const auto head = Head::parse(std::string(head_text));
  if (!head) return std::unexpected(head.error());
  const Field* field = head->find("Content-Type");
  const ContentType type = parse_content_type(field ? field->value() : std::string_view());
  if (!type.is("multipart", "report") || type.boundary.empty())
    return fail(Errc::not_found, "the message is no " + std::string(what));
  std::vector<ReportPart> all;
  for (const std::string_view part : parts_of(body, type.boundary)) {
    const auto [part_head, content] = head_and_body(part);
    const auto fields = Head::parse(std::string(part_head));
    if (!fields) return std::unexpected(fields.error());
    all.push_back({parse_content_type(fields->value("Content-Type")), content,
                   std::string(first_token(fields->value("Content-Transfer-Encoding")))});
  }
  return all;
}

std::string head_of_returned(const ReportPart& part) {
  const std::string text = decode(part.content.substr(0, kMaxReturned), part.encoding);
  return std::string(head_and_body(text).first);
}

/// "<ann@ours.test>" without the brackets.
std::string bare_address(std::string_view value) {
  value = trim(value);
  if (value.starts_with('<')) value.remove_prefix(1);
  return std::string(value.substr(0, value.find('>')));
}

} // namespace

Result<ParsedReport> parse_report(std::string_view message) {
  const auto parts = report_parts(message, "delivery report");
  if (!parts) return std::unexpected(parts.error());
  Result<ParsedReport> report = fail(Errc::not_found, "the report has no part with delivery status");
  std::string returned;
  bool found = false;
  for (const ReportPart& part : *parts) {
    if (!found && (part.kind.is("message", "delivery-status") || part.kind.is("message", "global-delivery-status"))) {
      found = true;
      report = parse_status(decode(part.content, part.encoding));
    } else if (returned.empty() && is_returned(part.kind)) {
      returned = head_of_returned(part);
    }
  }
  if (report) report->returned_head = std::move(returned);
  return report;
}

Result<ParsedFeedback> parse_feedback(std::string_view message) {
  const auto parts = report_parts(message, "feedback report");
  if (!parts) return std::unexpected(parts.error());
  Result<ParsedFeedback> report = fail(Errc::not_found, "the report has no part with feedback");
  std::string returned;
  for (const ReportPart& part : *parts) {
    if (!report && part.kind.is("message", "feedback-report")) {
      const std::string text = decode(part.content, part.encoding);
      const auto fields = Head::parse(std::string(head_and_body(text).first));
      if (!fields) return std::unexpected(fields.error());
      report = ParsedFeedback{to_lower(std::string(trim(fields->value("Feedback-Type")))),
                              bare_address(fields->value("Original-Mail-From")),
                              {}};
      if (report->type.empty()) return fail(Errc::invalid, "the feedback report has no Feedback-Type");
    } else if (returned.empty() && is_returned(part.kind)) {
      returned = head_of_returned(part);
    }
  }
  if (report) report->returned_head = std::move(returned);
  return report;
}

} // namespace paquebot::mail
