#include "directory/directory.h"

#include "base/text.h"
#include "directory/account_survey.h"
#include "directory/address_book.h"
#include "directory/credentials.h"
#include "directory/expansion.h"
#include "directory/login_check.h"
#include "mail/names.h"
#include "sasl/prepare.h"

namespace paquebot::directory {

struct Directory::Impl {
  store::Store& store;
  Options options;
  CpuPool& cpu;
  AddressBook book;
  AccountSurvey survey;
  LoginCheck logins;

  Impl(store::Store& s, CpuPool& pool, Options o, const Clock& clock)
      : store(s), options(std::move(o)), cpu(pool), book(store.directory(), clock, options), survey(store.directory()),
        logins(store, book, survey, cpu, clock) {}
};

Directory::Directory(store::Store& store, CpuPool& cpu, Options options, const Clock& clock)
    : impl_(std::make_unique<Impl>(store, cpu, std::move(options), clock)) {}
Directory::~Directory() = default;

Task<Result<Resolution>> Directory::resolve(mail::Address address) {
  Expansion expansion(impl_->book, impl_->options);
  co_return co_await expansion.run(std::move(address));
}

Task<Result<Resolution>> Directory::resolve_local(mail::Address address) {
  Expansion expansion(impl_->book, impl_->options, true);
  co_return co_await expansion.run(std::move(address));
}

std::optional<Resolution> Directory::resolve_now(const mail::Address& address) {
  const store::Id account = impl_->book.known_mailbox(address);
  if (account == 0) return {};
  Resolution found;
  found.kind = Resolution::Kind::found;
  found.nodes.push_back({address.to_string(), store::Handling::mailbox, account, -1, {}});
  return found;
}

Task<Result<std::string>> Directory::main_domain(std::string domain) {
  auto& book = impl_->book;
  co_return co_await book.main_domain(std::move(domain));
}

Task<Result<bool>> Directory::is_our_domain(std::string domain) {
  auto& book = impl_->book;
  co_return co_await book.is_ours(std::move(domain));
}

bool Directory::is_own_name(std::string_view domain) const { return domain == impl_->options.hostname; }

Task<Login> Directory::login(std::string authzid, std::string user, std::string password, Turn turn) {
  auto& logins = impl_->logins;
  co_return co_await logins.check(std::move(authzid), std::move(user), std::move(password), turn);
}

Task<Result<WithoutScram>> Directory::without_scram() {
  auto& survey = impl_->survey;
  const auto found = co_await survey.look();
  if (!found) co_return std::unexpected(found.error());
  co_return WithoutScram{(*found)->without_scram, (*found)->without_scram_count};
}

Task<Result<bool>> Directory::owns(store::Id account, mail::Address address) {
  auto& book = impl_->book;
  const auto match = co_await book.match(std::move(address));
  if (!match) co_return std::unexpected(match.error());
  co_return account != 0 && match->account == account && !match->fallback;
}

Task<Result<ScramLookup>> Directory::scram_keys(std::string user, sasl::ScramHash hash) {
  auto& logins = impl_->logins;
  co_return co_await logins.scram_keys(std::move(user), hash);
}

Task<Login> Directory::authorize(std::string authzid, std::string user) {
  auto& logins = impl_->logins;
  co_return co_await logins.authorize(std::move(authzid), std::move(user));
}

Task<std::string> Directory::login_name(std::string user) {
  auto& book = impl_->book;
  const std::string given = mail::comparable_name(user);
  const auto account = co_await book.account_of(std::move(user));
  co_return account && *account ? (*account)->login : given;
}

Task<Result<NewPassword>> Directory::new_password(store::Account account, std::string password) {
  auto& cpu = impl_->cpu;
  auto& logins = impl_->logins;
  const auto prepared = sasl::prepare_password(password, true);
  if (!prepared)
    co_return fail(Errc::invalid,
                   "the password holds characters that a password can't have, such as control characters");
  const auto made = std::make_shared<NewPassword>();
  const auto salted = co_await logins.salt_of(account);
  if (!salted) co_return std::unexpected(salted.error());
  made->scram_salt = salted->scram_salt;
  made->scram_iterations = salted->scram_iterations;
  const auto hashed = std::make_shared<Result<std::string>>();
  std::move_only_function<void()> job = [made, hashed, secret = *prepared] {
    *hashed = hash_password(secret);
    made->scram_keys = pack_scram_keys(secret, made->scram_salt, made->scram_iterations);
  };
  if (!co_await cpu.run(std::move(job)))
    co_return fail(Errc::temporary, "too many logins are being checked: try again");
  if (!*hashed) co_return std::unexpected(hashed->error());
  made->hash = std::move(**hashed);
  co_return std::move(*made);
}

Task<Result<std::pair<store::AppPassword, std::string>>> Directory::new_app_password(store::Account account,
                                                                                     std::string label) {
  auto& cpu = impl_->cpu;
  auto& logins = impl_->logins;
  const auto salted = co_await logins.salt_of(account);
  if (!salted) co_return std::unexpected(salted.error());
  // The account keeps its salt from now on.
  if (account.scram_salt.empty()) {
    const auto kept = co_await impl_->store.credentials().set_scram(*salted);
    if (!kept) co_return std::unexpected(kept.error());
  }
  const std::string password = make_app_password();
  const auto made = std::make_shared<store::AppPassword>();
  std::move_only_function<void()> job = [made, password, salt = salted->scram_salt,
                                         iterations = salted->scram_iterations] {
    made->hash = app_password_hash(password);
    made->scram_keys = pack_scram_keys(password, salt, iterations);
  };
  if (!co_await cpu.run(std::move(job)))
    co_return fail(Errc::temporary, "too many logins are being checked: try again");
  made->account = account.id;
  made->label = std::move(label);
  co_return std::pair(std::move(*made), password);
}

Task<bool> Directory::compute(std::move_only_function<void()> job) {
  auto& cpu = impl_->cpu;
  const bool done = co_await cpu.run(std::move(job));
  co_return done;
}

} // namespace paquebot::directory
