#include "cli/imap_client.h"
#include "cli/import.h"
#include "cli/mbox_reader.h"
#include "cli/test_support.h"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <sys/stat.h>
#include <unistd.h>

namespace paquebot::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Found {
  std::vector<std::string> contents;
  std::vector<ImportedMessage> messages;
  ImportSummary summary;
  std::string problems, error;
};

Found import_all(const std::string& path, bool read = true) {
  Found all;
  std::ostringstream problems;
  auto sink = [&](const ImportedMessage& message, const ImportContent& content) -> Result<Imported> {
    all.messages.push_back(message);
    std::string text;
    while (read) {
      auto piece = content();
      if (!piece) return std::unexpected(piece.error());
      if (piece->empty()) break;
      EXPECT_LE(piece->size(), 140'000u);
      text += *piece;
    }
    if (text.contains("REFUSE")) return fail(Errc::invalid, "no");
    if (text.contains("STOP")) return fail(Errc::no_space, "the disk is full");
    all.contents.push_back(text);
    return text.contains("OLD") ? Imported::before : Imported::now;
  };
  auto done = import_mailbox(path, "", sink, problems);
  if (done && !done->ended)
    all.summary = *done;
  else if (done)
    all.error = done->ended->message;
  else
    all.error = done.error().message;
  all.problems = problems.str();
  return all;
}

const std::string kFrom = "From anna@example.org Mon Nov 23 12:00:00 2026\n";

TEST(ImportMbox, Reads) {
  struct {
    const char* name;
    std::string file;
    std::vector<std::string> contents;
  } cases[] = {
      {"one", kFrom + "A: b\n\nx\n\n", {"A: b\r\n\r\nx\r\n"}},
      {"two", kFrom + "A: b\n\nx\n\n" + kFrom + "C: d\n\ny\n\n", {"A: b\r\n\r\nx\r\n", "C: d\r\n\r\ny\r\n"}},
      {"CRLF",
       "From a Mon Nov 23 12:00:00 2026\r\nA: b\r\n\r\nx\r\n\r\nFrom a Mon Nov 23 12:00:00 2026\r\nC: d\r\n\r\n",
       {"A: b\r\n\r\nx\r\n", "C: d\r\n"}},
      {"quoted",
       kFrom + "A: b\n\n>From x\n>>From y\n> From z\n>Fromage\n",
       {"A: b\r\n\r\nFrom x\r\n>From y\r\n> From z\r\n>Fromage\r\n"}},
      {"From in the text",
       kFrom + "A: b\n\nFrom here on it is text\nx\n" + kFrom,
       {"A: b\r\n\r\nFrom here on it is text\r\nx\r\n" + kFrom.substr(0, kFrom.size() - 1) + "\r\n"}},
      {"blank lines at the end",
       kFrom + "A: b\n\nx\n\n\n\n" + kFrom + "C: d\n",
       {"A: b\r\n\r\nx\r\n\r\n\r\n", "C: d\r\n"}},
      {"no last line end", kFrom + "A: b\n\nx", {"A: b\r\n\r\nx\r\n"}},
      {"CR at the end", kFrom + "A: b\n\nx\r", {"A: b\r\n\r\nx\r\r\n"}},
      {"long lines",
       kFrom + "A: b\n\n" + std::string(300'000, 'x') + "\n>From " + std::string(100'000, 'y') + "\n",
       {"A: b\r\n\r\n" + std::string(300'000, 'x') + "\r\nFrom " + std::string(100'000, 'y') + "\r\n"}},
      {"an empty line in front", "\n\n" + kFrom + "A: b\n", {"A: b\r\n"}},
      {"a byte order mark", "\xEF\xBB\xBF" + kFrom + "A: b\n", {"A: b\r\n"}},
  };
  for (const auto& c : cases) {
    test::Folder folder;
    Found all = import_all(folder.write("box", c.file));
    EXPECT_EQ(all.contents, c.contents) << c.name;
    EXPECT_EQ(all.error, "") << c.name;
  }
}

TEST(ImportMbox, MessagesAreNotMerged) {
  struct {
    const char* name;
    std::string between; // "A: b", an empty line, "x", then this, then "C: d"
    bool separates;
    const char* doubt; // in what is told; "": nothing is
  } cases[] = {
      {"a date, a blank line", "\n" + kFrom, true, ""},
      {"bare", "\nFrom \n", true, "without a date is taken for the beginning"},
      {"an address only", "\nFrom a@b\n", true, "without a date is taken for the beginning"},
      {"an ISO date", "\nFrom a@b 2026-11-23T12:00:00+01:00\n", true, ""},
      {"an ISO date with a blank", "\nFrom a@b 2026-11-23 12:00:00\n", true, ""},
      {"no blank line before", kFrom, true, "with no empty line before it is taken"},
      {"neither", "From a@b\n", true, "without a date is taken for the beginning"},
      {"quoted", "\n>From a@b\n", false, ""},
      {"another word", "\nFromage\n", false, ""},
      {"too long to be one", "\nFrom " + std::string(2000, 'x') + "\n", false, ""},
  };
  for (const auto& c : cases) {
    for (const char* end : {"\n", "\r\n"}) {
      std::string file = kFrom + "A: b\n\nx\n" + c.between + "C: d\n\ny\n";
      for (std::size_t at = file.find('\n'); *end == '\r' && at != std::string::npos; at = file.find('\n', at + 2))
        file.insert(at, 1, '\r');
      test::Folder folder;
      Found all = import_all(folder.write("box", file));
      EXPECT_EQ(all.contents.size(), c.separates ? 2u : 1u) << c.name;
      if (c.separates) {
        EXPECT_EQ(all.contents.back(), "C: d\r\n\r\ny\r\n") << c.name;
      }
      EXPECT_THAT(all.problems, *c.doubt == '\0' ? testing::Matcher<std::string>("") : HasSubstr(c.doubt)) << c.name;
      EXPECT_EQ(all.summary.failed, 0u) << c.name;
    }
  }
  EXPECT_EQ(mbox_date("From a@b 2026-11-23T12:00:00Z"), from_millis(1795435200000));
  EXPECT_EQ(mbox_date("From a@b 2026-11-23 12:00:00 +0100"), from_millis(1795435200000));
  EXPECT_FALSE(mbox_date("From a@b 2026-13-23T12:00:00Z"));
}

TEST(ImportMbox, ASeparatorIsFoundAtEveryPlaceOfABlock) {
  for (std::size_t length = 65536 - 80; length < 65536 + 10; ++length) {
    test::Folder folder;
    Found all = import_all(
        folder.write("box", kFrom + "A: b\n\n" + std::string(length - kFrom.size(), 'x') + "\nFrom a@b\nC: d\n\ny\n"));
    ASSERT_EQ(all.contents.size(), 2u) << length;
    EXPECT_EQ(all.contents[1], "C: d\r\n\r\ny\r\n");
  }
}

TEST(ImportMbox, WhatIsDoubtfulIsToldButNotWithoutEnd) {
  test::Folder folder;
  std::string text = kFrom + "A: b\n\n";
  for (int i = 0; i < 100; ++i) text += "From here on\n";
  Found all = import_all(folder.write("box", text));
  EXPECT_EQ(all.contents.size(), 1u);
  EXPECT_THAT(all.problems,
              HasSubstr("box, octet " + std::to_string(kFrom.size() + 6) + ": a line \"From …\" is taken for text"));
  EXPECT_THAT(all.problems, HasSubstr("box: and 80 more such lines\n"));
  EXPECT_EQ(std::ranges::count(all.problems, '\n'), 21);
}

TEST(Import, WithNothingToImportFails) {
  test::Folder folder;
  for (const char* part : {"cur", "new", ".Sent/cur", ".Sent/new"})
    std::filesystem::create_directories(folder.path(part));
  Found all = import_all(folder.path());
  EXPECT_THAT(all.error, HasSubstr("there is nothing to import"));
  EXPECT_THAT(import_all(folder.write("empty", "")).error, HasSubstr("there is nothing to import"));
  EXPECT_THAT(import_all(folder.write("mark", "\xEF\xBB\xBF\n\n")).error, HasSubstr("there is nothing to import"));
  EXPECT_EQ(import_all(folder.write("old", kFrom + "A: OLD\n\n")).summary.before, 1u);
}

TEST(ImportMbox, LineEndsAtEveryPlaceOfABlock) {
  for (std::size_t length : {65535u - 60, 65536u - 60, 65536u, 65537u, 131072u - 1, 131072u}) {
    for (int more = 0; more < 8; ++more) {
      test::Folder folder;
      std::string body(length + static_cast<std::size_t>(more), 'x');
      Found all =
          import_all(folder.write("box", "From a Mon Nov 23 12:00:00 2026\r\nA: b\r\n\r\n" + body + "\r\ny\r\n"));
      ASSERT_THAT(all.contents, ElementsAre("A: b\r\n\r\n" + body + "\r\ny\r\n"))
          << length + static_cast<std::size_t>(more);
    }
  }
}

TEST(ImportMbox, DatesAndOffsets) {
  test::Folder folder;
  std::string path = folder.write("box", kFrom + "A: b\n\nx\n\n" + kFrom + "C: d\n");
  Found all = import_all(path, false);
  ASSERT_EQ(all.messages.size(), 2u);
  EXPECT_EQ(all.messages[0].internal_date, from_millis(1795435200000));
  EXPECT_EQ(all.messages[1].source, path + ", octet " + std::to_string(kFrom.size() + 9));
  EXPECT_TRUE(mbox_date("From a@b Sat Jan  3 01:05:34 1996"));
  EXPECT_TRUE(mbox_date("From a@b Sat Jan  3 01:05:34 +0100 1996"));
  EXPECT_TRUE(mbox_date("From a@b Sat Jan  3 01:05:34 1996 MET"));
  EXPECT_FALSE(mbox_date("From here to Jan 3"));
  EXPECT_FALSE(mbox_date("From a Sat Jan 99 01:05:34 1996"));
}

TEST(ImportMbox, GoesOnAfterARefusalAndStopsAtTheRest) {
  test::Folder folder;
  std::string path = folder.write("box", kFrom + "A: REFUSE\n\n" + kFrom + "\n" + kFrom + "B: c\n\n");
  Found all = import_all(path);
  EXPECT_THAT(all.contents, ElementsAre("B: c\r\n"));
  EXPECT_EQ(all.summary.imported, 1u);
  EXPECT_EQ(all.summary.failed, 2u);
  EXPECT_THAT(all.problems, HasSubstr("box, octet 0: no\n"));
  EXPECT_THAT(all.problems, HasSubstr("the message is empty"));
  all = import_all(folder.write("full", kFrom + "A: STOP\n\n" + kFrom + "B: c\n"));
  EXPECT_EQ(all.error, "the disk is full");
  EXPECT_TRUE(all.contents.empty());
}

TEST(ImportMbox, RefusesOtherFiles) {
  test::Folder folder;
  EXPECT_THAT(import_all(folder.write("text", "Hello\n")).error, HasSubstr("not an mbox"));
  EXPECT_THAT(import_all(folder.path("missing")).error, HasSubstr("neither"));
  EXPECT_THAT(import_all(folder.path()).error, HasSubstr("no folders cur and new"));
}

TEST(ImportMaildir, ReadsInOrderWithFlags) {
  test::Folder folder;
  folder.write("cur/1700000002.M1.host:2,RS", "B: 2\n\nx");
  folder.write("new/1700000001.M1.host", "A: 1\r\n\r\ny\r\n");
  folder.write("cur/1700000003.M1.host:2,FDT", "C: REFUSE\n");
  folder.write("cur/.hidden", "no");
  std::filesystem::create_directories(folder.path("new/1.folder"));
  Found all = import_all(folder.path());
  EXPECT_THAT(all.contents, ElementsAre("A: 1\r\n\r\ny\r\n", "B: 2\r\n\r\nx\r\n"));
  ASSERT_EQ(all.messages.size(), 3u);
  EXPECT_FALSE(all.messages[0].seen);
  EXPECT_TRUE(all.messages[1].seen && all.messages[1].answered && !all.messages[1].flagged);
  EXPECT_TRUE(all.messages[2].flagged && all.messages[2].draft && all.messages[2].trashed);
  EXPECT_TRUE(all.messages[0].internal_date);
  EXPECT_EQ(all.summary.failed, 2u);
  EXPECT_THAT(all.problems, HasSubstr("new/1.folder: it is not a file"));
}

TEST(ImportMaildir, FoldersAndKeywords) {
  test::Folder folder;
  folder.write("cur/1.a:2,Sab", "A: inbox\n\n");
  folder.write("dovecot-keywords", "0 $Label1\n1 Work\nx y\n99 far\n");
  folder.write(".Sent/cur/2.b:2,FSa", "A: sent\n\n");
  folder.write(".Work.2026.&ZeVnLIqe-/new/3.c", "A: deep\n\n");
  folder.write(".INBOX.Old/cur/4.d", "A: old\n\n");
  folder.write(".Gr\xC3\xBC\xC3\x9F"
               "e/cur/5.e",
               "A: utf-8\n\n");
  folder.write(".bad..levels/cur/6.f", "A: no\n\n");
  folder.write(".a*/cur/7.g", "A: no\n\n");
  folder.write(".nomail/x", "no folder of mail");
  for (const char* name :
       {"new", ".Sent/new", ".Work.2026.&ZeVnLIqe-/cur", ".INBOX.Old/new", ".bad..levels/new", ".a*/new",
        ".Gr\xC3\xBC\xC3\x9F"
        "e/new"})
    std::filesystem::create_directories(folder.path(name));
  const Found all = import_all(folder.path());
  std::map<std::string, std::string> found;
  for (std::size_t i = 0; i < all.messages.size(); ++i) found[all.messages[i].folder] = all.contents[i];
  EXPECT_EQ(found, (std::map<std::string, std::string>{
                       {"", "A: inbox\r\n\r\n"},
                       {"Gr\xC3\xBC\xC3\x9F"
                        "e",
                        "A: utf-8\r\n\r\n"},
                       {"Old", "A: old\r\n\r\n"},
                       {"Sent", "A: sent\r\n\r\n"},
                       {"Work/2026/\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E", "A: deep\r\n\r\n"}}));
  EXPECT_THAT(all.messages[0].keywords, ElementsAre("$Label1", "Work"));
  EXPECT_EQ(all.summary.failed, 2u);
  EXPECT_THAT(all.problems, HasSubstr(".bad..levels: a level of the name is empty"));
  EXPECT_THAT(all.problems, HasSubstr(".a*: a name has no *"));
  for (const ImportedMessage& one : all.messages)
    if (one.folder == "Sent") {
      EXPECT_TRUE(one.flagged && one.seen);
      EXPECT_TRUE(one.keywords.empty()) << "each folder has its own letters";
    }
  EXPECT_EQ(octets_of_mailbox(folder.path()), 10u + 9u + 9u + 8u + 10u + 7u + 7u);
}

TEST(ImportImap, FactsAreReadWithoutBelief) {
  const auto facts =
      parse_imap_facts("* 5 FETCH (UID 17 FLAGS (\\Seen $Label1) INTERNALDATE \" 1-Feb-2026 10:00:00 +0100\" "
                       "RFC822.SIZE 1234 BODY[HEADER.FIELDS (MESSAGE-ID \"DATE\")] {6}\r\nA: b\r\n)");
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->uid, 17u);
  EXPECT_THAT(facts->flags, ElementsAre("\\Seen", "$Label1"));
  EXPECT_EQ(facts->size, 1234u);
  EXPECT_EQ(facts->fields, "A: b\r\n");
  ASSERT_TRUE(facts->date);
  EXPECT_EQ(millis(*facts->date), 1769936400000);
  for (const char* bad :
       {"", "* 5 FETCH", "* 5 FETCH (", "* 5 FETCH ()", "* 5 FETCH (UID 0)", "* 5 FETCH (UID 4294967296)",
        "* x FETCH (UID 1)", "* 5 FETCH (UID 1 FLAGS (\\Seen)", "* 5 FETCH (UID 1 BODY[HEADER",
        "* 5 FETCH (UID 1 RFC822.SIZE x)", "* 5 FETCH (UID 1 BODY[] {99}\r\nx)", "* 5 FETCH (UID 1  )", "* 5 EXPUNGE"})
    EXPECT_FALSE(parse_imap_facts(bad)) << bad;
}

TEST(ImportImap, FoldersAreReadWithoutBelief) {
  struct {
    const char* line;
    const char* name;
    const char* use;
  } good[] = {{"* LIST (\\HasNoChildren) \"/\" inbox", "INBOX", ""},
              {"* LIST (\\Sent) \".\" \"INBOX.Sent Items\"", "INBOX/Sent Items", "\\Sent"},
              {"* LIST () \".\" \"a/b.c\"", "a_b/c", ""},
              {"* LIST () NIL \"a.b\"", "a.b", ""},
              {"* LIST () \"/\" {3}\r\na b", "a b", ""},
              {"* LIST () \"/\" &ZeVnLIqe-", "\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E", ""}};
  for (const auto& [line, name, use] : good) {
    const auto folder = parse_imap_folder(line);
    ASSERT_TRUE(folder) << line;
    EXPECT_EQ(folder->name, name);
    EXPECT_EQ(folder->use, use);
  }
  for (const char* bad :
       {"* LIST (\\Noselect) \"/\" x", "* LIST (\\NonExistent) \"/\" x", "* LIST () \"//\" x", "* LIST () \"/\"",
        "* LIST (a) x", "* LSUB () \"/\" x", "* LIST () \"/\" \"\"", "* LIST () \"/\" {9}\r\nx"})
    EXPECT_FALSE(parse_imap_folder(bad)) << bad;
  EXPECT_EQ(parse_imap_folder("* LIST (\\Subscribed \\Sent) \"/\" x")->subscribed, true);
  EXPECT_EQ(parse_imap_folder("* LIST () \"/\" x")->subscribed, std::nullopt);
  EXPECT_EQ(parse_imap_subscription("* LSUB () \".\" a.b")->name, "a/b");
  EXPECT_EQ(parse_imap_subscription("* LSUB () \".\" a.b")->subscribed, true);
  EXPECT_FALSE(parse_imap_subscription("* LSUB (\\Noselect) \".\" a"));
  EXPECT_FALSE(parse_imap_subscription("* LIST () \".\" a"));
}

TEST(ImportMaildir, NoLinkIsFollowed) {
  test::Folder folder;
  const std::string secret = folder.write("secret", "A: secret\n\n");
  folder.write("box/cur/1.x", "A: mine\n\n");
  std::filesystem::create_directories(folder.path("box/new"));
  std::filesystem::create_symlink(secret, folder.path("box/cur/2.x"));
  Found all = import_all(folder.path("box"));
  EXPECT_THAT(all.contents, ElementsAre("A: mine\r\n\r\n"));
  EXPECT_THAT(all.problems, HasSubstr("cur/2.x: it can't be read: it is a link"));
  std::filesystem::remove(folder.path("box/cur/2.x"));
  ASSERT_EQ(mkfifo(folder.path("box/new/3.x").c_str(), 0600), 0); // nobody writes: opening it must not wait
  EXPECT_THAT(import_all(folder.path("box")).problems, HasSubstr("new/3.x: it is not a file"));
  std::filesystem::remove_all(folder.path("box/new"));
  folder.write("other/1.x", "A: secret\n\n");
  std::filesystem::create_directory_symlink(folder.path("other"), folder.path("box/new"));
  all = import_all(folder.path("box"));
  EXPECT_THAT(all.error, HasSubstr("/new can't be used: it is a link"));
  EXPECT_TRUE(all.contents.empty());
}

TEST(ImportMaildir, WhatBelongsToAnotherIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  test::Folder folder;
  const auto give = [&](const char* name, uid_t user) { ASSERT_EQ(lchown(folder.path(name).c_str(), user, 0), 0); };
  folder.write("box/cur/1.x", "A: mine\n\n");
  folder.write("box/cur/2.x", "A: secret\n\n"); // a hard link to a file of root, say
  std::filesystem::create_directories(folder.path("box/new"));
  for (const char* name : {"box", "box/cur", "box/new", "box/cur/1.x"}) give(name, 1234);
  Found all = import_all(folder.path("box"));
  EXPECT_THAT(all.contents, ElementsAre("A: mine\r\n\r\n"));
  EXPECT_THAT(all.problems, HasSubstr("cur/2.x: it belongs to user 0, the Maildir to user 1234"));
  give("box/new", 1235);
  EXPECT_THAT(import_all(folder.path("box")).error, HasSubstr("/new belongs to user 1235"));
  // A link in the way, made by the user; one that root made is the operator's own.
  std::filesystem::create_directory_symlink("box", folder.path("way"));
  give("box/new", 1234);
  EXPECT_EQ(import_all(folder.path("way")).summary.imported, 1u);
  give("way", 1234);
  EXPECT_THAT(import_all(folder.path("way")).error, HasSubstr("\"way\" is a link that user 1234 made"));
  EXPECT_THAT(import_all(folder.path("way/../box")).error, HasSubstr("is a link that user 1234 made"));
  EXPECT_EQ(octets_of_mailbox(folder.path("way")), 0u);
  EXPECT_EQ(octets_of_mailbox(folder.path("box")), 20u);
  // An mbox file likewise.
  folder.write("home/real", kFrom + "A: secret\n\n");
  std::filesystem::create_symlink("real", folder.path("home/mbox"));
  give("home/mbox", 1234);
  EXPECT_THAT(import_all(folder.path("home/mbox")).error, HasSubstr("is a link that user 1234 made"));
  std::filesystem::create_hard_link(folder.path("home/real"), folder.path("home/hard"));
  give("home", 1234);
  EXPECT_THAT(import_all(folder.path("home/hard")).error, HasSubstr("copy it to another file first"));
}

TEST(ImportMaildir, UidlsOfTheServerBefore) {
  test::Folder folder;
  for (const char* name : {"cur/1.a,S=9:2,S", "cur/2.b:2,", "new/3.c"}) folder.write(name, "A: b\n\n");
  const auto uidls = [&] {
    std::vector<std::string> found;
    for (const ImportedMessage& message : import_all(folder.path()).messages) found.push_back(message.uidl);
    return found;
  };
  EXPECT_THAT(uidls(), ElementsAre("1.a,S=9", "2.b", "3.c"));
  folder.write("courierpop3dsizelist", "/3 8 1300000000\n1.a,S=9 10 5:1300000000:0\n2.b 10 0:0:0\nbad line\n");
  EXPECT_THAT(uidls(), ElementsAre("UID5-1300000000", "2.b", "3.c"));
  folder.write("dovecot-uidlist", "3 V1275660208 N22911 G3085f01b\n16 W10 Pold.name W9 :1.a,S=9\n17 :2.b:2,\n");
  EXPECT_THAT(uidls(), ElementsAre("old.name", "000000114c0907b0", "")) << "Dovecot never saw the third";
  folder.write("dovecot-uidlist", "1 1275660208 3\n16 1.a,S=9\nx\n");
  EXPECT_THAT(uidls(), ElementsAre("000000104c0907b0", "", ""));
  folder.write("dovecot-uidlist", "what is this");
  EXPECT_THAT(uidls(), ElementsAre("", "", ""));
  std::filesystem::remove(folder.path("dovecot-uidlist"));
  std::filesystem::remove(folder.path("courierpop3dsizelist"));
  std::filesystem::rename(folder.path("new/3.c"), folder.path("new/3." + std::string(80, 'c')));
  EXPECT_THAT(uidls(), ElementsAre("1.a,S=9", "2.b", "")) << "too long for POP3";
}

TEST(ImportMaildir, UidsOfTheServerBefore) {
  test::Folder folder;
  for (const char* name : {"cur/1.a,S=9:2,S", "cur/2.b:2,", "new/3.c"}) folder.write(name, "A: b\n\n");
  using Uids = std::vector<std::array<std::uint32_t, 3>>;
  const auto uids = [&] {
    Uids found;
    for (const ImportedMessage& one : import_all(folder.path()).messages)
      found.push_back({one.uid, one.uidvalidity, one.uidnext});
    return found;
  };
  const Uids none{{0, 0, 0}, {0, 0, 0}, {0, 0, 0}};
  EXPECT_EQ(uids(), none);
  folder.write("courierimapuiddb", "1 1300000000 9\n5 1.a,S=9\n4 2.b\nbad line\n");
  EXPECT_EQ(uids(), (Uids{{4, 1300000000, 9}, {5, 1300000000, 9}, {9, 1300000000, 9}})) << "in their order";
  folder.write("dovecot-uidlist", "3 V1275660208 N22911 G3085f01b\n17 W10 Pold.name W9 :1.a,S=9\n16 :2.b:2,\n");
  EXPECT_EQ(uids(), (Uids{{16, 1275660208, 22911}, {17, 1275660208, 22911}, {22911, 1275660208, 22911}}));
  folder.write("dovecot-uidlist", "3 V99999999999 N-1\n99999999999 :1.a,S=9\n0 :2.b\n");
  EXPECT_EQ(uids(), none);
}

TEST(ImportMaildir, LargeFilesComeInPieces) {
  test::Folder folder;
  std::filesystem::create_directories(folder.path("cur"));
  std::string body;
  for (int i = 0; i < 100'000; ++i) body += "12345678\n";
  folder.write("new/1.x", "A: b\n\n" + body);
  Found all = import_all(folder.path());
  ASSERT_EQ(all.contents.size(), 1u);
  EXPECT_EQ(all.contents[0].size(), 8u + 1'000'000u);
}

} // namespace
} // namespace paquebot::cli
