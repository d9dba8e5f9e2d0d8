#pragma once

#include "service/assembly.h"

#include <string>

namespace paquebot::service {

/// How mail to a domain would be protected, as tls.explain tells it (docs/api.md). On any executor; `parts` must
/// outlive it.
Task<std::string> explain_tls(Assembly& parts, std::string domain, bool refresh);

} // namespace paquebot::service
