#pragma once

#include "store/types.h"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

/// Who asks, and what is within his reach. Rights are decided by the dispatcher (control.cc), never by an action's
/// function.
namespace paquebot::control {

/// From who may do nothing to who may do everything. root: whoever has the control socket, that is root and the user
/// that the server runs as; nobody else gets to be it.
enum class Role : std::uint8_t { nobody, account, domain_admin, operator_, root };

/// "nobody", "account", "domain administrator", "operator", "root".
std::string_view name_of(Role role);

/// What somebody may do: all of a role within its bounds.
struct Grants {
  Role role = Role::nobody;
  store::Id account = 0;           ///< whose own things are within reach; 0: none
  std::string login{};             ///< of that account
  std::set<std::string> domains{}; ///< of a domain administrator, with the aliases of each

  bool serves_all() const { return role >= Role::operator_; }
  /// Whether this domain, or an account or address in it, is his to look after.
  bool reaches_domain(std::string_view domain) const;
  /// Whether a thing of the account with this login is: his own, or in a domain that he looks after.
  bool reaches_login(std::string_view login) const;
  /// By what names a thing: "ann@example.org" or "example.org".
  bool reaches(std::string_view owner) const;
  /// Nobody acts on somebody with more grants, nor gives more than he has.
  bool covers(const Grants& other) const;
};

/// Who asks for an action.
struct Asker {
  Grants grants{};
  /// The scopes of the token that was shown; nothing: it was none, and all are his.
  std::optional<std::vector<std::string>> scopes{};
  store::Id token = 0;   ///< its id; 0: none
  std::string name{};    ///< for the log and the trail: "operator root (uid 0)", "ann@example.org", "ann@example.org's
                         ///< token backup"
  std::string from{};    ///< the address it comes from; empty: this machine's control socket
  std::string session{}; ///< hash of the cookie that said who it is; empty: none did
  bool clear = false;    ///< it came over plain HTTP, from this machine

  bool has_scope(std::string_view scope) const;
};

/// Whoever has the control socket. `name` says who that is.
Asker root_asker(std::string name);

/// One area of what tokens may be good for.
struct Scope {
  std::string_view name; ///< "accounts.read"; one that ends in ".write" has in it what ".read" has
  std::string_view text; ///< what it lets a program do
};
const std::vector<Scope>& scopes();
bool is_scope(std::string_view name);
/// Whether `wanted` is in what `given` allows: the same, or to read where it may write.
bool scope_has(std::string_view given, std::string_view wanted);

} // namespace paquebot::control
