#include "base/text.h"
#include "mailauth/dmarc_report.h"
#include "mailauth/gzip.h"

#include <algorithm>
#include <expat.h>
#include <memory>
#include <new>

namespace paquebot::mailauth {
namespace {

constexpr std::size_t kMaxDepth = 16;
constexpr std::size_t kMaxElementText = 4096;
constexpr std::size_t kMaxSignatures = 100;

struct FreeParser {
  void operator()(XML_Parser p) const { XML_ParserFree(p); }
};

/// Collects a report from the events of the XML parser. Its callbacks never throw but for want of memory.
class Collector {
public:
  explicit Collector(XML_Parser parser) : parser_(parser) {
    XML_SetUserData(parser, this);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    XML_SetStartDoctypeDeclHandler(parser, on_doctype);
  }

  DmarcReport report;
  std::string fault;
  bool complete = false; ///< saw <feedback> with a domain

private:
  static Collector& self(void* data) { return *static_cast<Collector*>(data); }
  static void on_start(void* data, const XML_Char* name, const XML_Char**) { self(data).start(name); }
  static void on_end(void* data, const XML_Char*) { self(data).end(); }
  static void on_text(void* data, const XML_Char* text, int size) {
    self(data).text(std::string_view(text, static_cast<std::size_t>(size)));
  }
  static void on_doctype(void* data, const XML_Char*, const XML_Char*, const XML_Char*, int) {
    self(data).stop("the report has a document type");
  }

  void stop(const char* why) {
    if (fault.empty()) fault = why;
    XML_StopParser(parser_, XML_FALSE);
  }
  void start(std::string_view name);
  void end();
  void text(std::string_view piece) {
    if (text_.size() < kMaxElementText) text_ += piece.substr(0, kMaxElementText - text_.size());
  }
  void leaf(const std::string& path, std::string_view value);
  void policy_leaf(const std::string& name, std::string_view value);
  void row_leaf(const std::string& path, std::string_view value);

  XML_Parser parser_;
  std::vector<std::size_t> starts_; ///< where each open element begins in path_
  std::string path_;                ///< "feedback/record/row", without prefixes of name spaces
  std::string text_;
};

void Collector::start(std::string_view name) {
  if (const auto colon = name.rfind(':'); colon != std::string_view::npos) name.remove_prefix(colon + 1);
  if (starts_.size() == kMaxDepth || name.size() > 100) return stop("the report is nested too deep");
  starts_.push_back(path_.size());
  if (!path_.empty()) path_ += '/';
  path_ += name;
  text_.clear();
  if (path_ == "feedback/record") {
    if (report.rows.size() == kMaxReportRows) return stop("the report has too many records");
    report.rows.emplace_back();
  }
  if (path_ == "feedback/record/auth_results/dkim" && report.rows.back().signatures.size() < kMaxSignatures)
    report.rows.back().signatures.emplace_back();
}

void Collector::end() {
  leaf(path_, trim(text_));
  text_.clear();
  path_.resize(starts_.back());
  starts_.pop_back();
}

void Collector::leaf(const std::string& path, std::string_view value) {
  constexpr std::string_view metadata = "feedback/report_metadata/", policy = "feedback/policy_published/",
                             record = "feedback/record/";
  if (path.starts_with(record)) return row_leaf(path.substr(record.size()), value);
  if (path.starts_with(policy)) return policy_leaf(path.substr(policy.size()), value);
  if (!path.starts_with(metadata)) return;
  const std::string_view name = std::string_view(path).substr(metadata.size());
  if (name == "org_name") report.org_name = value;
  if (name == "email") report.email = value;
  if (name == "report_id") report.report_id = value;
  const auto number = static_cast<std::int64_t>(std::min<std::uint64_t>(parse_u64(value).value_or(0), 253402300799));
  if (name == "date_range/begin") report.begin = number;
  if (name == "date_range/end") report.end = number;
}

void Collector::policy_leaf(const std::string& name, std::string_view value) {
  const auto policy = iequals(value, "reject")       ? DmarcPolicy::reject
                      : iequals(value, "quarantine") ? DmarcPolicy::quarantine
                                                     : DmarcPolicy::none;
  if (name == "domain") {
    report.domain = value;
    complete = !value.empty();
  }
  if (name == "p") report.p = policy;
  if (name == "sp") report.sp = policy;
  if (name == "np") report.np = policy;
  if (name == "adkim") report.strict_dkim = iequals(value, "s");
  if (name == "aspf") report.strict_spf = iequals(value, "s");
  if (name == "testing") report.testing = iequals(value, "y");
}

void Collector::row_leaf(const std::string& path, std::string_view value) {
  DmarcReport::Row& row = report.rows.back();
  const std::pair<std::string_view, std::string*> places[] = {
      {"row/source_ip", &row.source_ip},
      {"row/policy_evaluated/disposition", &row.disposition},
      {"row/policy_evaluated/dkim", &row.dkim},
      {"row/policy_evaluated/spf", &row.spf},
      {"row/policy_evaluated/reason/type", &row.override_type},
      {"row/policy_evaluated/reason/comment", &row.override_comment},
      {"identifiers/header_from", &row.header_from},
      {"identifiers/envelope_from", &row.envelope_from},
      {"auth_results/spf/domain", &row.spf_domain},
      {"auth_results/spf/result", &row.spf_result},
  };
  for (const auto& [name, place] : places)
    if (path == name) *place = value;
  if (path == "row/count") row.count = std::min<std::uint64_t>(parse_u64(value).value_or(0), 1'000'000'000'000);
  if (row.signatures.empty()) return;
  if (path == "auth_results/dkim/domain") row.signatures.back().domain = value;
  if (path == "auth_results/dkim/selector") row.signatures.back().selector = value;
  if (path == "auth_results/dkim/result") row.signatures.back().result = value;
}

} // namespace

Result<DmarcReport> parse_dmarc_report(std::string_view attached) {
  const std::unique_ptr<XML_ParserStruct, FreeParser> parser(XML_ParserCreate(nullptr));
  if (!parser) throw std::bad_alloc();
  Collector collector(parser.get());
  const auto feed = [&](std::string_view piece) {
    return XML_Parse(parser.get(), piece.data(), static_cast<int>(piece.size()), XML_FALSE) == XML_STATUS_OK;
  };
  const auto unpacked = unpack(attached, kMaxReportXml, feed);
  if (!collector.fault.empty()) return fail(Errc::invalid, collector.fault);
  const bool good = unpacked && XML_Parse(parser.get(), "", 0, XML_TRUE) == XML_STATUS_OK;
  if (!unpacked && XML_GetErrorCode(parser.get()) == XML_ERROR_NONE) return std::unexpected(unpacked.error());
  if (!good)
    return fail(Errc::invalid, std::string("the report is no XML: ") + XML_ErrorString(XML_GetErrorCode(parser.get())));
  if (!collector.complete) return fail(Errc::invalid, "the XML is no DMARC report");
  return std::move(collector.report);
}

} // namespace paquebot::mailauth
