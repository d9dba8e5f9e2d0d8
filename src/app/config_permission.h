#pragma once

// For config.cc only, as toml_reader.h.

#include "app/toml_reader.h"

namespace paquebot::app {

/// [takeover]: when an account looks taken over.
void read_takeover(Reader& read, const toml::table& root, Config& config);
/// [relay]: networks that may send to others without a login.
void read_relay(Reader& read, const toml::table& root, Config& config);

/// [submission]: how mail of own users is tidied.
void read_submission(Reader& read, const toml::table& root, Config& config);

/// server.origin, once the host name is known, and server.new_domain_grace.
void read_origin(Reader& read, const toml::table& server, Config& config);

} // namespace paquebot::app
