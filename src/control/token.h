#pragma once

#include "control/call.h"

#include <string>
#include <string_view>

/// Tokens: what programs ask the API with. "pq_" and 160 bits as 32 letters and digits; only their hash is kept.
namespace paquebot::control {

std::string make_token();
/// Whether it has a token's form; what has not is not looked for.
bool is_token(std::string_view text);
/// What is kept of it, and found again by.
std::string hash_of_token(std::string_view token);

/// Who asks with this token from that address: what its account may do, within the token's bounds. Nothing when there
/// is no such token, or it has expired, its account can't log in, or the address is not in its networks; `why` then has
/// which, for the log.
Task<Found<std::optional<Asker>>> asker_of_token(Context& context, std::string token, std::string address,
                                                 std::string& why);

} // namespace paquebot::control
