#include "store/sqlite/accept.h"
#include "store/sqlite/core.h"
#include "store/sqlite/parts.h"

namespace paquebot::store::sqlite {
namespace {

const std::string kNoRoom =
    "the disk is nearly full, what is left is kept for deleting and delivering: free some disk space";

AcceptResult refusal(const Error& error) {
  return {error.code == Errc::no_space ? AcceptStatus::no_space : AcceptStatus::failed, {}, error.message, {}, {}};
}

class SqliteAcceptance final : public Acceptance {
public:
  explicit SqliteAcceptance(Core& core) : core_(core) {}

  Task<Result<Id>> stage_begin() override { return core_.bulk.begin(); }
  Task<Result<>> stage_append(Id staged, std::string chunk) override {
    if (!core_.room_is_left()) co_return fail(Errc::no_space, kNoRoom);
    co_return co_await core_.bulk.append(staged, std::move(chunk));
  }
  Task<Result<>> stage_finish(Id staged) override { return core_.bulk.finish(staged); }
  void stage_abandon(Id staged) override { core_.bulk.abandon(staged); }
  Task<AcceptResult> accept(std::shared_ptr<const AcceptRequest> request) override;
  bool has_room() override {
    const bool bulk = core_.bulk.has_room();
    return core_.writer.has_room() && bulk && core_.room_is_left();
  }

private:
  Core& core_;
};

Task<AcceptResult> SqliteAcceptance::accept(std::shared_ptr<const AcceptRequest> request) {
  const Id staged = request->body.staged;
  if (!core_.room_is_left()) co_return AcceptResult{AcceptStatus::no_space, {}, kNoRoom, {}, {}};
  if (staged != 0 && !core_.bulk.lend(staged, request->body.size)) {
    co_return AcceptResult{
        AcceptStatus::failed, {}, "the staged body " + std::to_string(staged) + " is not complete", {}, {}};
  }
  const std::size_t bytes = request->head.size() + request->body.bytes.size() + 1024;
  const auto job =
      core_.submit([request](Tx& tx) -> Result<AcceptResult> { return accept_message(tx, *request); }, bytes);
  Result<AcceptResult> done = co_await job.take();
  if (staged != 0) {
    // After a failed commit nobody knows whether it is owned: then only the next start may look and drop it.
    const bool in_doubt = !done && done.error().code != Errc::no_space;
    const bool owned = done && done->status == AcceptStatus::accepted;
    core_.bulk.lent(staged, !owned && !in_doubt);
  }
  if (!done) co_return refusal(done.error());
  co_return std::move(*done);
}

} // namespace

std::unique_ptr<Acceptance> make_acceptance(Core& core) { return std::make_unique<SqliteAcceptance>(core); }

} // namespace paquebot::store::sqlite
