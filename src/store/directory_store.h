#pragma once

#include "base/result.h"
#include "base/task.h"
#include "store/types.h"
#include "store/within.h"

#include <string>
#include <vector>

namespace paquebot::store {

/// Who and what is ours: domains, accounts and addresses. Names are compared in lower case (ASCII).
class DirectoryStore {
public:
  virtual ~DirectoryStore() = default;

  /// Rises with every change of domains, accounts or addresses: caches compare it. Cheap.
  virtual std::uint64_t generation() = 0;
  virtual Task<Result<Domain>> add_domain(std::string name) = 0;
  /// A domain in which every address of `of` is one, and no other (Domain::alias_of). invalid when that is itself an
  /// alias.
  virtual Task<Result<Domain>> add_alias_domain(std::string name, std::string of) = 0;
  /// conflict while it still has addresses or accounts. Its DKIM keys go with it.
  virtual Task<Result<>> remove_domain(std::string name) = 0;
  virtual Task<Result<std::vector<Domain>>> list_domains() = 0;
  virtual Task<Result<>> set_domain_owner(std::string name, Id account) = 0;
  /// Makes account, its address and INBOX. The first account of a domain becomes its owner.
  virtual Task<Result<Account>> add_account(Account account) = 0;
  virtual Task<Result<Account>> find_account(std::string login) = 0;
  virtual Task<Result<Account>> get_account(Id id) = 0;
  virtual Task<Result<std::vector<Account>>> list_accounts(std::string domain) = 0;
  /// Sets password, disabled, quota and what belongs to SCRAM from `account`.
  virtual Task<Result<>> update_account(Account account) = 0;
  /// With its mailboxes (in slices) and addresses. Fails with conflict while it is the only owner named by a domain
  /// unless no other account can take over; the next account of the domain becomes owner.
  virtual Task<Result<>> remove_account(std::string login) = 0;
  virtual Task<Result<AddressLookup>> find_address(std::string local, std::string domain) = 0;
  /// Adds targets to an alias, making it if needed; `account` leads the address to an account instead. Senders, if any
  /// are given, replace those there were. conflict when the address is taken by something else.
  virtual Task<Result<>> add_address(AddressEntry entry) = 0;
  /// Says who may write to an address (AddressEntry::senders), instead of what was said before. not_found when there is
  /// none.
  virtual Task<Result<>> set_senders(std::string local, std::string domain, std::vector<std::string> senders) = 0;
  /// Removes the address, or only `target` from it when not empty.
  virtual Task<Result<>> remove_address(std::string local, std::string domain, std::string target) = 0;
  virtual Task<Result<std::vector<AddressEntry>>> list_addresses(std::string domain) = 0;
  // Lists in pages: at most `most` behind `after`, which is what the last one of the page before was sorted by.

  virtual Task<Result<std::vector<Account>>> page_accounts(Within within, std::string after, std::size_t most) = 0;
  virtual Task<Result<std::vector<Domain>>> page_domains(Within within, std::string after, std::size_t most) = 0;
  /// All addresses but those that are an account's own; by domain, then by local part. `after` is a whole address.
  virtual Task<Result<std::vector<AddressEntry>>> page_aliases(Within within, std::string after, std::size_t most) = 0;

  virtual Task<Result<Domain>> get_domain(std::string name) = 0;
  /// Aliases that lead to this address, by name: at most `most`.
  virtual Task<Result<std::vector<std::string>>> aliases_to(std::string address, std::size_t most) = 0;
  /// Names of the domains whose owner the account is: at most `most`.
  virtual Task<Result<std::vector<std::string>>> domains_owned_by(Id account, std::size_t most) = 0;
  /// All addresses that lead straight to the account.
  virtual Task<Result<std::vector<AddressEntry>>> account_addresses(Id account) = 0;
};

} // namespace paquebot::store
