#include "cli/test_cli.h"
#include "intake/drop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::cli {
namespace {

using test::CliTest;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class SendmailTest : public CliTest {
protected:
  SendmailTest() { EXPECT_TRUE(intake::make_drop_directory(folder.path("drop"))); }

  struct Dropped {
    intake::DropEnvelope envelope;
    std::string text;
  };
  Dropped dropped() {
    const auto names = intake::list_drops(folder.path("drop"), 10);
    EXPECT_EQ(names.size(), 1U);
    if (names.size() != 1) return {};
    return read_drop(names[0]);
  }
  /// The one of that name, which is gone then.
  Dropped read_drop(const std::string& name) {
    auto file = intake::DropFile::open(folder.path("drop"), name);
    EXPECT_TRUE(file);
    if (!file) return {};
    Dropped found{file->envelope(), {}};
    for (;;) {
      const auto piece = file->read();
      if (!piece || piece->empty()) break;
      found.text += *piece;
    }
    intake::remove_drop(folder.path("drop"), name);
    return found;
  }
  std::vector<std::string> recipients(const Dropped& mail) {
    std::vector<std::string> list;
    for (const auto& recipient : mail.envelope.recipients) list.push_back(recipient.address.to_string());
    return list;
  }
};

TEST_F(SendmailTest, PlainMessage) {
  EXPECT_EQ(run({"/usr/sbin/sendmail", "-i", "-f", "cron@example.org", "bob@example.net", "root"},
                "Subject: x\n\nhello\n.\nmore"),
            kOk)
      << err.str();
  const auto mail = dropped();
  EXPECT_EQ(mail.envelope.sender.reverse_path.to_string(), "cron@example.org");
  EXPECT_THAT(recipients(mail), ::testing::ElementsAre("bob@example.net", "root@mx.example.org"));
  EXPECT_THAT(mail.text,
              AllOf(HasSubstr("Subject: x\r\n"), HasSubstr("From: cron@example.org\r\n"), HasSubstr("Date: "),
                    HasSubstr("Message-ID: <"), HasSubstr("To: undisclosed-recipients:;\r\n")));
  EXPECT_TRUE(mail.text.ends_with("\r\n\r\nhello\r\n.\r\nmore\r\n")) << mail.text;
}

TEST_F(SendmailTest, DotEndsWithoutI) {
  EXPECT_EQ(run({"sendmail", "bob@example.net"}, "Subject: x\n\nhello\n..\n.\nnot sent\n"), kOk);
  EXPECT_TRUE(dropped().text.ends_with("\r\n\r\nhello\r\n..\r\n"));
}

TEST_F(SendmailTest, RecipientsFromTheHead) {
  const std::string text =
      "From: Ann <ann@example.org>\r\nTo: Bob <bob@example.net>,\r\n carol@example.net\r\nCc: root\r\n"
      "Bcc: hidden@example.net\r\nMessage-ID: <kept@example.org>\r\n\r\nhi\r\n";
  EXPECT_EQ(run({"sendmail", "-oi", "-t", "more@example.net"}, text), kOk) << err.str();
  const auto mail = dropped();
  EXPECT_THAT(recipients(mail), ::testing::ElementsAre("more@example.net", "bob@example.net", "carol@example.net",
                                                       "root@mx.example.org", "hidden@example.net"));
  EXPECT_THAT(mail.text, AllOf(Not(HasSubstr("Bcc")), Not(HasSubstr("hidden")), HasSubstr("<kept@example.org>")));
}

TEST_F(SendmailTest, OptionsOfOtherPrograms) {
  // As PHP, cron, mailx, git and logcheck call it.
  const std::vector<std::vector<std::string>> calls = {
      {"sendmail", "-t", "-i"},
      {"sendmail", "-FCronDaemon", "-i", "-B8BITMIME", "-oem", "-t"},
      {"sendmail", "-oi", "-oem", "-odb", "-t", "-froot@example.org"},
      {"sendmail", "-N", "failure,delay", "-R", "hdrs", "-V", "id", "-v", "-ti", "--"},
      {"sendmail", "-it", "-r", "<>"},
  };
  for (const auto& call : calls) {
    EXPECT_EQ(run(call, "To: bob@example.net\n\nx\n"), kOk) << call.back() << err.str();
    EXPECT_EQ(dropped().envelope.recipients.size(), 1U);
  }
}

TEST_F(SendmailTest, WishesForDeliveryReports) {
  const std::vector<std::string> call = {"sendmail", "-N", "success,delay", "-R",
                                         "hdrs",     "-V", "job 7",         "bob@example.net"};
  EXPECT_EQ(run(call, "Subject: x\n\nx\n"), kOk) << err.str();
  const auto mail = dropped();
  EXPECT_EQ(mail.envelope.recipients.at(0).notify, mail::kNotifySuccess | mail::kNotifyDelay);
  EXPECT_EQ(mail.envelope.sender.ret, mail::Ret::headers);
  EXPECT_EQ(mail.envelope.sender.envid, "job 7");
  for (const char* bad : {"never,delay", "often", ""})
    EXPECT_EQ(run({"sendmail", "-N", bad, "bob@example.net"}, "x\n"), kUsage) << bad;
  EXPECT_EQ(run({"sendmail", "-R", "half", "bob@example.net"}, "x\n"), kUsage);
}

TEST_F(SendmailTest, Errors) {
  EXPECT_EQ(run({"sendmail"}, "Subject: x\n\n"), kUsage);
  EXPECT_EQ(run({"sendmail", "-t"}, "Subject: x\n\n"), kUsage);
  EXPECT_EQ(run({"sendmail", "-Z"}, ""), kUsage);
  EXPECT_EQ(run({"sendmail", "-bd"}, ""), kUsage);
  EXPECT_EQ(run({"sendmail", "-f"}, ""), kUsage);
  EXPECT_EQ(run({"sendmail", "a@@b"}, "Subject: x\n\n"), kBadData);
  EXPECT_EQ(run({"sendmail", "bob@example.net"}, "X: " + std::string(2 << 20, 'x') + "\n\n"), kBadData);
  std::filesystem::remove_all(folder.path("drop"));
  EXPECT_EQ(run({"sendmail", "bob@example.net"}, "Subject: x\n\n"), kTemporary);
}

TEST_F(SendmailTest, AConfigurationThatCantBeUsedTakesNoMail) {
  for (const char* config : {"broken", "missing"}) {
    setenv("PAQUEBOT_CONFIG", config, 1);
    for (const char* mode : {"-i", "-bs"}) {
      EXPECT_EQ(run({"sendmail", mode, "bob@example.net"}, "Subject: x\n\nx\n"), kTemporary) << config << mode;
      EXPECT_THAT(err.str(), HasSubstr(config)) << "it is named";
      EXPECT_EQ(out.str(), "");
    }
  }
  unsetenv("PAQUEBOT_CONFIG");
  EXPECT_TRUE(intake::list_drops(folder.path("drop"), 10).empty());
}

TEST_F(SendmailTest, WhatIsLargerThanTheBoundIsRefusedAtOnce) {
  message_size = 1000;
  EXPECT_EQ(run({"sendmail", "bob@example.net"}, "Subject: x\n\n" + std::string(1000, 'x')), kBadData);
  EXPECT_THAT(err.str(), HasSubstr("limits.message_size"));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path("drop"))) << "nothing is left behind";
  const std::string dialogue = "EHLO me\nMAIL FROM:<ann@example.org>\nRCPT TO:<bob@example.net>\nDATA\nSubject: x\n\n";
  EXPECT_EQ(run({"sendmail", "-bs"}, dialogue + std::string(700, 'x') + "\n" + std::string(299, 'y') + "\n.\nQUIT\n"),
            kOk);
  EXPECT_THAT(out.str(), AllOf(HasSubstr("SIZE 1000\r\n"), HasSubstr("\r\n552 5.3.4 ")));
  // What fits until the fields are added that are missing.
  EXPECT_EQ(run({"sendmail", "-bs"}, dialogue + std::string(700, 'x') + "\n" + std::string(270, 'y') + "\n.\nQUIT\n"),
            kOk);
  EXPECT_THAT(out.str(), HasSubstr("\r\n552 5.3.4 "));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path("drop")));
  EXPECT_EQ(run({"sendmail", "bob@example.net"}, "Subject: x\n\n" + std::string(500, 'x')), kOk);
  EXPECT_GT(dropped().text.size(), 500U);
}

TEST_F(SendmailTest, AHeadThatTheServerWouldNotTakeIsRefusedAtOnce) {
  std::string head;
  for (std::size_t size = 0; size < intake::kMaxDropHead; size += 66) head += "X: " + std::string(61, 'x') + "\n";
  EXPECT_EQ(run({"sendmail", "bob@example.net"}, head + "\nx\n"), kBadData);
  // The same by the fields that are added.
  head.resize(head.size() - 65 * 2);
  EXPECT_EQ(run({"sendmail", "bob@example.net"}, head + "\nx\n"), kBadData);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path("drop")));
}

TEST_F(SendmailTest, NulIsRefusedWhereverItStands) {
  using namespace std::string_literals;
  for (const std::string& text :
       {"Subject: a\0b\n\nx\n"s, "Subject: a\n\nx\0\n"s, "Subject: a\n\n" + std::string(200'000, 'x') + "\n\0.\n"s}) {
    EXPECT_EQ(run({"sendmail", "bob@example.net"}, text), kBadData);
    EXPECT_THAT(err.str(), HasSubstr("NUL"));
    EXPECT_TRUE(intake::list_drops(folder.path("drop"), 10).empty());
  }
  EXPECT_EQ(run({"sendmail", "-bs"}, "EHLO x\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n"
                                     "Subject: a\r\n\r\n\0.\r\n.\r\nQUIT\r\n"s),
            kOk);
  EXPECT_THAT(out.str(), HasSubstr("550 5.6.0 NUL"));
  EXPECT_TRUE(intake::list_drops(folder.path("drop"), 10).empty());
}

/// A program's untidy From is one author: no part of the name becomes an address.
TEST_F(SendmailTest, ANameWithACommaIsNoSecondAuthor) {
  origin = "example.org";
  for (const std::string field : {"From: Smith, Ann <ann@example.net>", "From: ann@example.net <ann@example.net>",
                                  "From: Ann [Support], Ltd <ann@example.net>", "From: a, ann@example.net"}) {
    EXPECT_EQ(run({"sendmail", "-t"}, field + "\nTo: bob, root\n\nx\n"), kOk) << err.str();
    const auto mail = dropped();
    EXPECT_TRUE(mail.text.starts_with(field + "\r\nTo: bob@example.org, root@example.org\r\n")) << mail.text;
  }
}

TEST_F(SendmailTest, NamesWithoutADomainGetTheOrigin) {
  origin = "example.org";
  const std::string cron =
      "From: root (Cron Daemon)\nTo: root\nCc: Ops <ops>, bob@example.net\nReply-To: \"The root\" <root>\n"
      "Sender: cron\nX-To: root\n\nx\n";
  EXPECT_EQ(run({"sendmail", "-t", "-f", "root"}, cron), kOk) << err.str();
  auto mail = dropped();
  EXPECT_EQ(mail.envelope.sender.reverse_path.to_string(), "root@example.org");
  EXPECT_THAT(recipients(mail), ::testing::ElementsAre("root@example.org", "ops@example.org", "bob@example.net"));
  EXPECT_TRUE(
      mail.text.starts_with("From: root@example.org (Cron Daemon)\r\nTo: root@example.org\r\n"
                            "Cc: Ops <ops@example.org>, bob@example.net\r\n"
                            "Reply-To: \"The root\" <root@example.org>\r\nSender: cron@example.org\r\nX-To: root\r\n"))
      << mail.text;
  EXPECT_THAT(mail.text, HasSubstr("@mx.example.org>\r\n")) << "the Message-ID keeps the host's name";
  EXPECT_EQ(run({"sendmail", "-bs"}, "EHLO me\nMAIL FROM:<root> RET=HDRS\nRCPT TO: <postmaster>\nRCPT TO:ann\nDATA\n"
                                     "From: root\n\nMAIL FROM:<root>\n.\nMAIL FROM:<>\nQUIT\n"),
            kOk);
  EXPECT_THAT(out.str(), Not(HasSubstr("\r\n50"))) << out.str();
  mail = dropped();
  EXPECT_EQ(mail.envelope.sender.reverse_path.to_string(), "root@example.org");
  EXPECT_EQ(mail.envelope.sender.ret, mail::Ret::headers);
  EXPECT_THAT(recipients(mail), ::testing::ElementsAre("postmaster@example.org", "ann@example.org"));
  EXPECT_TRUE(mail.text.starts_with("From: root@example.org\r\n")) << mail.text;
  EXPECT_TRUE(mail.text.ends_with("\r\n\r\nMAIL FROM:<root>\r\n")) << mail.text;
}

TEST_F(SendmailTest, OneBadRecipientDoesNotStopTheOthers) {
  const std::string text = "To: Bob <bob@example.net>, not an address, carol@@example.net\nSubject: seven\n\nx\n";
  EXPECT_EQ(run({"sendmail", "-t", "-f", "ann@example.org"}, text), kOk);
  EXPECT_THAT(err.str(),
              AllOf(HasSubstr("\"not an address\""), HasSubstr("\"carol@@example.net\""), Not(HasSubstr("bob"))));
  std::vector<Dropped> both;
  for (const auto& name : intake::list_drops(folder.path("drop"), 10)) both.push_back(read_drop(name));
  ASSERT_EQ(both.size(), 2U);
  if (both[0].envelope.sender.reverse_path.empty()) std::swap(both[0], both[1]);
  EXPECT_THAT(recipients(both[0]), ::testing::ElementsAre("bob@example.net"));
  EXPECT_TRUE(both[1].envelope.sender.reverse_path.empty());
  EXPECT_THAT(recipients(both[1]), ::testing::ElementsAre("ann@example.org"));
  EXPECT_THAT(both[1].text, AllOf(HasSubstr("    not an address\r\n    carol@@example.net\r\n"),
                                  HasSubstr("Subject: seven\r\n"), HasSubstr("Auto-Submitted: auto-replied\r\n")));
  // With nobody to tell, the one who calls is told all the same.
  EXPECT_EQ(run({"sendmail", "-f", "<>", "bob@example.net", "a b"}, "x\n"), kOk);
  EXPECT_THAT(err.str(), HasSubstr("\"a b\""));
  EXPECT_THAT(recipients(dropped()), ::testing::ElementsAre("bob@example.net"));
}

TEST_F(SendmailTest, SaysWhereMailWouldGo) {
  run({"domain", "add", "example.org"});
  run({"account", "add", "ann@example.org", "--no-password"});
  run({"alias", "add", "team@example.org", "ann@example.org", "out@example.net"});
  run({"alias", "add", "root@example.org", "ann@example.org"});
  EXPECT_EQ(run({"sendmail", "-bv", "ann@example.org", "team@example.org, root", "bob@example.net"}), kOk) << err.str();
  EXPECT_THAT(out.str(), AllOf(HasSubstr("ann@example.org... deliverable: mailbox ann@example.org\n"),
                               HasSubstr("out@example.net at another server"),
                               HasSubstr("root... deliverable: mailbox ann@example.org\n"),
                               HasSubstr("bob@example.net... deliverable: bob@example.net at another server\n")));
  EXPECT_EQ(run({"sendmail", "-bv", "nobody@example.org", "a@@b", "ann@example.org"}), kNoUser);
  EXPECT_THAT(out.str(), AllOf(HasSubstr("nobody@example.org... undeliverable: there is no such user here\n"),
                               HasSubstr("a@@b... undeliverable: it is not an address\n"), HasSubstr("mailbox ann")));
  EXPECT_EQ(run({"sendmail", "-bv"}), kUsage);
}

TEST_F(SendmailTest, Help) {
  for (const char* word : {"--help", "-help", "-?"}) {
    EXPECT_EQ(run({"sendmail", word}), kOk);
    EXPECT_THAT(out.str(), AllOf(HasSubstr("-bv address"), HasSubstr("Exit codes")));
  }
  EXPECT_EQ(run({"sendmail", "--version"}), kOk);
  EXPECT_EQ(out.str(), "sendmail of paquebot 0.1.0\n");
  EXPECT_EQ(run({"sendmail", "-Z"}), kUsage);
  EXPECT_THAT(err.str(), HasSubstr("sendmail --help"));
  EXPECT_EQ(run({"sendmail", "--", "--help"}, "x\n"), kOk);
  EXPECT_THAT(recipients(dropped()), ::testing::ElementsAre("--help@mx.example.org"));
}

TEST_F(SendmailTest, NoHead) {
  EXPECT_EQ(run({"sendmail", "bob@example.net"}, "just text\nand more\n"), kOk);
  EXPECT_TRUE(dropped().text.ends_with("\r\n\r\njust text\r\nand more\r\n"));
}

TEST_F(SendmailTest, Smtp) {
  EXPECT_EQ(
      run({"sendmail", "-bs"},
          "EHLO me\nMAIL FROM:<ann@example.org>\nRCPT TO:<bob@example.net>\nDATA\nSubject: x\n\n..dot\n.\nQUIT\n"),
      kOk);
  EXPECT_THAT(out.str(), AllOf(HasSubstr("250 2.0.0 accepted id="), HasSubstr("\r\n221 ")));
  const auto mail = dropped();
  EXPECT_TRUE(mail.text.starts_with("Subject: x\r\nFrom: ann@example.org\r\n")) << mail.text;
  EXPECT_TRUE(mail.text.ends_with("\r\n\r\n.dot\r\n")) << mail.text;
  EXPECT_EQ(mail.envelope.sender.reverse_path.to_string(), "ann@example.org");
}

TEST_F(SendmailTest, OtherNames) {
  EXPECT_EQ(run({"paquebot", "sendmail", "-bp"}), kUsage) << "the test puts its own name in front";
  EXPECT_EQ(run({"sendmail", "-bp"}), kRefused) << "there is no store yet";
  EXPECT_EQ(run({"sendmail", "-q"}), kOk);
  EXPECT_EQ(run({"sendmail", "-bp"}), kOk);
  EXPECT_EQ(out.str(), "The queue is empty.\n");
  EXPECT_EQ(run({"sendmail", "-bi"}), kOk);
}

} // namespace
} // namespace paquebot::cli
