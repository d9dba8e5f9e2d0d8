#include "imap/lexer.h"
#include "search/index.h"
#include "store/body_writer.h"

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>

namespace paquebot::search {
namespace {

using store::UidSet;
using State = IndexFacts::State;

/// Runs a coroutine to its end.
template <class T>
T run(Task<T> task) {
  // One for all: a thread of the store may still be within post() when the coroutine it woke has ended.
  static boost::asio::io_context context;
  std::optional<T> result;
  std::exception_ptr error;
  boost::asio::co_spawn(context, std::move(task), [&](std::exception_ptr e, T value) {
    error = e;
    result = std::move(value);
  });
  context.restart();
  context.run();
  if (error) std::rethrow_exception(error);
  return std::move(*result);
}

std::shared_ptr<const imap::FilterPlan> plan(const std::string& words) {
  imap::Lexer lexer(words);
  imap::SearchProgram program;
  const auto none = [](std::string_view, bool) { return std::optional<imap::UidSet>(imap::UidSet{}); };
  EXPECT_EQ(imap::parse_search(lexer, none, 0, program), imap::SearchProblem::none) << words;
  return std::make_shared<const imap::FilterPlan>(imap::plan_of(program));
}

/// A store with two accounts, and an index that hears of its changes.
class IndexTest : public ::testing::Test {
protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "paquebot-search-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    home_ = pattern;
    open_store();
    ASSERT_TRUE(run(store_->directory().add_domain("example.org")));
    anna_ = account("anna@example.org");
    bob_ = account("bob@example.org");
    open_index();
  }
  void TearDown() override {
    told_.reset();
    index_.reset();
    store_.reset();
    std::filesystem::remove_all(home_);
  }

  void open_store() { store_ = std::move(store::open_store(home_).value()); }
  void open_index() {
    told_.reset();
    index_ = std::make_unique<Index>(*store_, home_);
    index_->configure(true);
    told_ = store_->subscribe([index = index_.get()](const store::Change& change) { index->tell(change); });
  }
  store::Account account(const std::string& login) {
    store::Account made;
    made.login = login;
    return run(store_->directory().add_account(std::move(made))).value();
  }
  void deliver(const store::Account& to, const std::string& subject, const std::string& body) {
    auto request = std::make_shared<store::AcceptRequest>();
    request->id = ids_.next();
    request->head = "Subject: " + subject + "\r\n\r\n";
    store::BodyWriter writer(store_->acceptance());
    ASSERT_TRUE(run(writer.write(body)));
    request->body = run(writer.finish()).value();
    request->accepted_at = request->expires_at = 1;
    store::NewRecipient recipient;
    recipient.address = to.login;
    recipient.handling = store::Handling::mailbox;
    recipient.account = to.id;
    request->recipients.push_back(recipient);
    std::shared_ptr<const store::AcceptRequest> sealed = request;
    ASSERT_EQ(run(store_->acceptance().accept(sealed)).status, store::AcceptStatus::accepted);
  }
  store::Id mailbox(const store::Account& of, const std::string& name = "INBOX") {
    return run(store_->mailboxes().open(of.id, name)).value().id;
  }
  /// A round, which ends with all done.
  IndexFacts round() {
    const auto done = run(index_->round());
    EXPECT_TRUE(done) << done.error().message;
    EXPECT_EQ(index_->facts().state, State::current);
    return index_->facts();
  }
  UidSet ruled_out(const store::Account& of, const std::string& words, const std::string& name = "INBOX") {
    return run(index_->rule_out(mailbox(of, name), plan(words)));
  }
  std::string file() const { return home_ + "/search.db"; }

  std::string home_;
  UlidSource ids_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Index> index_;
  std::unique_ptr<store::Subscription> told_;
  store::Account anna_, bob_;
};

TEST_F(IndexTest, FollowsTheMail) {
  deliver(anna_, "first", "an invoice\r\n");
  deliver(anna_, "second", "a letter\r\n");
  deliver(bob_, "third", "an invoice\r\n");
  EXPECT_EQ(ruled_out(anna_, " TEXT invoice"), UidSet()) << "nothing is known yet";
  EXPECT_EQ(round().messages, 3u);
  EXPECT_EQ(ruled_out(anna_, " TEXT invoice"), (UidSet{{2, 2}}));
  EXPECT_EQ(ruled_out(anna_, " TEXT nothing"), (UidSet{{1, 2}}));
  EXPECT_EQ(ruled_out(anna_, " BODY first"), (UidSet{{1, 2}}));
  EXPECT_EQ(ruled_out(anna_, " SUBJECT first"), (UidSet{{2, 2}}));
  EXPECT_EQ(ruled_out(bob_, " TEXT letter"), (UidSet{{1, 1}}));
  deliver(anna_, "fourth", "an invoice\r\n");
  deliver(anna_, "fifth", "a letter\r\n");
  EXPECT_EQ(ruled_out(anna_, " TEXT letter"), (UidSet{{1, 1}})) << "what is not known yet is to be read";
  EXPECT_EQ(round().messages, 5u);
  EXPECT_EQ(ruled_out(anna_, " TEXT letter"), (UidSet{{1, 1}, {3, 3}}));
}

TEST_F(IndexTest, WhatIsGoneLeavesIt) {
  for (int i = 0; i < 6; ++i) deliver(anna_, "a letter", "of words\r\n");
  deliver(bob_, "a letter", "of words\r\n");
  round();
  const store::Id inbox = mailbox(anna_);
  ASSERT_TRUE(run(store_->mailboxes().expunge(inbox, {1, 3}, "test")));
  EXPECT_EQ(round().messages, 5u);
  ASSERT_TRUE(run(store_->mailboxes().copy(inbox, {{2, 2}}, anna_.id, "Archive", true)));
  ASSERT_TRUE(run(store_->mailboxes().copy(inbox, {{4, 5}}, anna_.id, "Archive", false)));
  EXPECT_EQ(round().messages, 7u);
  EXPECT_EQ(ruled_out(anna_, " TEXT other", "Archive"), (UidSet{{1, 3}}));
  EXPECT_EQ(ruled_out(anna_, " TEXT other"), (UidSet{{4, 6}}));
  ASSERT_TRUE(run(store_->mailboxes().remove_folder(anna_.id, "Archive")));
  EXPECT_EQ(round().messages, 4u);
  ASSERT_TRUE(run(store_->mailboxes().rename_folder(anna_.id, "INBOX", "Old")));
  EXPECT_EQ(round().messages, 4u);
  EXPECT_EQ(ruled_out(anna_, " TEXT other", "Old"), (UidSet{{4, 6}}));
  EXPECT_EQ(ruled_out(anna_, " TEXT other"), UidSet());
  deliver(anna_, "new", "mail\r\n");
  round();
  EXPECT_EQ(ruled_out(anna_, " TEXT other"), (UidSet{{1, 1}}));
  ASSERT_TRUE(run(store_->directory().remove_account(anna_.login)));
  EXPECT_EQ(round().messages, 1u);
}

TEST_F(IndexTest, HoldsNoTextAndIsItsOwnersAlone) {
  deliver(anna_, "a confidential matter", "of nobody else\r\n");
  round();
  struct stat facts{};
  ASSERT_EQ(::stat(file().c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777u, 0600u);
  for (const char* beside : {"", "-wal"}) {
    std::ifstream in(file() + beside, std::ios::binary);
    const std::string octets{std::istreambuf_iterator<char>(in), {}};
    EXPECT_EQ(octets.find("confidential"), std::string::npos);
    EXPECT_EQ(octets.find("nobody"), std::string::npos);
  }
}

TEST_F(IndexTest, ADeletedMessagesRowLeavesTheFile) {
  deliver(anna_, "some letter", std::string(50'000, 'x') + "the end of it\r\n");
  deliver(anna_, "another", "one\r\n");
  round();
  Ulid id;
  {
    const auto entries = run(store_->mailboxes().list_entries(mailbox(anna_), 0, 1)).value();
    id = entries.at(0).message;
  }
  const std::string key(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size());
  const auto is_there = [&] {
    std::string all;
    for (const char* beside : {"", "-wal"}) {
      std::ifstream in(file() + beside, std::ios::binary);
      all += std::string{std::istreambuf_iterator<char>(in), {}};
    }
    return all.find(key) != std::string::npos;
  };
  EXPECT_TRUE(is_there());
  ASSERT_TRUE(run(store_->mailboxes().expunge(mailbox(anna_), {1}, "test")));
  round();
  EXPECT_FALSE(is_there());
}

TEST_F(IndexTest, WhatIsNotLookedAtRulesNothingOut) {
  std::string large;
  while (large.size() < 3 * (1u << 20)) large += "all work and no play\r\n";
  deliver(anna_, "large", large + "the needle\r\n");
  round();
  EXPECT_EQ(ruled_out(anna_, " BODY needle"), UidSet());
  EXPECT_EQ(ruled_out(anna_, " TEXT elsewhere"), UidSet()) << "it may be in the rest";
  EXPECT_EQ(ruled_out(anna_, " SUBJECT needle"), (UidSet{{1, 1}}));
}

TEST_F(IndexTest, ANewRunComparesWhatIsThere) {
  for (int i = 0; i < 1200; ++i) deliver(anna_, "letter", i % 2 == 0 ? "even\r\n" : "odd\r\n");
  round();
  told_.reset();
  index_.reset(); // what happens now it does not hear of
  std::vector<std::uint32_t> gone;
  for (std::uint32_t uid = 1; uid <= 1200; uid += 3) gone.push_back(uid);
  ASSERT_TRUE(run(store_->mailboxes().expunge(mailbox(anna_), gone, "test")));
  for (int i = 0; i < 10; ++i) deliver(anna_, "letter", "even\r\n");
  open_index();
  EXPECT_EQ(ruled_out(anna_, " TEXT other"), UidSet()) << "not compared yet";
  EXPECT_EQ(round().messages, 810u);
  std::uint64_t out = 0;
  for (const auto& one : ruled_out(anna_, " TEXT odd")) out += one.last - one.first + 1;
  EXPECT_EQ(out, 410u);
}

TEST_F(IndexTest, AnotherStoresFileIsNotBelieved) {
  deliver(anna_, "one", "an invoice\r\n");
  round();
  told_.reset();
  index_.reset();
  store_.reset();
  for (const char* name :
       {"paquebot.db", "paquebot.db-wal", "paquebot.db-shm", "bulk.db", "bulk.db-wal", "bulk.db-shm"})
    std::filesystem::remove(home_ + "/" + name);
  open_store(); // as after a restore of something else: the same ids, other mail
  ASSERT_TRUE(run(store_->directory().add_domain("example.org")));
  anna_ = account("anna@example.org");
  deliver(anna_, "other", "a letter\r\n");
  open_index();
  EXPECT_EQ(round().messages, 1u);
  EXPECT_EQ(ruled_out(anna_, " TEXT invoice"), (UidSet{{1, 1}}));
  EXPECT_EQ(ruled_out(anna_, " TEXT letter"), UidSet());
}

TEST_F(IndexTest, ADamagedFileIsMadeAnew) {
  for (int i = 0; i < 300; ++i) deliver(anna_, "letter", "an invoice\r\n");
  for (int kind = 0; kind < 5; ++kind) {
    round();
    told_.reset();
    index_.reset();
    const auto size = std::filesystem::file_size(file());
    if (kind < 3) { // bits within rows, what a page says of itself, where its rows are
      std::fstream out(file(), std::ios::in | std::ios::out | std::ios::binary);
      for (std::size_t at = 3 * 8192 + std::array{4000u, 0u, 8u}.at(static_cast<std::size_t>(kind)); at + 200 < size;
           at += 8192) {
        out.seekp(static_cast<std::streamoff>(at));
        out << std::string(100, kind == 2 ? '\xFF' : '\0');
      }
    } else if (kind == 3) {
      std::filesystem::resize_file(file(), size / 2);
    } else {
      std::ofstream(file(), std::ios::binary) << "no database at all";
    }
    EXPECT_NE(damage_of_file(home_), "") << kind;
    open_index();
    for (int rounds = 0; rounds < 3; ++rounds) {
      const auto done = run(index_->round());
      EXPECT_TRUE(done) << kind << ": " << done.error().message;
      for (const auto& one : ruled_out(anna_, " TEXT invoice")) ADD_FAILURE() << "ruled out: " << one.first;
    }
    EXPECT_EQ(round().messages, 300u) << kind;
    EXPECT_EQ(damage_of_file(home_), "") << kind;
    EXPECT_EQ(ruled_out(anna_, " TEXT other"), (UidSet{{1, 300}})) << kind;
  }
}

TEST_F(IndexTest, AFileOfAnotherFormIsMadeAnew) {
  deliver(anna_, "letter", "an invoice\r\n");
  round();
  told_.reset();
  index_.reset();
  store::sqlite::Db(file(), SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX)
      .exec("DROP TABLE print; CREATE TABLE other(x); PRAGMA user_version = 77");
  EXPECT_EQ(facts_of_file(home_).state, State::stopped);
  open_index();
  EXPECT_EQ(round().messages, 1u);
  EXPECT_EQ(ruled_out(anna_, " TEXT other"), (UidSet{{1, 1}}));
}

TEST_F(IndexTest, IsMadeAnewWhenThatIsWanted) {
  deliver(anna_, "letter", "an invoice\r\n");
  round();
  index_->rebuild();
  EXPECT_EQ(index_->facts().state, State::filling);
  EXPECT_EQ(ruled_out(anna_, " TEXT other"), UidSet());
  EXPECT_EQ(round().messages, 1u);
  EXPECT_EQ(ruled_out(anna_, " TEXT other"), (UidSet{{1, 1}}));
}

TEST_F(IndexTest, OffThereIsNoFile) {
  deliver(anna_, "letter", "an invoice\r\n");
  round();
  index_->configure(false);
  EXPECT_EQ(ruled_out(anna_, " TEXT other"), UidSet());
  EXPECT_TRUE(run(index_->round()));
  EXPECT_EQ(index_->facts().state, State::off);
  EXPECT_FALSE(std::filesystem::exists(file()));
  index_->configure(true);
  EXPECT_EQ(round().messages, 1u);
  EXPECT_EQ(ruled_out(anna_, " TEXT other"), (UidSet{{1, 1}}));
}

TEST_F(IndexTest, APlaceThatCanNotBeWrittenIsToldOf) {
  std::filesystem::create_directory(file());
  const auto done = run(index_->round());
  EXPECT_FALSE(done);
  EXPECT_EQ(ruled_out(anna_, " TEXT other"), UidSet());
  EXPECT_NE(index_->facts().state, State::current);
  std::filesystem::remove(file());
  round();
}

} // namespace
} // namespace paquebot::search
