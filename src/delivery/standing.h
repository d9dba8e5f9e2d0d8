#pragma once

#include "mail/head.h"
#include "mailauth/auth_results.h"
#include "policy/report_bounds.h"

#include <optional>
#include <string>
#include <utility>

namespace paquebot::delivery {

/// Our own results in a stored head, and the value of their field; nothing where nobody looked. What others say in our
/// name was taken out when the message came.
std::optional<std::pair<mailauth::AuthResults, std::string>> own_results(const mail::Head& head,
                                                                         const std::string& hostname);

/// What these say of the message and the domain of its return path.
struct Standing {
  bool spf_failed = false; ///< "fail" or "softfail"
  bool vouched = false;    ///< SPF passed, or a DKIM signature of the very domain
  policy::Trust trust() const {
    return vouched ? policy::Trust::vouched : spf_failed ? policy::Trust::forged : policy::Trust::unknown;
  }
};
/// `domain`: of the return path, not empty.
Standing standing_of(const mail::Head& head, const std::string& hostname, const std::string& domain);

} // namespace paquebot::delivery
