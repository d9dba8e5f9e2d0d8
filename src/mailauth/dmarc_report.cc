#include "mailauth/dmarc_report.h"

#include "base/text.h"

namespace paquebot::mailauth {
namespace {

/// XML 1.0 sections 2.2 and 2.4: what may not stand in a text is left out or written as an entity.
std::string escaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = printable_length(text.substr(i));
    if (length == 0) {
      out += '?';
      ++i;
      continue;
    }
    const std::string_view piece = text.substr(i, length);
    i += length;
    if (piece == "&")
      out += "&amp;";
    else if (piece == "<")
      out += "&lt;";
    else if (piece == ">")
      out += "&gt;";
    else if (piece == "\xef\xbf\xbe" || piece == "\xef\xbf\xbf")
      out += '?'; // U+FFFE, U+FFFF
    else
      out += piece;
  }
  return out;
}

/// Writes elements with their indentation.
class Writer {
public:
  void open(std::string_view name) {
    line("<" + std::string(name) + ">");
    ++depth_;
  }
  void close(std::string_view name) {
    --depth_;
    line("</" + std::string(name) + ">");
  }
  void put(std::string_view name, std::string_view text) {
    const std::string tag(name);
    line("<" + tag + ">" + escaped(text) + "</" + tag + ">");
  }
  void put_some(std::string_view name, std::string_view text) {
    if (!text.empty()) put(name, text);
  }
  void line(const std::string& text) { out_ += std::string(depth_ * 2, ' ') + text + "\n"; }
  std::string take() { return std::move(out_); }

private:
  std::string out_;
  std::size_t depth_ = 0;
};

void put_head(Writer& w, const DmarcReport& r) {
  w.put("version", "1.0");
  w.open("report_metadata");
  w.put("org_name", r.org_name);
  w.put("email", r.email);
  w.put("report_id", r.report_id);
  w.open("date_range");
  w.put("begin", std::to_string(r.begin));
  w.put("end", std::to_string(r.end));
  w.close("date_range");
  w.close("report_metadata");
  w.open("policy_published");
  w.put("domain", r.domain);
  w.put("p", to_string(r.p));
  w.put("sp", to_string(r.sp));
  w.put("np", to_string(r.np));
  w.put("adkim", r.strict_dkim ? "s" : "r");
  w.put("aspf", r.strict_spf ? "s" : "r");
  w.put("discovery_method", "treewalk");
  w.put("testing", r.testing ? "y" : "n");
  w.close("policy_published");
}

void put_row(Writer& w, const DmarcReport::Row& row) {
  w.open("record");
  w.open("row");
  w.put("source_ip", row.source_ip);
  w.put("count", std::to_string(row.count));
  w.open("policy_evaluated");
  w.put("disposition", row.disposition);
  w.put("dkim", row.dkim);
  w.put("spf", row.spf);
  if (!row.override_type.empty()) {
    w.open("reason");
    w.put("type", row.override_type);
    w.put_some("comment", row.override_comment);
    w.close("reason");
  }
  w.close("policy_evaluated");
  w.close("row");
  w.open("identifiers");
  w.put("header_from", row.header_from);
  w.put_some("envelope_from", row.envelope_from);
  w.close("identifiers");
  w.open("auth_results");
  for (const auto& signature : row.signatures) {
    w.open("dkim");
    w.put("domain", signature.domain);
    w.put("selector", signature.selector);
    w.put("result", signature.result);
    w.close("dkim");
  }
  if (!row.spf_result.empty()) {
    w.open("spf");
    w.put("domain", row.spf_domain);
    w.put("scope", "mfrom");
    w.put("result", row.spf_result);
    w.close("spf");
  }
  w.close("auth_results");
  w.close("record");
}

} // namespace

void set_published(DmarcReport& report, const std::string& domain, const DmarcRecord& record) {
  report.domain = domain;
  report.p = record.p;
  report.sp = record.sp.value_or(record.p);
  report.np = record.np.value_or(report.sp);
  report.strict_dkim = record.strict_dkim;
  report.strict_spf = record.strict_spf;
  report.testing = record.testing;
}

std::string compose_dmarc_report(const DmarcReport& report) {
  Writer w;
  w.line("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
  w.line("<feedback xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\">");
  put_head(w, report);
  for (const auto& row : report.rows) put_row(w, row);
  w.line("</feedback>");
  return w.take();
}

std::string dmarc_report_file(const DmarcReport& report, std::string_view receiver, std::string_view unique_id) {
  return std::string(receiver) + "!" + report.domain + "!" + std::to_string(report.begin) + "!" +
         std::to_string(report.end) + "!" + std::string(unique_id) + ".xml.gz";
}

} // namespace paquebot::mailauth
