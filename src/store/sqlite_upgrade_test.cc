// A store of every schema that was ever released, kept as text in samples/, goes on working with this program.
#include "store/test_contract.h"
#include "store/test_samples.h"

namespace paquebot::store {
namespace {

class Upgrade : public testing::TestWithParam<int> {};

TEST_P(Upgrade, KeepsMailQueueAndDirectory) {
  const TemporaryDirectory place;
  const std::string directory = place.path() + "/data";
  build_sample(directory, GetParam());
  SqliteOptions options;
  options.directory = directory;
  auto opened = open_sqlite(options);
  ASSERT_TRUE(opened) << opened.error().message;
  Store& store = **opened;
  EXPECT_EQ(run(store.verify()).value(), std::vector<std::string>());

  const auto anna = run(store.find_account("anna@example.test"));
  ASSERT_TRUE(anna);
  EXPECT_TRUE(anna->password.starts_with("$argon2id$"));
  EXPECT_TRUE(run(store.find_address("team", "example.test")).value().entry);
  const MailboxInfo inbox = run(store.open_mailbox(anna->id, "INBOX")).value();
  EXPECT_EQ(inbox.count, 3u);
  std::uint64_t octets = 0;
  const std::vector<EntryInfo> entries = run(store.list_entries(inbox.id, 0, 10)).value();
  for (const EntryInfo& entry : entries) {
    const auto content = run(store.read_entry(inbox.id, entry.uid));
    ASSERT_TRUE(content);
    const auto body = run(store.read_body(content->body, 0, 1 << 20));
    ASSERT_TRUE(body) << body.error().message;
    EXPECT_EQ(content->head.size() + body->size(), entry.size);
    octets += entry.size;
  }
  EXPECT_EQ(octets, inbox.bytes);
  const auto waiting = run(store.claim("far.test", INT64_MAX, 10));
  ASSERT_TRUE(waiting);
  ASSERT_EQ(waiting->size(), 1u);
  EXPECT_EQ(waiting->front().recipients.front().address, "away@far.test");

  const auto trail = run(store.trace(waiting->front().message.id));
  ASSERT_TRUE(trail) << trail.error().message;
  ASSERT_FALSE(trail->events.empty());
  EXPECT_EQ(trail->events.front().kind, EventKind::accepted);
  std::vector<std::uint32_t> uids;
  for (const EntryInfo& entry : entries) uids.push_back(entry.uid);
  EXPECT_TRUE(run(store.expunge(inbox.id, uids, "anna")));
  EXPECT_EQ(run(store.verify()).value(), std::vector<std::string>());
}

INSTANTIATE_TEST_SUITE_P(Released, Upgrade, testing::Values(1));

} // namespace
} // namespace paquebot::store
