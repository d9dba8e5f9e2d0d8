#include "pop3/listing.h"

#include <gtest/gtest.h>

namespace paquebot::pop3 {
namespace {

TEST(Listing, RowsOfLists) {
  struct Case {
    const char* row;
    bool readable;
  };
  for (const Case& one : {Case{"2 120", true}, Case{"3 0 extra words", true}, Case{"1 5", false}, Case{"0 5", false},
                          Case{"x 5", false}, Case{"4", false}, Case{"4294967296 5", false}, Case{"", false}}) {
    Listing listing;
    ASSERT_TRUE(listing.size_row("1 10"));
    EXPECT_EQ(listing.size_row(one.row), one.readable) << one.row;
  }
}

TEST(Listing, NamesFindTheirMessages) {
  Listing listing;
  for (const char* row : {"1 10", "3 30", "4 40"}) ASSERT_TRUE(listing.size_row(row));
  for (const char* row : {"1 one", "2 of-none", "4 four"}) EXPECT_TRUE(listing.name_row(row));
  EXPECT_FALSE(listing.name_row("5"));
  EXPECT_FALSE(listing.name_row("5 " + std::string(256, 'x')));
  EXPECT_EQ(listing.items()[0].uidl, "one");
  EXPECT_EQ(listing.items()[1].uidl, "");
  EXPECT_EQ(listing.items()[2].uidl, "four");
  listing.clear();
  EXPECT_TRUE(listing.items().empty());
}

TEST(Capabilities, AreBoundedAndReadInAnyCase) {
  Capabilities offers;
  for (const char* line : {"stls", "Pipelining", "UTF8 USER", "SASL PLAIN  SCRAM-SHA-256", "X-ELSE"})
    EXPECT_TRUE(offers.line(line));
  EXPECT_TRUE(offers.stls && offers.pipelining && offers.utf8 && offers.utf8_user);
  EXPECT_EQ(offers.sasl, (std::vector<std::string>{"PLAIN", "SCRAM-SHA-256"}));
  while (offers.lines < 1000) ASSERT_TRUE(offers.line("X"));
  EXPECT_FALSE(offers.line("X"));
}

} // namespace
} // namespace paquebot::pop3
