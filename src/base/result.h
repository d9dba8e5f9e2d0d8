#pragma once

#include <expected>
#include <string>
#include <utility>

namespace paquebot {

/// What kind of failure an Error is; callers branch on this, never on the message.
enum class Errc {
  invalid,     ///< the input is malformed or out of bounds
  not_found,   ///< the thing named does not exist
  conflict,    ///< it exists already, or somebody else holds it
  no_space,    ///< the disk, a quota or a budget is full
  io,          ///< the operating system or the store failed
  timeout,     ///< a deadline passed
  closed,      ///< the peer or the service went away
  refused,     ///< the peer or the policy said no
  permission,  ///< we lack the right to do it
  temporary,   ///< may work later, cause outside of us
  unsupported, ///< valid, but not something we do
  epoch_ended, ///< this node was taken for dead: nothing that it had in hand is its own any more
};

/// An expected failure. `message` is for a person: what happened, to what, and what to do about it.
struct Error {
  Errc code;
  std::string message;
};

/// Every function that can fail in an expected way returns this (docs/architecture.md, "Errors").
template <class T = void>
using Result = std::expected<T, Error>;

/// Makes the failure half of a Result.
inline std::unexpected<Error> fail(Errc code, std::string message) {
  return std::unexpected(Error{code, std::move(message)});
}

} // namespace paquebot
