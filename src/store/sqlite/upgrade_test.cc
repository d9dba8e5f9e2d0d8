// A store of every schema there has been, kept as text in samples/, goes on working with this program.
#include "store/checksum.h"
#include "store/sqlite/db.h"
#include "store/sqlite/open.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/test_samples.h"
#include "store/test_contract.h"

#include <map>

namespace paquebot::store::sqlite {
namespace {

class Upgrade : public testing::TestWithParam<int> {};
/// What step 11 made of what was there before.
class BeforeAudit : public Upgrade {};

TEST_P(Upgrade, KeepsMailQueueAndDirectory) {
  const TemporaryDirectory place;
  const std::string directory = place.path() + "/data";
  build_sample(directory, GetParam());
  SqliteOptions options;
  options.directory = directory;
  auto opened = open_sqlite(options);
  ASSERT_TRUE(opened) << opened.error().message;
  Store& store = **opened;
  EXPECT_EQ(run(store.upkeep().verify()).value(), std::vector<std::string>());
  EXPECT_EQ(run(store.upkeep().last_beat()).value_or(-1), 0) << "that of before was none";

  const auto anna = run(store.directory().find_account("anna@example.test"));
  ASSERT_TRUE(anna);
  EXPECT_TRUE(anna->password.starts_with("$argon2id$"));
  EXPECT_TRUE(run(store.directory().find_address("team", "example.test")).value().entry);
  const MailboxInfo inbox = run(store.mailboxes().open(anna->id, "INBOX")).value();
  EXPECT_EQ(inbox.count, 3u);
  std::uint64_t octets = 0;
  const std::vector<EntryInfo> entries = run(store.mailboxes().list_entries(inbox.id, 0, 10)).value();
  for (const EntryInfo& entry : entries) {
    const auto content = run(store.mailboxes().read_entry(inbox.id, entry.uid));
    ASSERT_TRUE(content);
    const auto body = run(store.content().read_body(content->body, 0, 1 << 20));
    ASSERT_TRUE(body) << body.error().message;
    EXPECT_EQ(content->head.size() + body->size(), entry.size);
    octets += entry.size;
  }
  EXPECT_EQ(octets, inbox.bytes);
  const auto waiting = run(store.queue().claim("far.test", INT64_MAX, 10));
  ASSERT_TRUE(waiting);
  ASSERT_EQ(waiting->items.size(), 1u);
  EXPECT_EQ(waiting->items.front().recipients.front().address, "away@far.test");

  const auto trail = run(store.trail().trace(waiting->items.front().message.id));
  ASSERT_TRUE(trail) << trail.error().message;
  ASSERT_FALSE(trail->events.empty());
  EXPECT_EQ(trail->events.front().kind, EventKind::accepted);
  std::vector<std::uint32_t> uids;
  for (const EntryInfo& entry : entries) uids.push_back(entry.uid);
  EXPECT_TRUE(run(store.mailboxes().expunge(inbox.id, uids, "anna")));
  EXPECT_EQ(run(store.upkeep().verify()).value(), std::vector<std::string>());
}

/// What was told was one sentence, of which whoever said it could forge the beginning of another.
TEST_P(BeforeAudit, TakesTheSentencesOfOldRowsApartWithoutBeingFooled) {
  const struct {
    std::string sentence, host, place;
    int code;
    std::string status, text;
    int own;
    std::string own_status, own_text;
  } cases[] = {
      {"mx.far.test [192.0.2.1]:25 (TLSv1.3) said: 450 4.2.0 busy", "mx.far.test",
       "mx.far.test [192.0.2.1]:25 (TLSv1.3)", 450, "4.2.0", "busy", 0, "", ""},
      {"[192.0.2.1]:25 said: 550 5.1.1 he said: 250 2.1.5 fine", "", "[192.0.2.1]:25", 550, "5.1.1",
       "he said: 250 2.1.5 fine", 0, "", ""},
      {"451 4.4.2 mx.far.test [192.0.2.1]:25: the server refused the session: 554 5.7.1 rejected, upstream said: 250 "
       "2.1.5 "
       "delivered fine",
       "", "", 0, "", "", 451, "4.4.2",
       "mx.far.test [192.0.2.1]:25: the server refused the session: 554 5.7.1 rejected, upstream said: 250 2.1.5 "
       "delivered "
       "fine"},
      {"mx.far.test [192.0.2.1]:25 said: 450 5.1.1 busy", "mx.far.test", "mx.far.test [192.0.2.1]:25", 450, "",
       "5.1.1 busy", 0, "", ""},
      {"mx said: 250", "mx", "mx", 250, "", "", 0, "", ""},
      {"gibberish", "", "", 0, "", "", 451, "", "gibberish"},
      {"", "", "", 0, "", "", 0, "", ""},
  };
  for (const auto& c : cases) {
    const TemporaryDirectory place;
    const std::string directory = place.path() + "/data";
    build_sample(directory, GetParam());
    Db(directory + "/paquebot.db", SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX)
        .run("UPDATE recipient SET last_reply = ? WHERE address = 'away@far.test'", c.sentence);
    SqliteOptions options;
    options.directory = directory;
    auto opened = open_sqlite(options);
    ASSERT_TRUE(opened) << opened.error().message;
    const auto waiting = run((*opened)->queue().claim("far.test", INT64_MAX, 10)).value().items;
    const mail::Told told = waiting.front().recipients.front().last_reply;
    const auto status = [](const mail::Reply& reply) { return reply.enhanced ? reply.enhanced.to_string() : ""; };
    EXPECT_EQ(told.host, c.host) << c.sentence;
    EXPECT_EQ(told.place, c.place) << c.sentence;
    EXPECT_EQ(told.peer.code, c.code) << c.sentence;
    EXPECT_EQ(status(told.peer), c.status) << c.sentence;
    EXPECT_EQ(told.peer.text, c.text) << c.sentence;
    EXPECT_EQ(told.own.code, c.own) << c.sentence;
    EXPECT_EQ(status(told.own), c.own_status) << c.sentence;
    EXPECT_EQ(told.own.text, c.own_text) << c.sentence;
  }
}

/// What is counted of a mailbox, and who has subscribed it.
TEST_P(BeforeAudit, CountsWhatWasThere) {
  const TemporaryDirectory place;
  const std::string directory = place.path() + "/data";
  build_sample(directory, GetParam());
  Db(directory + "/paquebot.db", SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX)
      .exec("UPDATE entry SET flags = 9 WHERE uid = (SELECT max(uid) FROM entry e WHERE e.mailbox = entry.mailbox)");
  SqliteOptions options;
  options.directory = directory;
  {
    auto opened = open_sqlite(options);
    ASSERT_TRUE(opened) << opened.error().message;
    Store& store = **opened;
    EXPECT_EQ(run(store.upkeep().verify()).value(), std::vector<std::string>());
    const auto anna = run(store.directory().find_account("anna@example.test"));
    const MailboxInfo inbox = run(store.mailboxes().open(anna->id, "INBOX")).value();
    EXPECT_EQ(inbox.count, 3u);
    EXPECT_EQ(inbox.unseen, 2u);
    EXPECT_EQ(inbox.deleted, 1u);
    EXPECT_EQ(run(store.mailboxes().list_view(inbox.view(), 0, 10)).value().size(), 3u);
    MailboxView before = inbox.view();
    --before.modseq;
    EXPECT_EQ(run(store.mailboxes().list_view(before, 0, 10)).error().code, Errc::conflict)
        << "what was deleted by the program of before, nobody knows";
  }
  Db db = open_for_reading(directory + "/paquebot.db");
  EXPECT_EQ(db.number("SELECT count(*) FROM subscription WHERE name = 'INBOX'", 0),
            db.number("SELECT count(*) FROM account", -1));
}

/// Why something is held was told by its words alone.
TEST_P(BeforeAudit, TellsFromTheWordsWhyItIsHeld) {
  const std::pair<const char*, HoldKind> cases[] = {
      {"no account owns x@example.test: add one to its domain", HoldKind::unowned},
      {"quarantine: nobody can tell who wrote this", HoldKind::quarantine},
      {"held by the filter clamd: a virus", HoldKind::filter},
      {"held by root", HoldKind::order},
      {"held by the take-over watch: it wrote to many", HoldKind::takeover},
      {"held by restore: it may have been delivered after the backup was made", HoldKind::restored},
      {"held: its message is missing from the store, which is damaged", HoldKind::damaged},
      {"somebody wrote held by the take-over watch", HoldKind::other},
  };
  const TemporaryDirectory place;
  const std::string directory = place.path() + "/data";
  build_sample(directory, GetParam());
  {
    Db db(directory + "/paquebot.db", SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX);
    db.exec("CREATE TEMP TABLE held AS SELECT * FROM recipient WHERE address = 'away@far.test'");
    for (const auto& [words, kind] : cases) {
      db.run("UPDATE held SET n = (SELECT max(r.n) + 1 FROM recipient r WHERE r.message = held.message), state = 1, "
             "reason = ?",
             std::string_view(words));
      db.exec("INSERT INTO recipient SELECT * FROM held;"
              "UPDATE message SET pending = pending + 1 WHERE id = (SELECT message FROM held)");
    }
  }
  SqliteOptions options;
  options.directory = directory;
  auto opened = open_sqlite(options);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(run((*opened)->upkeep().verify()).value(), std::vector<std::string>());
  const auto held =
      run((*opened)->queue().list({.address = "away@far.test", .held_only = true}, std::nullopt, 10)).value();
  ASSERT_EQ(held.size(), 1u);
  ASSERT_EQ(held.front().recipients.size(), std::size(cases));
  for (std::size_t i = 0; i < std::size(cases); ++i) {
    EXPECT_EQ(held.front().recipients[i].reason, cases[i].first);
    EXPECT_EQ(held.front().recipients[i].hold, cases[i].second) << cases[i].first;
  }
}

std::map<std::string, std::int64_t> rows_of(const std::string& directory) {
  std::map<std::string, std::string> questions; // each at an address of its own (Db::query)
  Db db = open_for_reading(directory + "/paquebot.db");
  {
    Query q = db.query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
    while (q.row()) questions[q.text(0)] = "SELECT count(*) FROM " + q.text(0);
  }
  std::map<std::string, std::int64_t> rows;
  for (const auto& [table, sql] : questions) rows[table] = db.number(sql.c_str(), -1);
  return rows;
}

TEST_P(Upgrade, LosesNoRow) {
  const TemporaryDirectory place;
  const std::string directory = place.path() + "/data";
  build_sample(directory, GetParam());
  const auto before = rows_of(directory);
  SqliteOptions options;
  options.directory = directory;
  ASSERT_TRUE(open_sqlite(options));
  for (const auto& [table, count] : rows_of(directory)) {
    const auto known = before.find(table);
    if (known == before.end() || table == "setting") continue;
    const std::int64_t folders = table == "mailbox" && GetParam() < 11 ? 5 * before.at("account") : 0; // beside INBOX
    EXPECT_EQ(count, known->second + folders) << table;
  }
}

/// What each step brought is there in the samples from then on, so that the steps after it are tried with it.
TEST_P(Upgrade, SamplesHoldWhatTheirStepsBrought) {
  const TemporaryDirectory place;
  const std::string directory = place.path() + "/data";
  build_sample(directory, GetParam());
  const std::pair<int, const char*> brought[] = {
      {2, "SELECT count(*) FROM correspondent, account_limit"},
      {3, "SELECT count(*) FROM message WHERE by_mode > 0 AND hold_until > 0 AND priority > 0"},
      {4, "SELECT count(*) FROM app_password, account WHERE scram_iterations > 0"},
      {5, "SELECT count(*) FROM dkim_key"},
      {6, "SELECT count(*) FROM greylist"},
      {7, "SELECT count(*) FROM dmarc_day, dmarc_row"},
      {8, "SELECT count(*) FROM account_suspicion"},
      {9, "SELECT count(*) FROM address WHERE senders <> ''"},
      {10, "SELECT count(*) FROM message, body WHERE trail <> x'' AND body.head <> x''"},
      {11, "SELECT count(*) FROM audit, suppression, sts_policy, subscription"},
  };
  Db db = open_for_reading(directory + "/paquebot.db");
  EXPECT_EQ(db.number("PRAGMA user_version", 0), GetParam());
  for (const auto& [step, sql] : brought) {
    if (step > GetParam()) break;
    EXPECT_GT(db.number(sql, 0), 0) << "step " << step;
  }
}

// The newest has a sample from its release on.
INSTANTIATE_TEST_SUITE_P(Schema, BeforeAudit, testing::Range(1, 11));
INSTANTIATE_TEST_SUITE_P(Schema, Upgrade, testing::Range(1, kMainSchema.count));

std::vector<std::uint32_t> sums_of(const Schema& schema) {
  std::vector<std::uint32_t> sums;
  for (int i = 0; i < schema.count; ++i) sums.push_back(checksum(schema.steps[i].sql));
  return sums;
}

/// People follow every commit: whoever has a step has it as it is here. What is new goes into a step of its own.
TEST(Schema, StepsAreNeverEdited) {
  EXPECT_EQ(sums_of(kMainSchema),
            (std::vector<std::uint32_t>{2978828356, 1512276652, 2281671219, 2135708806, 446456712, 2214957154,
                                        919649397, 1195176895, 3435388007, 2590447380, 2966328755, 2692590529}));
  EXPECT_EQ(sums_of(kBulkSchema), (std::vector<std::uint32_t>{2564030154, 2429562304}));
}

} // namespace
} // namespace paquebot::store::sqlite
