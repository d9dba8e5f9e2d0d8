#pragma once

#include "doctor/finding.h"
#include "setup/facts.h"
#include "store/types.h"

#include <optional>
#include <string>
#include <vector>

/// What a domain's zone needs so that mail comes here and what it sends is believed: told to who asks for it, and
/// missed by the checks.
namespace paquebot::doctor {

Record mx_record(const std::string& domain, const std::string& host);
/// "mx" is every address of the hosts of MX (RFC 7208 section 5.4), and so follows when the server moves.
Record spf_record(const std::string& domain);
/// A report has no sender, so the name in EHLO is checked in its place (RFC 7208 section 2.4). Nothing where the host's
/// name is in another zone.
std::optional<Record> host_spf_record(const std::string& domain, const std::string& host);
/// By which others verify what the key signs; nothing when it can't be read.
std::optional<Record> dkim_record(const store::DkimKey& key);
Record dmarc_record(const std::string& domain);
/// By which programs set themselves up, and the policies of TLS.
std::vector<Record> set_up_records(const setup::Facts& facts, const std::string& domain);

} // namespace paquebot::doctor
