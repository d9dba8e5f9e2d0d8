// What rspamd and clamd answer, and what is made of it.

#include "filter/clamd_answer.h"
#include "filter/head_edit.h"
#include "filter/rspamd_answer.h"

#include <gmock/gmock.h>

namespace paquebot::filter {
namespace {

using testing::HasSubstr;

TEST(Place, Forms) {
  EXPECT_EQ(parse_place("unix:/run/x.sock")->to_string(), "unix:/run/x.sock");
  EXPECT_EQ(parse_place("inet:127.0.0.1:8891")->to_string(), "inet:127.0.0.1:8891");
  EXPECT_EQ(parse_place("inet:[2001:db8::1]:1")->to_string(), "inet:[2001:db8::1]:1");
  EXPECT_EQ(parse_place("inet:filter.test:65535")->host, "filter.test");
  for (const char* bad : {"", "unix:", "unix:x", "inet:", "inet::1", "inet:x", "inet:x:0", "inet:x:65536",
                          "inet:2001:db8::1:5", "127.0.0.1:8891", "tcp:x:1"})
    EXPECT_FALSE(parse_place(bad)) << bad;
  EXPECT_FALSE(parse_place("unix:/" + std::string(107, 'x')));
}

TEST(ClamdAnswer, Table) {
  struct Row {
    const char* said;
    std::string found; ///< "-": an error
    Errc why = Errc::invalid;
  };
  const std::vector<Row> rows{
      {"stream: OK", ""},
      {"stream: Eicar-Test-Signature FOUND", "Eicar-Test-Signature"},
      {"stream: a\r\nb FOUND", "a??b"},
      {"stream:  FOUND", "-", Errc::invalid},
      {"stream: FOUND", "-"},
      {"stream: lstat() failed: No such file. ERROR", "-", Errc::temporary},
      {"INSTREAM size limit exceeded. ERROR", "-", Errc::no_space},
      {"OK", "-"},
      {"", "-"},
  };
  for (const Row& row : rows) {
    const auto found = clamd::read_answer(row.said);
    EXPECT_EQ(found ? *found : "-", row.found) << row.said;
    if (!found) {
      EXPECT_EQ(found.error().code, row.why) << row.said;
    }
  }
  EXPECT_EQ(clamd::length_of(0x01020304), "\x01\x02\x03\x04");
}

std::string told(const Result<Outcome>& outcome) {
  if (!outcome) return "error: " + outcome.error().message;
  std::string text = outcome->verdict.reply.code != 0                  ? outcome->verdict.reply.to_string()
                     : outcome->verdict.kind == Verdict::Kind::discard ? "discard"
                                                                       : "";
  if (!outcome->hold.empty()) text += "hold: " + outcome->hold;
  static constexpr const char* kinds[] = {"append", "insert", "replace", "remove"};
  for (std::size_t i = 1; i < outcome->head.size(); ++i) { // the first removes X-Spam
    const HeadChange& c = outcome->head[i];
    text += std::string("[") + kinds[static_cast<int>(c.kind)] + " " + std::to_string(c.index) + " " + c.name + ":" +
            c.value + "]";
  }
  return text + " (" + outcome->note + ")";
}

TEST(RspamdAnswer, Actions) {
  Options options{.name = "r"};
  const auto say = [&](const std::string& json) { return told(rspamd::read_answer(json, options)); };
  EXPECT_EQ(say(R"({"action":"no action","score":1.234})"), " (no action, score 1.23)");
  EXPECT_EQ(say(R"({"action":"greylist","score":4})"), " (greylist, score 4.00)");
  EXPECT_EQ(say(R"({"action":"add header","score":7})"), "[append 0 X-Spam:Yes] (add header, score 7.00)");
  EXPECT_EQ(say(R"({"action":"rewrite subject","score":8,"subject":"*** x"})"),
            "[append 0 X-Spam:Yes][replace 1 Subject:*** x] (rewrite subject, score 8.00)");
  EXPECT_EQ(say(R"({"action":"soft reject","score":0,"messages":{"smtp_message":"come back"}})"),
            "451 4.7.1 come back (soft reject, score 0.00)");
  EXPECT_EQ(say(R"({"action":"reject","score":20})"), "550 5.7.1 this message looks like spam (reject, score 20.00)");
  EXPECT_EQ(say(R"({"action":"reject","score":20,"messages":{"smtp_message":"a\r\n250 b"}})"),
            "550 5.7.1 a??250 b (reject, score 20.00)");
  EXPECT_EQ(say(R"({"action":"discard"})"), "discard (discard, score 0.00)");
  EXPECT_EQ(say(R"({"action":"quarantine"})"), "hold: rspamd wants it so (quarantine, score 0.00)");
  EXPECT_EQ(say(R"({"action":"odd\u0000\n","score":"x"})"), " (odd??, score 0.00)");
  options.bad = Deed::hold;
  EXPECT_EQ(say(R"({"action":"reject"})"), "hold: it looks like spam (reject, score 0.00)");
  options.bad = Deed::tag;
  EXPECT_EQ(say(R"({"action":"reject"})"), "[append 0 X-Spam:Yes] (reject, score 0.00)");
  options.defer_greylisted = true;
  EXPECT_THAT(say(R"({"action":"greylist"})"), HasSubstr("451 4.7.1"));
}

TEST(RspamdAnswer, Changes) {
  const Options options{.name = "r"};
  const auto say = [&](const std::string& milter) {
    return told(rspamd::read_answer(R"({"action":"no action","milter":)" + milter + "}", options));
  };
  EXPECT_THAT(say(R"({"add_headers":{"X-A":"1","X-B":{"value":"2","order":1},"X-C":["3",{"value":"4","order":-1}]}})"),
              HasSubstr("[append 0 X-A:1][insert 1 X-B:2][append 0 X-C:3][append 0 X-C:4]"));
  EXPECT_THAT(say(R"({"remove_headers":{"X-A":0,"X-B":2,"X-C":-1}})"),
              HasSubstr("[remove 0 X-A:][remove 2 X-B:][remove -1 X-C:]"));
  EXPECT_THAT(say(R"({"add_headers":{"X A":"1"}})"), HasSubstr("malformed changes"));
  EXPECT_THAT(say(R"({"add_headers":{"X-A":5}})"), HasSubstr("malformed changes"));
  EXPECT_THAT(say(R"({"remove_headers":{"X-A":1e9}})"), HasSubstr("malformed changes"));
  EXPECT_THAT(say(R"({"add_rcpt":["nobody"]})"), HasSubstr("malformed changes"));
  const auto outcome = rspamd::read_answer(
      R"({"action":"no action","milter":{"add_rcpt":["a@b.test"],"del_rcpt":["<c@d.test>"],"change_from":"e@f.test"}})",
      options);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->added.at(0).to_string(), "a@b.test");
  EXPECT_EQ(outcome->removed.at(0).to_string(), "c@d.test");
  EXPECT_EQ(outcome->sender->to_string(), "e@f.test");
  for (const char* junk : {"", "{}", "[]", "nonsense", R"({"error":"broken"})", R"({"action":1})"})
    EXPECT_FALSE(rspamd::read_answer(junk, options)) << junk;
  EXPECT_FALSE(rspamd::read_answer(std::string(100, '['), options));
}

/// Milters that rewrite the envelope take everybody out and put in again who is to stay.
TEST(Outcome, RecipientsChangeInTheirOrder) {
  Outcome outcome;
  outcome.remove({"a", "x.test"});
  outcome.remove({"b", "x.test"});
  outcome.add({"A", "x.test"});
  outcome.add({"c", "x.test"});
  outcome.remove({"c", "x.test"});
  ASSERT_EQ(outcome.added.size(), 1u);
  EXPECT_EQ(outcome.added[0].to_string(), "A@x.test");
  ASSERT_EQ(outcome.removed.size(), 2u);
  EXPECT_EQ(outcome.removed[0].to_string(), "b@x.test");
  EXPECT_EQ(outcome.removed[1].to_string(), "c@x.test");
}

std::string edited(const std::string& head, const std::vector<HeadChange>& changes) {
  auto parsed = mail::Head::parse(head + "\r\n");
  if (auto done = edit(*parsed, changes); !done) return done.error().message;
  std::string text = parsed->to_string();
  return text.substr(0, text.size() - 2);
}

TEST(HeadEdit, Table) {
  using enum HeadChange::Kind;
  const std::string head = "A: 1\r\nB: 2\r\na: 3\r\nno field\r\nA: 4\r\n";
  EXPECT_EQ(edited(head, {}), head);
  EXPECT_EQ(edited(head, {{append, 0, "C", "5"}}), head + "C: 5\r\n");
  EXPECT_EQ(edited(head, {{insert, 0, "C", "5"}, {insert, 1, "D", "6"}}), "D: 6\r\nC: 5\r\n" + head);
  EXPECT_EQ(edited("A: 1\r\nB: 2\r\n", {{insert, 2, "C", "5"}}), "A: 1\r\nC: 5\r\nB: 2\r\n");
  EXPECT_EQ(edited("A: 1\r\nB: 2\r\n", {{insert, 9, "C", "5"}}), "A: 1\r\nB: 2\r\nC: 5\r\n");
  EXPECT_EQ(edited(head, {{replace, 2, "a", "x"}}), "A: 1\r\nB: 2\r\na: x\r\nno field\r\nA: 4\r\n");
  EXPECT_EQ(edited(head, {{replace, 4, "A", "x"}}), head + "A: x\r\n");
  EXPECT_EQ(edited(head, {{remove, 1, "A", ""}, {remove, 2, "A", ""}, {remove, 3, "A", ""}}), "B: 2\r\nno field\r\n");
  EXPECT_EQ(edited(head, {{remove, 3, "A", ""}, {remove, 1, "A", ""}}), "B: 2\r\na: 3\r\nno field\r\n");
  EXPECT_EQ(edited(head, {{remove, 0, "a", ""}}), "B: 2\r\nno field\r\n");
  EXPECT_EQ(edited(head, {{remove, -1, "A", ""}, {remove, -9, "A", ""}, {remove, 9, "Z", ""}}),
            "A: 1\r\nB: 2\r\na: 3\r\nno field\r\n");
  EXPECT_EQ(edited("A: 1\r\n", {{append, 0, "C", "x\r\n\ty"}, {append, 0, "D", "x\r\nE: y"}}),
            "A: 1\r\nC: x\r\n\ty\r\nD: x  E: y\r\n");
  EXPECT_THAT(edited(head, {{append, 0, "C", std::string(mail::kMaxHead, 'x')}}), HasSubstr("larger than 960 KiB"));
}

} // namespace
} // namespace paquebot::filter
