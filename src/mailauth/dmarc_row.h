#pragma once

#include "base/result.h"
#include "mailauth/dmarc_record.h"
#include "mailauth/dmarc_report.h"

#include <cstddef>
#include <string>
#include <string_view>

/// How what a report will tell is kept until it is sent.
namespace paquebot::mailauth {

/// All of a row but its source and count, so that rows that are alike give the same octets. Signatures are put in the
/// order of RFC 9990 ("DKIM Signatures in Aggregate Reports"); those that would make it larger than `most` are left
/// out, and names are cut at 255 octets.
std::string pack_dmarc_row(DmarcReport::Row row, std::size_t most);
/// Errc::invalid for what was not packed so.
Result<DmarcReport::Row> unpack_dmarc_row(std::string_view packed);

/// What of a policy record concerns reports, as a record that parse_dmarc_record reads.
std::string compose_dmarc_record(const DmarcRecord& record);

} // namespace paquebot::mailauth
