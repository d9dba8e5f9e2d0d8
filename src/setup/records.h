#pragma once

#include "setup/facts.h"

#include <string>
#include <string_view>
#include <vector>

namespace paquebot::setup {

/// One record of a domain's zone.
struct Record {
  enum class Type : std::uint8_t { srv, cname, txt };
  std::string name; ///< without a final dot
  Type type = Type::srv;
  std::string value; ///< as a web form wants it: "0 1 995 mx.example.org", a name, a text
  std::string purpose;

  friend bool operator==(const Record&, const Record&) = default;
};

/// "SRV", "CNAME", "TXT".
std::string_view name_of(Record::Type type);
/// The line of a zone file for what is no TXT.
std::string zone_line(const Record& record);

/// By which programs find the settings (RFC 6186, RFC 8314 section 5.1), and servers our policy (RFC 8461, RFC 8460). A
/// host of these names that is the server's own name needs none; what is fetched by HTTPS is told only with
/// ClientSettings::web.
std::vector<Record> setup_records(const Facts& facts, std::string_view domain);

} // namespace paquebot::setup
