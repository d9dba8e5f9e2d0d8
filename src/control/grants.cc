#include "control/grants.h"

#include "base/text.h"

#include <algorithm>

namespace paquebot::control {

std::string_view name_of(Role role) {
  switch (role) {
    case Role::nobody: return "nobody";
    case Role::account: return "account";
    case Role::domain_admin: return "domain administrator";
    case Role::operator_: return "operator";
    case Role::root: return "root";
  }
  return "nobody";
}

bool Grants::reaches_domain(std::string_view domain) const {
  if (serves_all()) return true;
  return role == Role::domain_admin && domains.contains(to_lower(domain));
}

bool Grants::reaches_login(std::string_view other) const {
  if (role == Role::nobody) return false;
  if (serves_all() || (!login.empty() && iequals(login, other))) return true;
  const auto at = other.rfind('@');
  return at != std::string_view::npos && reaches_domain(other.substr(at + 1));
}

bool Grants::reaches(std::string_view owner) const {
  return owner.find('@') == std::string_view::npos ? reaches_domain(owner) : reaches_login(owner);
}

bool Grants::covers(const Grants& other) const {
  if (other.role > role) return false;
  if (role != Role::domain_admin || other.role != Role::domain_admin) return true;
  return std::ranges::includes(domains, other.domains);
}

bool Asker::has_scope(std::string_view scope) const {
  return scope.empty() || !scopes ||
         std::ranges::any_of(*scopes, [&](const std::string& one) { return scope_has(one, scope); });
}

Asker root_asker(std::string name) {
  Asker root;
  root.grants.role = Role::root;
  root.name = std::move(name);
  return root;
}

const std::vector<Scope>& scopes() {
  static const std::vector<Scope> all{
      {"server.read", "see how the server does, and check its store"},
      {"server.write", "reload, back up, confirm the clock, forget resolvers"},
      {"metrics.read", "read the metrics"},
      {"domains.read", "see domains, their DNS records and DKIM keys"},
      {"domains.write", "add, change and remove domains and DKIM keys"},
      {"accounts.read", "see accounts, their aliases, limits and app passwords"},
      {"accounts.write", "add, change and remove accounts and aliases, set passwords, hold and release"},
      {"rights.read", "see who may do what, and tokens (never the secret ones)"},
      {"rights.write", "take rights and tokens away; to give some, a person has to log in"},
      {"queue.read", "see what waits"},
      {"queue.write", "retry, hold, release and cancel what waits"},
      {"trails.read", "see the trails of messages, and attempts that were refused"},
      {"lists.read", "see the block and allow lists"},
      {"lists.write", "change the block and allow lists"},
      {"mail.send", "send mail in the name of the account"},
      {"events.read", "see what happens, as it does"},
      {"hooks.read", "see hooks (never their secrets)"},
      {"hooks.write", "make, change and remove hooks, which are told what happens"},
      {"suppressions.read", "see whom programs send nothing to any more"},
      {"suppressions.write", "change whom programs send nothing to"},
      {"mail.read", "read reports that came by mail, and what is in one's own"},
      {"mail.write", "bring mail into mailboxes"},
  };
  return all;
}

bool is_scope(std::string_view name) { return std::ranges::find(scopes(), name, &Scope::name) != scopes().end(); }

bool scope_has(std::string_view given, std::string_view wanted) {
  if (given == wanted) return true;
  const auto dot = given.rfind('.');
  return given.ends_with(".write") && wanted.ends_with(".read") &&
         given.substr(0, dot + 1) == wanted.substr(0, dot + 1);
}

} // namespace paquebot::control
