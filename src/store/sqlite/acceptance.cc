#include "store/sqlite/accept.h"
#include "store/sqlite/content.h"
#include "store/sqlite/core.h"
#include "store/sqlite/parts.h"
#include "store/sqlite/sendings.h"

namespace paquebot::store::sqlite {
namespace {

const std::string kNoRoom =
    "the disk is nearly full, what is left is kept for deleting and delivering: free some disk space";

AcceptResult refusal(const Error& error) {
  return {error.code == Errc::no_space ? AcceptStatus::no_space : AcceptStatus::failed, {}, error.message, {}, {}};
}

class SqliteStaged final : public Staged {
public:
  SqliteStaged(Core& core, Id id) : core_(core), bulk_(core.bulk), id_(id) {}
  ~SqliteStaged() override {
    if (const auto bulk = bulk_.lock()) bulk->abandon(id_);
  }

  Task<Result<>> append(std::string chunk) override {
    if (!core_.room_is_left()) co_return fail(Errc::no_space, kNoRoom);
    const std::size_t octets = chunk.size();
    const Result<> done = co_await core_.bulk->append(id_, std::move(chunk));
    if (done) size_ += octets;
    co_return done;
  }
  Task<Result<>> finish() override { return core_.bulk->finish(id_); }
  BodyRef content() const override { return {0, id_, size_}; }

private:
  Core& core_;
  const std::weak_ptr<BulkStore> bulk_; ///< gone with the store
  const Id id_;
  std::uint64_t size_ = 0;
};

class SqliteAcceptance final : public Acceptance {
public:
  explicit SqliteAcceptance(Core& core) : core_(core) {}

  Task<Result<std::shared_ptr<Staged>>> stage() override;
  Task<AcceptResult> accept(std::shared_ptr<const AcceptRequest> request) override;
  bool has_room() override {
    const bool bulk = core_.bulk->has_room();
    return core_.writer.has_room() && bulk && core_.room_is_left();
  }
  Task<Result<std::optional<KeptSending>>> find_sending(Id account, std::string key, std::int64_t now) override {
    return core_.read(
        [account, key = std::move(key), now](Db& db) { return sqlite::find_sending(db, account, key, now); });
  }

private:
  Core& core_;
};

Task<Result<std::shared_ptr<Staged>>> SqliteAcceptance::stage() {
  const Result<Id> begun = co_await core_.bulk->begin();
  if (!begun) co_return std::unexpected(begun.error());
  co_return std::make_shared<SqliteStaged>(core_, *begun);
}

Task<AcceptResult> SqliteAcceptance::accept(std::shared_ptr<const AcceptRequest> request) {
  const Id staged = bulk_of(request->body);
  if (!core_.room_is_left()) co_return AcceptResult{AcceptStatus::no_space, {}, kNoRoom, {}, {}};
  if (staged != 0 && !core_.bulk->lend(staged, request->body.size)) {
    co_return AcceptResult{
        AcceptStatus::failed, {}, "the staged body " + std::to_string(staged) + " is not complete", {}, {}};
  }
  const std::size_t bytes = request->head.size() + request->body.bytes.size() + 1024;
  const auto job = core_.submit([request](Tx& tx) { return accept_message(tx, *request); }, bytes);
  Result<AcceptResult> done = co_await job.take();
  if (staged != 0) {
    // After a failed commit nobody knows whether it is owned: then only the next start may look and drop it.
    const bool in_doubt = !done && done.error().code != Errc::no_space;
    const bool owned = done && done->status == AcceptStatus::accepted;
    core_.bulk->lent(staged, !owned && !in_doubt);
  }
  if (!done) co_return refusal(done.error());
  for (const Id mailbox : done->mailboxes) core_.tell({.kind = Change::Kind::mailbox, .id = mailbox});
  core_.tell_marks();
  co_return std::move(*done);
}

} // namespace

std::unique_ptr<Acceptance> make_acceptance(Core& core) { return std::make_unique<SqliteAcceptance>(core); }

} // namespace paquebot::store::sqlite
