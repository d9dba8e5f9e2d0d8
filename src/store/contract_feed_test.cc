// The feed and its hooks, and what came by the API under a key.
#include "store/test_contract.h"

namespace paquebot::store {
namespace {

Hook hook_to(Id account, const std::string& url = "https://hooks.example/in") {
  Hook hook;
  hook.account = account;
  hook.url = url;
  hook.secret = std::string(24, 's');
  return hook;
}

/// "accepted delivered" of a message, or the word of something else.
std::string told_by(const FeedRow& row) {
  if (!row.word.empty()) return row.word + (row.about.empty() ? "" : " " + row.about);
  std::string all;
  for (const Event& event : row.events) all += (all.empty() ? "" : " ") + std::to_string(static_cast<int>(event.kind));
  return all;
}

std::vector<std::string> told_of(Store& store, Id after = 0) {
  std::vector<std::string> all;
  const auto rows = run(store.feed().read(after, 100));
  for (const FeedRow& row : rows.value()) all.push_back(told_by(row));
  return all;
}

using Told = std::vector<std::string>;

TEST_P(StoreContract, FeedIsWrittenOnlyWhileSomebodyWantsIt) {
  const Account anna = make_account("anna@example.org");
  deliver(anna);
  EXPECT_EQ(store().feed().last(), 0);
  EXPECT_EQ(told_of(store()), Told{}) << "nobody is there";
  store().feed().watch(now() + 1000);
  deliver(anna);
  EXPECT_EQ(told_of(store()), (Told{"gap", "1 2"}));
  clock().advance(std::chrono::seconds(2));
  deliver(anna);
  EXPECT_EQ(told_of(store()).size(), 2U) << "nobody is there any more";
  store().feed().watch(now() + 1000);
  deliver(anna);
  EXPECT_EQ(told_of(store()), (Told{"gap", "1 2", "gap", "1 2"})) << "and who comes back is told that he missed some";
  EXPECT_EQ(store().feed().last(), 4);
  EXPECT_EQ(run(store().feed().first()).value(), 1);
}

TEST_P(StoreContract, FeedTellsOfEachStepOfAMessage) {
  const Account anna = make_account("anna@example.org");
  const Hook hook = run(store().feed().add_hook(hook_to(0))).value();
  EXPECT_EQ(hook.cursor, store().feed().last()) << "it begins with what comes";
  AcceptRequest request = message();
  request.klass = MessageClass::submitted;
  request.account = anna.id;
  request.sending = Sending{.metadata = R"({"order":"7"})"};
  request.recipients = {to_mailbox(anna), to_remote("bob@far.example", "far.example")};
  const Ulid id = accepted(request);
  const auto work = claim("far.example");
  ASSERT_EQ(work.size(), 1U);
  Outcome outcome{id, 1, State::waiting, now() + 1000};
  outcome.reply = peer_said(451, "later");
  ASSERT_TRUE(record(outcome));
  clock().advance(std::chrono::seconds(2));
  ASSERT_EQ(claim("far.example").size(), 1U);
  ASSERT_TRUE(record({id, 1, State::relayed}));
  const auto rows = run(store().feed().read(hook.cursor, 100)).value();
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(told_by(rows[0]), "1 2");
  EXPECT_EQ(told_by(rows[1]), "5");
  EXPECT_EQ(told_by(rows[2]), "4");
  ASSERT_TRUE(rows[0].message && rows[2].message);
  EXPECT_EQ(rows[0].message->login, "anna@example.org");
  EXPECT_EQ(rows[0].message->metadata, R"({"order":"7"})");
  ASSERT_EQ(rows[0].message->recipients.size(), 2U);
  EXPECT_EQ(rows[0].message->recipients[0].login, "anna@example.org");
  ASSERT_EQ(rows[2].message->recipients.size(), 1U) << "only whom it concerns";
  EXPECT_EQ(rows[2].message->recipients[0].address, "bob@far.example");
  EXPECT_LT(rows[0].id, rows[1].id);
  reopen();
  EXPECT_EQ(told_of(store(), hook.cursor), (Told{"1 2", "5", "4"})) << "it is durable";
  deliver(anna);
  EXPECT_EQ(told_of(store(), hook.cursor).size(), 4U) << "and goes on without a gap";
}

TEST_P(StoreContract, FeedTellsOfAccountsAndPlaces) {
  const Account anna = make_account("anna@example.org");
  const Hook hook = run(store().feed().add_hook(hook_to(0))).value();
  ASSERT_TRUE(run(store().books().suspect(anna.id, TakeoverSign::operators_order, "an operator says so")));
  ASSERT_TRUE(run(store().feed().tell("domain.dns_changed", "example.org", "MX")));
  EXPECT_EQ(told_of(store(), hook.cursor),
            (Told{"account.suspected anna@example.org", "domain.dns_changed example.org"}));
}

TEST_P(StoreContract, FeedTellsOfCertificatesOnceItIsKnownHowItWent) {
  const Hook hook = run(store().feed().add_hook(hook_to(0))).value();
  Certificates& certificates = store().certificates();
  const TlsKey key{.name = "mx.test", .state = TlsKey::State::active, .private_key = "PEM"};
  ASSERT_TRUE(run(certificates.add_tls_key(key)));
  const auto note = [&](std::uint32_t failures, const std::string& error) {
    Certificate row{.name = "mx.test"};
    row.failures = failures;
    row.last_error = error;
    ASSERT_TRUE(run(certificates.note_progress(row)));
  };
  note(1, kAttemptUnderWay);
  EXPECT_EQ(told_of(store(), hook.cursor), Told{}) << "it has only begun";
  note(1, "no");
  note(1, "no"); // a record was looked for meanwhile
  note(2, kAttemptUnderWay);
  note(2, "no");
  EXPECT_EQ(told_of(store(), hook.cursor), (Told{"certificate.failed mx.test", "certificate.failed mx.test"}));
  note(3, kAttemptUnderWay);
  const Id of = run(certificates.list_tls_keys("mx.test")).value().front().id;
  ASSERT_TRUE(run(certificates.install_certificate("mx.test", of, "CHAIN", "https://a.test/")));
  EXPECT_EQ(told_of(store(), hook.cursor).back(), "certificate.renewed mx.test");
  EXPECT_EQ(told_of(store(), hook.cursor).size(), 3U);
}

TEST_P(StoreContract, FeedForgetsWhatIsOld) {
  const Account anna = make_account("anna@example.org");
  const Hook hook = run(store().feed().add_hook(hook_to(anna.id))).value();
  deliver(anna);
  clock().advance(std::chrono::milliseconds(kKeepFeed - 1000));
  maintain();
  EXPECT_EQ(told_of(store(), hook.cursor).size(), 1U);
  clock().advance(std::chrono::seconds(2));
  maintain();
  EXPECT_EQ(told_of(store()).size(), 0U);
  EXPECT_EQ(run(store().feed().first()).value(), 0);
}

TEST_P(StoreContract, HooksComeAndGo) {
  const Account anna = make_account("anna@example.org");
  Feed& feed = store().feed();
  Hook wanted = hook_to(anna.id);
  wanted.events = {"message.delivered", "message.failed"};
  wanted.domains = {"example.org"};
  const auto made = run(feed.add_hook(wanted));
  ASSERT_TRUE(made);
  EXPECT_EQ(made->created, now());
  EXPECT_EQ(run(feed.add_hook(hook_to(99))).error().code, Errc::not_found);
  Hook changed = *made;
  changed.url = "https://other.example/";
  changed.old_secret = changed.secret;
  changed.secret = std::string(24, 't');
  changed.old_until = now() + 5000;
  changed.state = Hook::State::paused;
  ASSERT_TRUE(run(feed.change_hook(changed)));
  reopen();
  const auto found = run(store().feed().list_hooks(anna.id)).value();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].login, "anna@example.org");
  EXPECT_EQ(found[0].url, "https://other.example/");
  EXPECT_EQ(found[0].events, wanted.events);
  EXPECT_EQ(found[0].domains, wanted.domains);
  EXPECT_EQ(found[0].old_secret, std::string(24, 's'));
  EXPECT_EQ(found[0].state, Hook::State::paused);
  ASSERT_TRUE(run(store().directory().remove_account("anna@example.org")));
  EXPECT_TRUE(run(store().feed().list_hooks(std::nullopt)).value().empty()) << "they go with their account";
  for (int i = 0; i < kMostHooks; ++i) ASSERT_TRUE(run(store().feed().add_hook(hook_to(0))));
  EXPECT_EQ(run(store().feed().add_hook(hook_to(0))).error().code, Errc::no_space);
  const Id last = run(store().feed().list_hooks(Id{0})).value().back().id;
  ASSERT_TRUE(run(store().feed().remove_hook(last)));
  EXPECT_EQ(run(store().feed().remove_hook(last)).error().code, Errc::not_found);
  EXPECT_EQ(run(store().feed().get_hook(last)).error().code, Errc::not_found);
}

TEST_P(StoreContract, HooksAreSetBackAndNothingUndoesIt) {
  const Account anna = make_account("anna@example.org");
  Feed& feed = store().feed();
  Hook hook = run(feed.add_hook(hook_to(anna.id))).value();
  const Id from = hook.cursor;
  deliver(anna);
  clock().advance(std::chrono::seconds(10));
  const std::int64_t second = now();
  deliver(anna);
  hook.cursor = feed.last();
  hook.delivered_at = now();
  ASSERT_TRUE(run(feed.note_hook(hook, from)));
  EXPECT_EQ(run(feed.get_hook(hook.id))->cursor, hook.cursor);
  EXPECT_EQ(run(feed.replay_hook(hook.id, second)).value(), hook.cursor - 1);
  hook.failures = 9;
  ASSERT_TRUE(run(feed.note_hook(hook, hook.cursor))) << "what was under way meanwhile";
  EXPECT_EQ(run(feed.get_hook(hook.id))->failures, 0U);
  EXPECT_EQ(run(feed.get_hook(hook.id))->cursor, hook.cursor - 1);
  EXPECT_EQ(run(feed.replay_hook(hook.id, now() + 1000)).value(), hook.cursor - 1) << "nothing was told since then";
  EXPECT_EQ(run(feed.replay_hook(hook.id, 0)).value(), 0);
  Hook paused = run(feed.get_hook(hook.id)).value();
  paused.state = Hook::State::paused;
  ASSERT_TRUE(run(feed.change_hook(paused)));
  ASSERT_TRUE(run(feed.note_hook(hook, 0))) << "it was paused meanwhile";
  EXPECT_EQ(run(feed.get_hook(hook.id))->cursor, 0);
  EXPECT_EQ(run(feed.replay_hook(99, 0)).error().code, Errc::not_found);
}

TEST_P(StoreContract, WhatWasSentUnderAKeyIsSentOnce) {
  const Account anna = make_account("anna@example.org"), bert = make_account("bert@example.org");
  const auto sending = [&](const Account& account, const std::string& key, char digest) {
    AcceptRequest request = submission(account, {}, {"bob@far.example"});
    request.sending = Sending{key, std::string(32, digest), "answer " + key, {}};
    return request;
  };
  const Ulid first = accepted(sending(anna, "k1", 'a'));
  const AcceptRequest again = sending(anna, "k1", 'a');
  EXPECT_EQ(accept(again).status, AcceptStatus::duplicate);
  EXPECT_FALSE(run(store().trail().trace(again.id)));
  accepted(sending(anna, "k2", 'a'));
  accepted(sending(bert, "k1", 'b'));
  accepted(sending(anna, "", 'a'));
  accepted(sending(anna, "", 'a'));
  reopen();
  const auto kept = run(store().acceptance().find_sending(anna.id, "k1", now())).value();
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->message, first);
  EXPECT_EQ(kept->digest, std::string(32, 'a'));
  EXPECT_EQ(kept->answer, "answer k1");
  EXPECT_FALSE(run(store().acceptance().find_sending(anna.id, "k3", now())).value());
  clock().advance(std::chrono::milliseconds(kKeepSendings));
  EXPECT_FALSE(run(store().acceptance().find_sending(anna.id, "k1", now())).value()) << "too old";
  const Ulid second = accepted(sending(anna, "k1", 'c'));
  EXPECT_EQ(run(store().acceptance().find_sending(anna.id, "k1", now())).value()->message, second);
  maintain();
  EXPECT_FALSE(run(store().acceptance().find_sending(bert.id, "k1", now() - kKeepSendings)).value());
  ASSERT_TRUE(run(store().directory().remove_account("anna@example.org")));
}

} // namespace
} // namespace paquebot::store
