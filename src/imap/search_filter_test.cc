#include "imap/fake_answer.h"
#include "imap/search_filter.h"
#include "imap/texts.h"

#include <gtest/gtest.h>
#include <random>

namespace paquebot::imap {
namespace {

std::string bits_of(const std::string& text) {
  TrigramSet set;
  set.add(text);
  return set.bits();
}

TEST(TrigramSet, WhatIsInATextIsNeverRuledOut) {
  std::mt19937 random(7); // NOLINT: the same each time
  for (int round = 0; round < 200; ++round) {
    std::string text;
    for (std::size_t i = random() % 3000; i > 0; --i)
      text += round % 2 == 0 ? static_cast<char>('a' + random() % 6) : static_cast<char>(random());
    TrigramSet set;
    for (std::size_t at = 0; at < text.size(); at += 7) set.add(std::string_view(text).substr(at, 7));
    const std::string bits = set.bits();
    EXPECT_EQ(bits, bits_of(text)) << "however it is cut";
    for (int i = 0; i < 20 && !text.empty(); ++i) {
      const std::size_t from = random() % text.size();
      EXPECT_TRUE(TrigramSet::may_hold(bits, TrigramSet::hashes(text.substr(from, random() % 200))));
    }
  }
}

TEST(TrigramSet, WhatIsNotInItNearlyAlwaysIs) {
  std::mt19937 random(8); // NOLINT: the same each time
  const auto word = [&random] {
    std::string out;
    for (int i = 0; i < 8; ++i) out += static_cast<char>('a' + random() % 26);
    return out;
  };
  std::string text;
  for (int i = 0; i < 500; ++i) text += word() + ' ';
  const std::string bits = bits_of(text);
  int wrong = 0;
  for (int i = 0; i < 10'000; ++i)
    if (const std::string other = word(); text.find(other) == std::string::npos)
      wrong += TrigramSet::may_hold(bits, TrigramSet::hashes(other)) ? 1 : 0;
  EXPECT_LT(wrong, 100);
}

TEST(TrigramSet, ItsSizeFollowsTheText) {
  EXPECT_EQ(bits_of("").size(), 32u);
  EXPECT_EQ(bits_of("ab"), std::string(32, '\0'));
  EXPECT_EQ(bits_of(std::string(100'000, 'x')).size(), 32u);
  std::string all;
  for (int i = 0; i < 256; ++i)
    for (int k = 0; k < 256; ++k) all += {static_cast<char>(i), static_cast<char>(k)};
  for (int i = 0; i < 4; ++i) all += all;
  std::mt19937 random(9); // NOLINT: the same each time
  std::shuffle(all.begin(), all.end(), random);
  EXPECT_EQ(bits_of(all).size(), 32'768u);
}

TEST(TrigramSet, TextsAreApart) {
  TrigramSet set;
  set.add("abc");
  set.end_text();
  set.add("def");
  EXPECT_TRUE(TrigramSet::may_hold(set.bits(), TrigramSet::hashes("abc")));
  EXPECT_FALSE(TrigramSet::may_hold(set.bits(), TrigramSet::hashes("bcd")));
  EXPECT_TRUE(TrigramSet::hashes("ab").empty());
  EXPECT_LE(TrigramSet::hashes(std::string(500, 'a') + "bcdefg").size(), 64u);
  EXPECT_TRUE(TrigramSet::may_hold("no such size", TrigramSet::hashes("abc")));
}

FilterPlan plan(const std::string& words) {
  Lexer lexer(words);
  SearchProgram program;
  const auto all = [](std::string_view, bool) { return std::optional<UidSet>(UidSet{{1, 1000}}); };
  EXPECT_EQ(parse_search(lexer, all, 0, program), SearchProblem::none) << words;
  return plan_of(program);
}

TEST(FilterPlan, SaysWhatItCan) {
  using Key = FilterPlan::Key;
  const std::pair<const char*, Key> table[] = {
      {" ALL", Key::any},
      {" SEEN 1:4", Key::any},
      {" TEXT hello", Key::text},
      {" BODY hello SEEN", Key::body},
      {" BODY he", Key::any},
      {" NOT TEXT hello", Key::any},
      {" SUBJECT hello", Key::all_of},
      {" SUBJECT he", Key::head},
      {" HEADER X-Any \"\"", Key::head},
      {" HEADER \"\" \"\"", Key::any},
      {" OR TEXT hello SUBJECT hello", Key::one_of},
      {" OR TEXT hello SEEN", Key::any},
      {" OR TEXT hello BODY he", Key::any},
      {" (OR TEXT hello SEEN) FROM anna", Key::all_of},
  };
  for (const auto& [words, key] : table) EXPECT_EQ(plan(words).key, key) << words;
}

TEST(FilterPlan, RulesOut) {
  const std::string head = bits_of("subject: the letter"), body = bits_of("what it says");
  const auto may = [&](const char* words) { return plan(words).may_match(head, body, true); };
  EXPECT_TRUE(may(" TEXT letter"));
  EXPECT_TRUE(may(" TEXT says"));
  EXPECT_FALSE(may(" TEXT other"));
  EXPECT_FALSE(may(" BODY letter"));
  EXPECT_TRUE(may(" SUBJECT LETTER"));
  EXPECT_FALSE(may(" FROM letter"));
  EXPECT_TRUE(may(" OR FROM letter BODY says"));
  EXPECT_FALSE(may(" TEXT letter BODY other"));
  EXPECT_TRUE(plan(" BODY letter").may_match(head, body, false)) << "the rest of its body is not known";
  EXPECT_FALSE(plan(" FROM letter").may_match(head, body, false));
}

/// One who is logged in to a FakeStore's INBOX, with an index.
class SearchTalk {
public:
  std::map<std::uint32_t, Fingerprint> prints; ///< what the index knows, by uid
  std::size_t asked = 0;                       ///< how often
  std::size_t read = 0;                        ///< messages of which the content was asked for

  explicit SearchTalk(FakeStore& store) : store_(store), session_(options(), true) {
    perform();
    ask("a LOGIN anna x\r\nb SELECT INBOX\r\n");
  }
  std::string ask(const std::string& line) {
    sent_.clear();
    session_.feed(line);
    perform();
    return sent_;
  }

private:
  static std::shared_ptr<const ServerOptions> options() {
    auto made = std::make_shared<ServerOptions>();
    made->hostname = "mx.test";
    return made;
  }
  void perform() {
    for (;;) {
      const Action action = session_.next();
      if (const auto* send = std::get_if<Send>(&action))
        sent_ += send->bytes;
      else if (const auto* login = std::get_if<AskLogin>(&action))
        session_.answer_login(login->id, LoginVerdict::accepted);
      else if (const auto* question = std::get_if<Ask>(&action))
        session_.answer(question->id, answer(*question->question));
      else
        return;
    }
  }

  Answer answer(const Question& question) {
    if (const auto* contents = std::get_if<AskContents>(&question)) read += contents->uids.size();
    const auto* filter = std::get_if<AskRuledOut>(&question);
    if (filter == nullptr) return answer_of(store_, question);
    ++asked;
    RuledOut out;
    for (const auto& [uid, print] : prints)
      if (!filter->plan->may_match(print.head, print.body, print.whole)) append(out.uids, uid);
    return out;
  }

  FakeStore& store_;
  ServerSession session_;
  std::string sent_;
};

const std::vector<std::string>& some_words() {
  static const std::vector<std::string> words{"Invoice",
                                              "\xC3\x84rger",
                                              "stra\xC3\x9F"
                                              "e",
                                              "\xE5\x8F\xB0\xE5\x8C\x97",
                                              "meeting",
                                              "at",
                                              "noon",
                                              "<b>bold</b>",
                                              "x=y",
                                              "42",
                                              "=3D",
                                              "re:",
                                              "The quick"};
  return words;
}

std::string base64(const std::string& text) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k)
      bits = bits << 8 | (i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k) out += i + k > text.size() ? '=' : kDigits[bits >> (18 - 6 * k) & 63];
    if (i % 57 == 54) out += "\r\n";
  }
  return out + "\r\n";
}

/// Letters of all kinds: folded fields, encoded words, parts in base64 and quoted-printable, ISO 8859-1, HTML, letters
/// in letters.
std::string random_letter(std::mt19937& random) {
  const auto words = [&random](std::size_t count) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i) out += some_words()[random() % some_words().size()] + " ";
    return out;
  };
  std::string text = words(random() % 40 + 1);
  for (std::size_t i = 60; i < text.size(); i += 60) text.insert(i, "\r\n");
  std::string body;
  switch (random() % 6) {
    case 0: body = "\r\n" + text + "\r\n"; break;
    case 1: body = "Content-Transfer-Encoding: base64\r\n\r\n" + base64(text); break;
    case 2:
      body =
          "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>caf=C3=\r\n"
          "=A9 In=\r\nvoice=20</p>\r\n";
      break;
    case 3:
      body = "Content-Type: text/plain; charset=iso-8859-1\r\n\r\n\xC4rger und Stra\xDF"
             "e\r\n";
      break;
    case 4:
      body = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: "
             "inner meeting\r\n\r\n" +
             text +
             "\r\n--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: "
             "base64\r\n\r\n" +
             base64("Invoice in a picture") + "--b--\r\n";
      break;
    default: body = "\r\n" + std::string(random() % 3000, 'x') + text + "\r\n";
  }
  return "From: \"" + words(1) +
         "\" <anna@example.org>\r\nTo: bob@example.net,\r\n carl@example.com\r\nSubject: " + words(random() % 3) +
         "=?utf-8?Q?=C3=84rger_?=\r\n =?utf-8?B?" +
         base64("\xC3\xBC"
                "ber")
             .substr(0, 8) +
         "?=\r\nX-Number: " + std::to_string(random() % 50) + "\r\nMIME-Version: 1.0\r\n" + body;
}

/// What an index would know of a letter.
Fingerprint print_of(const FakeStore::Message& message) {
  Fingerprint print;
  const std::size_t end = message.text.find("\r\n\r\n") + 4;
  TrigramSet head, body;
  each_field(message.text.substr(0, end), [&head](const std::string& text) {
    head.add(text);
    head.end_text();
  });
  MessageReader reader([](AskBody, std::function<void(Piece&)>) { ADD_FAILURE() << "all of it is there"; });
  Content content;
  content.head = message.text.substr(0, end);
  content.body_size = message.text.size() - end;
  content.text = message.text.substr(end);
  reader.begin(std::move(content));
  BodyTexts texts;
  const BodyTexts::Sink sink{[&body](const std::string& text) { body.add(text); }, [&body] { body.end_text(); }};
  EXPECT_TRUE(texts.walk(reader, [] {}, sink));
  print.head = head.bits();
  print.body = body.bits();
  return print;
}

TEST(SearchFilter, TheSameIsFoundWithIt) {
  std::mt19937 random(10); // NOLINT: the same each time
  FakeStore store;
  std::map<std::uint32_t, Fingerprint> prints;
  for (int i = 0; i < 60; ++i) store.deliver("INBOX", random_letter(random), i % 3 == 0 ? std::uint64_t{kSeen} : 0);
  SearchTalk talk(store);
  std::size_t found = 0, read_less = 0;
  for (const FakeStore::Message& one : store.boxes["INBOX"].messages)
    if (one.uid % 7 != 0) prints[one.uid] = print_of(one); // some are not known yet
  for (int round = 0; round < 150; ++round) {
    std::string needle = some_words()[random() % some_words().size()];
    if (random() % 3 == 0) needle += " " + some_words()[random() % some_words().size()];
    if (random() % 2 == 0) needle = needle.substr(random() % 2, 2 + random() % 12);
    needle = "{" + std::to_string(needle.size()) + "+}\r\n" + needle;
    static constexpr std::string_view kKeys[] = {
        "TEXT", "BODY", "SUBJECT", "FROM", "TO", "HEADER X-Number", "NOT TEXT", "SEEN TEXT", "OR SUBJECT x BODY"};
    const std::string line = "c UID SEARCH " + std::string(kKeys[random() % std::size(kKeys)]) + " " + needle + "\r\n";
    talk.prints.clear();
    talk.read = 0;
    const std::string without = talk.ask(line);
    talk.prints = prints;
    const std::size_t read = std::exchange(talk.read, 0);
    EXPECT_EQ(talk.ask(line), without) << line;
    read_less += talk.read < read ? 1 : 0;
    found += without.starts_with("* SEARCH ") ? 1 : 0;
  }
  EXPECT_GT(found, 40u);
  EXPECT_GT(read_less, 20u);
  EXPECT_GT(talk.asked, 100u);
}

} // namespace
} // namespace paquebot::imap
