#include "cli/message_source.h"
#include "cli/output.h"
#include "cli/suggest.h"

#include <gtest/gtest.h>
#include <sstream>

namespace paquebot::cli {
namespace {

TEST(Output, Table) {
  Table table({"NAME", "SIZE"});
  table.align_right(1);
  table.add({"käse", "1"});
  table.add({"a longer name", "1000"});
  table.add({"evil\x1b[31m\r\n", ""});
  table.add({"\xC2\x9B"
             "1m\u202E",
             ""});
  std::ostringstream out;
  table.print(out);
  EXPECT_EQ(out.str(), "NAME                    SIZE\n"
                       "käse                       1\n"
                       "a longer name           1000\n"
                       "evil\\x1b[31m\\x0d\\x0a\n"
                       "\\xc2\\x9b1m\\xe2\\x80\\xae\n");
}

TEST(Output, Sizes) {
  EXPECT_EQ(size_text(0), "0 B");
  EXPECT_EQ(size_text(1023), "1023 B");
  EXPECT_EQ(size_text(3'355'443), "3.2 MiB");
  const struct {
    const char* text;
    std::int64_t octets; ///< -1: refused
  } cases[] = {{"0", 0},           {"unlimited", 0},  {"100", 100},
               {"1k", 1024},       {"10M", 10 << 20}, {"1.5 GiB", 1'610'612'736},
               {"2GB", 2LL << 30}, {"1T", 1LL << 40}, {"", -1},
               {"x", -1},          {"-5", -1},        {"1.2.3", -1},
               {"5 parsecs", -1},  {".", -1},         {"1e9", -1},
               {"99999999T", -1}};
  for (const auto& c : cases) {
    const auto size = parse_size(c.text);
    EXPECT_EQ(size ? static_cast<std::int64_t>(*size) : -1, c.octets) << c.text;
  }
}

TEST(Output, Times) {
  constexpr std::int64_t kNow = 1'800'000'000'000;
  EXPECT_EQ(relative_text(0, kNow), "-");
  EXPECT_EQ(relative_text(kNow + 500, kNow), "now");
  EXPECT_EQ(relative_text(kNow + 4 * 60'000, kNow), "in 4 min");
  EXPECT_EQ(relative_text(kNow - 3 * 3'600'000LL, kNow), "3 h ago");
  EXPECT_EQ(relative_text(kNow - 5 * 86'400'000LL, kNow), "5 days ago");
  EXPECT_EQ(count_text(1, "recipient"), "1 recipient");
  EXPECT_EQ(count_text(0, "recipient"), "0 recipients");
}

TEST(Suggest, Nearest) {
  const std::vector<std::string> words{"account", "alias", "queue", "send", "serve"};
  EXPECT_EQ(nearest("acount", words), "account");
  EXPECT_EQ(nearest("ALIAS", words), "alias");
  EXPECT_EQ(nearest("quueue", words), "queue");
  EXPECT_EQ(nearest("sned", words), "send");
  EXPECT_EQ(nearest("zzz", words), "");
  EXPECT_EQ(nearest(std::string(1000, 'a'), words), "");
}

TEST(Suggest, WordsOfOtherPrograms) {
  const struct {
    std::vector<std::string> words;
    const char* says;
  } cases[] = {
      {{"account", "delete"}, "there is no command \"account delete\"; did you mean: paquebot account remove"},
      {{"queue", "flush"}, "did you mean: paquebot queue retry"},
      {{"queue", "delete"}, "did you mean: paquebot queue cancel"},
      {{"dkim", "new"}, "did you mean: paquebot dkim create"},
      {{"users"}, "did you mean: paquebot account list"},
      {{"restart"}, "systemctl restart paquebot"},
      {{"acount"}, "did you mean: paquebot account"},
      {{"zzz"}, "(see: paquebot --help)"},
  };
  for (const auto& c : cases) EXPECT_NE(verb_problem(c.words).find(c.says), std::string::npos) << verb_problem(c.words);
  for (const std::vector<std::string>& good :
       {std::vector<std::string>{"account", "remove"}, {"destinations"}, {"queue"}, {"sendmail"}, {}})
    EXPECT_EQ(verb_problem(good), "");
  const std::vector<std::string> options{"--insecure", "--tls", "--user", "--yes"};
  EXPECT_EQ(option_advice("--no-verify", options), "--insecure");
  EXPECT_EQ(option_advice("--insecur", options), "--insecure");
  EXPECT_EQ(option_advice("--username=x", options), "--user");
  EXPECT_EQ(option_advice("--body", options), "") << "this verb has no --text";
}

TEST(LineFixer, LineEnds) {
  const struct {
    const char* in;
    bool dot_ends;
    const char* out;
  } cases[] = {
      {"", false, ""},
      {"a\nb", false, "a\r\nb\r\n"},
      {"a\r\nb\r\n", false, "a\r\nb\r\n"},
      {"a\rb\r\r\n\n", false, "a\r\nb\r\n\r\n\r\n"},
      {".\n", false, ".\r\n"},
      {"a\n.\nb\n", true, "a\r\n"},
      {"a\n..\n.b\n. \n", true, "a\r\n..\r\n.b\r\n. \r\n"},
      {"a\n.", true, "a\r\n.\r\n"},
      {"a\n.\r\nb", true, "a\r\n"},
  };
  for (const auto& c : cases) {
    std::istringstream in(c.in);
    LineFixer fixer(in, c.dot_ends);
    std::string out;
    for (std::string piece = fixer.next(); !piece.empty(); piece = fixer.next()) out += piece;
    EXPECT_EQ(out, c.out) << c.in;
  }
}

} // namespace
} // namespace paquebot::cli
