#include "base/fake_clock.h"
#include "policy/listed_book.h"

#include <gtest/gtest.h>

namespace paquebot::policy {
namespace {

TEST(ListedName, OneSpelling) {
  const struct {
    const char* text;
    const char* name; ///< null: refused
  } cases[] = {
      {"198.51.100.7", "198.51.100.7"},
      {"198.51.100.7/32", "198.51.100.7"},
      {"198.51.100.0/24", "198.51.100.0/24"},
      {"2001:DB8:0::/48", "2001:db8::/48"},
      {"2001:db8::0001", "2001:db8::1"},
      {"::ffff:198.51.100.7", "198.51.100.7"},
      {"Spam.Example", "spam.example"},
      {".Spam.Example", ".spam.example"},
      {"Ann@Spam.Example", "ann@spam.example"},
      {"198.51.100.7/24", nullptr},
      {"0.0.0.0/0", nullptr},
      {"::/0", nullptr},
      {"10.0.0.0/33", nullptr},
      {"/8", nullptr},
      {"", nullptr},
      {".", nullptr},
      {"@spam.example", nullptr},
      {"two words", nullptr},
      {"x\r\ny.example", nullptr},
  };
  for (const auto& one : cases) {
    const auto name = listed_name(one.text);
    EXPECT_EQ(name.has_value(), one.name != nullptr) << one.text;
    if (name) {
      EXPECT_EQ(*name, one.name != nullptr ? one.name : "");
    }
  }
}

TEST(ListedName, IsKeptInASetting) {
  const Listed entry{"spam.example", false, "it floods us, since Monday", 1'800'000'000'000, 1'800'000'600'000};
  EXPECT_EQ(unpacked("guard.listed spam.example", packed(entry)), entry);
  for (const auto& [key, value] : {std::pair{"queue.held", "block 1 0 "},
                                   {"guard.listed spam.example", "block 1 0"},
                                   {"guard.listed spam.example", "perhaps 1 0 "},
                                   {"guard.listed spam.example", "block x 0 "},
                                   {"guard.listed Spam", "block 1 0 "}})
    EXPECT_FALSE(unpacked(key, value)) << key << " " << value;
}

class ListedBookTest : public ::testing::Test {
protected:
  void put(const std::string& text, bool allow = false, std::int64_t expires = 0) {
    book.put({listed_name(text).value(), allow, "", 0, expires});
  }
  std::string client(std::string_view address) {
    const auto found = book.find_client(address);
    return found ? found->what : "";
  }
  std::string sender(const char* text) {
    const auto found = book.find_sender(mail::parse_address(text).value());
    return found ? found->what : "";
  }
  FakeClock clock;
  ListedBook book{clock};
};

TEST_F(ListedBookTest, TheClosestNetworkCounts) {
  put("198.51.0.0/16");
  put("198.51.100.0/24", true);
  put("198.51.100.7");
  put("2001:db8::/32");
  put("::/8");
  EXPECT_EQ(client("198.51.100.7"), "198.51.100.7");
  EXPECT_EQ(client("::ffff:198.51.100.7"), "198.51.100.7");
  EXPECT_EQ(client("198.51.100.8"), "198.51.100.0/24");
  EXPECT_EQ(client("198.51.101.8"), "198.51.0.0/16");
  EXPECT_EQ(client("198.52.101.8"), "") << "an IPv6 network holds no IPv4";
  EXPECT_EQ(client("2001:db8:1::1"), "2001:db8::/32");
  EXPECT_EQ(client("unix"), "");
  book.remove("198.51.100.7");
  EXPECT_EQ(client("198.51.100.7"), "198.51.100.0/24");
}

TEST_F(ListedBookTest, TheClosestNameCounts) {
  put(".example");
  put("spam.example");
  put("friend@spam.example", true);
  EXPECT_EQ(sender("Friend@SPAM.example"), "friend@spam.example");
  EXPECT_EQ(sender("x@spam.example"), "spam.example");
  EXPECT_EQ(sender("x@a.spam.example"), ".example");
  EXPECT_EQ(sender("x@notexample"), "");
  EXPECT_EQ(book.find_sender(mail::Address()), nullptr);
}

TEST_F(ListedBookTest, RunsOut) {
  put("spam.example", false, millis(clock.wall()) + 1000);
  put("192.0.2.1", false, millis(clock.wall()) + 1000);
  EXPECT_EQ(sender("x@spam.example"), "spam.example");
  clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(sender("x@spam.example"), "");
  EXPECT_EQ(client("192.0.2.1"), "");
}

TEST_F(ListedBookTest, PutAgainReplaces) {
  for (int i = 0; i < 3; ++i) put("192.0.2.1", i % 2 != 0);
  book.remove("192.0.2.1");
  EXPECT_EQ(client("192.0.2.1"), "");
}

TEST(ListedBookReplies, SayWhyAndUntilWhen) {
  const Listed entry{"spam.example", false, "flöd", 0, 1'795'446'000'000};
  EXPECT_EQ(blocked_client("192.0.2.1", entry).to_string(),
            "554 5.7.1 we take no mail from 192.0.2.1 until 2026-11-23 15:00 UTC: fl??d");
  EXPECT_EQ(blocked_sender("x@spam.example", {"spam.example", false, "", 0, 0}).to_string(),
            "550 5.7.1 we take no mail from <x@spam.example>");
}

} // namespace
} // namespace paquebot::policy
