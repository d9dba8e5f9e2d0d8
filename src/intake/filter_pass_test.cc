#include "dns/fake_zone.h"
#include "intake/filter_pass.h"
#include "intake/test_passage.h"
#include "net/test_support.h"

namespace paquebot::intake {
namespace {

class FilterPassTest : public test::PassageTest {
protected:
  /// With one filter, a scanner that nobody runs.
  Passage& pass(const filter::Options& scanner) {
    chain_ = std::make_shared<const filter::Chain>(filter::Chain{scanner});
    session_ = std::make_unique<filter::Session>(chain_, filter::LinkMeans{loop_.executor(), &loop_.wheel(), &zone_});
    Origin origin = from_stranger();
    origin.filters = session_.get();
    origin.recipients.push_back(recipient("ann@example.org", store::Handling::mailbox, ann_.id));
    Passage& message = begin(std::move(origin));
    content_ = std::make_unique<Content>(message);
    const auto all = [](Content& content, Passage& passage) -> Task<bool> {
      const std::string_view text = "Return-Path: <forged@far.test>\r\n\r\nSome text\r\n";
      co_await content.write(text);
      co_await content.end();
      FilterPass filters(passage, content);
      co_await filters.run();
      co_return true;
    };
    loop_.run(all(*content_, message));
    return message;
  }
  static filter::Options scanner(filter::Away away, std::uint64_t max_size) {
    filter::Options options{.name = "scanner", .kind = filter::Kind::clamd, .when_away = away, .max_size = max_size};
    options.place.path = "/nonexistent/socket";
    return options;
  }

  net::test::Loop loop_;
  dns::FakeZone zone_;
  std::shared_ptr<const filter::Chain> chain_;
  std::unique_ptr<filter::Session> session_;
  std::unique_ptr<Content> content_;
};

TEST_F(FilterPassTest, WhatPassesWasShownTidyAndWhole) {
  Passage& message = pass(scanner(filter::Away::defer, 10)); // it is larger: they let it pass
  EXPECT_TRUE(message.fine()) << message.failure.to_string();
  EXPECT_TRUE(message.tidied);
  EXPECT_EQ(message.head.count("Return-Path"), 0u);
  ASSERT_TRUE(message.body);
  EXPECT_EQ(message.body->bytes, "Some text\r\n");
  EXPECT_EQ(message.filter_places, (std::vector<std::size_t>{0, 1}));
  EXPECT_NE(message.filter_note.find("too large"), std::string::npos) << message.filter_note;
  EXPECT_TRUE(message.discarded.empty());
}

TEST_F(FilterPassTest, WhatTheyCannotSeeNowComesAgain) {
  EXPECT_EQ(pass(scanner(filter::Away::defer, 0)).failure.code, 451);
  EXPECT_TRUE(pass(scanner(filter::Away::accept, 0)).fine());
}

TEST_F(FilterPassTest, NothingIsDoneWithoutFilters) {
  Passage& message = begin(from_stranger());
  Content content(message);
  FilterPass filters(message, content);
  test::run_step(filters.run());
  EXPECT_FALSE(message.body);
  EXPECT_FALSE(message.tidied);
}

} // namespace
} // namespace paquebot::intake
