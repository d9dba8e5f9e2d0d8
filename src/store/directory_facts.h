#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// Whose mail it is: the words of the data model about domains, accounts and addresses.
namespace paquebot::store {

/// Row id of a domain, account, mailbox, destination or body. 0: none.
using Id = std::int64_t;

// ---- Directory ----

struct Domain {
  Id id = 0;
  std::string name;         ///< lower-case A-labels
  Id owner = 0;             ///< the account that gets postmaster and abuse when they have no address of their own
  std::int64_t created = 0; ///< when it was added; 0: by a version that did not write it down
  /// Another domain of ours, which is no alias: every address there is one here too, and there are no others. Empty: it
  /// is no alias.
  std::string alias_of{};
};

struct Account {
  Id id = 0;
  std::string login;       ///< its primary address, "local@domain", lower-case local part
  std::string password;    ///< hash: "$argon2id$…" or a crypt(3) form; empty: no login possible
  bool disabled = false;   ///< no login; mail still comes in
  std::uint64_t quota = 0; ///< octets in its mailboxes; 0: unlimited
  std::int64_t created = 0;
  std::string scram_salt;             ///< of all its passwords; empty until a password was set that we saw
  std::uint32_t scram_iterations = 0; ///< likewise
  std::string scram_keys;             ///< made from `password` (directory::pack_scram_keys); empty: there are none
  // Filled when read:
  std::uint64_t used = 0; ///< octets
  std::uint64_t messages = 0;
  bool second_factor = false; ///< it logs in with a second one (store::SecondFactor); its password alone is not enough
};

/// One more password of an account, for one program, made by us.
struct AppPassword {
  Id id = 0;
  Id account = 0;
  std::string label; ///< what its owner calls it; one of a kind in the account
  std::int64_t created = 0;
  std::int64_t used = 0;  ///< the last login with it; 0: none
  std::string used_from;  ///< and its address
  std::string hash;       ///< SHA-256 of the password, which is long and random
  std::string scram_keys; ///< under the account's salt and count
};

/// What signs the mail of a domain. A domain has at most one of each algorithm that is `next`, and one that is
/// `active`.
struct DkimKey {
  /// `next`: to be published, signs nothing yet. `retired`: signs no more, its record is still needed for what it
  /// signed. Numbers are stored.
  enum class State : std::uint8_t { next = 1, active, retired };
  enum class Algorithm : std::uint8_t { rsa = 1, ed25519 };

  Id id = 0;
  std::string domain;
  std::string selector; ///< one of a kind in the domain, lower-case
  Algorithm algorithm = Algorithm::rsa;
  State state = State::active;
  std::int64_t created = 0;
  std::int64_t changed = 0; ///< when it came into this state
  std::string private_key;  ///< PEM, not encrypted; its form is not the store's business
};

/// An address of ours. `local` is lower-case; "*" is the domain's catch-all.
struct AddressEntry {
  std::string local;
  std::string domain;
  Id account = 0;                   ///< leads to this account, or
  std::vector<std::string> targets; ///< expands to these addresses ("local@domain")
  /// Who may write to it: "domain" (senders in its own domain), "members" (its targets), an address, or a domain.
  /// Empty: anybody.
  std::vector<std::string> senders{};
};

/// What one address lookup finds.
struct AddressLookup {
  bool domain_is_ours = false;
  std::optional<AddressEntry> entry; ///< exact, without falling back to the catch-all
  std::optional<AddressEntry> catch_all;
  Id owner = 0;             ///< the domain's owner
  std::int64_t created = 0; ///< of the domain, see Domain
  std::string alias_of{};   ///< Domain::alias_of: where the entries are, and whose owner it is
};

} // namespace paquebot::store
