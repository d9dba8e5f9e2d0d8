#pragma once

#include <string_view>

namespace paquebot::app {

/// packaging/providers.toml, as this program was built with it.
std::string_view shipped_providers();

} // namespace paquebot::app
