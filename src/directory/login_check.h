#pragma once

#include "base/clock.h"
#include "directory/account_survey.h"
#include "directory/address_book.h"

#include <array>
#include <mutex>
#include <string>
#include <vector>

namespace paquebot::directory {

/// Checks passwords in the CPU pool and remembers the right ones for a while, so that a program that looks for new mail
/// each minute does not cost a hash each time. What is remembered is a digest of the password and the stored hash under
/// a key that lives only in this process; likewise what was wrong, by the name that was given. A wrong password costs
/// the same hashes for every name: one of ours and one of each other form that accounts have. Thread-safe.
class LoginCheck {
public:
  LoginCheck(store::Store& store, AddressBook& book, AccountSurvey& survey, CpuPool& cpu, const Clock& clock);

  Task<Login> check(std::string authzid, std::string user, std::string password, Turn turn);
  Task<Result<ScramLookup>> scram_keys(std::string user, sasl::ScramHash hash);
  Task<Login> authorize(std::string authzid, std::string user);
  /// The account with a salt and a count, if it has none yet; nothing is stored.
  Task<Result<store::Account>> salt_of(store::Account account);

private:
  /// What a check found, and the forms of what was hashed for it.
  struct Found {
    bool right = false;
    std::vector<std::string> work;
  };
  Task<std::optional<Found>> try_password(std::string name, std::string hash, std::string password, Turn turn);
  Task<void> keep_keys(store::Account account, std::string password);
  Task<Result<std::string>> secret();
  Task<Login> finish(std::string authzid, store::Account account);
  std::string digest(const std::string& hash, const std::string& password) const;

  store::Store& store_;
  AddressBook& book_;
  AccountSurvey& survey_;
  CpuPool& cpu_;
  const Clock& clock_;
  std::string key_;
  std::mutex secret_mutex_;
  std::string secret_;             ///< "login.secret", once it was read
  GenerationCache<Instant> right_; ///< digest to the end of its time
  GenerationCache<Instant> wrong_; ///< likewise; of a hash, the name that was given and a password
};

} // namespace paquebot::directory
