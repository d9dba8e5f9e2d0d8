#pragma once

#include "control/json.h"
#include "control/problem.h"
#include "mail/build_message.h"

#include <string>
#include <vector>

/// A message in JSON (POST /v1/send), read.
namespace paquebot::control {

struct WantedLetter {
  mail::Letter letter;                   ///< without date, id and token
  std::vector<mail::Address> recipients; ///< of To, Cc and Bcc, each once
  std::string metadata;                  ///< as JSON; empty: none
};

/// `from`: who sends when the request does not say so. `body` has the form of the schema.
Found<WantedLetter> read_letter(const json::object& body, const std::string& from);
/// "sender's own words about it": names to texts, as JSON; empty: none.
Found<std::string> read_metadata(const json::object& body);

} // namespace paquebot::control
