#include "mail/head.h"

#include <gtest/gtest.h>

namespace paquebot::mail {
namespace {

struct SplitMessage {
  std::string head;
  std::string body;
  bool operator==(const SplitMessage&) const = default;
};

SplitMessage split_in(std::string_view message, std::size_t step) {
  HeadSplitter splitter;
  SplitMessage parts;
  for (; !message.empty(); message.remove_prefix(std::min(step, message.size()))) {
    const auto body = splitter.feed(message.substr(0, step));
    EXPECT_TRUE(body);
    parts.body += *body;
  }
  const auto rest = splitter.finish();
  EXPECT_TRUE(rest);
  parts.body += *rest;
  parts.head = splitter.take_head();
  return parts;
}

TEST(HeadSplitter, EveryWayOfCutting) {
  const struct {
    std::string message, head, body;
  } cases[] = {
      {"A: 1\r\nB: 2\r\n\r\nbody\r\n", "A: 1\r\nB: 2\r\n\r\n", "body\r\n"},
      {"A: 1\r\n folded\r\n\r\n\r\nbody", "A: 1\r\n folded\r\n\r\n", "\r\nbody"},
      {"A: 1\n\nbody\n", "A: 1\n\n", "body\n"},
      {"A: 1\r\n", "A: 1\r\n\r\n", ""},
      {"A: 1", "A: 1\r\n\r\n", ""},
      {"A: 1\r\n\r\n", "A: 1\r\n\r\n", ""},
      {"", "\r\n", ""},
      {"\r\n", "\r\n", ""},
      {"\r\nbody: x\r\n", "\r\n", "body: x\r\n"},
      {"just text\r\nA: 1\r\n", "\r\n", "just text\r\nA: 1\r\n"},
      {"text", "\r\n", "text"},
      {"\r", "\r\n", "\r"},
      {"\rA: 1\r\n\r\n", "\r\n", "\rA: 1\r\n\r\n"},
      {" A: 1\r\n\r\nb", "\r\n", " A: 1\r\n\r\nb"},
      {": 1\r\n\r\nb", "\r\n", ": 1\r\n\r\nb"},
      {"Subject : old\r\n\r\nb", "Subject : old\r\n\r\n", "b"},
      {"A: 1\r\nno field\r\nB: 2\r\n\r\nb", "A: 1\r\nno field\r\nB: 2\r\n\r\n", "b"},
      {"From a@b Mon Nov 23 11:58:12 2026\r\nA: 1\r\n\r\nb",
       "X-Mailbox-Line: From a@b Mon Nov 23 11:58:12 2026\r\nA: 1\r\n\r\n", "b"},
      {">From a@b\r\nA: 1\r\n\r\nb", "X-Mailbox-Line: >From a@b\r\nA: 1\r\n\r\n", "b"},
      {"From : a@b\r\n\r\nb", "From : a@b\r\n\r\n", "b"},
      {"Fromage\r\n\r\nb", "\r\n", "Fromage\r\n\r\nb"},
      {"From \r\nx", "\r\n", "From \r\nx"},
  };
  for (const auto& c : cases) {
    for (std::size_t step = 1; step <= c.message.size() + 1; ++step) {
      EXPECT_EQ(split_in(c.message, step), (SplitMessage{c.head, c.body})) << c.message << " cut at " << step;
    }
  }
}

TEST(HeadSplitter, Bounds) {
  HeadSplitter small(20);
  EXPECT_TRUE(small.feed("A: 1\r\n"));
  EXPECT_FALSE(small.feed("B: 12345678901\r\n"));
  HeadSplitter exact(16);
  EXPECT_TRUE(exact.feed("A: 1\r\nB: 123\r\n\r\n" + std::string(1000, 'x')));

  // A first line without end, octet by octet, is given up as a name soon.
  HeadSplitter splitter;
  std::size_t body = 0;
  for (int i = 0; i < 200'000; ++i) body += splitter.feed("x")->size();
  EXPECT_EQ(body, 200'000U);
}

TEST(Head, ParsesAndWritesBackUnchanged) {
  const std::string text =
      "Received: one\r\n\tmore\r\nSubject : hello\r\nbroken line\r\n more of it\r\nX:\r\nto: a\nReceived: two\r\n";
  const Head head = *Head::parse(text + "\r\nignored: yes\r\n");
  EXPECT_EQ(head.to_string(), text + "\r\n");
  ASSERT_EQ(head.fields().size(), 6U);
  EXPECT_EQ(head.fields()[0].value(), " one\r\n\tmore");
  EXPECT_EQ(head.fields()[1].name(), "Subject");
  EXPECT_EQ(head.fields()[1].value(), " hello");
  EXPECT_EQ(head.fields()[2].name(), "");
  EXPECT_EQ(head.value("received"), "one\tmore");
  EXPECT_EQ(head.value("TO"), "a");
  EXPECT_EQ(head.value("x"), "");
  EXPECT_EQ(head.count("RECEIVED"), 2U);
  EXPECT_NE(head.find("subject"), nullptr);
  EXPECT_EQ(head.find("ignored"), nullptr);
  EXPECT_EQ(head.find(""), nullptr);
}

TEST(Head, Edits) {
  Head head = *Head::parse("A: 1\r\nBcc: x\r\nB: 2\r\nBCC: y\r\n z\r\n\r\n");
  EXPECT_EQ(head.remove_if([](const Field& f) { return f.is("Bcc"); }), 2U);
  head.prepend("Received", "from x\r\n\tby y");
  head.append("Date", "now");
  head.replace(1, "A", "3");
  head.prepend_raw("Return-Path: <>\r\n");
  EXPECT_EQ(head.to_string(), "Return-Path: <>\r\nReceived: from x\r\n\tby y\r\nA: 3\r\nB: 2\r\nDate: now\r\n\r\n");
  head.remove(std::size_t{0});
  const Head moved = std::move(head);
  EXPECT_EQ(moved.to_string(), "Received: from x\r\n\tby y\r\nA: 3\r\nB: 2\r\nDate: now\r\n\r\n");
}

TEST(Head, NoValueMakesAnotherField) {
  Head head;
  head.append("X", std::string("a\r\nBcc: b\nC: c\rD\0e\r\n\r\nbody\r\n", 28));
  EXPECT_EQ(head.to_string(), "X: a  Bcc: b C: c D e    body  \r\n\r\n");
  EXPECT_EQ(Head::parse(head.to_string())->fields().size(), 1U);
}

TEST(Head, MissingLineEndDoesNotSwallowWhatFollows) {
  Head head = *Head::parse("A: 1");
  head.append("B", "2");
  EXPECT_EQ(head.to_string(), "A: 1\r\nB: 2\r\n\r\n");
}

TEST(Head, ManyFields) {
  std::string text;
  for (std::size_t i = 0; i < kMaxFields; ++i) text += "a:\r\n";
  Head head = *Head::parse(text + "\r\n");
  EXPECT_EQ(head.count("A"), kMaxFields);
  for (int i = 0; i < 1000; ++i) head.prepend("B", "1");
  EXPECT_EQ(head.remove("a"), kMaxFields);
  EXPECT_EQ(head.fields().size(), 1000U);
  EXPECT_FALSE(Head::parse(text + "b:\r\n\r\n"));
  std::string folded = "A: 1\r\n";
  for (int i = 0; i < 100'000; ++i) folded += " x\r\n";
  EXPECT_EQ(Head::parse(folded)->fields().size(), 1U);
}

struct ListCase {
  std::string_view text;
  std::string_view wanted; ///< joined with spaces
};

TEST(AddressList, Reads) {
  const ListCase cases[] = {
      {"", ""},
      {" , ,", ""},
      {"a@x", "a@x"},
      {"a@x, b@y", "a@x b@y"},
      {"A User <a@X>", "a@x"},
      {"\"User, A\" <a@x>, b@y", "a@x b@y"},
      {"J. R. Dent <a@x>", "a@x"},
      {"\"a b\"@x", "\"a b\"@x"},
      {"\"a\\\"b\"@x", "\"a\\\"b\"@x"},
      {"a@x (comment)", "a@x"},
      {"(c) a (c(nested \\) c)) @ (c) x (c) . (c) y", "a@x.y"},
      {"a . b @ x . y", "a.b@x.y"},
      {"Group: a@x, B <b@y>;", "a@x b@y"},
      {"undisclosed-recipients:;", ""},
      {"Group: a@x;, c@z", "a@x c@z"},
      {"Group:a@x; b@y", "a@x b@y"},
      {"<a@x>", "a@x"},
      {"<@r1,@r2:a@x>", "a@x"},
      {"=?utf-8?q?J=C3=B6rg?= <a@x>", "a@x"},
      {"Jörg <jörg@bücher.example>", "jörg@xn--bcher-kva.example"},
      {"\xFF\xFE broken name <a@x>", "a@x"},
      {"a@[192.0.2.1]", "a@[192.0.2.1]"},
      {"a@x,\r\n\tb@y", "a@x b@y"},
      {"Not an address here. <a@x>", "a@x"},
      {"\"\" <a@x>", "a@x"},
  };
  for (const auto& c : cases) {
    const auto found = addresses_of(c.text);
    ASSERT_TRUE(found) << c.text << ": " << found.error().message;
    std::string joined;
    for (const auto& address : *found) joined += (joined.empty() ? "" : " ") + address.to_string();
    EXPECT_EQ(joined, c.wanted) << c.text;
  }
}

TEST(AddressList, RefusesMalformed) {
  const std::string cases[] = {
      "a",           "a b",
      "a@",          "@x",
      "<>",          "a@x b@y",
      "<a@x> <b@y>", "a@x <b@y>",
      "<a@x",        "a@x>",
      "\"a@x",       "(a@x",
      "a@x)",        "a@[1.2.3.4",
      "Group: a@x",  "a: b: c@x;;",
      ":;",          ".@x",
      "a.. b c@x",   "a@x..y",
      "a@x;",        "<@r a@x>",
      "<<a@x>>",     "a\x01@x",
      "a@\"x\"",     std::string(1000, '(') + std::string(1000, ')') + "a@x",
  };
  for (const auto& text : cases) EXPECT_FALSE(addresses_of(text)) << text;
}

TEST(AddressList, Options) {
  EXPECT_EQ(addresses_of("root, b@y", {.default_domain = "host.example"})->at(0).to_string(), "root@host.example");
  EXPECT_EQ(addresses_of("Cron <root>", {.default_domain = "host.example"})->at(0).to_string(), "root@host.example");
  EXPECT_FALSE(addresses_of("two words", {.default_domain = "host.example"}));
  EXPECT_TRUE(addresses_of("a@x,b@x", {.most = 2}));
  EXPECT_FALSE(addresses_of("a@x,b@x,c@x", {.most = 2}));
}

TEST(AddressList, LongInput) {
  std::string text;
  for (int i = 0; i < 9'000; ++i) text += "Name (comment) <a@x>, ";
  EXPECT_EQ(addresses_of(text)->size(), 9'000U);
  EXPECT_FALSE(addresses_of(std::string(1'000'000, '"')));
  EXPECT_FALSE(addresses_of(std::string(1'000'000, 'a')));
  EXPECT_TRUE(addresses_of(std::string(1'000'000, ',')));
}

} // namespace
} // namespace paquebot::mail
