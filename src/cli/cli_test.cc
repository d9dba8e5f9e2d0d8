#include "cli/cli.h"
#include "cli/test_support.h"
#include "cli/verbs.h"
#include "intake/drop.h"

#include <cstdlib>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>
#include <sys/stat.h>

namespace paquebot::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// The command line on a data directory of its own, with the server down.
class CliTest : public ::testing::Test {
protected:
  CliTest() {
    unsetenv("PAQUEBOT_PASSWORD");
    unsetenv("PAQUEBOT_CONFIG");
    environment.version = "0.1.0";
    environment.locate = [this](const std::string& config) -> Result<ServerPlace> {
      configs.push_back(config);
      if (config == "missing") return fail(Errc::not_found, "no configuration there");
      if (config == "broken") return fail(Errc::invalid, "broken:1: one\nbroken:2: \x1b two");
      return ServerPlace{
          folder.path("data"), folder.path("control.sock"), folder.path("drop"), "mx.example.org", "", "", ""};
    };
    environment.serve = [this](const std::string& config) { return served = config, 0; };
    environment.check = [](const std::string&) { return int{kConfiguration}; };
  }

  int run(std::vector<std::string> arguments, const std::string& input = {}) {
    out.str("");
    err.str("");
    std::istringstream in(input);
    Console console{in, out, err, false};
    if (arguments.empty() || arguments[0].find("sendmail") == std::string::npos)
      arguments.insert(arguments.begin(), "paquebot");
    return cli::run(arguments, environment, console);
  }
  json::value out_json() { return control::parse_json(out.str(), "x").value_or(json::value()); }

  test::Folder folder;
  Environment environment;
  std::vector<std::string> configs;
  std::string served;
  std::ostringstream out, err;
};

TEST_F(CliTest, Help) {
  EXPECT_EQ(run({"--help"}), kOk);
  EXPECT_THAT(out.str(), AllOf(HasSubstr("account"), HasSubstr("Exit codes")));
  for (const auto& verb : verbs()) {
    std::vector<std::string> words;
    std::istringstream names{std::string(verb.name)};
    for (std::string word; names >> word;) words.push_back(word);
    words.emplace_back("--help");
    EXPECT_EQ(run(words), kOk) << verb.name;
    EXPECT_THAT(out.str(), AllOf(HasSubstr("Examples:\n  paquebot"), HasSubstr("--config"))) << verb.name;
  }
}

TEST_F(CliTest, UsageErrors) {
  const struct {
    std::vector<std::string> words;
    const char* says;
  } cases[] = {
      {{"acount", "list"}, "did you mean: paquebot account"},
      {{"account", "lsit"}, "did you mean: paquebot account list"},
      {{"--config", "x", "quue"}, "did you mean: paquebot queue"},
      {{"xyzzy"}, "see: paquebot --help"},
      {{"account"}, "paquebot account --help"},
      {{"account", "add"}, "LOGIN"},
      {{"account", "add", "a@b", "c@d"}, "paquebot account add --help"},
      {{"domain", "add", "example.org", "--nonsense"}, "--nonsense"},
      {{}, "--help"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(run(c.words), kUsage) << c.says;
    EXPECT_THAT(err.str(), HasSubstr(c.says));
    EXPECT_EQ(out.str(), "");
  }
}

TEST_F(CliTest, ServeCheckVersion) {
  EXPECT_EQ(run({"serve", "--config", "here.toml"}), kOk);
  EXPECT_EQ(served, "here.toml");
  EXPECT_EQ(run({"serve"}), kOk);
  EXPECT_EQ(served, kDefaultConfig);
  setenv("PAQUEBOT_CONFIG", "from-env.toml", 1);
  EXPECT_EQ(run({"serve"}), kOk);
  EXPECT_EQ(served, "from-env.toml");
  EXPECT_EQ(run({"--config", "over.toml", "serve"}), kOk);
  EXPECT_EQ(served, "over.toml");
  unsetenv("PAQUEBOT_CONFIG");
  EXPECT_EQ(run({"check"}), kConfiguration);
  EXPECT_EQ(run({"version"}), kOk);
  EXPECT_EQ(out.str(), "paquebot 0.1.0\n");
  EXPECT_EQ(run({"version", "--json"}), kOk);
  EXPECT_EQ(control::get_text(out_json(), "version"), "0.1.0");
}

TEST_F(CliTest, FirstSteps) {
  EXPECT_EQ(run({"domain", "list"}), kOk);
  EXPECT_THAT(out.str(), HasSubstr("paquebot domain add example.org"));
  EXPECT_EQ(run({"account", "add", "ann@example.org", "--generate"}), kRefused);
  EXPECT_THAT(err.str(), HasSubstr("add it first: paquebot domain add example.org"));
  EXPECT_EQ(run({"domain", "add", "example.org"}), kOk);
  EXPECT_EQ(run({"domain", "add", "example.org"}), kRefused);
  EXPECT_EQ(run({"domain", "add", "not a domain"}), kBadData);
  EXPECT_EQ(run({"account", "add", "ann@example.org", "--generate", "--quota", "1.5G"}), kOk);
  EXPECT_THAT(out.str(), HasSubstr("Password: "));
  EXPECT_EQ(run({"domain", "list"}), kOk);
  EXPECT_THAT(out.str(), HasSubstr("example.org  ann@example.org"));
  EXPECT_EQ(run({"account", "list", "--json"}), kOk);
  EXPECT_EQ(control::get_number(control::get_list(out_json(), "accounts").at(0), "quota"), 1610612736);
  EXPECT_EQ(run({"status"}), kRefused);
  EXPECT_THAT(out.str(), HasSubstr("The server does not run. 0 recipients wait"));
  EXPECT_EQ(run({"reload"}), kUnavailable);
}

TEST_F(CliTest, Passwords) {
  run({"domain", "add", "example.org"});
  const auto file = folder.write("secret", "from a file\r\nsecond line\n");
  EXPECT_EQ(run({"account", "add", "ann@example.org", "--password-file", file}), kOk);
  EXPECT_EQ(run({"account", "add", "bob@example.org", "--password-file", "-"}, "from stdin\n"), kOk);
  EXPECT_EQ(run({"account", "passwd", "bob@example.org", "--password-file", "-"}, "short\n"), kBadData);
  EXPECT_EQ(run({"account", "passwd", "bob@example.org", "--password-file", "-"}, ""), kBadData);
  EXPECT_EQ(run({"account", "passwd", "bob@example.org", "--password-file", folder.path("absent")}), kPermission);
  setenv("PAQUEBOT_PASSWORD", "from the environment", 1);
  EXPECT_EQ(run({"account", "passwd", "bob@example.org"}), kOk);
  unsetenv("PAQUEBOT_PASSWORD");
  EXPECT_EQ(run({"account", "passwd", "eve@example.org", "--generate"}), kRefused);
  EXPECT_THAT(err.str(), HasSubstr("there is no account eve@example.org"));
}

TEST_F(CliTest, AccountLife) {
  run({"domain", "add", "example.org"});
  run({"account", "add", "ann@example.org", "--no-password"});
  EXPECT_EQ(run({"account", "quota", "ann@example.org", "10M"}), kOk);
  EXPECT_THAT(out.str(), HasSubstr("may keep 10.0 MiB"));
  EXPECT_EQ(run({"account", "quota", "ann@example.org", "lots"}), kBadData);
  EXPECT_EQ(run({"account", "disable", "ann@example.org"}), kOk);
  EXPECT_EQ(run({"account", "list", "example.org"}), kOk);
  EXPECT_THAT(out.str(), HasSubstr("ann@example.org  disabled"));
  EXPECT_EQ(run({"account", "enable", "ann@example.org"}), kOk);
  EXPECT_EQ(run({"alias", "add", "team@example.org", "ann@example.org", "bob@example.net"}), kOk);
  EXPECT_EQ(run({"alias", "add", "ann.b@example.org", "--account", "ann@example.org"}), kOk);
  EXPECT_EQ(run({"alias", "list"}), kOk);
  EXPECT_THAT(out.str(), AllOf(HasSubstr("team@example.org"), HasSubstr("account ann@example.org")));
  EXPECT_EQ(run({"account", "addresses", "ann@example.org"}), kOk);
  EXPECT_THAT(out.str(), AllOf(HasSubstr("ann@example.org\n"), HasSubstr("ann.b@example.org\n")));
  EXPECT_EQ(run({"account", "show", "ann@example.org"}), kOk);
  EXPECT_THAT(out.str(), HasSubstr("Aliases:    team@example.org"));
  EXPECT_EQ(run({"alias", "remove", "team@example.org", "bob@example.net"}), kOk);
  EXPECT_EQ(run({"alias", "remove", "team@example.org"}), kOk);
  EXPECT_EQ(run({"account", "remove", "ann@example.org"}), kRefused);
  EXPECT_THAT(err.str(), HasSubstr("--yes"));
  EXPECT_EQ(run({"account", "remove", "ann@example.org", "--yes"}), kOk);
  EXPECT_EQ(run({"domain", "remove", "example.org"}), kOk);
}

TEST_F(CliTest, QueueOfAnEmptyServer) {
  EXPECT_EQ(run({"queue", "list"}), kOk);
  EXPECT_EQ(out.str(), "The queue is empty.\n");
  EXPECT_EQ(run({"queue", "retry", "--all"}), kOk);
  EXPECT_EQ(run({"queue", "retry"}), kBadData);
  EXPECT_EQ(run({"queue", "retry", "example.net"}), kRefused);
  EXPECT_EQ(run({"queue", "show", "nonsense"}), kBadData);
  EXPECT_EQ(run({"trace", "01ARZ3NDEKTSV4RRFFQ69G5FAV"}), kRefused);
  EXPECT_EQ(run({"trace", "ann@example.org"}), kRefused);
}

TEST_F(CliTest, ImportAccounts) {
  run({"domain", "add", "example.org"});
  const std::string list = "# comment\n"
                           "bob@example.org:$1$saltsalt$zitrwOX1lEaNffiF89rXp.\n"
                           "\n"
                           "ann@example.org:{MD5-CRYPT}$1$saltsalt$zitrwOX1lEaNffiF89rXp.:500M\n"
                           "broken line\n"
                           "eve@example.org:plaintext\n"
                           "bob@example.org:$1$saltsalt$zitrwOX1lEaNffiF89rXp.\n";
  EXPECT_EQ(run({"import", "accounts", "-"}, list), kBadData);
  EXPECT_EQ(out.str(), "2 accounts imported, 3 not (see above).\n");
  EXPECT_THAT(err.str(), AllOf(HasSubstr("-:5: not of the form"), HasSubstr("-:6: "), HasSubstr("-:7: ")));
  EXPECT_EQ(run({"import", "accounts", folder.path("absent")}), kNoInput);
}

TEST_F(CliTest, ImportMail) {
  run({"domain", "add", "example.org"});
  run({"account", "add", "ann@example.org", "--no-password"});
  std::string mbox =
      "From a@b Thu Jan  1 00:00:00 2026\nSubject: one\n\nsmall\n\nFrom a@b Thu Jan  1 00:00:01 2026\nSubject: two\n\n";
  for (int i = 0; i < 10'000; ++i) mbox += "a line of a large message, number " + std::to_string(i) + "\n";
  const auto path = folder.write("inbox.mbox", mbox);
  EXPECT_EQ(run({"import", "mail", "ann@example.org", path}), kOk) << err.str();
  EXPECT_EQ(out.str(), "2 messages imported.\n");
  EXPECT_EQ(run({"account", "show", "ann@example.org", "--json"}), kOk);
  EXPECT_EQ(control::get_number(out_json(), "messages"), 2);
  EXPECT_GT(control::get_number(out_json(), "used"), 300'000);
  EXPECT_EQ(run({"import", "mail", "bob@example.org", path}), kRefused);
  EXPECT_EQ(run({"import", "mail", "ann@example.org", folder.path("absent")}), kNoInput);
}

TEST_F(CliTest, SecondUserOfTheDirectoryIsTold) {
  run({"domain", "add", "example.org"});
  const ServerPlace place{folder.path("data"), folder.path("control.sock"), "", "mx.example.org", "", "", ""};
  const auto holder = local_transport(place);
  ASSERT_TRUE(holder);
  EXPECT_EQ(run({"domain", "list"}), kUnavailable);
  EXPECT_THAT(err.str(), HasSubstr("does not answer on"));
}

TEST_F(CliTest, MissingConfiguration) {
  EXPECT_EQ(run({"--config", "missing", "domain", "list"}), kConfiguration);
  EXPECT_THAT(err.str(), HasSubstr("no configuration there"));
  for (const std::vector<std::string>& words : {std::vector<std::string>{"domain", "list"}, {"message", "check"}}) {
    err.str("");
    EXPECT_EQ(run({"--config", "broken", words[0], words[1]}), kConfiguration);
    EXPECT_EQ(err.str(), "paquebot: broken:1: one\npaquebot: broken:2: \\x1b two\n");
  }
}

TEST_F(CliTest, Completion) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    EXPECT_EQ(run({"completion", shell}), kOk);
    EXPECT_THAT(out.str(), AllOf(HasSubstr("passwd"), HasSubstr("password-file"))) << shell;
  }
  EXPECT_EQ(run({"completion", "csh"}), kBadData);
}

// ---- sendmail ----

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
    auto file = intake::DropFile::open(folder.path("drop"), names[0]);
    EXPECT_TRUE(file);
    if (!file) return {};
    Dropped found{file->envelope(), {}};
    for (;;) {
      const auto piece = file->read();
      if (!piece || piece->empty()) break;
      found.text += *piece;
    }
    intake::remove_drop(folder.path("drop"), names[0]);
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
  EXPECT_EQ(mail.text, "Subject: x\r\n\r\n.dot\r\n");
  EXPECT_EQ(mail.envelope.sender.reverse_path.to_string(), "ann@example.org");
}

TEST_F(SendmailTest, OtherNames) {
  EXPECT_EQ(run({"paquebot", "sendmail", "-bp"}), kUsage) << "the test puts its own name in front";
  EXPECT_EQ(run({"sendmail", "-bp"}), kOk);
  EXPECT_EQ(out.str(), "The queue is empty.\n");
  EXPECT_EQ(run({"sendmail", "-q"}), kOk);
  EXPECT_EQ(run({"sendmail", "-bi"}), kOk);
}

} // namespace
} // namespace paquebot::cli
