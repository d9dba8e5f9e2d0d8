#include "base/text.h"
#include "mail/names.h"
#include "store/sqlite/rules.h"

#include <unordered_set>

namespace paquebot::store::sqlite {
namespace {

// to_lower() of base/text.h and SQLite's lower() both change ASCII only.

constexpr Rule kTenantRules[] = {
    {"tenant.name", "t.name = ''", "tenant %: it has no name"},
};

constexpr Rule kDomainRules[] = {
    {"domain.owner", "d.owner <> 0 AND NOT EXISTS (SELECT 1 FROM account a WHERE a.id = d.owner)",
     "domain %: its owner does not exist"},
    {"domain.unowned", "d.owner = 0 AND EXISTS (SELECT 1 FROM account a WHERE a.domain = d.id)",
     "domain %: it has accounts, but none gets postmaster's mail"},
    {"domain.tenant", "NOT EXISTS (SELECT 1 FROM tenant t WHERE t.id = d.tenant)",
     "domain %: its tenant does not exist"},
    {"domain.alias",
     "d.alias_of <> 0 AND (NOT EXISTS (SELECT 1 FROM domain t WHERE t.id = d.alias_of AND t.alias_of = 0) OR "
     "EXISTS (SELECT 1 FROM address l WHERE l.domain = d.id) OR EXISTS (SELECT 1 FROM account a WHERE a.domain = "
     "d.id))",
     "domain %: it is an alias of what is no domain, or has addresses of its own"},
    {"domain.name",
     "d.name <> lower(d.name) OR d.name = '' OR d.name GLOB '*[^a-z0-9._-]*' OR d.name GLOB '.*' OR d.name GLOB '*.' "
     "OR "
     "d.name GLOB '*..*'",
     "domain %: its name is not normal"},
    {"domain.values", "d.created NOT BETWEEN 0 AND 253402300799999", "domain %: a value is out of its range"},
};

constexpr Rule kAccountRules[] = {
    {"account.inbox", "NOT EXISTS (SELECT 1 FROM mailbox b WHERE b.account = a.id AND b.name = 'INBOX')",
     "account %: it has no INBOX"},
    {"account.domain", "NOT EXISTS (SELECT 1 FROM domain d WHERE d.id = a.domain)",
     "account %: its domain does not exist"},
    {"account.address",
     "NOT EXISTS (SELECT 1 FROM domain d JOIN address l ON l.domain = d.id AND l.local = substr(a.login, 1, "
     "length(a.login) - length(d.name) - 1) WHERE d.id = a.domain AND l.account = a.id)",
     "account %: its own address does not lead to it"},
    {"account.name",
     "a.login <> lower(a.login) OR a.login NOT GLOB '?*@?*' OR substr(a.login, 1, 2) = '*@' OR "
     "(SELECT substr(a.login, length(a.login) - length(d.name)) <> '@' || d.name FROM domain d WHERE d.id = a.domain)",
     "account %: its name is not normal"},
    {"account.scram",
     "(a.scram_keys <> x'' OR a.scram_iterations <> 0) AND (a.scram_salt = x'' OR a.scram_iterations < 1)",
     "account %: what logins by SCRAM need is not whole"},
    {"account.values",
     "a.disabled NOT BETWEEN 0 AND 1 OR a.quota NOT BETWEEN 0 AND 9223372036854775807 OR "
     "a.created NOT BETWEEN 0 AND 253402300799999 OR a.scram_iterations NOT BETWEEN 0 AND 4294967295",
     "account %: a value is out of its range"},
};

constexpr std::size_t kMostSteps = 10'000; // of one alias

/// Aliases that lead to nothing but each other. What can't be followed from here (a tag behind a name, too many steps)
/// counts as a way out.
bool leads_only_to_itself(Check& check, const Query& row) {
  std::vector<std::pair<Id, std::string>> waiting{{row.i64(0), row.text(1)}};
  std::unordered_set<std::string> seen;
  while (!waiting.empty()) {
    const auto [domain, local] = std::move(waiting.back());
    waiting.pop_back();
    if (!seen.insert(std::to_string(domain) + "/" + local).second) continue;
    if (seen.size() > kMostSteps) return false;
    Query q = check.main.query("SELECT target FROM address_target WHERE domain = ? AND local = ?", domain, local);
    while (q.row()) {
      const std::string target = q.text(0);
      const std::size_t at = target.rfind('@');
      if (at == std::string::npos) return false;
      Query next = check.main.query(
          "SELECT d.id, l.local, l.account FROM domain d JOIN address l ON l.domain = d.id AND l.local IN (?1, '*') "
          "WHERE d.name = ?2 ORDER BY l.local = '*' LIMIT 1",
          mail::comparable_name(target.substr(0, at)), to_lower(target.substr(at + 1)));
      if (!next.row() || next.i64(2) != 0) return false;
      waiting.emplace_back(next.i64(0), next.text(1));
    }
  }
  return true;
}

constexpr Rule kAddressRules[] = {
    {"address.domain", "NOT EXISTS (SELECT 1 FROM domain d WHERE d.id = l.domain)",
     "domain %: it does not exist, but has addresses"},
    {"address.account", "l.account <> 0 AND NOT EXISTS (SELECT 1 FROM account a WHERE a.id = l.account)",
     "domain %: an address leads to an account that does not exist", kUnreachable},
    {"address.nowhere",
     "l.account = 0 AND NOT EXISTS (SELECT 1 FROM address_target t WHERE t.domain = l.domain AND t.local = l.local)",
     "domain %: an address leads nowhere", kUnreachable},
    {"address.both",
     "l.account <> 0 AND EXISTS (SELECT 1 FROM address_target t WHERE t.domain = l.domain AND t.local = l.local)",
     "domain %: an address leads to an account and to targets"},
    {"address.name", "l.local = '' OR l.local <> lower(l.local)", "domain %: the name of an address is not normal",
     kUnreachable},
    {"address.loop",
     "l.account = 0 AND EXISTS (SELECT 1 FROM address_target t WHERE t.domain = l.domain AND t.local = l.local)",
     "domain %: an alias leads only back to itself", kUnreachable, leads_only_to_itself},
};

constexpr Rule kTargetRules[] = {
    {"target.address", "NOT EXISTS (SELECT 1 FROM address l WHERE l.domain = t.domain AND l.local = t.local)",
     "domain %: targets of an address that does not exist"},
    {"target.name", "t.target NOT GLOB '?*@?*'", "domain %: an address leads to what is no address", kUnreachable},
};

constexpr Rule kKeyRules[] = {
    {"dkim.domain", "NOT EXISTS (SELECT 1 FROM domain d WHERE d.id = k.domain)",
     "DKIM key %: its domain does not exist"},
    {"dkim.twins",
     "k.state <> 3 AND EXISTS (SELECT 1 FROM dkim_key o WHERE o.domain = k.domain AND o.algorithm = k.algorithm AND "
     "o.state = k.state AND o.id < k.id)",
     "DKIM key %: another key of its algorithm is in the same state for its domain"},
    {"dkim.values",
     "k.algorithm NOT BETWEEN 1 AND 2 OR k.state NOT BETWEEN 1 AND 3 OR k.selector = '' OR k.selector <> "
     "lower(k.selector) OR k.created NOT BETWEEN 0 AND 253402300799999 OR k.changed NOT BETWEEN 0 AND 253402300799999",
     "DKIM key %: a value is out of its range"},
};

constexpr Rule kAppPasswordRules[] = {
    {"app_password.account", "NOT EXISTS (SELECT 1 FROM account a WHERE a.id = p.account)",
     "app password %: its account does not exist"},
    {"app_password.values",
     "p.label = '' OR p.hash = x'' OR p.created NOT BETWEEN 0 AND 253402300799999 OR p.used NOT BETWEEN 0 AND "
     "253402300799999",
     "app password %: a value is out of its range"},
};

constexpr Rule kRightRules[] = {
    {"right.account", "NOT EXISTS (SELECT 1 FROM account a WHERE a.id = r.account)",
     "account %: it may look after others, but does not exist"},
    {"right.domain", "r.domain <> 0 AND NOT EXISTS (SELECT 1 FROM domain d WHERE d.id = r.domain AND d.alias_of = 0)",
     "account %: it looks after a domain that does not exist"},
};

constexpr Rule kTokenRules[] = {
    {"token.account", "t.account <> 0 AND NOT EXISTS (SELECT 1 FROM account a WHERE a.id = t.account)",
     "token %: its account does not exist"},
    {"token.values",
     "t.label = '' OR length(t.hash) <> 32 OR t.scopes = '' OR t.created NOT BETWEEN 0 AND 253402300799999 OR "
     "t.expires "
     "NOT BETWEEN 0 AND 253402300799999 OR t.used NOT BETWEEN 0 AND 253402300799999",
     "token %: a value is out of its range"},
};

constexpr Rule kSettingRules[] = {
    {"setting.account",
     "substr(s.key, 1, 12) = 'login.known.' AND NOT EXISTS (SELECT 1 FROM account a WHERE a.login = substr(s.key, 13))",
     "setting %: from where it logs in is known, but that account does not exist"},
    {"setting.suspension",
     "substr(s.key, 1, 19) = 'suspension.account.' AND substr(s.value, 1, 1) IN ('0', '1') AND NOT EXISTS (SELECT 1 "
     "FROM account a WHERE a.login = "
     "substr(s.key, 20))",
     "setting %: its mail is suspended, but that account does not exist"},
};

constexpr Rule kSuspicionRules[] = {
    {"suspicion.account", "NOT EXISTS (SELECT 1 FROM account a WHERE a.id = s.account)",
     "account %: it looks taken over, but does not exist"},
    {"suspicion.values",
     "s.signal NOT BETWEEN 1 AND 4 OR s.told NOT BETWEEN 0 AND 1 OR length(s.notice) <> 16 OR "
     "s.since NOT BETWEEN 0 AND 253402300799999",
     "account %: it looks taken over for a reason that is not known"},
};

constexpr Rule kLimitRules[] = {
    {"limit.account", "NOT EXISTS (SELECT 1 FROM account a WHERE a.id = i.account)",
     "account %: it has limits of its own, but does not exist"},
    {"limit.values", "i.kind NOT BETWEEN 1 AND 6 OR i.value < 0", "account %: a limit is out of its range"},
};

constexpr Rule kCounterRules[] = {
    {"counter.account", "NOT EXISTS (SELECT 1 FROM account a WHERE a.id = c.account)",
     "account %: what it sent is counted, but it does not exist"},
    {"counter.values",
     "c.kind NOT IN (1, 2, 4, 5, 6, 64, 132, 133, 192) OR c.value < 0 OR c.window_start < 0 OR "
     "c.window_start % 3600000 <> 0",
     "account %: a count of what it sent is out of its range"},
};

constexpr Rule kCorrespondentRules[] = {
    {"correspondent.account", "NOT EXISTS (SELECT 1 FROM account a WHERE a.id = c.account)",
     "account %: whom it wrote to is known, but it does not exist"},
    {"correspondent.values", "c.address = '' OR c.address <> lower(c.address) OR c.day < 0 OR c.day % 86400000 <> 0",
     "account %: whom it wrote to is not as it should be"},
};

} // namespace

std::vector<Part> directory_parts() {
  return {
      Walk{false, {"tenant t", {"t.id"}}, "t.id", kTenantRules},
      Walk{false, {"domain d", {"d.id"}}, "d.id", kDomainRules},
      Walk{false, {"account a", {"a.id"}}, "a.id", kAccountRules},
      Walk{false, {"address l", {"l.domain", "l.local"}}, "l.domain", kAddressRules},
      Walk{false, {"address_target t", {"t.domain", "t.local", "t.target"}}, "t.domain", kTargetRules},
      Walk{false, {"dkim_key k", {"k.id"}}, "k.id", kKeyRules},
      Walk{false, {"app_password p", {"p.id"}}, "p.id", kAppPasswordRules},
      Walk{false, {"account_right r", {"r.account", "r.domain"}}, "r.account", kRightRules},
      Walk{false, {"token t", {"t.id"}}, "t.id", kTokenRules},
      Walk{false, {"setting s", {"s.key"}}, "s.key", kSettingRules},
      Walk{false, {"account_suspicion s", {"s.account"}}, "s.account", kSuspicionRules},
      Walk{false, {"account_limit i", {"i.account", "i.kind"}}, "i.account", kLimitRules},
      Walk{false, {"counter c", {"c.account", "c.kind", "c.window_start"}}, "c.account", kCounterRules},
      Walk{false, {"correspondent c", {"c.account", "c.address"}}, "c.account", kCorrespondentRules},
  };
}

} // namespace paquebot::store::sqlite
