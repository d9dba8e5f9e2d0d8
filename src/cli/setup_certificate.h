#pragma once

#include "cli/setup_outgoing.h"

#include <chrono>
#include <string>
#include <vector>

namespace paquebot::cli {

/// Waits until the running server has certificates for these names from the authority, the server's own first, at most
/// for `most`, and tells how it goes. An attempt that failed while a name led nowhere is made again at once, one time.
/// `wanted`: the server should order; else nothing is waited for where it does not. Gives what is left for the person;
/// empty: nothing.
std::string await_certificates(SetupPerson& person, SetupWorld& world, Session& session,
                               const std::vector<std::string>& names, bool wanted, std::chrono::seconds most);

} // namespace paquebot::cli
