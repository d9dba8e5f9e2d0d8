#pragma once

#include "base/result.h"

#include <string>

namespace paquebot::app {

bool is_root();
/// The data directory, made when it is absent (base/rights.h); as root it must be `user`'s then ("" for nobody).
Result<> own_data_directory(const std::string& directory, const std::string& user);
/// Becomes `user` with its groups for good, and checks that root can't be had back.
Result<> become(const std::string& user);
/// The user to run as when none is configured: "paquebot" if there is one, else "".
std::string default_user();
/// Raises the soft limit of open files to the hard one. Returns the limit.
unsigned long raise_descriptor_limit();

} // namespace paquebot::app
