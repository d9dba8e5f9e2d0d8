#pragma once

#include "mail/head.h"

#include <string>
#include <string_view>

namespace paquebot::mail {

/// Folds the lines of a field, with its CRLFs, that are longer than SMTP carries (kMaxLine; RFC 5322 section 2.1.1):
/// where white space is, so that the unfolded field is the same; else behind a "," ";" or ">", and where there is none
/// of those within so many octets, between two characters. Linear in time.
std::string fold_field(std::string_view raw);

/// The same for all fields of a head that need it; how many those were.
std::size_t fold_long_lines(Head& head);

} // namespace paquebot::mail
