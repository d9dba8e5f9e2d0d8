#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace paquebot::sasl {

/// What a mechanism may ask the outside: "is this password right?". The answer comes through answer().
struct PasswordQuestion {
  std::string authzid;  ///< whom to act as; empty: the same as authcid
  std::string authcid;  ///< whose password it is
  std::string password; ///< never logged
};

/// Send this to the client (the caller encodes base 64) and feed its answer.
struct Challenge {
  std::string bytes;
};
/// Ask the outside, then call answer().
struct Ask {
  PasswordQuestion question;
};
/// Logged in as `authcid`, acting as `authzid` (never empty).
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

/// One exchange of one mechanism, server side; pure. PLAIN (RFC 4616), LOGIN (de facto).
class ServerMechanism {
public:
  virtual ~ServerMechanism() = default;
  /// First call: the initial response, or nullptr when the client sent none. Later calls: the decoded response.
  virtual Step step(const std::string* response) = 0;
  /// The outside's answer to the last Ask.
  virtual Step answer(bool accepted) = 0;
};

/// Names in order of preference.
std::vector<std::string_view> server_mechanisms();
/// nullptr for an unknown name (case-insensitive).
std::unique_ptr<ServerMechanism> make_server(std::string_view name);

} // namespace paquebot::sasl
