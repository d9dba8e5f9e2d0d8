#pragma once

#include "base/result.h"
#include "store/sqlite/tx.h"
#include "store/within.h"

#include <string>
#include <vector>

/// Domains, accounts and addresses. Names are compared in lower case (ASCII).
namespace paquebot::store::sqlite {

Result<Domain> add_domain(Tx& tx, const std::string& name);
Result<Domain> add_alias_domain(Tx& tx, const std::string& name, const std::string& of);
Result<> remove_domain(Tx& tx, const std::string& name);
std::vector<Domain> list_domains(Db& db);
Result<> set_domain_owner(Tx& tx, const std::string& name, Id account);

Result<Account> add_account(Tx& tx, const Account& account);
Result<Account> find_account(Db& db, const std::string& login);
Result<Account> get_account(Db& db, Id id);
/// An empty domain means all.
std::vector<Account> list_accounts(Db& db, const std::string& domain);
/// Whether it is disabled now, or has another password.
Result<bool> update_account(Tx& tx, const Account& account);
/// Which one it was.
Result<Id> remove_account(Tx& tx, const std::string& login);

AddressLookup find_address(Db& db, const std::string& local, const std::string& domain);
Result<> add_address(Tx& tx, const AddressEntry& entry);
Result<> set_senders(Tx& tx, const std::string& local, const std::string& domain,
                     const std::vector<std::string>& senders);
Result<> remove_address(Tx& tx, const std::string& local, const std::string& domain, const std::string& target);
/// An empty domain means all.
std::vector<AddressEntry> list_addresses(Db& db, const std::string& domain);
std::vector<AddressEntry> account_addresses(Db& db, Id account);

// Lists in pages, and what leads to one account (pages.cc).

std::vector<Account> page_accounts(Db& db, const Within& within, const std::string& after, std::size_t most);
std::vector<Domain> page_domains(Db& db, const Within& within, const std::string& after, std::size_t most);
std::vector<AddressEntry> page_aliases(Db& db, const Within& within, const std::string& after, std::size_t most);
std::vector<std::string> aliases_to(Db& db, const std::string& address, std::size_t most);
std::vector<std::string> domains_owned_by(Db& db, Id account, std::size_t most);
/// Names with a line feed around each, for instr().
std::string fenced(const std::vector<std::string>& names);
/// An address of ours by its domain and local part as they are kept; none when there is none.
std::optional<AddressEntry> exact_address(Db& db, const Domain& domain, const std::string& local);

/// The domain's row; none when it is not ours.
std::optional<Domain> find_domain(Db& db, const std::string& name);
/// What to say then.
Error no_domain(const std::string& name);
/// What to say when a domain that is an alias is to get an address of its own.
Error is_alias(const Domain& domain);

} // namespace paquebot::store::sqlite
