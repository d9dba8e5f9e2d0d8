#include "setup/autodiscover.h"

#include "base/text.h"
#include "setup/xml.h"

#include <expat.h>
#include <fmt/format.h>
#include <memory>
#include <new>
#include <vector>

namespace paquebot::setup {
namespace {

constexpr std::size_t kDepth = 8;
constexpr std::string_view kOutlook = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a";
constexpr std::string_view kGeneral = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006";
constexpr std::string_view kDeclaration = R"(<?xml version="1.0" encoding="utf-8"?>)";

struct ParserFree {
  void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
};

/// Collects the two texts that count from the events of the XML parser.
class RequestReader {
public:
  explicit RequestReader(XML_Parser parser) : parser_(parser) {
    XML_SetUserData(parser, this);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    XML_SetStartDoctypeDeclHandler(parser, on_doctype);
  }
  AutodiscoverRequest request;
  const char* fault = nullptr;

private:
  static RequestReader& self(void* data) { return *static_cast<RequestReader*>(data); }
  static void on_start(void* data, const XML_Char* name, const XML_Char**) { self(data).start(name); }
  static void on_end(void* data, const XML_Char*) { self(data).end(); }
  static void on_text(void* data, const XML_Char* text, int size) {
    self(data).text_.append(text, static_cast<std::size_t>(size)); // of a document that is bounded
  }
  static void on_doctype(void* data, const XML_Char*, const XML_Char*, const XML_Char*, int) {
    self(data).stop("the request has a document type");
  }
  void stop(const char* why) {
    if (fault == nullptr) fault = why;
    XML_StopParser(parser_, XML_FALSE);
  }
  void start(std::string_view name) {
    if (names_.size() == kDepth) return stop("the request is nested too deep");
    if (const auto colon = name.rfind(':'); colon != std::string_view::npos) name.remove_prefix(colon + 1);
    names_.emplace_back(name);
    text_.clear();
  }
  void end() {
    if (names_.size() == 3 && names_[0] == "Autodiscover" && names_[1] == "Request") {
      if (names_[2] == "EMailAddress") request.address = trim(text_);
      if (names_[2] == "AcceptableResponseSchema") request.schema = trim(text_);
    }
    names_.pop_back();
    text_.clear();
  }

  XML_Parser parser_;
  std::vector<std::string> names_; ///< of the open elements, without prefixes of name spaces
  std::string text_;
};

void write_protocol(XmlWriter& xml, const ClientSettings& settings, const Offer& offer, std::string_view address) {
  const bool incoming = offer.protocol != Protocol::submission;
  const bool imap = offer.protocol == Protocol::imap;
  xml.open("Protocol")
      .leaf("Type", imap       ? "IMAP"
                    : incoming ? "POP3"
                               : "SMTP")
      .leaf("Server", settings.host)
      .leaf("Port", std::to_string(offer.port))
      .leaf("DomainRequired", "off")
      .leaf("LoginName", address)
      .leaf("SPA", "off")
      .leaf("SSL", "on")
      .leaf("Encryption", offer.security == Security::implicit ? "SSL" : "TLS")
      .leaf("AuthRequired", "on");
  if (!incoming) xml.leaf("UsePOPAuth", "on").leaf("SMTPLast", "off");
  xml.close();
}

std::string_view words_of(AutodiscoverFault fault) {
  switch (fault) {
    case AutodiscoverFault::unknown_address: return "The domain of the email address is not served here.";
    case AutodiscoverFault::bad_request: return "Invalid Request";
    case AutodiscoverFault::unknown_schema: return "Requested schema version not supported";
  }
  return "";
}

} // namespace

Result<AutodiscoverRequest> read_autodiscover(std::string_view xml) {
  if (xml.size() > kMaxAutodiscover) return fail(Errc::invalid, "the request is too long");
  const std::unique_ptr<std::remove_pointer_t<XML_Parser>, ParserFree> parser(XML_ParserCreate(nullptr));
  if (!parser) throw std::bad_alloc();
  RequestReader reader(parser.get());
  const auto status = XML_Parse(parser.get(), xml.data(), static_cast<int>(xml.size()), XML_TRUE);
  if (reader.fault != nullptr) return fail(Errc::invalid, reader.fault);
  if (status != XML_STATUS_OK) return fail(Errc::invalid, "the request is no XML");
  if (reader.request.address.empty()) return fail(Errc::invalid, "the request names no address");
  return std::move(reader.request);
}

bool knows_schema(std::string_view schema) { return schema.empty() || iequals(schema, kOutlook); }

std::string autodiscover(const ClientSettings& settings, std::string_view address) {
  XmlWriter xml(kDeclaration);
  xml.open("Autodiscover", fmt::format("xmlns=\"{}\"", kGeneral))
      .open("Response", fmt::format("xmlns=\"{}\"", kOutlook))
      .open("Account")
      .leaf("AccountType", "email")
      .leaf("Action", "settings");
  for (const Protocol protocol : {Protocol::imap, Protocol::pop3, Protocol::submission})
    if (const Offer* offer = settings.best(protocol)) write_protocol(xml, settings, *offer, address);
  return xml.finish();
}

std::string autodiscover_error(AutodiscoverFault fault, WallTime now) {
  const auto of_day = now.time_since_epoch() % std::chrono::days(1);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(of_day));
  XmlWriter xml(kDeclaration);
  xml.open("Autodiscover", fmt::format("xmlns=\"{}\"", kGeneral))
      .open("Response")
      .open("Error", fmt::format("Time=\"{:02}:{:02}:{:02}\" Id=\"1\"", time.hours().count(), time.minutes().count(),
                                 time.seconds().count()))
      .leaf("ErrorCode", std::to_string(static_cast<unsigned>(fault)))
      .leaf("Message", words_of(fault))
      .empty("DebugData");
  return xml.finish();
}

} // namespace paquebot::setup
