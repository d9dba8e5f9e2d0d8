#pragma once

#include "base/result.h"
#include "mail/head.h"
#include "mailauth/arc.h"
#include "mailauth/dkim_verify.h"
#include "mailauth/dmarc.h"
#include "mailauth/spf.h"

#include <string>
#include <string_view>
#include <vector>

namespace paquebot::mailauth {

/// One result of an Authentication-Results field (RFC 8601 section 2.2).
struct AuthResult {
  struct Property {
    std::string type; ///< "smtp", "header", "policy", ...
    std::string name;
    std::string value;
  };
  std::string method; ///< "spf", "dkim", "dmarc", "arc", ...
  std::string result;
  std::string reason; ///< empty: none
  std::vector<Property> properties;
};

struct AuthResults {
  std::string authserv_id;
  std::vector<AuthResult> results; ///< none: "none"
};

AuthResult auth_result(const SpfOutcome& spf, const SpfQuestion& question);
AuthResult auth_result(const DkimVerdict& dkim);
AuthResult auth_result(const DmarcOutcome& dmarc);
AuthResult auth_result(const ArcOutcome& arc);

/// A text for a header field in ASCII: it may quote what strangers wrote. Each character beyond becomes "?"; at most
/// `most` octets.
std::string ascii_text(std::string_view text, std::size_t most = 1000);

/// The value of an Authentication-Results field, folded, without its name and its final CRLF. Whatever the results
/// hold, it stays one field and can be read again: values are quoted where needed, control characters dropped.
std::string compose_auth_results(const AuthResults& results);

/// Reads the value of such a field. Errc::invalid when it is malformed; Errc::unsupported for another version than 1.
/// Comments are skipped; at most kMaxAuthResults results.
Result<AuthResults> parse_auth_results(std::string_view value);
inline constexpr std::size_t kMaxAuthResults = 100;

/// Removes the Authentication-Results fields that claim to be ours (RFC 8601 section 5): their authserv-id is ours, in
/// any case or form of its labels, or they are malformed or of another version, or only resemble such a field, so that
/// a reader may take them for ours. All of them, when there are more than 64. How many were removed.
std::size_t remove_forged_results(mail::Head& head, std::string_view our_id);

} // namespace paquebot::mailauth
