#pragma once

#include "base/clock.h"
#include "directory/address_book.h"

#include <array>
#include <mutex>
#include <string>

namespace paquebot::directory {

/// Checks passwords in the CPU pool and remembers the right ones for a while, so that a program that looks for new mail
/// each minute does not cost a hash each time. What is remembered is a digest of the password and the stored hash under a
/// key that lives only in this process. Thread-safe.
class LoginCheck {
public:
  LoginCheck(store::Store& store, AddressBook& book, CpuPool& cpu, const Clock& clock);

  Task<Login> check(std::string authzid, std::string user, std::string password);
  Task<Result<ScramLookup>> scram_keys(std::string user, sasl::ScramHash hash);
  Task<Login> authorize(std::string authzid, std::string user);
  /// The account with a salt and a count, if it has none yet; nothing is stored.
  Task<Result<store::Account>> salt_of(store::Account account);

private:
  Task<std::optional<bool>> is_any_right(std::string hash, std::string password);
  Task<void> keep_keys(store::Account account, std::string password);
  Task<Result<std::string>> secret();
  Task<Login> finish(std::string authzid, store::Account account);
  Task<std::optional<bool>> is_right(std::string hash, std::string password);
  std::string digest(const std::string& hash, const std::string& password) const;

  store::Store& store_;
  AddressBook& book_;
  CpuPool& cpu_;
  const Clock& clock_;
  std::string key_;
  std::mutex secret_mutex_;
  std::string secret_;             ///< "login.secret", once it was read
  GenerationCache<Instant> right_; ///< digest to the end of its time
};

} // namespace paquebot::directory
