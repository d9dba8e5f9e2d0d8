#pragma once

#include "cli/setup.h"
#include "control/json.h"
#include "setup/client_settings.h"

#include <iosfwd>
#include <string>
#include <vector>

namespace paquebot::cli {

/// A record that belongs into the DNS.
struct WantedRecord {
  std::string name; ///< without the final dot
  std::string type; ///< "MX", "TXT"
  std::string value;
  std::string zone; ///< its lines in a zone file; empty: it is not for the domain's zone (PTR)
  std::string purpose;
};

/// How it stands with one.
enum class RecordState : std::uint8_t {
  missing,
  other, ///< there is another one in its place
  right,
  unknown, ///< the DNS does not answer, or it is of a type that is not looked up
};

/// Of the answer of "GET /v1/domains/NAME/dns", behind the addresses of the server's own name and the way back from
/// them.
std::vector<WantedRecord> wanted_records(const control::json::value& answer, const std::string& hostname,
                                         const std::vector<std::string>& addresses);
/// Whether an answer has the record. Of texts that can be there once only (SPF, DMARC) another one is `other`.
RecordState judge_record(const WantedRecord& wanted, const dns::Answer& answer);
/// "missing", "another", "right", "unknown".
std::string_view name_of(RecordState state);
/// For programs; with how it stands where that was looked for.
control::json::array present_wanted(const std::vector<WantedRecord>& records, const std::vector<RecordState>& states);
/// The names whose address, or alias, was seen to be right, in the order of the records.
std::vector<std::string> names_that_lead_here(const std::vector<WantedRecord>& records,
                                              const std::vector<RecordState>& states);
/// Asks for it.
RecordState look_for(SetupWorld& world, const WantedRecord& wanted);

/// As lines of a zone file, and then one by one for forms of the web: type, name, value, texts in one piece.
void print_zone(std::ostream& out, const std::vector<WantedRecord>& records);
void print_form(std::ostream& out, const std::vector<WantedRecord>& records);

/// What a mail program needs, a line each: the best way in and out, and the user name.
std::string program_settings(const setup::ClientSettings& clients, const std::string& login);

/// Addresses that others can reach: not of the loopback, private networks, links, or carriers' networks.
std::vector<std::string> public_addresses(const std::vector<std::string>& all);

} // namespace paquebot::cli
