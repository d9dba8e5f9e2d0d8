#include "directory/login_check.h"

#include "base/encoding.h"

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

Task<Login> LoginCheck::check(std::string authzid, std::string user, std::string password) {
  Login temporary{Login::Verdict::temporary, {}};
  std::optional<store::Account> account;
  const bool sane = user.size() <= kMaxUser && password.size() <= kMaxPassword && authzid.size() <= kMaxUser;
  if (sane) {
    auto found = co_await book_.account_of(std::move(user));
    if (!found) co_return temporary;
    account = std::move(*found);
  } else {
    password.clear();
  }
  std::string hash = account ? account->password : std::string();
  const auto right = co_await is_right(std::move(hash), std::move(password));
  if (!right) co_return temporary;
  if (!*right || !account) co_return Login{};
  co_return co_await finish(std::move(authzid), std::move(*account));
}

Task<Login> LoginCheck::finish(std::string authzid, store::Account account) {
  if (!authzid.empty()) {
    const auto other = co_await book_.account_of(std::move(authzid));
    if (!other) co_return Login{Login::Verdict::temporary, {}};
    if (!*other || (*other)->id != account.id) co_return Login{};
  }
  if (account.disabled) co_return Login{Login::Verdict::disabled, {}};
  co_return Login{Login::Verdict::accepted, std::move(account)};
}

} // namespace paquebot::directory
