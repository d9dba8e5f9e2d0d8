#pragma once

#include "base/clock.h"
#include "base/task.h"
#include "dns/resolver.h"
#include "mail/address.h"
#include "mailauth/dmarc_report.h"

#include <string>
#include <string_view>
#include <vector>

namespace paquebot::mailauth {

/// The address that a URI of a rua= tag names. Only mailto is known (RFC 9990, "Report Delivery"); what stands behind a
/// question mark is left out. Errc::unsupported for another scheme, Errc::invalid for what is malformed.
Result<mail::Address> rua_address(std::string_view uri);

/// Where reports about `policy_domain` that are asked for at `to` may be sent (RFC 9990, "Verifying External
/// Destinations"): there, or to the addresses of the same host that it names instead; none when it does not agree.
/// Errc::temporary when the DNS fails.
Task<Result<std::vector<mail::Address>>> report_addresses(std::string policy_domain, mail::Address to,
                                                          dns::Resolver& resolver);

/// A message of RFC 5322, 7 bit.
struct ReportMessage {
  std::string head; ///< with the empty line
  std::string body;
};
struct ReportSender {
  std::string hostname; ///< the submitter
  mail::Address from;
};
/// What messages with reports have in common: the value of To, a date, and an attachment in Base64 (RFC 2045
/// section 6.8).
std::string joined_addresses(const std::vector<mail::Address>& addresses);
std::string report_date(WallTime now);
std::string attachment_lines(std::string_view octets);

/// The message that carries a report (RFC 9990, "Email"). `report.report_id`: letters and digits only; it is the unique
/// id everywhere.
ReportMessage compose_report_message(const DmarcReport& report, const ReportSender& sender,
                                     const std::vector<mail::Address>& to, WallTime now);

} // namespace paquebot::mailauth
