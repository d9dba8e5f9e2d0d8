#include "control/page.h"

#include "control/action.h"

namespace paquebot::control {

store::Within within_reach(const Asker& asker) {
  const Grants& grants = asker.grants;
  store::Within within{.all = grants.serves_all()};
  if (within.all) return within;
  within.login = grants.login;
  if (grants.role == Role::domain_admin) within.domains.assign(grants.domains.begin(), grants.domains.end());
  return within;
}

store::Within within_domain(std::string domain) {
  store::Within within{.all = false};
  within.domains.push_back(std::move(domain));
  return within;
}

Found<PageWish> read_page(const Call& call) {
  const auto limit = read_limit(call, kUsualPage, kLargestPage);
  if (!limit) return std::unexpected(limit.error());
  return PageWish{*limit, call.ask("after")};
}

} // namespace paquebot::control
