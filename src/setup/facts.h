#pragma once

#include "setup/client_settings.h"
#include "setup/mta_sts.h"

#include <span>
#include <string>

namespace paquebot::setup {

/// What the configuration says of it.
struct Options {
  std::string host; ///< that users' programs connect to; empty: the server's own name
  MtaSts mta_sts;
};

/// All that is told.
struct Facts {
  std::string server; ///< its own name, which MX leads to
  ClientSettings clients;
  MtaSts mta_sts;
};

/// `web`: HTTPS is spoken here.
Facts facts_of(const Options& options, std::string server, std::span<const Offer> offers, bool web);

} // namespace paquebot::setup
