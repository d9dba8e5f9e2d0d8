#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "directory/directory.h"
#include "directory/generation_cache.h"
#include "mail/address.h"
#include "store/directory_store.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace paquebot::directory {

/// What one address of ours leads to, one step far.
struct Match {
  bool ours = false;                  ///< its domain is ours, or it is the server's own name
  bool known = false;                 ///< there is such an address
  bool not_yet = false;               ///< not known, and its domain is new: see Resolution::Kind::not_yet
  bool fallback = false;              ///< only since it is at the server's own name: see Resolution::fallback
  store::Id account = 0;              ///< leads to this account,
  std::vector<std::string> targets;   ///< and (or) to these addresses; neither: postmaster of nobody
  std::vector<std::string> senders{}; ///< store::AddressEntry::senders
};

/// Reads of the store for addresses and accounts, behind caches that follow its generation; the rules that find the
/// entry for an address. Thread-safe.
class AddressBook {
public:
  /// All must outlive it.
  AddressBook(store::DirectoryStore& store, const Clock& clock, const Options& options);

  /// The entry for an address: with its tag, without it, postmaster and abuse (RFC 2142, RFC 5321 section 4.5.1), the
  /// catch-all, in this order.
  Task<Result<Match>> match(mail::Address address);
  /// The entry for an address of ours that has none, named by a program on this machine: as at the server's own name
  /// when it is there or at the origin; else nothing is known of it.
  Task<Result<Match>> match_program(mail::Address address);
  /// The account whose mailbox the address leads straight to, open to every sender and never full, when memory knows
  /// all of that; 0 when there is more to it, or something to be read.
  store::Id known_mailbox(const mail::Address& address);
  Task<Result<bool>> is_ours(std::string domain);
  /// The domain of ours that `domain` is an alias of; itself, in lower case, when it is none.
  Task<Result<std::string>> main_domain(std::string domain);
  /// The account that a login name or one of its addresses belongs to, exactly as given but for case; nothing when
  /// there is none.
  Task<Result<std::optional<store::Account>>> account_of(std::string user);
  /// A login name with its domain; empty when it has none and we have not exactly one.
  Task<Result<std::string>> full_name(std::string user);
  /// True when the account has a quota and it is used up.
  Task<Result<bool>> is_full(store::Id account);
  /// The local part without its tag, or all of it.
  std::string_view without_tag(std::string_view local) const;

private:
  /// What the rules ask of the list of domains.
  struct Domains {
    std::size_t count = 0;
    std::vector<std::string> bare; ///< where a name without a domain is looked for first, in this order
    std::string first;
    store::Id any_owner = 0;
  };
  using Lookup = std::shared_ptr<const store::AddressLookup>;

  Match unknown(const store::AddressLookup& looked_up) const;
  Task<Result<Lookup>> lookup(std::string local, std::string domain);
  Task<Result<Domains>> domains();
  std::vector<std::string> places_of_names(const std::vector<store::Domain>& all) const;
  Task<Result<Match>> match_role(store::Id owner);
  Task<Result<Match>> match_machine(std::string local);

  store::DirectoryStore& store_;
  const Clock& clock_;
  Options options_;
  GenerationCache<Lookup> lookups_;
  GenerationCache<std::uint64_t> quotas_;
  GenerationCache<Domains> domains_;
};

} // namespace paquebot::directory
