#pragma once

#include "sasl/server.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace paquebot::sasl {

/// The logins of one connection, one after the other, as the engines of SMTP, POP3 and IMAP walk them: lines in base 64
/// in, what is to be said or asked out. Pure; which words the protocol has for an outcome is the engine's. Secrets are
/// wiped as soon as they were judged, and in the end.
class Exchange {
public:
  enum class Outcome : std::uint8_t {
    not_offered, ///< no mechanism of that name; nothing goes on
    challenge,   ///< say challenge(); the next line goes to respond()
    ask,         ///< ask the outside question(), then answer() or answer_keys()
    accepted,    ///< logged in as identity()
    refused,     ///< wrong credentials
    malformed,   ///< the client broke the mechanism's syntax
    no_base64,   ///< or that of the line
    cancelled,   ///< by the client
  };

  Exchange() = default;
  ~Exchange() { end(); }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  /// `initial`: the response in the command's own line; "=" is one without octets (RFC 4954 section 4, RFC 5034
  /// section 4, RFC 4959 section 3).
  Outcome begin(std::string_view mechanism, std::optional<std::string_view> initial, const Offer& offer);
  /// A line of the client's, as long as waits().
  Outcome respond(std::string_view line);
  /// A name and a password that came as commands of the protocol: question() asks after them. `command` is its name.
  void take_password(std::string name, std::string_view secret, std::string_view command);
  /// What the outside says to question().
  Outcome answer(bool accepted);
  Outcome answer_keys(ScramCredentials credentials);
  /// The outside has words of its own, or the client's line was longer than may be (`cause`): it is over.
  void end(std::string_view cause = {});
  /// A login that was refused before there was a mechanism.
  void refuse(std::string cause);

  bool running() const { return mechanism_ != nullptr; }
  bool waits() const { return waits_; }                       ///< for a response: the next line is no command
  const std::string& challenge() const { return challenge_; } ///< in base 64
  const std::string& mechanism() const { return name_; }      ///< of the last login, in capitals; bounded
  const Question& question() const { return question_; }      ///< stays until it is answered
  const std::string& identity() const { return identity_; }
  /// A login that ended before the outside was asked whether it may, since the last call. For the log.
  std::optional<Refusal> take_refusal();

private:
  void note(std::string cause);
  Outcome feed(std::string_view line);
  Outcome proceed(Step step);
  void wipe_question();

  std::unique_ptr<ServerMechanism> mechanism_; ///< while one is under way
  std::string name_, challenge_, identity_;
  Question question_;
  std::unique_ptr<Refusal> untold_;
  bool waits_ = false;
  bool judged_ = false; ///< the outside was asked: it logs what it refuses
};

} // namespace paquebot::sasl
