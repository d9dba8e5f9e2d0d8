#include "base/fake_clock.h"
#include "directory/test_server.h"
#include "intake/pickup.h"
#include "mail/content_scan.h"
#include "store/wrapped_store.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <unistd.h>

namespace paquebot::intake {
namespace {

using directory::run_task;

/// A store that can be made to refuse.
class MoodyStore final : public store::Wrapped<store::WrappedAcceptance> {
public:
  using Wrapped::Wrapped;
  Task<store::AcceptResult> accept(std::shared_ptr<const store::AcceptRequest> request) override {
    ++asked;
    if (failing) co_return store::AcceptResult{store::AcceptStatus::failed, {}, "made to fail", {}, {}};
    auto result = co_await WrappedAcceptance::accept(std::move(request));
    co_return result;
  }
  bool failing = false;
  int asked = 0;
};

class PickUp : public testing::Test {
protected:
  void SetUp() override {
    drops_ = (server_.path() / "drop").string();
    ASSERT_TRUE(make_drop_directory(drops_));
    ASSERT_TRUE(run_task(server_.store().directory().add_domain("example.org")));
  }

  void account(const std::string& login, std::uint64_t quota) {
    store::Account account;
    account.login = login;
    account.quota = quota;
    ASSERT_TRUE(run_task(server_.store().directory().add_account(account)));
  }

  Ulid drop(const std::string& to, const std::string& text = "Subject: x\r\n\r\nhello\r\n") {
    DropEnvelope envelope;
    envelope.sender.reverse_path = {"cron", "example.org"};
    envelope.recipients = {{.address = *mail::parse_address(to)}};
    std::istringstream in(text);
    auto id = drop_message(drops_, envelope, in);
    EXPECT_TRUE(id) << id.error().message;
    return *id;
  }

  std::size_t round() {
    IntakeMeans means{store_, queue_, policy_, ids_, clock_};
    if (!desk_) desk_.emplace(drops_);
    return run_task(pick_up(*desk_, means, server_.directory(), options_));
  }

  store::RecipientFacts first_recipient(const Ulid& id) {
    auto trace = run_task(server_.store().trail().trace(id));
    return trace ? trace->recipients.at(0) : store::RecipientFacts{};
  }

  FakeClock clock_;
  directory::TestServer server_;
  MoodyStore store_{server_.store()};
  queue::Queue queue_{store_, clock_, {}};
  policy::Policy policy_{server_.directory()};
  UlidSource ids_;
  Options options_{.hostname = "mx.example.org"};
  std::optional<DropDesk> desk_;
  std::string drops_;
};

TEST_F(PickUp, TakesWhatIsThereUnderItsOwnIdOnce) {
  account("ann@example.org", 0);
  Ulid id = drop("ann@example.org");
  EXPECT_EQ(round(), 1u);
  EXPECT_EQ(first_recipient(id).state, store::State::in_mailbox);
  EXPECT_EQ(round(), 0u);
  EXPECT_TRUE(list_drops(drops_, 10).empty());
}

TEST_F(PickUp, LinesEndAsPop3CountsThem) {
  account("ann@example.org", 0);
  const std::pair<const char*, const char*> cases[] = {
      {"Subject: a\r\n\r\nlast", "last\r\n"},
      {"Subject: a\r\n\r\none\n.\ntwo\r\n", "one\r\n.\r\ntwo\r\n"},
      {"Subject: a\n\none\n", "one\r\n"},
  };
  std::uint32_t uid = 0;
  for (const auto& [text, body] : cases) {
    drop("ann@example.org", text);
    ASSERT_EQ(round(), 1u);
    const auto account = run_task(server_.store().directory().find_account("ann@example.org")).value();
    const auto inbox = run_task(server_.store().mailboxes().open(account.id, "INBOX")).value();
    const auto read = run_task(server_.store().mailboxes().read_entries(inbox.id, {++uid}, 1 << 20)).value();
    ASSERT_EQ(read.size(), 1u);
    EXPECT_EQ(read[0].text.value_or("none"), body);
    EXPECT_NE(read[0].head.find("Subject: a\r\n"), std::string::npos) << read[0].head;
    EXPECT_TRUE(read[0].head.ends_with("\r\n\r\n"));
    EXPECT_EQ(read[0].info.size, read[0].head.size() + read[0].text->size());
  }
}

TEST_F(PickUp, ANameOfAnotherDayIsNoId) {
  account("ann@example.org", 0);
  const std::string names[] = {"00000000000000000000000001", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"};
  const auto rename = [&](const Ulid& id, const std::string& name) {
    std::filesystem::rename(std::filesystem::path(drops_) / id.to_string(), std::filesystem::path(drops_) / name);
  };
  for (const std::string& name : names) {
    rename(drop("ann@example.org"), name);
    EXPECT_EQ(round(), 1u);
    EXPECT_FALSE(run_task(server_.store().trail().trace(*Ulid::parse(name))));
    EXPECT_TRUE(list_drops(drops_, 10).empty());
  }
  const auto found = run_task(server_.store().trail().find_messages("ann@example.org", 0, 10));
  EXPECT_EQ(found->ids.size(), 2u);
  rename(drop("ann@example.org"), names[0]);
  store_.failing = true;
  EXPECT_EQ(round(), 0u);
  const auto waiting = list_drops(drops_, 10);
  ASSERT_EQ(waiting.size(), 1u) << "it has its id before it is accepted";
  EXPECT_NE(waiting[0], names[0]);
  store_.failing = false;
  clock_.advance(std::chrono::seconds(5));
  EXPECT_EQ(round(), 1u);
  EXPECT_EQ(first_recipient(*Ulid::parse(waiting[0])).state, store::State::in_mailbox);
}

TEST_F(PickUp, LinesThatMeanSomethingElseToOthersGoBack) {
  using namespace std::string_literals;
  account("ann@example.org", 0);
  const std::string large = "Subject: x\r\n\r\n" + std::string(100'000, 'x') + "\r\n";
  const std::vector<std::string> texts = {
      "Subject: a\0b\r\n\r\nx\r\n"s, "Subject: x\r\n\r\nx\r\n\0.\r\nx\r\n"s, large + "\0.\r\n"s,
      "Subject: a\rb\r\n\r\nx\r\n"s, "Subject: x\r\n\r\nx\r.\r\n"s,          large + "\r"};
  for (const std::string& text : texts) {
    const Ulid id = drop("ann@example.org", text);
    EXPECT_EQ(round(), 1u);
    const auto failed = first_recipient(id);
    EXPECT_EQ(failed.state, store::State::failed);
    EXPECT_EQ(failed.owed, store::Owed::failure);
    EXPECT_TRUE(failed.last_reply.to_string().starts_with("550 5.6.0 the message holds "))
        << failed.last_reply.to_string();
    const auto trace = run_task(server_.store().trail().trace(id));
    ASSERT_TRUE(trace);
    const auto head = run_task(server_.store().content().read_head(trace->message.head));
    ASSERT_TRUE(head);
    mail::ContentScan scan;
    scan.feed(*head);
    scan.finish();
    EXPECT_FALSE(scan.has_nul || scan.bare_cr || scan.bare_lf) << *head;
  }
}

TEST_F(PickUp, LinesThatEndWithLfAloneAreMended) {
  const Ulid id = drop("ann@elsewhere.example", "Subject: x\n\nx\n.\ny\r\n");
  EXPECT_EQ(round(), 1u);
  const auto trace = run_task(server_.store().trail().trace(id));
  ASSERT_TRUE(trace);
  const auto body = run_task(server_.store().content().read_body(trace->message.body, 0, 100));
  ASSERT_TRUE(body);
  EXPECT_EQ(*body, "x\r\n.\r\ny\r\n");
}

TEST_F(PickUp, WhatASessionWouldRefuseFailsAndIsReported) {
  account("full@example.org", 1);
  drop("full@example.org"); // the first one fits: nothing is there yet
  EXPECT_EQ(round(), 1u);
  Ulid full = drop("full@example.org"), unknown = drop("nobody@example.org");
  EXPECT_EQ(round(), 2u);
  for (const Ulid& id : {full, unknown}) {
    EXPECT_EQ(first_recipient(id).state, store::State::failed);
    EXPECT_EQ(first_recipient(id).owed, store::Owed::failure);
  }
  EXPECT_EQ(first_recipient(full).last_reply.to_string(), "552 5.2.2 the mailbox is full");
}

TEST_F(PickUp, WhatCannotBeTakenNowWaitsLongerEachTimeAndHoldsUpNobody) {
  account("ann@example.org", 0);
  drop("ann@example.org");
  store_.failing = true;
  EXPECT_EQ(round(), 0u);
  EXPECT_EQ(round(), 0u);
  EXPECT_EQ(store_.asked, 1);
  clock_.advance(std::chrono::seconds(5));
  EXPECT_EQ(round(), 0u);
  EXPECT_EQ(store_.asked, 2);
  clock_.advance(std::chrono::seconds(5));
  EXPECT_EQ(round(), 0u);
  EXPECT_EQ(store_.asked, 2);
  store_.failing = false;
  drop("ann@example.org");
  EXPECT_EQ(round(), 1u);
  clock_.advance(std::chrono::seconds(5));
  EXPECT_EQ(round(), 1u);
  EXPECT_TRUE(list_drops(drops_, 10).empty());
  EXPECT_EQ(round(), 0u);
  EXPECT_EQ(desk_->postponed(), 0u);
}

TEST_F(PickUp, WhatCanNeverBeTakenGoesBackToItsSender) {
  account("ann@example.org", 0);
  options_.max_message_size = 1000;
  options_.max_hops = 3;
  Ulid large = drop("ann@example.org", "Subject: large\r\n\r\n" + std::string(2000, 'x') + "\r\n");
  std::string hops;
  for (int i = 0; i < 4; ++i) hops += "Received: from a by b; Mon, 23 Nov 2026 12:00:00 +0000\r\n";
  Ulid loop = drop("ann@example.org", hops + "\r\nx\r\n");
  Ulid back = drop("ann@example.org", "Delivered-To: ann@example.org\r\n\r\nx\r\n");
  Ulid headless = drop("ann@example.org", std::string(1 << 20, 'X') + ": y\r\n\r\n");
  EXPECT_EQ(round(), 4u);
  EXPECT_TRUE(list_drops(drops_, 10).empty());
  for (const auto& [id, code] : std::map<Ulid, std::string>{
           {large, "552 5.3.4 "}, {loop, "554 5.4.6 "}, {back, "554 5.4.6 "}, {headless, "552 5.3.4 "}}) {
    EXPECT_EQ(first_recipient(id).state, store::State::failed) << code;
    EXPECT_EQ(first_recipient(id).owed, store::Owed::failure) << code;
    const std::string said = first_recipient(id).last_reply.to_string();
    EXPECT_TRUE(said.starts_with(code)) << said;
  }
  EXPECT_TRUE(std::filesystem::is_empty(drops_));
}

TEST_F(PickUp, WhatIsNoMessageIsSetAside) {
  account("ann@example.org", 0);
  Ulid link = drop("ann@example.org"), malformed = drop("ann@example.org");
  std::filesystem::remove(drops_ + "/" + link.to_string());
  std::filesystem::create_symlink("/etc/passwd", drops_ + "/" + link.to_string());
  std::ofstream(drops_ + "/" + malformed.to_string()) << "nonsense\n\n";
  const std::string folder = ids_.next().to_string();
  std::filesystem::create_directory(drops_ + "/" + folder);
  EXPECT_EQ(round(), 0u);
  EXPECT_TRUE(list_drops(drops_, 10).empty());
  EXPECT_TRUE(std::filesystem::is_symlink(drops_ + "/bad." + link.to_string()));
  EXPECT_TRUE(std::filesystem::exists(drops_ + "/bad." + malformed.to_string()));
  EXPECT_TRUE(std::filesystem::is_directory(drops_ + "/bad." + folder));
  EXPECT_EQ(store_.asked, 0);
}

TEST_F(PickUp, OneUsersJunkIsBoundedAndHoldsUpNobody) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  account("ann@example.org", 0);
  // Older than everything by their names, and more than a round takes.
  for (int i = 0; i < 250; ++i) {
    char name[27];
    std::snprintf(name, sizeof name, "%026d", i);
    const std::string path = drops_ + "/" + name;
    std::ofstream(path) << "nonsense\n\n";
    ASSERT_EQ(chown(path.c_str(), 1234, 1234), 0);
  }
  drop("ann@example.org");
  EXPECT_EQ(round(), 1u) << "in the first round";
  while (!list_drops(drops_, 10).empty()) round();
  std::size_t kept = 0;
  for (const auto& entry : std::filesystem::directory_iterator(drops_))
    kept += entry.path().filename().string().starts_with("bad.") ? 1 : 0;
  EXPECT_EQ(kept, DropScan::kMostFiles);
  desk_.reset(); // a restart: what is there is counted again
  round();
  const std::string more = drops_ + "/" + ids_.next().to_string(), ours = drops_ + "/" + ids_.next().to_string();
  std::ofstream(more) << "nonsense\n\n";
  std::ofstream(ours) << "nonsense\n\n";
  ASSERT_EQ(chown(more.c_str(), 1234, 1234), 0);
  round();
  EXPECT_TRUE(list_drops(drops_, 10).empty());
  EXPECT_TRUE(std::filesystem::exists(drops_ + "/bad." + ours.substr(ours.rfind('/') + 1))) << "of another user";
  EXPECT_FALSE(std::filesystem::exists(drops_ + "/bad." + more.substr(more.rfind('/') + 1)));
}

TEST_F(PickUp, EachUserHasAsManyTurnsAsTheOthers) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  account("ann@example.org", 0);
  std::map<std::string, uid_t> owner;
  for (int i = 0; i < 150; ++i) {
    const std::string name = drop("ann@example.org").to_string();
    owner[name] = i < 145 ? 1000 : 1001;
    ASSERT_EQ(chown((drops_ + "/" + name).c_str(), owner[name], 0), 0);
  }
  DropDesk desk(drops_);
  const auto chosen = desk.choose(clock_.now());
  ASSERT_EQ(chosen.size(), 100u);
  EXPECT_EQ(std::ranges::count_if(chosen, [](const DropEntry& e) { return e.uid == 1001; }), 5);
  EXPECT_EQ(std::ranges::count_if(chosen, [](const DropEntry& e) { return e.uid == 1000; }), 95);
  std::vector<std::string> of_one;
  for (const DropEntry& e : chosen)
    if (e.uid == 1000) of_one.push_back(e.name);
  EXPECT_TRUE(std::ranges::is_sorted(of_one));
}

TEST_F(PickUp, ALargeDirectoryIsLookedThroughBitByBit) {
  for (int i = 0; i < 50; ++i) drop("ann@example.org");
  DropScan scan(drops_);
  std::set<std::string> seen;
  for (int looks = 0; seen.size() < 50; ++looks) {
    ASSERT_LT(looks, 20);
    for (const DropEntry& entry : scan.look(7)) seen.insert(entry.name);
  }
}

} // namespace
} // namespace paquebot::intake
