#include "directory/login_check.h"

#include "base/encoding.h"
#include "base/log.h"
#include "base/random.h"
#include "base/text.h"
#include "directory/credentials.h"
#include "mail/names.h"
#include "sasl/prepare.h"

#include <algorithm>
#include <sodium.h>

namespace paquebot::directory {
namespace {

constexpr std::size_t kMaxUser = 512;
constexpr std::size_t kMaxPassword = 1024;
constexpr std::size_t kRemembered = 4096;
constexpr std::chrono::minutes kRememberedFor{5};
constexpr std::size_t kKey = crypto_generichash_KEYBYTES;

/// Costs an unknown user's login what a known one's costs.
const std::string& decoy() {
  static const std::string hash = hash_password(make_password()).value_or("");
  return hash;
}

/// One check in the pool. Shared with it, since the waiting coroutine may be destroyed first.
struct Check {
  std::string hash;                   ///< of the account; empty: there is none
  std::vector<std::string> passwords; ///< the same one in each way to write it
  std::vector<std::string> samples;   ///< Survey::samples
  bool right = false;
  std::vector<std::string> work;

  Check() = default;
  Check(const Check&) = delete;
  Check& operator=(const Check&) = delete;
  ~Check() {
    for (std::string& password : passwords) sodium_memzero(password.data(), password.size());
  }

  bool fits(const std::string& tried, const std::string& password) {
    work.push_back(hash_form(tried));
    return verify_password(tried, password);
  }

  /// All that a wrong one costs; a right one ends it.
  void run() {
    const bool usable = known_hash(hash);
    for (const std::string& password : passwords)
      if (usable && fits(hash, password)) {
        right = true;
        return;
      }
    const std::string form = usable ? hash_form(hash) : std::string();
    for (const std::string& password : passwords) {
      if (!usable || form != own_hash_form()) fits(decoy(), password);
      for (const std::string& sample : samples)
        if (!usable || form != hash_form(sample)) fits(sample, password);
    }
    std::ranges::sort(work);
  }
};

/// Looks at all of them, whichever fits.
const store::AppPassword* find_app_password(const std::vector<store::AppPassword>& all, const std::string& password) {
  const std::string hash = app_password_hash(password);
  const store::AppPassword* found = nullptr;
  for (const store::AppPassword& one : all)
    if (equal_constant_time(one.hash, hash)) found = &one;
  return found;
}

} // namespace

LoginCheck::LoginCheck(store::Store& store, AddressBook& book, AccountSurvey& survey, CpuPool& cpu, const Clock& clock)
    : store_(store), book_(book), survey_(survey), cpu_(cpu), clock_(clock), key_(random_bytes(kKey)),
      right_(kRemembered), wrong_(kRemembered) {}

std::string LoginCheck::digest(const std::string& hash, const std::string& password) const {
  std::array<unsigned char, crypto_generichash_BYTES> out{};
  const std::string text = hash + '\0' + password;
  crypto_generichash(out.data(), out.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                     reinterpret_cast<const unsigned char*>(key_.data()), key_.size());
  return {out.begin(), out.end()};
}

/// The password as every way of typing it gives it, and as it came: hashes from other servers were made of that.
Task<std::optional<LoginCheck::Found>> LoginCheck::try_password(std::string name, std::string hash,
                                                                std::string password, Turn turn) {
  const auto generation = store_.directory().generation();
  const std::string right = digest(hash, password);
  const std::string wrong = digest(hash + '\0' + mail::comparable_name(name), password);
  const Instant now = clock_.now();
  if (const auto until = right_.get(generation, right); !hash.empty() && until && now < *until)
    co_return Found{true, {}};
  if (const auto until = wrong_.get(generation, wrong); until && now < *until) co_return Found{};
  const auto survey = co_await survey_.look();
  if (!survey) co_return std::nullopt;
  const auto check = std::make_shared<Check>();
  check->hash = std::move(hash);
  check->samples = (*survey)->samples;
  if (auto prepared = sasl::prepare_password(password, false); prepared && *prepared != password)
    check->passwords.push_back(std::move(*prepared));
  check->passwords.push_back(std::move(password));
  std::move_only_function<void()> job = [check] { check->run(); };
  if (!co_await cpu_.run(std::move(job), turn)) co_return std::nullopt;
  if (check->right)
    right_.put(generation, right, now + kRememberedFor);
  else
    wrong_.put(generation, wrong, now + kRememberedFor); // not for ever: it may have been memory that lacked
  co_return Found{check->right, std::move(check->work)};
}

Task<Login> LoginCheck::check(std::string authzid, std::string user, std::string password, Turn turn) {
  Login temporary{Login::Verdict::temporary, {}, {}};
  std::optional<store::Account> account;
  const bool sane = user.size() <= kMaxUser && password.size() <= kMaxPassword && authzid.size() <= kMaxUser;
  if (sane) {
    std::string asked = user;
    auto found = co_await book_.account_of(std::move(asked));
    if (!found) co_return temporary;
    account = std::move(*found);
  } else {
    password.clear();
    user.clear();
  }
  const store::Id id = account ? account->id : 0;
  const auto others = co_await store_.credentials().list_app_passwords(id);
  if (!others) co_return temporary;
  if (const auto* used = find_app_password(*others, password)) {
    Login login = co_await finish(std::move(authzid), std::move(*account));
    login.password = *used;
    co_return login;
  }
  std::string hash = account ? account->password : std::string();
  std::string tried = password;
  auto found = co_await try_password(std::move(user), std::move(hash), std::move(tried), turn);
  if (!found) {
    temporary.why = "too many passwords wait to be checked, or the store failed";
    co_return temporary;
  }
  Login login;
  if (!account)
    login.why = "there is no such account";
  else if (!known_hash(account->password))
    login.why = account->password.empty() ? "the account has no password" : "what is kept of its password is no hash";
  login.work = std::move(found->work);
  if (!found->right || !account) co_return login;
  if (account->scram_keys.empty()) {
    store::Account own = *account;
    co_await keep_keys(std::move(own), std::move(password));
  }
  co_return co_await finish(std::move(authzid), std::move(*account));
}

/// Keys for an account whose password came as a hash. When that can't be done now, the next login does it.
Task<void> LoginCheck::keep_keys(store::Account account, std::string password) {
  const auto salted = co_await salt_of(std::move(account));
  if (!salted) co_return;
  const auto made = std::make_shared<store::Account>(*salted);
  std::move_only_function<void()> job = [made, secret = std::move(password)] {
    made->scram_keys = pack_scram_keys(secret, made->scram_salt, made->scram_iterations);
  };
  if (!co_await cpu_.run(std::move(job)) || made->scram_keys.empty()) co_return;
  store::Account changed = *made;
  const auto kept = co_await store_.credentials().set_scram(std::move(changed));
  if (!kept) log::warning("scram-keys-not-kept", {{"account", made->login}, {"why", kept.error().message}});
  if (kept) survey_.keys_made();
}

Task<Result<std::string>> LoginCheck::secret() {
  {
    const std::lock_guard lock(secret_mutex_);
    if (!secret_.empty()) co_return secret_;
  }
  std::string name = "login.secret";
  auto read = co_await store_.upkeep().get_setting(std::move(name));
  if (!read) co_return std::unexpected(read.error());
  const std::lock_guard lock(secret_mutex_);
  secret_ = *read;
  co_return secret_;
}

Task<Result<store::Account>> LoginCheck::salt_of(store::Account account) {
  if (!account.scram_salt.empty() && account.scram_iterations != 0) co_return account;
  const auto known = co_await secret();
  if (!known) co_return std::unexpected(known.error());
  account.scram_salt = scram_salt_of(*known, account.login);
  account.scram_iterations = kScramIterations;
  co_return account;
}

Task<Result<ScramLookup>> LoginCheck::scram_keys(std::string user, sasl::ScramHash hash) {
  const auto known = co_await secret();
  if (!known) co_return std::unexpected(known.error());
  std::optional<store::Account> account;
  store::Account nobody;
  nobody.login = mail::comparable_name(user);
  if (user.size() <= kMaxUser) {
    auto full = co_await book_.full_name(user);
    if (full && !full->empty()) nobody.login = mail::comparable_name(*full);
    auto found = co_await book_.account_of(std::move(user));
    if (!found) co_return std::unexpected(found.error());
    account = std::move(*found);
  }
  store::Account asked = account.value_or(nobody);
  const auto salted = co_await salt_of(std::move(asked));
  if (!salted) co_return std::unexpected(salted.error());
  const auto others = co_await store_.credentials().list_app_passwords(salted->id);
  if (!others) co_return std::unexpected(others.error());
  ScramLookup out{{salted->scram_salt, salted->scram_iterations, {}}, {}};
  const auto own = unpack_scram_key(salted->scram_keys, hash);
  out.credentials.keys.push_back(own.value_or(made_up_key(*known, salted->login, hash)));
  out.owners.emplace_back();
  out.can_not_yet = account && !own && !account->password.empty();
  for (const store::AppPassword& other : *others) {
    const auto key = unpack_scram_key(other.scram_keys, hash);
    if (!key) continue;
    out.credentials.keys.push_back(*key);
    out.owners.push_back(other);
  }
  co_return out;
}

Task<Login> LoginCheck::authorize(std::string authzid, std::string user) {
  if (user.size() > kMaxUser || authzid.size() > kMaxUser) co_return Login{};
  auto found = co_await book_.account_of(std::move(user));
  if (!found) co_return Login{Login::Verdict::temporary, {}, {}};
  if (!*found) co_return Login{};
  co_return co_await finish(std::move(authzid), std::move(**found));
}

Task<Login> LoginCheck::finish(std::string authzid, store::Account account) {
  if (!authzid.empty()) {
    const auto other = co_await book_.account_of(std::move(authzid));
    if (!other) co_return Login{Login::Verdict::temporary, {}, {}};
    if (!*other || (*other)->id != account.id) {
      Login wrong;
      wrong.why = "it may not act as another account";
      co_return wrong;
    }
  }
  if (account.disabled) co_return Login{Login::Verdict::disabled, {}, {}};
  co_return Login{Login::Verdict::accepted, std::move(account), {}};
}

} // namespace paquebot::directory
