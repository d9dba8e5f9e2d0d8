/// What IMAP changes in folders, under errors and kills at every operation on a file. APPEND, STORE, COPY, MOVE and
/// EXPUNGE are a commit each; REPLACE is two.
#include "store/entry_flags.h"
#include "store/sqlite/open.h"
#include "store/sqlite/test_fault_vfs.h"
#include "store/test_contract.h"

#include <algorithm>
#include <functional>
#include <map>
#include <sys/wait.h>
#include <unistd.h>

namespace paquebot::store::sqlite {
namespace {

/// What is in mailboxes: (date, flags) of each entry, sorted; dates tell messages apart, and rise with their arrival.
using FolderRows = std::vector<std::pair<std::int64_t, std::uint64_t>>;
using FolderState = std::map<std::string, FolderRows>;

constexpr std::int64_t kFirstDate = 1'000'000;

/// A command: what it calls, and the states that it may leave behind, one for each of its commits.
struct FolderStep {
  const char* name;
  std::function<bool()> call;
  std::function<std::vector<FolderState>(const FolderState&)> leads_to;
};

class SqliteFolderFault : public testing::Test {
protected:
  void open() {
    store_.reset();
    SqliteOptions options;
    options.directory = directory_.path();
    auto opened = open_sqlite(std::move(options));
    if (!opened) throw std::runtime_error(opened.error().message);
    store_ = std::move(*opened);
  }
  /// With two messages in INBOX.
  void begin(const std::string& login) {
    run(store_->directory().add_domain("example.org")); // or it is there
    Account wanted;
    wanted.login = login;
    account_ = run(store_->directory().add_account(wanted)).value();
    date_ = kFirstDate;
    ASSERT_TRUE(append("INBOX", 0) && append("INBOX", 0));
  }
  bool append(const char* box, std::uint64_t flags) {
    auto request = std::make_shared<AcceptRequest>();
    request->id = ulids_.next();
    request->accepted_at = request->id.millis();
    request->expires_at = request->accepted_at + 5LL * 24 * 3600 * 1000;
    request->internal_date = date_++;
    request->flags = flags;
    request->head = "Subject: x\r\n\r\n";
    request->body.bytes = "body";
    request->body.size = 4;
    NewRecipient local;
    local.handling = Handling::mailbox;
    local.account = account_.id;
    local.address = account_.login;
    local.mailbox = box;
    request->recipients = {local};
    return run(store_->acceptance().accept(request)).status == AcceptStatus::accepted;
  }
  Result<Id> box(const char* name) {
    const auto opened = run(store_->mailboxes().open(account_.id, name));
    if (!opened) return std::unexpected(opened.error());
    return opened->id;
  }
  bool mark(const char* name, std::uint64_t flags) {
    const auto id = box(name);
    FlagChange change;
    change.flags = flags;
    change.keywords = {"$Label1"};
    return id && run(store_->mailboxes().mark(*id, kAll, change)).has_value();
  }
  bool copy(const char* from, const char* to, bool move) {
    const auto id = box(from);
    return id && run(store_->mailboxes().copy(*id, kAll, account_.id, to, move)).has_value();
  }
  bool purge(const char* name) {
    const auto id = box(name);
    return id && run(store_->mailboxes().expunge_deleted(*id, kAll, "anna")).has_value();
  }
  /// The new message first, and durable, then the oldest goes.
  bool replace(const char* name) {
    if (!append(name, kSeen)) return false;
    const auto id = box(name);
    if (!id) return false;
    const auto rows = run(store_->mailboxes().list_entries(*id, 0, 1));
    return rows && !rows->empty() && run(store_->mailboxes().expunge(*id, {rows->front().uid}, "anna"));
  }

  std::vector<FolderStep> steps() {
    const auto flagged = [](FolderState state, const char* name, std::uint64_t flags) {
      for (auto& row : state[name]) row.second |= flags;
      return std::vector{state};
    };
    const auto added = [](FolderState state, const char* name, const FolderRows& rows) {
      FolderRows& all = state[name];
      all.insert(all.end(), rows.begin(), rows.end());
      std::ranges::sort(all);
      return state;
    };
    return {
        {"APPEND", [this] { return append("Archive", kDraft); },
         [=](const FolderState& s) { return std::vector{added(s, "Archive", {{kFirstDate + 2, kDraft}})}; }},
        {"STORE", [this] { return mark("INBOX", kFlagged); },
         [=](const FolderState& s) { return flagged(s, "INBOX", kFlagged); }},
        {"COPY", [this] { return copy("INBOX", "Archive", false); },
         [=](const FolderState& s) { return std::vector{added(s, "Archive", s.at("INBOX"))}; }},
        {"MOVE", [this] { return copy("Archive", "Trash", true); },
         [=](const FolderState& s) {
           FolderState moved = added(s, "Trash", s.at("Archive"));
           moved["Archive"].clear();
           return std::vector{moved};
         }},
        {"STORE of \\Deleted", [this] { return mark("Trash", kDeleted); },
         [=](const FolderState& s) { return flagged(s, "Trash", kDeleted); }},
        {"EXPUNGE", [this] { return purge("Trash"); },
         [](FolderState s) {
           s["Trash"].clear();
           return std::vector{s};
         }},
        {"REPLACE", [this] { return replace("INBOX"); },
         [=](const FolderState& s) {
           const FolderState both = added(s, "INBOX", {{kFirstDate + 3, kSeen}});
           FolderState replaced = both;
           replaced["INBOX"].erase(replaced["INBOX"].begin());
           return std::vector{both, replaced};
         }},
    };
  }
  FolderState state() {
    FolderState all;
    for (const char* name : {"INBOX", "Archive", "Trash"}) {
      FolderRows& rows = all[name];
      for (const EntryInfo& one : run(store_->mailboxes().list_entries(box(name).value(), 0, 1000)).value())
        rows.emplace_back(one.internal_date, one.flags & kSystemFlags);
      std::ranges::sort(rows);
    }
    return all;
  }
  std::vector<std::string> verify() {
    return run(store_->upkeep().verify()).value_or(std::vector<std::string>{"not readable"});
  }
  /// A child walks through the steps and is killed at the n-th operation. How many steps it had done; all of them:
  /// there are fewer operations.
  std::size_t walk_and_die(FaultVfs& faults, int n) {
    int pipe[2];
    EXPECT_EQ(::pipe(pipe), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      open();
      faults.dies = true;
      faults.fail_in = n;
      for (const FolderStep& step : steps())
        if (!step.call() || ::write(pipe[1], "x", 1) != 1) ::_exit(1);
      ::_exit(0);
    }
    ::close(pipe[1]);
    std::size_t done = 0;
    for (char c; ::read(pipe[0], &c, 1) == 1;) ++done;
    ::close(pipe[0]);
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) == 0)) << "no step fails";
    return done;
  }

  const UidSet kAll{{1, kMostMoved}};
  TemporaryDirectory directory_;
  UlidSource ulids_;
  std::unique_ptr<Store> store_;
  Account account_;
  std::int64_t date_ = kFirstDate;
};

TEST_F(SqliteFolderFault, WhicheverOperationFailsACommandIsDoneOrNot) {
  FaultVfs faults("paquebot.db");
  open();
  std::map<std::string, int> failed;
  for (int n = 1;; ++n) {
    SCOPED_TRACE(n);
    bool reached = false;
    ASSERT_NO_FATAL_FAILURE(begin("a" + std::to_string(n) + "@example.org"));
    for (const FolderStep& step : steps()) {
      const FolderState before = state();
      std::vector<FolderState> may = step.leads_to(before);
      const std::int64_t date = date_;
      faults.fail_in = n;
      const bool done = step.call();
      reached = reached || faults.fail_in == 0;
      faults.fail_in = -1;
      if (!done) open(); // as the next start finds it
      if (done) {
        EXPECT_EQ(state(), may.back()) << step.name;
        continue;
      }
      ++failed[step.name];
      may.push_back(before);
      const FolderState now = state();
      EXPECT_EQ(std::ranges::count(may, now), 1) << step.name << " is half done";
      EXPECT_EQ(verify(), std::vector<std::string>()) << step.name;
      if (now == before) {
        date_ = date;
        EXPECT_TRUE(step.call()) << step.name;
      } else if (now != may[may.size() - 2]) { // REPLACE: the old one is still there
        const Id id = box("INBOX").value();
        const std::uint32_t uid = run(store_->mailboxes().list_entries(id, 0, 1)).value().front().uid;
        EXPECT_TRUE(run(store_->mailboxes().expunge(id, {uid}, "anna")));
      }
      EXPECT_EQ(state(), may[may.size() - 2]) << step.name << " does not go on";
    }
    if (!reached) break;
    ASSERT_LT(n, 1000);
  }
  for (const FolderStep& step : steps()) EXPECT_GE(failed[step.name], 2) << step.name << ": its write and its sync";
  EXPECT_EQ(verify(), std::vector<std::string>());
  store_.reset();
}

TEST_F(SqliteFolderFault, WhereverItIsKilledACommandIsDoneOrNot) {
  FaultVfs faults("paquebot.db");
  std::map<std::size_t, int> killed; // within which step
  for (int n = 1;; ++n) {
    SCOPED_TRACE(n);
    open();
    ASSERT_NO_FATAL_FAILURE(begin("a" + std::to_string(n) + "@example.org"));
    std::vector<FolderState> may{state()};
    store_.reset();
    const std::size_t done = walk_and_die(faults, n);
    const std::vector<FolderStep> walk = steps();
    ASSERT_LE(done, walk.size());
    for (std::size_t i = 0; i < done; ++i) may = {walk[i].leads_to(may.back()).back()};
    if (done < walk.size()) std::ranges::copy(walk[done].leads_to(may.front()), std::back_inserter(may));
    open();
    EXPECT_EQ(std::ranges::count(may, state()), 1) << (done < walk.size() ? walk[done].name : "the end");
    EXPECT_EQ(verify(), std::vector<std::string>());
    if (done == walk.size()) break;
    ++killed[done];
    ASSERT_LT(n, 5000);
  }
  EXPECT_EQ(killed.size(), steps().size()) << "within every step";
  store_.reset();
}

} // namespace
} // namespace paquebot::store::sqlite
