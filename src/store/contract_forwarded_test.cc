#include "store/test_contract.h"

namespace paquebot::store {

TEST_P(StoreContract, ForwardedMessagesAreFoundByTheirMillisecond) {
  const Ulid first = message().id;
  const auto onward = [&](int count) {
    AcceptRequest request = message();
    request.id = first; // of the same millisecond
    request.id.bytes[15] ^= static_cast<std::uint8_t>(1 + count);
    request.recipients.push_back(to_remote("fwd@example.org", ""));
    request.recipients.front().handling = Handling::expanded;
    for (int i = 0; i < count; ++i) {
      request.recipients.push_back(to_remote("x" + std::to_string(i) + "@far.example", "far.example"));
      request.recipients.back().via = "fwd@example.org";
      request.recipients.back().parent = 0;
    }
    return accepted(request);
  };
  const Ulid two = onward(2), none = onward(0), one = onward(1);
  auto found = run(store().trail().forwarded_at(two.millis(), 10)).value();
  ASSERT_EQ(found.size(), 2u);
  if (found[0].id != two) std::swap(found[0], found[1]);
  EXPECT_EQ(found[0].id, two);
  EXPECT_EQ(found[0].sender.to_string(), "sender@elsewhere.example");
  EXPECT_EQ(found[0].named, "fwd@example.org");
  EXPECT_EQ(found[0].onward, 2u);
  EXPECT_EQ(found[1].id, one);
  EXPECT_EQ(run(store().trail().forwarded_at(two.millis(), 1)).value().size(), 1u);
  EXPECT_TRUE(run(store().trail().forwarded_at(two.millis() - 1, 10)).value().empty());
  EXPECT_TRUE(run(store().trail().note_return(two, one, 2)).value());
  reopen();
  EXPECT_TRUE(run(store().trail().note_return(two, one, 2)).value());
  EXPECT_FALSE(run(store().trail().note_return(two, one, 2)).value()) << "twice is all";
  const auto noted = run(store().trail().forwarded_at(two.millis(), 10)).value();
  for (const Forwarded& each : noted) EXPECT_EQ(each.returned, each.id == two ? 2u : 0u);
  EXPECT_EQ(trail(two).events.back().kind, EventKind::returned);
  EXPECT_FALSE(run(store().trail().note_return(Ulid(), one, 2)).value()) << "nobody knows that message";
  EXPECT_TRUE(run(store().trail().note_return(none, one, 1)).value());
}

} // namespace paquebot::store
