#pragma once

#include "dns/resolver.h"

#include <string>
#include <vector>

namespace paquebot::app {

/// Asks the resolvers of the configuration whether they answer and pass DNSSEC signatures on. What is wrong, as lines
/// for a person; none when all is well or nothing is to be validated. Blocks for some seconds when they are silent.
std::vector<std::string> check_resolvers(const dns::Options& options);

} // namespace paquebot::app
