#pragma once

#include "smtp/client_session.h"

namespace paquebot::smtp {

/// When, how fast and how safely a message is to travel: REQUIRETLS (RFC 8689), DELIVERBY (RFC 2852), MT-PRIORITY
/// (RFC 6710), FUTURERELEASE (RFC 4865). What the peer is told of the sender's wishes behind MAIL, a space in front of
/// each parameter. `encrypted`: the session is.
std::string extension_parameters(const mail::Sender& sender, const PeerFeatures& features, bool encrypted);

/// Whether the sender wishes what must not go to a peer that lacks it; `why` is then what the recipients get.
bool lacks_extension(const mail::Sender& sender, const PeerFeatures& features, bool encrypted, mail::Reply& why);

} // namespace paquebot::smtp
