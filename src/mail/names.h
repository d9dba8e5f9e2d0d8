#pragma once

#include <string>
#include <string_view>

namespace paquebot::mail {

/// The form in which names of ours (local parts, logins) are kept and compared: mapped to lower case and usual width
/// and composed (RFC 8265 section 3.3, UsernameCaseMapped, without its refusals; RFC 6532 section 3.1), so that a name
/// is the same however a keyboard or program makes it. ASCII is only mapped to lower case, and so is what is not UTF-8.
/// Applied twice it changes nothing more. A name with its domain may be given, too, the domain in ASCII.
std::string comparable_name(std::string_view name);

} // namespace paquebot::mail
