#include "service/login.h"

namespace paquebot::service {

Task<directory::Login> log_in(LoginParts parts, std::string authzid, std::string user, std::string password) {
  using Verdict = directory::Login::Verdict;
  std::uint64_t generation = parts.store.directory_generation();
  directory::Login login = co_await parts.directory.login(std::move(authzid), std::move(user), std::move(password));
  if (login.verdict != Verdict::accepted) co_return login;
  parts.sessions.logged_in(parts.token, login.account.id);
  if (parts.store.directory_generation() == generation) co_return login;
  auto account = co_await parts.store.get_account(login.account.id);
  if (!account)
    login.verdict = account.error().code == Errc::not_found ? Verdict::wrong : Verdict::temporary;
  else if (account->disabled)
    login.verdict = Verdict::disabled;
  else if (account->password != login.account.password)
    login.verdict = Verdict::wrong;
  co_return login;
}

} // namespace paquebot::service
