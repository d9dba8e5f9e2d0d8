#pragma once

#include "smtp/client_session.h"

namespace paquebot::smtp {

/// Reads a line of the reply to EHLO, but the first, into `features`. What is unknown or malformed is ignored.
void read_feature(PeerFeatures& features, std::string_view line);

} // namespace paquebot::smtp
