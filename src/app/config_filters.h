#pragma once

#include "app/config.h"
#include "app/toml_reader.h"

namespace paquebot::app {

/// Reads the [[filter]] sections (docs/configuration.md).
void read_filters(Reader& read, const toml::table& root, Config& config);

} // namespace paquebot::app
