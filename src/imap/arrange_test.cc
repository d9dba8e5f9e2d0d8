#include "imap/arrange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::imap {
namespace {

TEST(Arrange, BaseSubjects) {
  struct {
    const char* subject;
    const char* text;
    bool answer;
  } cases[] = {
      {"Hello", "hello", false},
      {"Re: Hello", "hello", true},
      {"RE:  re: Fwd: hello (fwd)", "hello", true},
      {"re : hello", "hello", true},
      {"Re[2]: hello", "hello", true},
      {"[list] Re: [list] hello", "hello", true},
      {"[list]", "[list]", false},
      {"[a] [b]", "[b]", false},
      {"[Fwd: Re: hello]", "hello", true},
      {"fw:", "", true},
      {"Reply: hello", "reply: hello", false},
      {"=?utf-8?q?Re=3A_=C3=9Cber?=",
       "\xC3\xBC"
       "ber",
       true},
      {"a\t b  c", "a b c", false},
      {"[unclosed re: x", "[unclosed re: x", false},
      {"", "", false},
      {"(fwd)(fwd) (fwd)", "", true},
  };
  for (const auto& [subject, text, answer] : cases) {
    const BaseSubject found = base_subject(subject);
    EXPECT_EQ(found.text, text) << subject;
    EXPECT_EQ(found.answer, answer) << subject;
  }
}

TEST(Arrange, HostileSubjectsEnd) {
  EXPECT_EQ(base_subject(std::string(100'000, '[')).text.size(), 100'000u);
  std::string nested;
  for (int i = 0; i < 2'000; ++i) nested += "[fwd: ";
  EXPECT_FALSE(base_subject(nested + "x" + std::string(1'000, ']')).text.empty());
  std::string blobs;
  for (int i = 0; i < 10'000; ++i) blobs += "[x] ";
  EXPECT_EQ(base_subject(blobs + "re: y").text, "y");
  EXPECT_EQ(base_subject(blobs + "y").text, "y");
}

TEST(Arrange, MessageIds) {
  using testing::ElementsAre;
  EXPECT_THAT(message_ids("<a@x> <b@x>\r\n <c@x>", 20), ElementsAre("a@x", "b@x", "c@x"));
  EXPECT_THAT(message_ids("<a@x> <a@x> <<b@x>", 20), ElementsAre("a@x", "b@x"));
  EXPECT_THAT(message_ids("no ids <", 20), ElementsAre());
  EXPECT_THAT(message_ids("<a><b><c>", 2), ElementsAre("b", "c"));
}

Row row_at(std::int64_t day) {
  Row row;
  row.internal_date = day * 86'400'000;
  return row;
}

std::string head(const char* id, const char* references, const char* subject) {
  std::string out = std::string("Subject: ") + subject + "\r\n";
  if (*id != 0) out += std::string("Message-ID: <") + id + ">\r\n";
  if (*references != 0) out += std::string("References: ") + references + "\r\n";
  return out + "\r\n";
}

struct Added {
  const char* id;
  const char* references;
  const char* subject;
};
std::string thread_of(Threader::By by, const std::vector<Added>& messages) {
  Threader threader(by);
  std::uint32_t number = 0;
  for (const Added& one : messages) {
    ++number;
    threader.add(number, row_at(number), head(one.id, one.references, one.subject));
  }
  return threader.threads();
}

TEST(Arrange, ThreadsByReferences) {
  const auto by = Threader::By::references;
  EXPECT_EQ(thread_of(by, {}), "");
  EXPECT_EQ(thread_of(by, {{"a", "", "x"}, {"b", "", "y"}}), "(1)(2)");
  EXPECT_EQ(thread_of(by, {{"a", "", "x"}, {"b", "<a>", "x"}, {"c", "<a> <b>", "x"}}), "(1 2 3)");
  EXPECT_EQ(thread_of(by, {{"a", "", "x"}, {"b", "<a>", "x"}, {"c", "<a>", "x"}, {"d", "<a> <c>", "x"}}),
            "(1 (2)(3 4))");
  EXPECT_EQ(thread_of(by, {{"b", "<a>", "x"}, {"c", "<a>", "y"}}), "((1)(2))") << "of a message that nobody has";
  EXPECT_EQ(thread_of(by, {{"b", "<a>", "x"}}), "(1)");
  EXPECT_EQ(thread_of(by, {{"c", "<a> <b>", "x"}, {"a", "", "x"}}), "(2 1)") << "across one that nobody has";
  EXPECT_EQ(thread_of(by, {{"a", "<b>", "x"}, {"b", "<a>", "y"}}), "(2 1)") << "a loop";
  EXPECT_EQ(thread_of(by, {{"a", "<a>", "x"}}), "(1)");
  EXPECT_EQ(thread_of(by, {{"a", "", "x"}, {"a", "", "y"}}), "(1)(2)") << "an id twice";
  EXPECT_EQ(thread_of(by, {{"", "", "x"}, {"", "", "y"}}), "(1)(2)");
  EXPECT_EQ(thread_of(by, {{"a", "", "hello"}, {"b", "", "Re: hello"}}), "(1 2)") << "an answer by its subject";
  EXPECT_EQ(thread_of(by, {{"a", "", "hello"}, {"b", "", "hello"}}), "((1)(2))");
  EXPECT_EQ(thread_of(by, {{"a", "", "hello"}, {"b", "", "hello"}, {"c", "", "hello"}}), "((1)(2)(3))");
  EXPECT_EQ(thread_of(by, {{"b", "", "Re: hello"}, {"a", "", "hello"}}), "(2 1)");
}

TEST(Arrange, ThreadsBySubject) {
  const auto by = Threader::By::subject;
  EXPECT_EQ(thread_of(by, {{"", "", "b"}, {"", "", "a"}, {"", "", "Re: b"}, {"", "", "b (fwd)"}}), "(1 (3)(4))(2)");
  EXPECT_EQ(thread_of(by, {{"", "", "b"}, {"", "", "re: b"}}), "(1 2)");
}

TEST(Arrange, LongChainsAndManyReferencesAreBounded) {
  Threader threader(Threader::By::references);
  for (std::uint32_t i = 1; i <= 20'000; ++i)
    threader.add(i, row_at(i),
                 head(("m" + std::to_string(i)).c_str(), ("<m" + std::to_string(i - 1) + ">").c_str(), "x"));
  const std::string out = threader.threads();
  EXPECT_NE(out.find("20000"), std::string::npos);
  Threader loops(Threader::By::references);
  for (std::uint32_t i = 1; i <= 2'000; ++i) {
    std::string all;
    for (std::uint32_t j = 0; j < 100; ++j) all += "<m" + std::to_string((i * 7919 + j * 31) % 2'000) + "> ";
    loops.add(i, row_at(i), head(("m" + std::to_string(i)).c_str(), all.c_str(), ""));
  }
  const std::string looped = loops.threads();
  for (std::uint32_t i = 1; i <= 2'000; ++i)
    ASSERT_THAT(looped, testing::ContainsRegex("[( ]" + std::to_string(i) + "[) ]")) << "nobody is lost";
}

TEST(Arrange, SortKeys) {
  const auto criteria = [](std::string_view text) {
    Lexer lexer(text);
    return parse_sort_criteria(lexer);
  };
  for (const char* bad : {"", "()", "(DATE", "(REVERSE)", "(X)", "(DATE  )", "DATE"})
    EXPECT_FALSE(criteria(bad)) << bad;
  const auto by = criteria("(SUBJECT REVERSE ARRIVAL)");
  ASSERT_TRUE(by);
  EXPECT_TRUE(needs_head(*by));
  EXPECT_FALSE(needs_head(*criteria("(REVERSE SIZE ARRIVAL)")));
  const auto key = [&](std::int64_t day, const char* subject) {
    return sort_key(*by, row_at(day), head("", "", subject));
  };
  EXPECT_LT(key(1, "a"), key(1, "ab"));
  EXPECT_LT(key(2, "a"), key(1, "a"));
  EXPECT_LT(key(1, "Re: a"), key(1, "B"));
  EXPECT_LT(key(-5, "b"), key(-6, "b"));
  const auto reverse = criteria("(REVERSE SUBJECT)");
  EXPECT_LT(sort_key(*reverse, row_at(1), head("", "", "ab")), sort_key(*reverse, row_at(1), head("", "", "a")));
  EXPECT_LE(key(1, std::string(100'000, 'x').c_str()).size(), 256u + 8u);
}

} // namespace
} // namespace paquebot::imap
