#include "app/test_config.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace paquebot::app {
namespace {

TEST(Config, ErrorsNameFileLineAndTheMend) {
  struct Case {
    const char *text, *expected;
  } cases[] = {
      {"[server]\nhostnam = \"x\"", "p.toml:2: unknown key \"hostnam\" in [server]: do you mean \"hostname\"?"},
      {"[server]\nhostname = 7", "p.toml:2: hostname must be a text in quotes"},
      {"[server]\nhostname = \"a b\"", "p.toml:2: hostname is not a domain name"},
      {"\n\n[queue]\nlifetime = \"soon\"", "p.toml:4: lifetime must be a duration"},
      {"[limits]\nmessage_size = \"1\"", "p.toml:2: message_size = 1 is out of bounds"},
      {"[limits]\nconnections = 0", "p.toml:2: connections = 0 is out of bounds"},
      {"[[listener]]\nrole = \"smtp\"\naddress = \"x\"",
       "p.toml:2: role = \"smtp\" is not known: use one of mx, submission, lmtp, pop3"},
      {"[[listener]]\nrole = \"mx\"", "p.toml:1: a [[listener]] needs an address"},
      {"[listener]\nrole = \"mx\"", "p.toml:1: listener must be written as [[listener]]"},
      {"[tls]\ncertificate = \"/nowhere\"\nkey = \"/nowhere\"",
       "p.toml:2: can't read certificate = \"/nowhere\": No such file"},
      {"[tls]\ncertificate = \"c.pem\"\nkey = \"/k\"",
       "p.toml:2: certificate = \"c.pem\" does not begin with \"/\": write the whole path"},
      {"[sever]\nhostname = \"x\"", "p.toml:1: unknown section \"sever\" in the file: do you mean \"server\"?"},
      {"[[listner]]\nrole = \"mx\"", "p.toml:1: unknown section \"listner\" in the file: do you mean \"listener\"?"},
      {"[limits.acount]\n", "p.toml:1: unknown section \"acount\" in [limits]: do you mean \"account\"?"},
      {"[[route]]\nto = \"*\"", "p.toml:1: a [[route]] needs a host"},
      {"[[route]]\nhost = \"a:99999\"", "p.toml:2: the port in host"},
      {"[[route]]\nhost = \"a\"\nuser = \"u\"", "needs a password_file"},
      {"[dns]\nresolvers = \"127.0.0.1\"", "p.toml:2: resolvers must be a list"},
      {"[dns]\ndnssec = \"yes\"", "dnssec = \"yes\" is not known: use one of auto, required, off"},
      {"[dns]\ndnssec = \"required\"\ntrust_anchor = \"none\"", "needs a trust_anchor"},
      {"[dns]\ndnssec = \"off\"\ntrust_anchor = \". IN DS 1 8 2 AA\"", "a trust_anchor is not used"},
      {"what = 1", "p.toml:1: unknown key \"what\" in the file"},
      {"a = [", "p.toml:1: "},
      {"[[listener]]\nrole = \"pop3\"\naddress = \"x:1\"\ntls = \"none\"",
       "p.toml:1: nobody can log in on this listener"},
      {"[[listener]]\nrole = \"lmtp\"\naddress = \"127.0.0.1:25\"", "LMTP must not be on port 25"},
      {"[[listener]]\nrole = \"mx\"\naddress = \"unix:/x\"", "a local socket is for the role lmtp only"},
      {"[[listener]]\nrole = \"lmtp\"\naddress = \"unix:x\"", "a path that begins with"},
      {"[[listener]]\nrole = \"lmtp\"\naddress = \"[::1]:24\"\nsocket_mode = 0o600", "p.toml:4: socket_mode is for"},
      {"[[listener]]\nrole = \"mx\"\naddress = \"x:1\"\nproxy_protocol_from = [\"10.0.0.1/8\"]",
       "p.toml:4: proxy_protocol_from: \"10.0.0.1/8\" has bits beyond its prefix"},
      {"[[listener]]\nrole = \"pop3\"\naddress = \"x:1\"\nxclient_from = [\"::1\"]", "p.toml:4: xclient_from is for"},
      {"[[listener]]\nrole = \"http\"\naddress = \"x:1\"\ntls = \"starttls\"", "p.toml:4: HTTP has no STARTTLS"},
      {"[[listener]]\nrole = \"http\"\naddress = \"x:1\"\nredirect = true", "p.toml:4: redirect is for tls = \"none\""},
      {"[[listener]]\nrole = \"mx\"\naddress = \"x:1\"\nredirect = true", "p.toml:4: redirect is for the role http"},
      {"[[listener]]\nrole = \"pop3\"\naddress = \"x:1\"\nforwarded_from = [\"::1\"]",
       "forwarded_from is for the role"},
      {"[[certificate]]\nkey = \"/k\"", "p.toml:1: a [[certificate]] needs both certificate and key"},
      {"[[route]]\nhost = \"unix:/x\"", "is for routes with protocol = \"lmtp\""},
      {"[[route]]\nhost = \"x:25\"\nprotocol = \"lmtp\"", "LMTP is never spoken on port 25"},
      {"[[route]]\nhost = \"x\"\nprotocol = \"uucp\"", "use one of smtp, lmtp"},
      {"[server]\nbackup_dirs = [\"x\"]", "p.toml:2: \"x\" in backup_dirs does not begin with \"/\""},
      {"[server]\nstore = \"mysql\"", "p.toml:2: store = \"mysql\" is not known"},
      {"[client_setup]\nhost = \"a b\"", "p.toml:2: host is not a domain name"},
      {"[mta_sts]\nmode = \"on\"", "use one of off, none, testing, enforce"},
      {"[mta_sts]\nmax_age = \"400d\"", "p.toml:2: max_age = 400d is too long: at most 31557600 seconds"},
      {"[mta_sts]\nmx = [\"*\"]", "p.toml:2: \"*\" in mx is neither a host name nor one behind \"*.\""},
      {"[metrics]\ntoken_file = \"/nowhere\"", "p.toml:2: can't read token_file"},
      {"[metrics]\nfrom = [\"10.0.0.1/8\"]", "p.toml:2: from: \"10.0.0.1/8\" has bits beyond its prefix"},
  };
  for (const auto& c : cases) {
    auto config = parse(c.text);
    ASSERT_FALSE(config) << c.text;
    EXPECT_NE(config.error().message.find(c.expected), std::string::npos) << c.text << "\ngives\n"
                                                                          << config.error().message;
  }
}

/// What is wrong with a [server] of these lines; "" when nothing is.
std::string server_error(const std::string& lines) {
  const auto config = parse("[server]\n" + lines);
  return config ? "" : config.error().message;
}

TEST(Config, PlacesThatAreForNothingElse) {
  EXPECT_EQ(server_error("data_dir = \"/srv/mail/\""), "");
  EXPECT_EQ(parse("[server]\ndata_dir = \"/srv//mail/./x/..\"")->server.data_directory, "/srv/mail");
  EXPECT_EQ(parse("[server]\ndata_dir = \"/srv/mail/\"")->server.drop_directory, "/srv/mail/drop");
  for (const char* folder : {"/", "//", "/etc", "/var/lib/", "/home/.", "/tmp", "/srv/.."}) {
    EXPECT_NE(server_error("data_dir = \"" + std::string(folder) + "\"").find("p.toml:2: data_dir = "),
              std::string::npos)
        << folder;
    EXPECT_NE(server_error("drop_dir = \"" + std::string(folder) + "\"").find("a folder of the system"),
              std::string::npos)
        << folder;
  }
  for (const char* key : {"data_dir", "drop_dir", "control_socket", "log_file"})
    EXPECT_NE(server_error(key + std::string(" = \"mail/x\"")).find("does not begin with"), std::string::npos) << key;
  for (const char* lines :
       {"data_dir = \"/srv/m\"\ndrop_dir = \"/srv/m/\"", "data_dir = \"/srv/m/d\"\ndrop_dir = \"/srv/m\"",
        "drop_dir = \"/srv/m\"\ncontrol_socket = \"/srv/m/socket\"", "drop_dir = \"/srv/m\"\nlog_file = \"/srv/m/log\"",
        "drop_dir = \"/srv/m\"\nbackup_dirs = [\"/srv/m/backups\"]"})
    EXPECT_NE(server_error(lines), "") << lines;
  EXPECT_EQ(server_error("drop_dir = \"/srv/mail\"\nlog_file = \"/srv/mail.log\""), "");
}

TEST(Config, HostNames) {
  for (const char* address : {"192.0.2.7", "127.0.0.1"})
    EXPECT_NE(server_error("hostname = \"" + std::string(address) + "\"").find("p.toml:2: hostname is"),
              std::string::npos)
        << address;
  for (const char* name : {"localhost", "localhost.localdomain", "mail.localhost", "mail"}) {
    const auto config = parse("[server]\nhostname = \"" + std::string(name) + "\"");
    ASSERT_TRUE(config) << config.error().message;
    ASSERT_EQ(config->warnings.size(), 1u) << name;
    EXPECT_NE(config->warnings[0].find("p.toml:2: hostname is \"" + std::string(name)), std::string::npos);
  }
  EXPECT_TRUE(parse("[server]\nhostname = \"mx.example.net\"")->warnings.empty());
  EXPECT_FALSE(parse("[server]\nhostname = \"mx.example.org\"")->warnings.empty()) << "the sample's";
}

TEST(Config, ListenersThatCanListen) {
  const auto wrong = [](const std::vector<std::string>& addresses) {
    std::string text;
    for (const std::string& address : addresses) text += "[[listener]]\nrole = \"mx\"\naddress = \"" + address + "\"\n";
    const auto config = parse(text);
    return config ? std::string() : config.error().message;
  };
  EXPECT_NE(wrong({"25"}).find("p.toml:3: address = \"25\" has no port"), std::string::npos) << wrong({"25"});
  for (const char* all : {"25", "*:25"})
    EXPECT_NE(wrong({all}).find("write \"[::]:25\""), std::string::npos) << wrong({all});
  for (const char* one :
       {"0.0.0.0", "0.0.0.0:70000", "0.0.0.0:-1", "mx.example.org:25", "::1:25", "/run/socket", ":25"})
    EXPECT_NE(wrong({one}), "") << one;
  EXPECT_EQ(wrong({"0.0.0.0:25", "[::1]:25", "127.0.0.1:26", "127.0.0.1:0", "127.0.0.1:0"}), "");
  for (const std::vector<std::string>& two : {std::vector<std::string>{"[::]:25", "0.0.0.0:25"},
                                              {"[::]:25", "127.0.0.1:25"},
                                              {"127.0.0.1:25", "0.0.0.0:25"},
                                              {"[::1]:25", "[::]:25"},
                                              {"127.0.0.1:25", "127.0.0.1:25"}})
    EXPECT_NE(wrong(two).find("p.toml:6: the address"), std::string::npos) << two[0] << " and " << two[1];
}

TEST(Config, APasswordIsForHostsThatAreKnown) {
  const std::string login = "user = \"ann\"\npassword_file = \"/secret\"\n";
  for (const auto& [how, warned] : std::vector<std::pair<std::string, bool>>{{"", false},
                                                                             {"tls = \"required\"", false},
                                                                             {"tls = \"implicit\"", false},
                                                                             {"tls = \"opportunistic\"", true},
                                                                             {"tls = \"none\"", true},
                                                                             {"verify = false", true}}) {
    const auto config = parse("[[route]]\nhost = \"smtp.isp.example\"\n" + login + how, {{"/secret", "pass"}});
    ASSERT_TRUE(config) << how << ": " << config.error().message;
    const bool told = std::ranges::any_of(config->warnings, [](const std::string& line) {
      return line.find("p.toml:3: the host of this [[route]] is not known by its certificate") != line.npos;
    });
    EXPECT_EQ(told, warned) << how;
  }
}

TEST(Config, ARouteToPort465SpeaksTlsAtOnce) {
  EXPECT_TRUE(parse("[[route]]\nhost = \"a.example:465\"\ntls = \"implicit\""));
  EXPECT_TRUE(parse("[[route]]\nhost = \"a.example\"\ntls = \"implicit\""));
  EXPECT_TRUE(parse("[[route]]\nhost = \"a.example:587\""));
  for (const char* tls : {"", "tls = \"required\"", "tls = \"opportunistic\"", "tls = \"none\""}) {
    const auto config = parse("[[route]]\nhost = \"a.example:465\"\n" + std::string(tls));
    ASSERT_FALSE(config) << tls;
    EXPECT_NE(config.error().message.find("p.toml:2: port 465"), std::string::npos) << config.error().message;
  }
  const auto odd = parse("[[route]]\nhost = \"a.example:587\"\ntls = \"implicit\"");
  ASSERT_TRUE(odd);
  EXPECT_NE(odd->warnings.back().find("p.toml:2: port 587"), std::string::npos) << odd->warnings.back();
}

} // namespace
} // namespace paquebot::app
