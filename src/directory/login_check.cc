#include "directory/login_check.h"

#include "base/encoding.h"
#include "base/log.h"
#include "base/text.h"
#include "directory/credentials.h"
#include "sasl/prepare.h"

#include <sodium.h>

namespace paquebot::directory {
namespace {

constexpr std::size_t kMaxUser = 512;
constexpr std::size_t kMaxPassword = 1024;
constexpr std::size_t kRemembered = 4096;
constexpr std::chrono::minutes kRememberedFor{5};
constexpr std::size_t kKey = crypto_generichash_KEYBYTES;

/// One check in the pool. Shared with it, since the waiting coroutine may be destroyed first.
struct Check {
  std::string hash;
  std::string password;
  bool right = false;
  ~Check() { sodium_memzero(password.data(), password.size()); }
};

/// Costs an unknown user's login what a known one's costs.
const std::string& decoy() {
  static const std::string hash = hash_password(make_password()).value_or("");
  return hash;
}

void run_check(Check& check) {
  check.right = verify_password(check.hash.empty() ? decoy() : check.hash, check.password) && !check.hash.empty();
}

/// Looks at all of them, whichever fits.
const store::AppPassword* find_app_password(const std::vector<store::AppPassword>& all, const std::string& password) {
  const std::string hash = app_password_hash(password);
  const store::AppPassword* found = nullptr;
  for (const store::AppPassword& one : all)
    if (equal_constant_time(one.hash, hash)) found = &one;
  return found;
}

} // namespace

LoginCheck::LoginCheck(store::Store& store, AddressBook& book, CpuPool& cpu, const Clock& clock)
    : store_(store), book_(book), cpu_(cpu), clock_(clock), key_(random_bytes(kKey)), right_(kRemembered) {}

std::string LoginCheck::digest(const std::string& hash, const std::string& password) const {
  std::array<unsigned char, crypto_generichash_BYTES> out{};
  const std::string text = hash + '\0' + password;
  crypto_generichash(out.data(), out.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                     reinterpret_cast<const unsigned char*>(key_.data()), key_.size());
  return {out.begin(), out.end()};
}

Task<std::optional<bool>> LoginCheck::is_right(std::string hash, std::string password) {
  const auto generation = store_.directory_generation();
  const std::string remembered = digest(hash, password);
  const Instant now = clock_.now();
  if (!hash.empty()) {
    if (const auto until = right_.get(generation, remembered); until && now < *until) co_return true;
  }
  const auto check = std::make_shared<Check>(std::move(hash), std::move(password));
  std::move_only_function<void()> job = [check] { run_check(*check); };
  if (!co_await cpu_.run(std::move(job))) co_return std::nullopt;
  if (check->right) right_.put(generation, remembered, now + kRememberedFor);
  co_return check->right;
}

/// The password as every way of typing it gives it, then as it came: hashes from other servers were made of that.
Task<std::optional<bool>> LoginCheck::is_any_right(std::string hash, std::string password) {
  const auto prepared = sasl::prepare_password(password, false);
  if (prepared && *prepared != password) {
    std::string first_hash = hash, first = *prepared;
    const auto right = co_await is_right(std::move(first_hash), std::move(first));
    if (!right || *right) co_return right;
  }
  co_return co_await is_right(std::move(hash), std::move(password));
}

Task<Login> LoginCheck::check(std::string authzid, std::string user, std::string password) {
  Login temporary{Login::Verdict::temporary, {}, {}};
  std::optional<store::Account> account;
  const bool sane = user.size() <= kMaxUser && password.size() <= kMaxPassword && authzid.size() <= kMaxUser;
  if (sane) {
    auto found = co_await book_.account_of(std::move(user));
    if (!found) co_return temporary;
    account = std::move(*found);
  } else {
    password.clear();
  }
  const store::Id id = account ? account->id : 0;
  const auto others = co_await store_.list_app_passwords(id);
  if (!others) co_return temporary;
  if (const auto* used = find_app_password(*others, password)) {
    Login login = co_await finish(std::move(authzid), std::move(*account));
    login.password = *used;
    co_return login;
  }
  std::string hash = account ? account->password : std::string();
  std::string tried = password;
  const auto right = co_await is_any_right(std::move(hash), std::move(tried));
  if (!right) co_return temporary;
  if (!*right || !account) co_return Login{};
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
  const auto kept = co_await store_.set_scram(std::move(changed));
  if (!kept) log::warning("scram-keys-not-kept", {{"account", made->login}, {"why", kept.error().message}});
}

Task<Result<std::string>> LoginCheck::secret() {
  {
    const std::lock_guard lock(secret_mutex_);
    if (!secret_.empty()) co_return secret_;
  }
  std::string name = "login.secret";
  auto read = co_await store_.get_setting(std::move(name));
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
  nobody.login = to_lower(user);
  if (user.size() <= kMaxUser) {
    auto full = co_await book_.full_name(user);
    if (full && !full->empty()) nobody.login = to_lower(*full);
    auto found = co_await book_.account_of(std::move(user));
    if (!found) co_return std::unexpected(found.error());
    account = std::move(*found);
  }
  store::Account asked = account.value_or(nobody);
  const auto salted = co_await salt_of(std::move(asked));
  if (!salted) co_return std::unexpected(salted.error());
  const auto others = co_await store_.list_app_passwords(salted->id);
  if (!others) co_return std::unexpected(others.error());
  ScramLookup out{{salted->scram_salt, salted->scram_iterations, {}}, {}};
  const auto own = unpack_scram_key(salted->scram_keys, hash);
  out.credentials.keys.push_back(own.value_or(made_up_key(*known, salted->login, hash)));
  out.owners.emplace_back();
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
    if (!*other || (*other)->id != account.id) co_return Login{};
  }
  if (account.disabled) co_return Login{Login::Verdict::disabled, {}, {}};
  co_return Login{Login::Verdict::accepted, std::move(account), {}};
}

} // namespace paquebot::directory
