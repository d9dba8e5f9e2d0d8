#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

/// What others think of a certificate that we show.
namespace paquebot::net {

/// Whether somebody who trusts the system's roots (or those of `ca_pem` when not empty) trusts the first certificate of
/// the text, with the others as its chain, at `now` (milliseconds since 1970). `refused`, with the reason in words, if
/// not; `invalid` when there is no certificate in it. Reads the system's roots: some milliseconds.
Result<> certificate_is_trusted(const std::string& pem, std::int64_t now, const std::string& ca_pem = {});

/// The data of a TLSA record "3 1 1" for the key of the first certificate: SHA-256 of its SubjectPublicKeyInfo, in hex
/// (RFC 6698 section 2.1). Empty when there is none.
std::string tlsa_data_of(const std::string& pem);

/// Whether the data of a TLSA record (usage, selector, matching type, then octets) fits a chain that a mail server
/// shows: DANE-EE its certificate, DANE-TA any of the others (RFC 7672 section 3.1). Usages 0 and 1 never do.
bool tlsa_fits(std::string_view rdata, const std::string& pem);

} // namespace paquebot::net
