#pragma once

#include "control/call.h"

#include <string>

/// Logins with a name and password over HTTP, through the guard that all protocols share.
namespace paquebot::control {

struct PasswordGiven {
  std::string user;
  std::string password;
  std::string code{}; ///< of the second factor; empty: none was given
};

/// How it was given: what can show a second factor may be asked for it.
enum class LoginWay : std::uint8_t {
  basic,
  console,
  proof, ///< once more by who is logged in: a wrong one is `wrong_password` (403), and no code is asked for
};

/// The account that it is of. Refused with `wrong_login` (401), `second_factor` (401: right so far, and a code is asked
/// for), `wrong_code` (401), `slow_down` (429), `temporary`. App passwords are for mail only. Wrong ones are held back
/// by as long as the guard says.
Task<Found<store::Account>> check_login(Context& context, PasswordGiven given, std::string address, LoginWay way);

/// Whether this is a code of the account's second factor that was not used before: six digits of the moment, or a
/// recovery code. It is used up then.
Task<Found<bool>> take_code(Context& context, store::Id account, std::string code);

/// A problem of logins: 401, with the word that programs know it by.
Problem wrong_login(std::string detail, std::string word = "wrong_login");
Problem too_many_logins(std::chrono::seconds wait);

/// What is kept of a recovery code, however it is typed.
std::string hash_of_recovery(std::string_view code);

} // namespace paquebot::control
