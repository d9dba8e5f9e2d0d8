#include "store/network_counts.h"
#include "store/sqlite/core.h"
#include "store/sqlite/directory.h"
#include "store/sqlite/dmarc.h"
#include "store/sqlite/greylist.h"
#include "store/sqlite/limit_charge.h"
#include "store/sqlite/parts.h"
#include "store/sqlite/sts.h"
#include "store/sqlite/suppression.h"
#include "store/sqlite/suspicion.h"

namespace paquebot::store::sqlite {
namespace {

void tell_of(Core& core, Change::Kind kind, Id account) { core.tell({.kind = kind, .id = account}); }

class SqliteBooks final : public Books {
public:
  explicit SqliteBooks(Core& core) : core_(core) {}

  /// Only the writer's thread looks at the rules. Nobody waits: what is written later comes later.
  void watch_accounts(TakeoverRules rules) override {
    core_.submit([rules](Tx& tx) { tx.memory.takeover = rules; });
  }
  Task<Result<bool>> suspect(Id account, TakeoverSign signal, std::string reason) override {
    auto job = core_.write(
        [account, signal, reason = std::move(reason)](Tx& tx) { return sqlite::suspect(tx, account, signal, reason); });
    const Result<bool> marked = co_await std::move(job);
    if (marked && *marked) tell_of(core_, Change::Kind::suspicion, account);
    if (marked) core_.networks.forget(account);
    co_return marked;
  }
  Task<Result<std::vector<Suspicion>>> list_suspicions(bool with_counts) override {
    return core_.read([with_counts](Db& db) { return sqlite::list_suspicions(db, with_counts); });
  }
  Task<Result<std::vector<Suspicion>>> page_suspicions(Within within, std::string after, std::size_t most) override {
    return core_.read([within = std::move(within), after = std::move(after), most](Db& db) {
      return sqlite::page_suspicions(db, within, after, most);
    });
  }
  Task<Result<std::optional<Suspicion>>> get_suspicion(Id account) override {
    return core_.read(
        [account](Db& db) -> Result<std::optional<Suspicion>> { return sqlite::get_suspicion(db, account); });
  }
  Task<Result<>> suspicion_told(Id account) override {
    return core_.write([account](Tx& tx) { sqlite::suspicion_told(tx, account); });
  }
  Task<Result<bool>> clear_suspicion(Id account) override {
    auto job = core_.write([account](Tx& tx) { return sqlite::clear_suspicion(tx, account); });
    const Result<bool> cleared = co_await std::move(job);
    if (cleared && *cleared) tell_of(core_, Change::Kind::suspicion, account);
    if (cleared) core_.networks.forget(account);
    co_return cleared;
  }
  Task<Result<unsigned>> note_network(Id account, std::string network, std::chrono::seconds within) override {
    co_return core_.networks.note(account, network, within);
  }
  Task<Result<std::size_t>> note_bounces(LateBounces bounces) override {
    return core_.write([bounces = std::move(bounces)](Tx& tx) { return sqlite::note_bounces(tx, bounces); });
  }
  Task<Result<bool>> note_proven_return(ProvenReturn proven) override {
    return core_.write([proven = std::move(proven)](Tx& tx) { return sqlite::note_proven_return(tx, proven); });
  }
  Task<Result<bool>> note_complaint(Complaint complaint) override {
    return core_.write([complaint = std::move(complaint)](Tx& tx) { return sqlite::note_complaint(tx, complaint); });
  }
  Task<Result<std::optional<Suppression>>> find_suppression(Id account, std::string address) override {
    const std::int64_t now = millis(core_.clock.wall());
    return core_.read([account, address = std::move(address), now](Db& db) {
      return sqlite::find_suppression(db, account, address, now);
    });
  }
  Task<Result<Suppression>> add_suppression(Suppression one) override {
    return core_.write([one = std::move(one)](Tx& tx) { return sqlite::add_suppression(tx, one); });
  }
  Task<Result<Suppression>> get_suppression(Id id) override {
    return core_.read([id](Db& db) { return sqlite::get_suppression(db, id); });
  }
  Task<Result<>> remove_suppression(Id id) override {
    return core_.write([id](Tx& tx) { return sqlite::remove_suppression(tx, id); });
  }
  Task<Result<std::vector<Suppression>>> list_suppressions(SuppressionFilter filter, Id after,
                                                           std::size_t most) override {
    const std::int64_t now = millis(core_.clock.wall());
    return core_.read([filter = std::move(filter), after, most, now](Db& db) {
      return sqlite::list_suppressions(db, filter, after, most, now);
    });
  }
  std::uint64_t suspicion_generation() override { return core_.memory.marks; }

  Task<Result<std::vector<LimitUse>>> limit_use(Id account, Limits general, std::int64_t now) override {
    return core_.read([account, general, now](Db& db) { return sqlite::limit_use(db, account, general, now); });
  }
  Task<Result<>> set_limit(Id account, LimitKind kind, std::optional<std::uint64_t> most) override {
    auto job = core_.write([account, kind, most](Tx& tx) -> Result<> {
      const auto found = get_account(tx.db, account);
      if (!found) return std::unexpected(found.error());
      sqlite::set_limit(tx, account, kind, most);
      return {};
    });
    const Result<> set = co_await std::move(job);
    if (set) tell_of(core_, Change::Kind::directory, account);
    co_return set;
  }

  Task<Result<>> save_greylist(std::vector<GreyRow> rows) override {
    return core_.write([rows = std::move(rows)](Tx& tx) { sqlite::save_greylist(tx, rows); });
  }
  Task<Result<std::vector<GreyRow>>> find_greylist(std::vector<std::string> keys) override {
    return core_.read([keys = std::move(keys)](Db& db) { return sqlite::find_greylist(db, keys); });
  }
  Task<Result<std::vector<GreyRow>>> load_greylist(std::string after, std::size_t most) override {
    return core_.read([after = std::move(after), most](Db& db) { return sqlite::load_greylist(db, after, most); });
  }

  Task<Result<std::uint64_t>> count_dmarc(std::vector<DmarcCount> counts) override {
    return core_.write([counts = std::move(counts)](Tx& tx) { return sqlite::count_dmarc(tx, counts); });
  }
  Task<Result<std::vector<DmarcDue>>> list_dmarc(std::int64_t day, DmarcDay after, std::size_t most) override {
    return core_.read(
        [day, after = std::move(after), most](Db& db) { return sqlite::list_dmarc(db, day, after, most); });
  }
  Task<Result<std::vector<DmarcRow>>> read_dmarc(DmarcDay of, std::optional<DmarcRow> after,
                                                 std::size_t most) override {
    return core_.read([of = std::move(of), after = std::move(after), most](Db& db) {
      return sqlite::read_dmarc(db, of, after, most);
    });
  }
  Task<Result<>> drop_dmarc(DmarcDay of) override {
    return core_.write([of = std::move(of)](Tx& tx) -> Result<> {
      if (!sqlite::drop_dmarc(tx, of)) return fail(Errc::not_found, "there is no report about " + of.domain);
      return {};
    });
  }

  Task<Result<>> save_sts(StsRow row) override {
    return core_.write([row = std::move(row)](Tx& tx) { sqlite::save_sts(tx, row); });
  }
  Task<Result<>> drop_sts(std::string domain) override {
    return core_.write([domain = std::move(domain)](Tx& tx) { sqlite::drop_sts(tx, domain); });
  }
  Task<Result<std::vector<StsRow>>> load_sts(std::string after, std::size_t most) override {
    return core_.read([after = std::move(after), most](Db& db) { return sqlite::load_sts(db, after, most); });
  }

private:
  Core& core_;
};

} // namespace

std::unique_ptr<Books> make_books(Core& core) { return std::make_unique<SqliteBooks>(core); }

} // namespace paquebot::store::sqlite
