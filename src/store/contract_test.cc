#include "store/test_contract.h"

#include <array>
#include <filesystem>
#include <mutex>
#include <stdlib.h>

namespace paquebot::store {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(StoreContract);

namespace {
std::mutex free_contexts_mutex;
std::vector<std::unique_ptr<boost::asio::io_context>> free_contexts;
} // namespace

LentContext::LentContext() {
  const std::lock_guard lock(free_contexts_mutex);
  if (free_contexts.empty()) {
    context_ = std::make_unique<boost::asio::io_context>();
  } else {
    context_ = std::move(free_contexts.back());
    free_contexts.pop_back();
    context_->restart();
  }
}

LentContext::~LentContext() {
  const std::lock_guard lock(free_contexts_mutex);
  free_contexts.push_back(std::move(context_));
}

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "paquebot-store-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a temporary directory");
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

StoreContract::StoreContract() : ulids_(clock_) { reopen(); }

StoreContract::~StoreContract() {
  if (store_) expect_sound();
}

void StoreContract::reopen() {
  store_.reset();
  auto opened = GetParam().open(directory_.path(), clock_);
  if (!opened) throw std::runtime_error(opened.error().message);
  store_ = std::move(*opened);
}

void StoreContract::expect_sound() {
  const auto violations = run(store().upkeep().verify());
  ASSERT_TRUE(violations) << violations.error().message;
  EXPECT_EQ(*violations, std::vector<std::string>());
}

Account StoreContract::make_account(const std::string& login, std::uint64_t quota) {
  const std::string domain = login.substr(login.find('@') + 1);
  if (!run(store().directory().add_domain(domain))) {
    // The domain is there already.
  }
  Account wanted;
  wanted.login = login;
  wanted.password = "$argon2id$test";
  wanted.quota = quota;
  auto made = run(store().directory().add_account(wanted));
  EXPECT_TRUE(made) << made.error().message;
  return made.value_or(Account());
}

AcceptRequest StoreContract::message(const std::string& body) {
  clock_.advance(std::chrono::milliseconds(1));
  AcceptRequest request;
  request.id = ulids_.next();
  request.sender.reverse_path = {"sender", "elsewhere.example"};
  request.peer = "client.example [192.0.2.1]";
  request.accepted_at = now();
  request.expires_at = now() + 5 * 24 * 3600 * 1000;
  request.head = "Subject: hello\r\n\r\n";
  request.body.bytes = body;
  request.body.size = body.size();
  request.note = "from client.example";
  return request;
}

NewRecipient StoreContract::to_mailbox(const Account& account) {
  NewRecipient r;
  r.handling = Handling::mailbox;
  r.address = account.login;
  r.account = account.id;
  return r;
}

NewRecipient StoreContract::to_remote(const std::string& address, const std::string& destination, bool in_hand) {
  NewRecipient r;
  r.handling = Handling::remote;
  r.address = address;
  r.destination = destination;
  r.due = now();
  r.in_hand = in_hand;
  return r;
}

AcceptRequest StoreContract::submission(const Account& account, const Limits& bounds,
                                        const std::vector<std::string>& to) {
  AcceptRequest request = message("Hello.\r\n");
  request.klass = MessageClass::submitted;
  request.account = account.id;
  request.limits = std::make_shared<const Limits>(bounds);
  for (const std::string& address : to) request.recipients.push_back(to_remote(address, "elsewhere.example"));
  return request;
}

LimitUse StoreContract::limit_use(const Account& account, LimitKind kind, const Limits& bounds, std::int64_t now) {
  const auto all = run(store().books().limit_use(account.id, bounds, now));
  EXPECT_TRUE(all);
  for (const LimitUse& one : *all)
    if (one.kind == kind) return one;
  ADD_FAILURE() << "no such kind";
  return {};
}

AcceptResult StoreContract::accept(const AcceptRequest& request) {
  auto shared = std::make_shared<const AcceptRequest>(request);
  return run(store().acceptance().accept(shared));
}

Ulid StoreContract::accepted(const AcceptRequest& request) {
  const AcceptResult result = accept(request);
  EXPECT_EQ(result.status, AcceptStatus::accepted) << result.why;
  return request.id;
}

Ulid StoreContract::deliver(const Account& to, std::optional<Ulid> id) {
  AcceptRequest request = message();
  if (id) request.id = *id;
  request.recipients = {to_mailbox(to)};
  return accepted(request);
}

Ulid StoreContract::queue(const std::string& destination) {
  AcceptRequest request = message();
  request.recipients = {to_remote("a@" + destination, destination)};
  return accepted(request);
}

std::size_t StoreContract::expire(std::int64_t before) {
  std::size_t removed = 0;
  for (bool more = true; more;) {
    const auto slice = run(store().mailboxes().expire_entries(before, "expired"));
    EXPECT_TRUE(slice) << slice.error().message;
    removed += slice ? slice->removed : 0;
    more = slice && slice->more;
  }
  return removed;
}

void StoreContract::maintain() {
  while (run(store().upkeep().maintain(now())).value_or(false)) {
  }
}

std::vector<WorkItem> StoreContract::claim(const std::string& destination, std::size_t most) {
  auto claim = run(store().queue().claim(destination, now(), most));
  EXPECT_TRUE(claim) << claim.error().message;
  return claim ? std::move(claim->items) : std::vector<WorkItem>();
}

Trace StoreContract::trail(const Ulid& id) {
  auto trace = run(store().trail().trace(id));
  EXPECT_TRUE(trace) << trace.error().message;
  return trace.value_or(Trace());
}

Result<> StoreContract::record(const Outcome& outcome) {
  std::vector<Outcome> outcomes = {outcome};
  const auto counted = run(store().queue().record(outcomes, std::nullopt));
  if (!counted) return std::unexpected(counted.error());
  return {};
}

MailboxInfo StoreContract::inbox(const Account& account) {
  auto info = run(store().mailboxes().open(account.id, "INBOX"));
  EXPECT_TRUE(info) << info.error().message;
  return info.value_or(MailboxInfo());
}

std::uint64_t StoreContract::inbox_count(const Account& account) { return inbox(account).count; }

} // namespace paquebot::store
