#include "directory/directory.h"

#include "directory/address_book.h"
#include "directory/expansion.h"
#include "directory/login_check.h"

namespace paquebot::directory {

struct Directory::Impl {
  Options options;
  CpuPool& cpu;
  AddressBook book;
  LoginCheck logins;

  Impl(store::Store& store, CpuPool& pool, Options o, const Clock& clock)
      : options(std::move(o)), cpu(pool), book(store, options), logins(store, book, cpu, clock) {}
};

Directory::Directory(store::Store& store, CpuPool& cpu, Options options, const Clock& clock)
    : impl_(std::make_unique<Impl>(store, cpu, std::move(options), clock)) {}
Directory::~Directory() = default;

Task<Result<Resolution>> Directory::resolve(mail::Address address) {
  Expansion expansion(impl_->book, impl_->options);
  co_return co_await expansion.run(std::move(address));
}

Task<Result<bool>> Directory::is_our_domain(std::string domain) {
  auto& book = impl_->book;
  co_return co_await book.is_ours(std::move(domain));
}

Task<Login> Directory::login(std::string authzid, std::string user, std::string password) {
  auto& logins = impl_->logins;
  co_return co_await logins.check(std::move(authzid), std::move(user), std::move(password));
}

Task<Result<bool>> Directory::owns(store::Id account, mail::Address address) {
  auto& book = impl_->book;
  const auto match = co_await book.match(std::move(address));
  if (!match) co_return std::unexpected(match.error());
  co_return account != 0 && match->account == account && !match->fallback;
}

Task<Result<std::string>> Directory::hash(std::string password) {
  auto& cpu = impl_->cpu;
  const auto out = std::make_shared<Result<std::string>>();
  std::move_only_function<void()> job = [out, secret = std::move(password)] { *out = hash_password(secret); };
  if (!co_await cpu.run(std::move(job)))
    co_return fail(Errc::temporary, "too many logins are being checked: try again");
  co_return std::move(*out);
}

} // namespace paquebot::directory
