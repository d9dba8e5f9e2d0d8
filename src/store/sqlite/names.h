#pragma once

#include "store/sqlite/db.h"

#include <string>
#include <vector>

namespace paquebot::store::sqlite {

/// Brings names of before into the form that they are kept in now (mail::comparable_name), once. When some would then
/// be the same name in one domain, nothing is changed and each such pair is returned, "a and b": such names stay what
/// they were, each reached by exactly its own spelling, until one of them is gone. At most 100.
std::vector<std::string> settle_names(Db& main);

} // namespace paquebot::store::sqlite
