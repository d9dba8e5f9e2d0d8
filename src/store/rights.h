#pragma once

#include "base/result.h"
#include "base/task.h"
#include "store/types.h"
#include "store/within.h"

#include <optional>
#include <string>
#include <vector>

namespace paquebot::store {

/// What an account may do beside what is its own: look after a domain, or after the whole server.
struct Grant {
  Id account = 0;
  std::string login;  ///< of the account; filled when read
  std::string domain; ///< administrator of this domain; empty: operator of the server
};

/// What a program asks the API with, instead of a password. The store says nothing of what scopes and networks mean.
struct Token {
  Id id = 0;
  Id account = 0;      ///< whose; 0: the server's own, made by root
  std::string login{}; ///< of the account; filled when read
  std::string label;   ///< one of a kind in the account
  std::string hash;    ///< SHA-256 of the token, which is long and random
  std::vector<std::string> scopes;
  std::vector<std::string> domains;  ///< only things of these; empty: of all that its account reaches
  std::vector<std::string> networks; ///< only from these; empty: from anywhere
  std::int64_t created = 0;
  std::int64_t expires = 0; ///< 0: never
  std::int64_t used = 0;    ///< when last; 0: never
  std::string used_from{};  ///< and from which address
};

/// Who may do what beside its own things, and with which tokens. Both go with their account; the grants of a domain,
/// and the tokens that name it, go with the domain.
class Rights {
public:
  virtual ~Rights() = default;

  /// Once more is no error. not_found when there is no such account or domain, invalid for an alias of another domain.
  virtual Task<Result<>> grant(Id account, std::string domain) = 0;
  virtual Task<Result<>> revoke(Id account, std::string domain) = 0;
  /// By login and domain, the server's operators first. `account` 0: everybody's.
  virtual Task<Result<std::vector<Grant>>> list_grants(Id account) = 0;
  /// By login and domain (that of operators is empty), behind the ones of `after`, at most `most`: of accounts within
  /// reach.
  virtual Task<Result<std::vector<Grant>>> page_grants(Within within, Grant after, std::size_t most) = 0;

  /// conflict when the account has one of that label, no_space when it has 100, not_found when there is no such
  /// account.
  virtual Task<Result<Token>> add_token(Token token) = 0;
  virtual Task<Result<>> remove_token(Id id) = 0;
  /// By account and label. Nothing: everybody's.
  virtual Task<Result<std::vector<Token>>> list_tokens(std::optional<Id> account) = 0;
  /// By id, behind `after`, at most `most`: of one account, or of everybody within reach. The server's own are only in
  /// the list of all.
  virtual Task<Result<std::vector<Token>>> page_tokens(std::optional<Id> account, Within within, Id after,
                                                       std::size_t most) = 0;
  virtual Task<Result<Token>> get_token(Id id) = 0;
  virtual Task<Result<Token>> find_token(std::string hash) = 0;
  /// Notes that it was used; one that is gone is passed over.
  virtual Task<Result<>> use_token(Id id, std::int64_t when, std::string from) = 0;
};

} // namespace paquebot::store
