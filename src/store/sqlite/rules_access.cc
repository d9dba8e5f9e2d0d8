#include "store/sqlite/rules.h"

namespace paquebot::store::sqlite {
namespace {

constexpr Rule kWebSessionRules[] = {
    {"web_session.account", "s.account <> 0 AND NOT EXISTS (SELECT 1 FROM account a WHERE a.id = s.account)",
     "account %: somebody is logged in as it, but it does not exist"},
    {"web_session.values",
     "length(s.hash) <> 32 OR s.created NOT BETWEEN 0 AND 253402300799999 OR s.used NOT BETWEEN 0 AND 253402300799999",
     "account %: a value of a session of the console is out of its range"},
};

constexpr Rule kOnceLinkRules[] = {
    {"once_link.account", "l.account <> 0 AND NOT EXISTS (SELECT 1 FROM account a WHERE a.id = l.account)",
     "account %: there is a link that lets it in, but it does not exist"},
    {"once_link.values",
     "length(l.hash) <> 32 OR l.purpose NOT BETWEEN 1 AND 2 OR l.created NOT BETWEEN 0 AND 253402300799999 OR "
     "l.expires NOT BETWEEN 0 AND 253402300799999",
     "account %: a value of a link that lets it in is out of its range"},
};

constexpr Rule kSecondFactorRules[] = {
    {"second_factor.account", "NOT EXISTS (SELECT 1 FROM account a WHERE a.id = f.account)",
     "account %: it has a second factor, but does not exist"},
    {"second_factor.values",
     "f.secret = x'' OR f.confirmed NOT BETWEEN 0 AND 1 OR f.step < 0 OR f.created NOT BETWEEN 0 AND 253402300799999",
     "account %: a value of its second factor is out of its range"},
};

constexpr Rule kRecoveryCodeRules[] = {
    {"recovery_code.factor",
     "NOT EXISTS (SELECT 1 FROM second_factor f WHERE f.account = c.account AND f.confirmed = 1)",
     "account %: it has recovery codes, but no second factor"},
    {"recovery_code.values", "length(c.hash) <> 32", "account %: a recovery code is no hash"},
};

constexpr Rule kAuditRules[] = {
    {"audit.values", "e.at NOT BETWEEN 0 AND 253402300799999 OR e.action = ''",
     "entry % of the audit log: a value is out of its range"},
};

} // namespace

std::vector<Part> access_parts() {
  return {
      Walk{false, {"web_session s", {"s.hash"}}, "s.account", kWebSessionRules},
      Walk{false, {"once_link l", {"l.account", "l.purpose"}}, "l.account", kOnceLinkRules},
      Walk{false, {"second_factor f", {"f.account"}}, "f.account", kSecondFactorRules},
      Walk{false, {"recovery_code c", {"c.account", "c.hash"}}, "c.account", kRecoveryCodeRules},
      Walk{false, {"audit e", {"e.id"}}, "e.id", kAuditRules},
  };
}

} // namespace paquebot::store::sqlite
