#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "mail/address.h"
#include "sasl/scram.h"
#include "store/store.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::directory {

class CpuPool;

struct Options {
  std::string hostname; ///< also ours: mail to postmaster@hostname is taken
  std::string origin{}; ///< what programs on this machine put behind a name like "root"; empty: hostname
  char tag_separator = '+';
  unsigned max_depth = 10;                       ///< aliases through aliases
  unsigned max_targets = 1000;                   ///< of one expansion
  std::chrono::milliseconds new_domain_grace{0}; ///< see Resolution::Kind::not_yet
};

/// One address met while expanding a recipient. nodes[0] is the recipient itself; `parent` points at the node that
/// expanded into this one (-1 for the first).
struct Node {
  std::string address;
  store::Handling handling = store::Handling::mailbox;
  store::Id account = 0;
  int parent = -1;
  std::string reason;        ///< held, failed: why
  std::uint16_t code = 0;    ///< failed: the codes of our refusal, whose words `reason` has
  mail::EnhancedCode status; ///< likewise
  store::HoldKind hold{};    ///< held: why
};

struct Resolution {
  /// `unknown`: also an alias that leads only to addresses which do not exist. `loop`: aliases that lead only to each
  /// other, or deeper than max_depth. `too_large`: more than max_targets. `not_yet`: unknown, but its domain was added
  /// so shortly ago (new_domain_grace) that the address may be about to be made: what is for it waits.
  enum class Kind { not_ours, unknown, found, loop, too_large, not_yet };
  Kind kind = Kind::not_ours;
  std::vector<Node> nodes;   ///< found only
  bool mailbox_full = false; ///< some mailbox it leads to has its quota used up
  /// There is no such address, but it is at the server's own name, so the mail goes to the owner: programs on this
  /// machine send to names like "backup" and must not lose their mail. To be refused to everybody else.
  bool fallback = false;
  /// Who may write to the address itself (store::AddressEntry::senders), not to what it leads to; empty: anybody.
  std::vector<std::string> senders{};
  std::vector<std::string> targets{}; ///< what it leads to in one step, when `senders` says something
};

struct Login {
  enum class Verdict { accepted, wrong, disabled, temporary };
  Verdict verdict = Verdict::wrong;
  store::Account account;      ///< accepted: who it is
  store::AppPassword password; ///< the app password that was used; id 0: none
  /// Forms (hash_form) of the hashes that were computed for it, sorted; for tests.
  std::vector<std::string> work{};
  std::string why{}; ///< not accepted: more than the verdict says, for the log; may be empty
};

/// Whose work is done first: what strangers may make us do comes last.
enum class Turn : std::uint8_t { first, last };

/// Enabled accounts with a password that can't do SCRAM yet.
struct WithoutScram {
  std::vector<std::string> logins; ///< the first of them, by name
  std::size_t count = 0;
};

/// What SCRAM needs to know of a name, and whose each key is.
struct ScramLookup {
  sasl::ScramCredentials credentials;
  std::vector<store::AppPassword> owners; ///< of each key; id 0: the account's own password, or made up
  bool can_not_yet = false; ///< there is such an account and a password, but no keys before it has been given once
};

/// What is to be kept of a new password of an account.
struct NewPassword {
  std::string hash;
  std::string scram_salt;
  std::uint32_t scram_iterations = 0;
  std::string scram_keys;
};

/// Domains, accounts, address expansion and credentials over the store, with caches that follow its generation.
/// Thread-safe.
class Directory {
public:
  /// `store`, `cpu` and `clock` must outlive it.
  Directory(store::Store& store, CpuPool& cpu, Options options, const Clock& clock = system_clock());
  ~Directory();

  /// Where mail for `address` goes: user+tag (the exact address first), aliases through aliases (each address and each
  /// mailbox once), postmaster and abuse (the domain's owner, else any owner, else held), catch-all, "postmaster"
  /// without a domain. At the server's own name, when that is no domain: what the origin, the domain that the name lies
  /// in, and the first domain have under that name, in this order; then root like postmaster, and see
  /// Resolution::fallback. Local parts and domains without regard to case. A target that does not exist is held beside
  /// targets that do. A disabled account still gets mail. Errors are those of the store: answer 451.
  Task<Result<Resolution>> resolve(mail::Address address);
  /// The same for mail of programs on this machine: names that nobody has at the origin, or at the server's own name
  /// when that is a domain of ours, are found as at the server's own name.
  Task<Result<Resolution>> resolve_local(mail::Address address);
  /// The same at once, in the usual case: memory knows that it is the address of one mailbox without a quota. Else
  /// nothing: ask resolve().
  std::optional<Resolution> resolve_now(const mail::Address& address);
  Task<Result<bool>> is_our_domain(std::string domain);
  /// The domain of ours that `domain` is an alias of; itself, in lower case, when it is none.
  Task<Result<std::string>> main_domain(std::string domain);
  /// Whether this is the server's own name: some addresses at it are ours (root, postmaster) without its being a domain
  /// of ours.
  bool is_own_name(std::string_view domain) const;
  /// Checks a password (argon2id or crypt(3)) in the CPU pool; the same time for unknown users; success cached briefly
  /// under a keyed hash, dropped when the directory changes. `user` is a login name or any address of the account;
  /// without a domain when the server has only one. `authzid`: empty or the same account. App passwords are right too.
  /// An account without keys for SCRAM gets them once its password was right. A wrong password costs the same work
  /// whether there is such an account, and whatever form its hash has; what was found to be wrong is not hashed again.
  /// `turn`: strangers stand in a short line of their own, `temporary` when it is full.
  Task<Login> login(std::string authzid, std::string user, std::string password, Turn turn = Turn::first);
  /// For a name that nobody has, too: a salt that stays the same and a key that nothing fits.
  Task<Result<ScramLookup>> scram_keys(std::string user, sasl::ScramHash hash);
  /// Who keeps SCRAM from working for everybody. From memory unless the accounts changed.
  Task<Result<WithoutScram>> without_scram();
  /// Whom `user` (who has proved to be that) may act as: itself or `authzid`, when that is the same account.
  Task<Login> authorize(std::string authzid, std::string user);
  /// The login name of the account that `user` leads to, else `user` in lower case.
  Task<std::string> login_name(std::string user);
  /// May the account use this address as sender? Any address whose mail goes straight to its mailbox: its own, with any
  /// tag, and what a catch-all or the ownership of a domain (postmaster, abuse) gives it.
  Task<Result<bool>> owns(store::Id account, mail::Address address);

  /// Hash and keys of a new password for `account` (whose salt is kept, if it has one), made in the CPU pool;
  /// `temporary` when its line is full, `invalid` when it holds characters that no password can have.
  Task<Result<NewPassword>> new_password(store::Account account, std::string password);
  /// Runs what burns processor time in the CPU pool; false when its line is full.
  Task<bool> compute(std::move_only_function<void()> job);
  /// A new app password of that account: the row for the store, and the password itself, shown once.
  Task<Result<std::pair<store::AppPassword, std::string>>> new_app_password(store::Account account, std::string label);

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A bounded pool of threads for what burns CPU: at most one job a core runs, the rest waits in one of two lines, each
/// bounded: refused at once when it is full. Of the last one a job is taken when the first is empty, and one in kFair
/// at least.
class CpuPool {
public:
  static constexpr unsigned kFair = 8;
  /// Some 30 ms each: who waits longer than a second or two had better be told to come again.
  static constexpr std::size_t kLastPerThread = 32;

  /// `max_last` 0: kLastPerThread for each thread. No threads: who asks does the work at once, with nobody beside it (a
  /// simulation).
  explicit CpuPool(unsigned threads, std::size_t max_waiting = 1000, std::size_t max_last = 0);
  ~CpuPool();
  /// Runs `job` on the pool; false when its line is full. Resumes on the caller's executor.
  Task<bool> run(std::move_only_function<void()> job, Turn turn = Turn::first);

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// argon2id at 19 MiB, two passes (libsodium's string form). Blocking: tens of milliseconds.
Result<std::string> hash_password(const std::string& password);
/// argon2id or any crypt(3) form. Blocking.
bool verify_password(const std::string& hash, const std::string& password);
/// Is `hash` of a form that verify_password knows? (imports)
bool known_hash(std::string_view hash);
/// What a hash has in common with all that cost the same to check: its method and parameters, without salt and digest.
std::string hash_form(std::string_view hash);
/// That of hash_password().
const std::string& own_hash_form();
/// A random password of 20 letters and digits, easy to read out.
std::string make_password();
/// So many random letters and digits of 32, five bits each.
std::string make_letters(std::size_t count);

} // namespace paquebot::directory
