#pragma once

#include "base/result.h"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace paquebot::sasl {

struct Credentials {
  std::string authzid; ///< empty: the same as authcid
  std::string authcid;
  std::string password; ///< never logged
};

/// One exchange of one mechanism, client side; pure. Bytes are raw: the caller does base 64.
class ClientMechanism {
public:
  virtual ~ClientMechanism() = default;
  virtual std::string_view name() const = 0;
  /// The initial response, or nothing when the server speaks first.
  virtual std::optional<std::string> initial() = 0;
  /// The answer to a challenge; a failure when the server asks for more than the mechanism has.
  virtual Result<std::string> respond(std::string_view challenge) = 0;
};

/// The best mechanism among those the server offers (names in any case): PLAIN, then LOGIN. nullptr when we know none.
std::unique_ptr<ClientMechanism> make_client(std::span<const std::string> offered, Credentials credentials);

} // namespace paquebot::sasl
