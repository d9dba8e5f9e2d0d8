#include "store/body_writer.h"
#include "store/test_contract.h"

#include <algorithm>

namespace paquebot::store {
namespace {

std::string read_all(Store& store, BodyRef body, std::size_t step) {
  std::string out;
  while (out.size() < body.size) {
    auto slice = run(store.content().read_body(body, out.size(), step));
    if (!slice || slice->empty()) return "failed: " + (slice ? "empty" : slice.error().message);
    out += *slice;
  }
  return out;
}

std::string pattern(std::size_t size) {
  std::string text(size, 0);
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + (i * 31 + i / 257) % 26);
  return text;
}

Task<Result<NewBody>> write_body(Store& store, std::string text, std::size_t step) {
  BodyWriter writer(store.acceptance());
  for (std::size_t at = 0; at < text.size(); at += step) {
    const std::string_view part = std::string_view(text).substr(at, step);
    if ((at / step) % 2 == 0 && writer.write_now(part)) continue; // both ways, mixed
    const Result<> written = co_await writer.write(part);
    if (!written) co_return std::unexpected(written.error());
  }
  co_return co_await writer.finish();
}

TEST_P(StoreContract, AcceptedMailIsInTheMailboxAndReadsBackExactly) {
  const Account anna = make_account("anna@example.org");
  AcceptRequest request = message("Body line.\r\n");
  request.recipients = {to_mailbox(anna)};
  const Ulid id = accepted(request);

  const MailboxInfo box = inbox(anna);
  EXPECT_EQ(box.count, 1u);
  const auto entries = run(store().mailboxes().list_entries(box.id, 0, 10));
  ASSERT_TRUE(entries);
  ASSERT_EQ(entries->size(), 1u);
  const auto content = run(store().mailboxes().read_entry(box.id, entries->front().uid));
  ASSERT_TRUE(content);
  EXPECT_EQ(content->head,
            "Return-Path: <sender@elsewhere.example>\r\nDelivered-To: anna@example.org\r\n" + request.head);
  EXPECT_EQ(read_all(store(), content->body, 5), "Body line.\r\n");
  EXPECT_EQ(content->info.size, content->head.size() + content->body.size);
  EXPECT_EQ(box.bytes, content->info.size);

  const Trace trace = trail(id);
  EXPECT_EQ(trace.message.head, 0) << "the queue has nothing left to do and lets go of the content";
  EXPECT_EQ(trace.recipients.at(0).state, State::in_mailbox);
  ASSERT_EQ(trace.events.size(), 2u);
  EXPECT_EQ(trace.events[0].kind, EventKind::accepted);
  EXPECT_EQ(trace.events[0].detail, "from client.example");
  EXPECT_EQ(trace.events[1].kind, EventKind::delivered);
  EXPECT_EQ(trace.events[1].recipients, std::vector<std::uint32_t>{0});
}

TEST_P(StoreContract, ControlCharactersNeverReachTheLinesInFront) {
  const Account anna = make_account("anna@example.org");
  AcceptRequest request = message();
  request.sender.reverse_path.local = "a\r\nX-Evil: 1";
  NewRecipient recipient = to_mailbox(anna);
  recipient.address = "an\r\nna@example.org";
  request.recipients = {recipient};
  accepted(request);
  const auto content = run(store().mailboxes().read_entry(inbox(anna).id, 1));
  ASSERT_TRUE(content);
  EXPECT_EQ(content->head.find("\nX-Evil"), std::string::npos);
  EXPECT_EQ(std::ranges::count(content->head, '\n'), 4); // two in front, two of the head
}

TEST_P(StoreContract, TheSameIdTwiceIsADuplicate) {
  const Account anna = make_account("anna@example.org");
  AcceptRequest request = message();
  request.recipients = {to_mailbox(anna)};
  accepted(request);
  EXPECT_EQ(accept(request).status, AcceptStatus::duplicate);
  request.new_id = true; // said wrongly: nothing is accepted twice all the same
  EXPECT_EQ(accept(request).status, AcceptStatus::failed);
  EXPECT_EQ(inbox_count(anna), 1u);
}

TEST_P(StoreContract, SeveralRecipientsOfOneAccountGiveOneEntry) {
  const Account anna = make_account("anna@example.org");
  const Account bert = make_account("bert@example.org");
  AcceptRequest request = message();
  request.recipients = {to_mailbox(anna), to_mailbox(bert), to_mailbox(anna)};
  const Ulid id = accepted(request);
  EXPECT_EQ(inbox_count(anna), 1u);
  EXPECT_EQ(inbox_count(bert), 1u);
  const Trace trace = trail(id);
  EXPECT_EQ(trace.events.back().recipients, (std::vector<std::uint32_t>{0, 1, 2}));
}

TEST_P(StoreContract, QuotaAndMissingAccountsRefuseTheWhole) {
  const Account small = make_account("small@example.org", 200);
  const Account big = make_account("big@example.org");
  AcceptRequest request = message(std::string(300, 'x'));
  Account nobody;
  nobody.id = 999;
  nobody.login = "nobody@example.org";
  request.recipients = {to_mailbox(big), to_mailbox(small)};
  AcceptResult result = accept(request);
  EXPECT_EQ(result.status, AcceptStatus::over_quota);
  EXPECT_EQ(result.recipients, std::vector<std::uint32_t>{1});
  request.recipients = {to_mailbox(nobody), to_mailbox(big)};
  result = accept(request);
  EXPECT_EQ(result.status, AcceptStatus::account_gone);
  EXPECT_EQ(result.recipients, std::vector<std::uint32_t>{0});
  EXPECT_EQ(inbox_count(big), 0u);
  EXPECT_FALSE(run(store().trail().trace(request.id)));
  request.klass = MessageClass::report; // a report has nobody to go back to
  request.recipients = {to_mailbox(small)};
  accepted(request);
  EXPECT_EQ(inbox_count(small), 1u);
}

TEST_P(StoreContract, OneBadMessageSpoilsNothingOfItsBatch) {
  const Account small = make_account("small@example.org", 2000);
  const Account big = make_account("big@example.org");
  constexpr std::size_t kMessages = 200;
  std::vector<AcceptResult> results(kMessages);
  LentContext lent;
  boost::asio::io_context& context = *lent;
  for (std::size_t i = 0; i < kMessages; ++i) {
    auto request = std::make_shared<AcceptRequest>(message());
    request->recipients = {to_mailbox(i % 10 == 3 ? small : big)};
    if (i % 10 == 3) request->body.bytes.assign(500, 'x');
    boost::asio::co_spawn(context, store().acceptance().accept(request),
                          [&results, i](std::exception_ptr, AcceptResult r) { results[i] = r; });
  }
  context.run();
  std::uint64_t fitting = 0;
  for (std::size_t i = 0; i < kMessages; ++i) {
    if (i % 10 != 3) {
      EXPECT_EQ(results[i].status, AcceptStatus::accepted) << i;
    } else {
      fitting += results[i].status == AcceptStatus::accepted ? 1 : 0;
      EXPECT_TRUE(results[i].status == AcceptStatus::accepted || results[i].status == AcceptStatus::over_quota);
    }
  }
  EXPECT_EQ(fitting, 3u) << "three of about 600 octets fit in 2000";
  EXPECT_EQ(inbox_count(small), 3u);
  EXPECT_EQ(inbox_count(big), kMessages - kMessages / 10);
}

TEST_P(StoreContract, ARefusedRecipientOwesItsReport) {
  AcceptRequest request = message();
  NewRecipient refused;
  refused.handling = Handling::failed;
  refused.address = "nobody@example.org";
  refused.reason = "no such user";
  refused.code = 550;
  refused.status = {5, 1, 1};
  refused.owed = Owed::failure;
  NewRecipient alias;
  alias.handling = Handling::expanded;
  alias.address = "all@example.org";
  request.recipients = {alias, refused};
  const Ulid id = accepted(request);
  const auto owed = run(store().queue().owed_reports({}, 10));
  ASSERT_TRUE(owed);
  ASSERT_EQ(owed->reports.size(), 1u);
  EXPECT_EQ(owed->reports.front().recipients.at(0).index, 1u);
  EXPECT_EQ(owed->reports.front().recipients.at(0).reason, "no such user");
  EXPECT_EQ(owed->reports.front().recipients.at(0).last_reply.to_string(), "550 5.1.1 no such user");
  EXPECT_FALSE(owed->reports.front().recipients.at(0).last_reply.own.heard);
  const Trace trace = trail(id);
  EXPECT_EQ(trace.recipients.at(0).state, State::expanded);
  EXPECT_EQ(trace.recipients.at(1).state, State::failed);
  EXPECT_EQ(trace.events.size(), 3u);
}

struct BodyCase {
  const char* name;
  std::size_t size;
  std::size_t step;
};

TEST_P(StoreContract, BodiesOfEverySizeReadBack) {
  const Account anna = make_account("anna@example.org");
  constexpr BodyCase kCases[] = {{"empty", 0, 1},
                                 {"one octet", 1, 1},
                                 {"largest in memory", kInlineBody, 1000},
                                 {"smallest staged", kInlineBody + 1, 7000},
                                 {"one chunk", kBodyChunk, kBodyChunk},
                                 {"a chunk and one", kBodyChunk + 1, 300000},
                                 {"several chunks", 3 * kBodyChunk + 77, 65536}};
  std::uint32_t uid = 0;
  for (const BodyCase& c : kCases) {
    SCOPED_TRACE(c.name);
    const std::string text = pattern(c.size);
    auto body = run(write_body(store(), text, c.step));
    ASSERT_TRUE(body) << body.error().message;
    EXPECT_EQ(body->size, c.size);
    EXPECT_EQ(body->staged != nullptr, c.size > kInlineBody);
    AcceptRequest request = message();
    request.body = *body;
    request.recipients = {to_mailbox(anna)};
    accepted(request);
    const auto content = run(store().mailboxes().read_entry(inbox(anna).id, ++uid));
    ASSERT_TRUE(content);
    EXPECT_TRUE(read_all(store(), content->body, 100000) == text);
    const auto beyond = run(store().content().read_body(content->body, c.size, 10));
    ASSERT_TRUE(beyond);
    EXPECT_EQ(*beyond, "");
  }
  reopen();
  const auto last = run(store().mailboxes().read_entry(inbox(anna).id, uid));
  ASSERT_TRUE(last);
  EXPECT_TRUE(read_all(store(), last->body, kBodyChunk) == pattern(3 * kBodyChunk + 77)) << "after a restart";
}

TEST_P(StoreContract, ABodyMustBeFinishedAndIsAcceptedOnce) {
  const Account anna = make_account("anna@example.org");
  auto staged = run(store().acceptance().stage());
  ASSERT_TRUE(staged);
  ASSERT_TRUE(run((*staged)->append(std::string(1000, 'x'))));
  AcceptRequest request = message();
  request.recipients = {to_mailbox(anna)};
  request.body = {"", *staged, 1000, mail::BodyType::seven_bit};
  EXPECT_EQ(accept(request).status, AcceptStatus::failed) << "not finished";
  ASSERT_TRUE(run((*staged)->finish()));
  EXPECT_FALSE(run((*staged)->append("more"))) << "finished";
  request.body.size = 999;
  EXPECT_EQ(accept(request).status, AcceptStatus::failed) << "another size";
  request.body.size = 1000;
  accepted(request);
  AcceptRequest again = message();
  again.recipients = request.recipients;
  again.body = request.body;
  EXPECT_EQ(accept(again).status, AcceptStatus::failed) << "owned already";
  staged->reset(), request.body.staged.reset(), again.body.staged.reset(); // not ours to drop any more
  const auto content = run(store().mailboxes().read_entry(inbox(anna).id, 1));
  ASSERT_TRUE(content);
  EXPECT_EQ(read_all(store(), content->body, 300), std::string(1000, 'x'));
}

TEST_P(StoreContract, ARefusedMessageLeavesItsBodyToTheCaller) {
  const Account small = make_account("small@example.org", 100);
  auto body = run(write_body(store(), pattern(100000), 100000));
  ASSERT_TRUE(body);
  AcceptRequest request = message();
  request.body = *body;
  request.recipients = {to_mailbox(small)};
  EXPECT_EQ(accept(request).status, AcceptStatus::over_quota);
  request.recipients = {to_remote("x@far.example", "far.example")};
  accepted(request);
}

TEST_P(StoreContract, ABodyKnowsWhereItsContentIs) {
  const auto staged = run(store().acceptance().stage()).value();
  ASSERT_TRUE(run(staged->append("one ")));
  ASSERT_TRUE(run(staged->append("two")));
  ASSERT_TRUE(run(staged->finish()));
  EXPECT_EQ(staged->content().size, 7u);
  EXPECT_EQ(run(store().content().read_body(staged->content(), 0, 100)).value(), "one two");
}

Task<void> begin_and_lose(Store& store, std::string text) {
  BodyWriter writer(store.acceptance());
  const Result<> written = co_await writer.write(text);
  EXPECT_TRUE(written);
}

Task<void> begin_and_discard(Store& store, std::string text) {
  BodyWriter writer(store.acceptance());
  const Result<> written = co_await writer.write(text);
  EXPECT_TRUE(written);
  writer.discard();
}

TEST_P(StoreContract, NoBodyIsLeftWithoutAnOwner) {
  run(begin_and_lose(store(), pattern(2 * kBodyChunk)));
  run(begin_and_discard(store(), pattern(40 * kBodyChunk)));
  const auto finished = run(write_body(store(), pattern(400000), 400000)); // finished, never accepted
  ASSERT_TRUE(finished);
  reopen();
  expect_sound(); // counts bodies of ended epochs that nobody owns
  for (bool more = true; more;) {
    const auto slice = run(store().upkeep().maintain(now()));
    ASSERT_TRUE(slice);
    more = *slice;
  }
  const BodyRef gone = finished->staged->content(); // the handle outlives its store
  EXPECT_FALSE(run(store().content().read_body(gone, 0, 10)));
}

TEST_P(StoreContract, SharedContentLivesAsLongAsOneHolder) {
  const Account anna = make_account("anna@example.org");
  const Account bert = make_account("bert@example.org");
  auto body = run(write_body(store(), pattern(300000), 300000));
  ASSERT_TRUE(body);
  AcceptRequest request = message();
  request.body = *body;
  request.recipients = {to_mailbox(anna), to_mailbox(bert), to_remote("c@far.example", "far.example")};
  accepted(request);
  const auto content = run(store().mailboxes().read_entry(inbox(bert).id, 1));
  ASSERT_TRUE(content);
  ASSERT_TRUE(run(store().mailboxes().expunge(inbox(anna).id, {1}, "anna")));
  EXPECT_EQ(read_all(store(), content->body, kBodyChunk), pattern(300000));
  auto items = claim("far.example");
  ASSERT_EQ(items.size(), 1u);
  EXPECT_TRUE(record({items[0].message.id, 2, State::relayed, 0, true, Owed::none, peer_said(250, "ok")}));
  EXPECT_EQ(read_all(store(), content->body, kBodyChunk), pattern(300000));
  ASSERT_TRUE(run(store().mailboxes().expunge(inbox(bert).id, {1}, "bert")));
  while (run(store().upkeep().maintain(now())).value_or(false)) {
  }
  EXPECT_FALSE(run(store().content().read_body(content->body, 0, 10)));
}

} // namespace
} // namespace paquebot::store
