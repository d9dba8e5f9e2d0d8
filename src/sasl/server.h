#pragma once

#include "sasl/channel.h"
#include "sasl/scram.h"

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace paquebot::sasl {

/// What a mechanism asks the outside.
struct Question {
  enum class Kind : std::uint8_t {
    password,    ///< is `secret` the password of authcid? answer()
    scram_keys,  ///< what is kept of the passwords of authcid? answer_keys(), also for who does not exist
    scram,       ///< it has one of them when `right`: may it log in? answer(); always asked, so that failures are seen
    token,       ///< whose is the bearer token `secret`, and may that be authzid? answer()
    certificate, ///< whose is the certificate of the connection, and may that be authzid? answer()
  };
  Kind kind = Kind::password;
  std::string authzid; ///< whom to act as; empty: the same as authcid, or who the token or certificate is of
  std::string authcid; ///< whose password it is; a name that XOAUTH2 gives is in authzid
  std::string secret;  ///< never logged
  ScramHash hash = ScramHash::sha256;
  bool right = false;  ///< scram: the proof was made with one of the keys
  std::size_t key = 0; ///< which of them
};

/// Send this to the client (the caller encodes base 64) and feed its answer.
struct Challenge {
  std::string bytes;
};
/// Ask the outside, then call answer() or answer_keys().
struct Ask {
  Question question;
};
/// Logged in as `authcid`, acting as `authzid` (never empty: the mechanism's name when the client left it to a token or
/// certificate).
struct Success {
  std::string authcid;
  std::string authzid;
};
/// Refused. `malformed`: the client broke the syntax (501 5.5.2), else bad credentials (535 5.7.8).
struct Failure {
  bool malformed;
  std::string cause; ///< for the log only
};
using Step = std::variant<Challenge, Ask, Success, Failure>;

/// One exchange of one mechanism, server side; pure. PLAIN (RFC 4616), LOGIN (de facto), SCRAM-SHA-1 and SCRAM-SHA-256
/// with and without -PLUS (RFC 5802, 7677), OAUTHBEARER (RFC 7628), XOAUTH2 (de facto), EXTERNAL (RFC 4422 appendix A).
class ServerMechanism {
public:
  virtual ~ServerMechanism() = default;
  /// First call: the initial response, or nullptr when the client sent none. Later calls: the decoded response.
  virtual Step step(const std::string* response) = 0;
  /// The outside's answer to the last Ask.
  virtual Step answer(bool accepted) = 0;
  /// The outside's answer to a question of the kind scram_keys.
  virtual Step answer_keys(ScramCredentials) { return Failure{false, "keys that nobody asked for"}; }
};

/// What is offered depends on this.
struct Offer {
  Channel channel;
  bool scram = true;
  bool plus = false;   ///< with scram: also its forms that are bound to the TLS connection
  bool tokens = false; ///< OAUTHBEARER and XOAUTH2
  std::string nonce;   ///< the server's part of SCRAM's nonce, for tests; empty: random
};

/// An exchange that ended before anybody outside was asked whether it may: what the log says of it.
struct Refusal {
  std::string mechanism; ///< as the client wrote it
  std::string cause;
};

/// Names in order of preference; what needs something that isn't there is left out.
std::vector<std::string_view> server_mechanisms(const Offer& offer);
/// nullptr for a name that is unknown or not offered (case-insensitive).
std::unique_ptr<ServerMechanism> make_server(std::string_view name, const Offer& offer);

} // namespace paquebot::sasl
