#pragma once

#include "cli/client_driver.h"
#include "smtp/client_session.h"

#include <functional>
#include <vector>

namespace paquebot::cli {

/// Gives the next piece of a message with CRLF line ends, valid until the next call; empty at its end.
using ContentSource = std::function<Result<std::string_view>()>;

/// Looks at what the server offers before anything is sent; an error ends the session. The text is the server's name.
using FeatureCheck = std::function<Result<>(const smtp::PeerFeatures&, const std::string&)>;

/// How the server took a message.
struct Submitted {
  std::vector<mail::Reply> results; ///< one for each recipient, in order
  mail::Reply final_reply;          ///< code 0 when no recipient was accepted
};

/// Connects, logs in, sends one message and leaves. The port, when the target names none, is 465 for implicit TLS, 587
/// with a login, else 25. An error means that no recipient's fate is known to be good; its words name what to mend.
Result<Submitted> submit(const Target& target, const smtp::OutgoingMessage& message, const ContentSource& content,
                         const FeatureCheck& offered = {});

} // namespace paquebot::cli
