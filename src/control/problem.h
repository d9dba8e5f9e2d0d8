#pragma once

#include "base/result.h"
#include "control/json.h"

#include <cstdint>
#include <expected>
#include <string>

namespace paquebot::control {

/// Why an action was not done, as a client is told (RFC 9457): what an Error says, and what a program or a form can
/// use.
struct Problem : Error {
  std::string field = {};  ///< of the request that is wrong; empty: none in particular
  std::string advice = {}; ///< what to do now, for a person; may be empty
  std::string word = {};   ///< the `code` that is told, where that of `code` is too wide ("scope", "changed")
  unsigned status = 0;     ///< of HTTP, where `code` does not say it; 0: it does
  std::uint32_t retry = 0; ///< seconds after which it may be tried again; 0: not told

  Problem() : Error{Errc::io, {}} {}
  Problem(Error error) : Error(std::move(error)) {} // NOLINT(google-explicit-constructor): what fails below is one
  Problem(Errc why, std::string detail, std::string what_to_do = {}, std::string which = {})
      : Error{why, std::move(detail)}, field(std::move(which)), advice(std::move(what_to_do)) {}
};

/// What functions of actions return: a Result whose failure may say more. An Error becomes one by itself.
template <class T = void>
using Found = std::expected<T, Problem>;

/// The JSON of a 200 response, or the problem.
using Answer = Found<json::value>;

/// Makes the failure half of an Answer. `advice` ends without a full stop, as `detail` does.
inline std::unexpected<Problem> refuse(Errc code, std::string detail, std::string advice = {}, std::string field = {}) {
  return std::unexpected(Problem(code, std::move(detail), std::move(advice), std::move(field)));
}

} // namespace paquebot::control
