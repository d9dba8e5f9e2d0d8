#include "cli/test_cli.h"
#include "cli/verbs.h"
#include "intake/drop.h"

#include <cstdlib>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>
#include <sys/stat.h>

namespace paquebot::cli {
namespace {

using test::CliTest;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

TEST_F(CliTest, Help) {
  EXPECT_EQ(run({"--help"}), kOk);
  EXPECT_THAT(out.str(), AllOf(HasSubstr("account"), HasSubstr("Exit codes")));
  for (const auto& verb : verbs()) {
    std::vector<std::string> words;
    std::istringstream names{std::string(verb.name)};
    for (std::string word; names >> word;) words.push_back(word);
    words.emplace_back("--help");
    EXPECT_EQ(run(words), kOk) << verb.name;
    EXPECT_THAT(out.str(), AllOf(ContainsRegex("Examples:\n  (sudo )?paquebot"), HasSubstr("--config"))) << verb.name;
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

TEST_F(CliTest, SinkTakesWhatItIsTold) {
  SinkOptions told;
  environment.sink = [&](const SinkOptions& options) { return told = options, 7; };
  EXPECT_EQ(run({"sink"}), 7);
  EXPECT_TRUE(told.smtp.empty() && told.http.empty() && told.pop3.empty() && !told.seed);
  EXPECT_EQ(run({"sink", "--smtp", "2525", "--smtp", "unix:/s", "--http", "none", "--pop3", "0", "--host", "mail",
                 "--faults", "f.json", "--seed", "7", "--memory", "64M", "--json"}),
            7);
  EXPECT_EQ(told.smtp, (std::vector<std::string>{"2525", "unix:/s"}));
  EXPECT_EQ(told.http, std::vector<std::string>{"none"});
  EXPECT_EQ(told.hosts, std::vector<std::string>{"mail"});
  EXPECT_EQ(told.faults, "f.json");
  EXPECT_EQ(told.seed, 7u);
  EXPECT_EQ(told.memory, 64u << 20);
  EXPECT_TRUE(told.json);
  for (const char* wrong : {"x", "-1", ""}) EXPECT_EQ(run({"sink", "--seed", wrong}), kUsage) << wrong;
  for (const char* wrong : {"many", "1k"}) EXPECT_EQ(run({"sink", "--memory", wrong}), kUsage) << wrong;
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
  checked.errors = {"p.toml:3: no such role"};
  EXPECT_EQ(run({"check"}), kConfiguration);
  EXPECT_EQ(out.str(), "");
  EXPECT_EQ(err.str(), "paquebot: p.toml:3: no such role\n");
  checked = {.errors = {}, .warnings = {"the certificate has expired"}, .summary = "mx.example.org"};
  EXPECT_EQ(run({"check"}), kOk);
  EXPECT_EQ(err.str(), "paquebot: warning: the certificate has expired\n");
  EXPECT_THAT(out.str(), HasSubstr("can be used: mx.example.org"));
  EXPECT_EQ(run({"check", "--json"}), kOk);
  EXPECT_EQ(control::get_list(out_json(), "warnings").at(0).as_string(), "the certificate has expired");
  EXPECT_TRUE(control::get_bool(out_json(), "fine"));
  EXPECT_EQ(run({"check", "--print-defaults"}), kOk);
  EXPECT_EQ(out.str(), "DEFAULTS\n");
  EXPECT_EQ(run({"check", "--print-reference"}), kOk);
  EXPECT_EQ(out.str(), "TABLES\n");
  EXPECT_EQ(run({"check", "--print-reference", "--json"}), kOk);
  EXPECT_EQ(out.str(), "{}\n");
  EXPECT_EQ(run({"check", "--print-reference", "--print-defaults"}), kUsage);
  EXPECT_EQ(run({"version"}), kOk);
  EXPECT_EQ(out.str(), "paquebot 0.1.0\n");
  EXPECT_EQ(run({"version", "--json"}), kOk);
  EXPECT_EQ(control::get_text(out_json(), "version"), "0.1.0");
}

TEST_F(CliTest, HelpAndVersionAsOtherProgramsHaveThem) {
  EXPECT_EQ(run({"--version"}), kOk);
  EXPECT_EQ(out.str(), "paquebot 0.1.0\n");
  EXPECT_EQ(run({"account", "add", "--help"}), kOk);
  const std::string help = out.str();
  EXPECT_EQ(run({"help", "account", "add"}), kOk);
  EXPECT_EQ(out.str(), help);
  EXPECT_EQ(run({"help", "acount"}), kUsage);
  EXPECT_EQ(run({"fetch", "list", "--no-verify"}), kUsage);
  EXPECT_THAT(err.str(), HasSubstr("; did you mean --insecure?"));
}

TEST_F(CliTest, TheStoreIsReachedWithABrokenConfiguration) {
  EXPECT_EQ(run({"domain", "add", "example.org"}), kOk);
  EXPECT_EQ(run({"--config", "broken", "domain", "list"}), kConfiguration);
  EXPECT_EQ(run({"--config", "broken", "--data-dir", folder.path("data"), "domain", "list"}), kOk) << err.str();
  EXPECT_THAT(out.str(), HasSubstr("example.org"));
  EXPECT_THAT(err.str(), HasSubstr("paquebot check says why"));
  // It goes before what a good one says.
  EXPECT_EQ(run({"--data-dir", folder.path("other"), "domain", "add", "example.net"}), kOk) << err.str();
  EXPECT_EQ(run({"--data-dir", folder.path("other"), "domain", "list"}), kOk) << err.str();
  EXPECT_THAT(out.str(), ::testing::Not(HasSubstr("example.org  ")));
  // Told once, however often it is asked for.
  EXPECT_EQ(run({"--config", "broken", "--data-dir", folder.path("data"), "status"}), kRefused) << "no server runs";
  EXPECT_EQ(err.str().find("paquebot check says why"), err.str().rfind("paquebot check says why")) << err.str();
}

TEST_F(CliTest, WhoOnlyLooksMakesNoStore) {
  const std::vector<std::vector<std::string>> looks{
      {"status"}, {"domain", "list"}, {"account", "list"}, {"account", "show", "ann@example.org"}, {"queue", "list"}};
  for (const std::vector<std::string>& look : looks) {
    std::vector<std::string> words{"--data-dir", folder.path("mistyped")};
    words.insert(words.end(), look.begin(), look.end());
    EXPECT_EQ(run(words), kRefused) << look.front();
    EXPECT_THAT(err.str(), HasSubstr("there is no store in " + folder.path("mistyped")));
    EXPECT_FALSE(std::filesystem::exists(folder.path("mistyped"))) << look.front();
  }
}

TEST_F(CliTest, FirstSteps) {
  EXPECT_EQ(run({"domain", "list"}), kRefused);
  EXPECT_THAT(err.str(), HasSubstr("`paquebot domain add` makes it"));
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
  EXPECT_THAT(
      out.str(),
      MatchesRegex(
          "The server does not run. 0 recipients wait .*\nVersion:      0.1.0\nDisk:         [0-9.]+ [KMGT]iB free of "
          "[0-9.]+ [KMGT]iB\n"));
  EXPECT_EQ(run({"status", "--json"}), kRefused);
  const auto status = out_json();
  EXPECT_EQ(control::get_text(status, "version"), "0.1.0");
  EXPECT_EQ(control::get_number(status.at("queue"), "waiting"), 0);
  EXPECT_GT(control::get_number(status.at("disk"), "size"), 0);
  EXPECT_EQ(run({"reload"}), kUnavailable);
}

TEST_F(CliTest, Passwords) {
  run({"domain", "add", "example.org"});
  const auto file = folder.write("secret", "from a file\r\nsecond line\n");
  EXPECT_EQ(run({"account", "add", "ann@example.org", "--password-file", file}), kOk);
  EXPECT_EQ(run({"account", "add", "bob@example.org", "--password-file", "-"}, "from stdin\n"), kOk);
  EXPECT_EQ(run({"account", "passwd", "bob@example.org", "--password-file", "-"}, "short\n"), kBadData);
  EXPECT_EQ(run({"account", "passwd", "bob@example.org", "--password-file", "-"}, ""), kBadData);
  EXPECT_EQ(run({"account", "passwd", "bob@example.org", "--password-file", folder.path("absent")}), kNoInput);
  setenv("PAQUEBOT_PASSWORD", "from the environment", 1);
  EXPECT_EQ(run({"account", "passwd", "bob@example.org"}), kOk);
  unsetenv("PAQUEBOT_PASSWORD");
  EXPECT_EQ(run({"account", "passwd", "eve@example.org", "--generate"}), kRefused);
  EXPECT_THAT(err.str(), HasSubstr("there is no account eve@example.org"));
}

TEST_F(CliTest, PasswordsThatAreShownOnceMustArrive) {
  run({"domain", "add", "example.org"});
  run({"account", "add", "ann@example.org", "--no-password"});
  for (const char* json : {"--quiet", "--json"}) {
    const auto broken = [&](std::vector<std::string> words) {
      words.insert(words.begin(), "paquebot");
      if (std::string_view(json) == "--json") words.push_back(json);
      std::istringstream in;
      std::ostream full(nullptr); // takes nothing
      err.str("");
      Console console{in, full, err, false};
      return cli::run(words, environment, console);
    };
    EXPECT_EQ(broken({"account", "add", "eve@example.org", "--generate"}), kIo);
    EXPECT_THAT(err.str(), HasSubstr("eve@example.org was not made"));
    EXPECT_EQ(run({"account", "show", "eve@example.org"}), kRefused);
    EXPECT_EQ(broken({"account", "passwd", "ann@example.org", "--generate"}), kIo);
    EXPECT_THAT(err.str(), HasSubstr("ann@example.org keeps the one it has"));
    EXPECT_EQ(run({"account", "show", "ann@example.org"}), kOk);
    EXPECT_THAT(out.str(), HasSubstr("no password"));
    EXPECT_EQ(broken({"account", "app-password", "add", "ann@example.org", "phone"}), kIo);
    EXPECT_THAT(err.str(), HasSubstr("it was not made"));
    EXPECT_EQ(run({"account", "app-password", "list", "ann@example.org"}), kOk);
    EXPECT_THAT(out.str(), HasSubstr("has no app passwords"));
  }
  EXPECT_EQ(run({"account", "passwd", "ann@example.org", "--generate", "--json"}), kOk);
  EXPECT_GE(control::get_text(out_json(), "password").size(), 12U);
  EXPECT_EQ(run({"account", "passwd", "nobody@example.org", "--generate"}), kRefused);
  EXPECT_EQ(out.str(), "");
}

TEST_F(CliTest, AccountLife) {
  run({"domain", "add", "example.org"});
  run({"account", "add", "ann@example.org", "--no-password"});
  EXPECT_EQ(run({"account", "mobileconfig", "ann@example.org"}), kRefused);
  EXPECT_THAT(err.str(), HasSubstr("needs a listener with TLS"));
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
  EXPECT_EQ(run({"domain", "add", "example.org"}), kOk);
  EXPECT_EQ(run({"queue", "list"}), kOk);
  EXPECT_EQ(out.str(), "The queue is empty.\n");
  EXPECT_EQ(run({"queue", "retry", "--all"}), kOk);
  EXPECT_EQ(run({"queue", "retry"}), kBadData);
  EXPECT_EQ(run({"queue", "retry", "example.net"}), kRefused);
  EXPECT_EQ(run({"queue", "show", "nonsense"}), kBadData);
  EXPECT_EQ(run({"trace", "01ARZ3NDEKTSV4RRFFQ69G5FAV"}), kRefused);
  EXPECT_EQ(run({"trace", "ann@example.org"}), kRefused);
  EXPECT_EQ(run({"trace", "<x@example.org>"}), kRefused);
  EXPECT_THAT(out.str(), ::testing::HasSubstr("has the Message-ID <x@example.org>"));
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
  EXPECT_EQ(out.str(), "2 accounts imported, 1 there before, 2 not (see above).\n");
  EXPECT_THAT(err.str(), AllOf(HasSubstr("-:5: not of the form"), HasSubstr("-:6: ")));
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
  const ServerPlace place{folder.path("data"), folder.path("control.sock"), "", "mx.example.org", ""};
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
  EXPECT_EQ(run({"completion", "csh"}), kUsage);
}

TEST_F(CliTest, AnyActionByItsId) {
  run({"domain", "add", "example.org"});
  run({"account", "add", "ann@example.org", "--no-password"});
  EXPECT_EQ(run({"api"}), kOk);
  EXPECT_THAT(out.str(), AllOf(HasSubstr("account.add"), HasSubstr("Make an account")));
  EXPECT_EQ(run({"api", "--json"}), kOk);
  EXPECT_EQ(control::get_text(out_json(), "openapi"), "3.1.0");
  EXPECT_EQ(run({"api", "account.change", "--describe"}), kOk);
  EXPECT_THAT(out.str(), AllOf(HasSubstr("PATCH /v1/accounts/{login}"), HasSubstr("quota  number, may be missing")));
  EXPECT_EQ(run({"api", "account.change", "login=ann@example.org", "quota=5000", "disabled=true"}), kOk) << err.str();
  EXPECT_EQ(control::get_number(out_json(), "quota"), 5000);
  EXPECT_EQ(run({"api", "alias.add", "address=team@example.org", "targets=ann@example.org,out@example.net"}), kOk);
  EXPECT_EQ(control::get_list(out_json(), "targets").size(), 2U);
  EXPECT_EQ(run({"api", "account.list", "limit=1"}), kOk);
  EXPECT_EQ(run({"api", "account.list", "--body", "-"}, "{}"), kOk) << err.str();
  EXPECT_EQ(run({"api", "domain.add", "--body", "-"}, R"({"name":"example.net"})"), kOk) << err.str();
  for (const std::vector<std::string>& wrong :
       std::vector<std::vector<std::string>>{{"account.nothing"},
                                             {"account.show"},
                                             {"account.show", "login"},
                                             {"account.show", "login=x@y.z", "name=1"}}) {
    std::vector<std::string> words{"api"};
    words.insert(words.end(), wrong.begin(), wrong.end());
    EXPECT_EQ(run(words), kUsage) << words.back();
  }
  EXPECT_EQ(run({"api", "account.show", "login=bob@example.org"}), kRefused);
  EXPECT_EQ(run({"api", "me.show"}), kOk);
  EXPECT_EQ(control::get_text(out_json(), "role"), "root");
}

TEST_F(CliTest, HooksAndEvents) {
  run({"domain", "add", "example.org"});
  run({"account", "add", "ann@example.org", "--no-password"});
  EXPECT_EQ(run({"hook", "list"}), kOk);
  EXPECT_THAT(out.str(), HasSubstr("There are no hooks"));
  EXPECT_EQ(run({"hook", "add", "http://127.0.0.1/"}), kBadData);
  EXPECT_EQ(run({"hook", "add", "https://hooks.example/", "--event", "message.sent"}), kBadData);
  EXPECT_EQ(run({"hook", "add", "https://hooks.example/", "--event", "message.*", "--account", "ann@example.org"}), kOk)
      << err.str();
  EXPECT_THAT(out.str(), HasSubstr("shown once, here:\nwhsec_"));
  EXPECT_EQ(run({"hook", "list"}), kOk);
  EXPECT_THAT(out.str(), AllOf(HasSubstr("message.*"), HasSubstr("ann@example.org"), Not(HasSubstr("whsec_"))));
  EXPECT_EQ(run({"hook", "list", "ann@example.org", "--json"}), kOk);
  const std::string id = std::to_string(control::get_number(control::get_list(out_json(), "hooks").at(0), "id"));
  EXPECT_EQ(run({"hook", "show", id}), kOk);
  EXPECT_THAT(out.str(), HasSubstr("last taken: nothing yet"));
  EXPECT_EQ(run({"hook", "change", id}), kUsage);
  EXPECT_EQ(run({"hook", "change", id, "--rotate", "--domain", "example.org"}), kOk) << err.str();
  EXPECT_THAT(out.str(), HasSubstr("whsec_"));
  EXPECT_EQ(run({"hook", "pause", id}), kOk);
  EXPECT_EQ(run({"hook", "resume", id}), kOk);
  EXPECT_EQ(run({"hook", "replay", id, "--since", "2026-11-30T09:00:00Z"}), kOk) << err.str();
  EXPECT_EQ(run({"hook", "test", id}), kUnavailable);
  EXPECT_EQ(run({"hook", "remove", id}), kOk);
  EXPECT_EQ(run({"hook", "remove", id}), kRefused);
  EXPECT_EQ(run({"events"}), kOk) << err.str();
  EXPECT_THAT(out.str(), HasSubstr("go on with: paquebot events --after "));
  EXPECT_EQ(run({"send", "--as", "ann@example.org", "--to", "bob@example.net", "--text", "x"}), kUnavailable);
  EXPECT_EQ(run({"send", "--as", "ann@example.org", "--to", "bob@example.net", "--text", "x", "--priority", "3"}),
            kUsage);
}

TEST_F(CliTest, RightsAndTokens) {
  run({"domain", "add", "example.org"});
  run({"account", "add", "ann@example.org", "--no-password"});
  EXPECT_EQ(run({"right", "add", "ann@example.org"}), kBadData);
  EXPECT_EQ(run({"right", "add", "ann@example.org", "--domain", "example.org"}), kOk) << err.str();
  EXPECT_EQ(out.str(), "ann@example.org looks after example.org now.\n");
  EXPECT_EQ(run({"right", "add", "ann@example.org", "--operator"}), kOk);
  EXPECT_EQ(run({"right", "list"}), kOk);
  EXPECT_THAT(out.str(), AllOf(HasSubstr("operator"), HasSubstr("domain administrator")));
  EXPECT_EQ(run({"right", "remove", "ann@example.org"}), kUsage);
  EXPECT_EQ(run({"right", "remove", "ann@example.org", "--operator"}), kOk);
  EXPECT_EQ(run({"right", "remove", "ann@example.org", "--operator"}), kRefused);
  EXPECT_EQ(run({"token", "add", "backup", "no.scope"}), kBadData);
  EXPECT_THAT(err.str(), HasSubstr("accounts.read"));
  EXPECT_EQ(run({"token", "add", "backup", "server.write", "queue.read", "--for", "1d", "--from", "192.0.2.0/24"}),
            kOk);
  EXPECT_THAT(out.str(), MatchesRegex("The token \"backup\" is shown once, here:\npq_[a-z2-9]{32}\n"));
  EXPECT_EQ(run({"token", "add", "phone", "trails.read", "--account", "ann@example.org", "--domain", "example.org"}),
            kOk);
  EXPECT_EQ(run({"token", "list"}), kOk);
  EXPECT_THAT(out.str(), AllOf(HasSubstr("server.write queue.read"), HasSubstr("192.0.2.0/24"), Not(HasSubstr("pq_"))));
  EXPECT_EQ(run({"token", "list", "ann@example.org", "--json"}), kOk);
  const json::value mine = out_json();
  ASSERT_EQ(control::get_list(mine, "tokens").size(), 1U);
  const std::string id = std::to_string(control::get_number(control::get_list(mine, "tokens").at(0), "id"));
  EXPECT_EQ(run({"token", "remove", id}), kOk) << err.str();
  EXPECT_EQ(run({"token", "remove", id}), kRefused);
}

} // namespace
} // namespace paquebot::cli
