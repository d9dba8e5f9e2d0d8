#pragma once

#include "base/result.h"
#include "sasl/channel.h"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace paquebot::sasl {

struct Credentials {
  std::string authzid; ///< empty: the same as authcid
  std::string authcid;
  std::string password;  ///< never logged
  std::string token;     ///< an OAuth bearer token; when not empty nothing else is used. Never logged
  bool external = false; ///< the connection's client certificate says who we are; nothing else is used
};

/// One exchange of one mechanism, client side; pure. Bytes are raw: the caller does base 64.
class ClientMechanism {
public:
  virtual ~ClientMechanism() = default;
  virtual std::string_view name() const = 0;
  /// The initial response, or nothing when the server speaks first.
  virtual std::optional<std::string> initial() = 0;
  /// The answer to a challenge; a failure when the server asks for more than the mechanism has, or proves false.
  virtual Result<std::string> respond(std::string_view challenge) = 0;
  /// False while a success of the server's must not be believed: SCRAM's server has to prove itself first.
  virtual bool complete() const = 0;
};

/// The best mechanism among those the server offers (names in any case). With a password: SCRAM-SHA-256 and -SHA-1
/// (with -PLUS when `channel` has a binding), PLAIN, LOGIN. With a token: OAUTHBEARER, XOAUTH2. nullptr when there is
/// none. `nonce` replaces the random one in tests.
std::unique_ptr<ClientMechanism> make_client(std::span<const std::string> offered, Credentials credentials,
                                             const Channel& channel = {}, std::string nonce = {});

/// After the server refused a login of `mechanism`, which was SCRAM: it may be that it has no keys for it (a password
/// that came as a hash), so PLAIN, where it is offered and the server has proved who it is; else nullptr. To be tried
/// once.
std::unique_ptr<ClientMechanism> make_fallback(const ClientMechanism& refused, std::span<const std::string> offered,
                                               Credentials credentials, const Channel& channel);

/// SCRAM (scram_client.cc); `plus_offered`: the server has the -PLUS form of it.
std::unique_ptr<ClientMechanism> make_scram_client(std::string_view name, bool plus_offered, Credentials credentials,
                                                   const Channel& channel, std::string nonce);

} // namespace paquebot::sasl
