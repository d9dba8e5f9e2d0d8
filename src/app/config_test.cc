#include "app/config.h"
#include "app/reader.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>

namespace paquebot::app {
namespace {

Result<Config> parse(const std::string& text, std::map<std::string, std::string> files = {}) {
  files["p.toml"] = text;
  return load_config("p.toml", [&](const std::string& path) -> Result<std::string> {
    auto file = files.find(path);
    if (file == files.end()) return fail(Errc::not_found, "No such file or directory");
    return file->second;
  });
}

TEST(LoadConfig, LmtpAndTrustedPeers) {
  auto config = parse(R"(
[[listener]]
role = "lmtp"
address = "unix:/run/paquebot/lmtp"
socket_mode = 0o660
[[listener]]
role = "lmtp"
address = "192.0.2.1:24"
accept_from = ["192.0.2.0/24"]
proxy_protocol_from = ["10.0.0.0/8", "::1"]
[[listener]]
role = "mx"
address = "127.0.0.1:2525"
xclient_from = ["127.0.0.1"]
[[route]]
to = "example.org"
host = "unix:/run/dovecot/lmtp"
protocol = "lmtp"
[[route]]
to = "example.net"
host = "store.example.net"
protocol = "lmtp"
)");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_TRUE(config->listeners[0].is_local());
  EXPECT_EQ(config->listeners[0].socket_mode, 0660);
  EXPECT_TRUE(config->listeners[0].accept_from.contains("127.0.0.2"));
  EXPECT_FALSE(config->listeners[1].accept_from.contains("127.0.0.2"));
  EXPECT_TRUE(config->listeners[1].proxy_protocol_from.contains("10.9.9.9"));
  EXPECT_TRUE(config->listeners[2].xclient_from.contains("127.0.0.1"));
  EXPECT_TRUE(config->listeners[2].accept_from.empty());
  const queue::Route* local = config->snapshot.queue.routes.find("example.org");
  EXPECT_EQ(local->host, "/run/dovecot/lmtp");
  EXPECT_EQ(local->tls, queue::RouteTls::none);
  EXPECT_TRUE(local->lmtp);
  EXPECT_EQ(config->snapshot.queue.routes.find("example.net")->port, 24);
  EXPECT_EQ(config->snapshot.queue.routes.find("example.net")->tls, queue::RouteTls::opportunistic);
}

TEST(Config, DmarcReports) {
  EXPECT_FALSE(parse("")->snapshot.dmarc_reports.send);
  auto config = parse("[server]\nhostname = \"mx.example.org\"\n[authentication.reports]\nsend = true\n"
                      "from = \"dmarc@Example.org\"\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_TRUE(config->snapshot.dmarc_reports.send);
  EXPECT_EQ(config->snapshot.dmarc_reports.from.to_string(), "dmarc@example.org");
  EXPECT_EQ(config->snapshot.dmarc_reports.org_name, "mx.example.org");
  EXPECT_EQ(config->snapshot.dmarc_reports.contact, "dmarc@Example.org");
  EXPECT_FALSE(parse("[authentication.reports]\nsend = true\n")) << "a sender is missing";
  EXPECT_FALSE(parse("[authentication.reports]\nfrom = \"nobody\"\n"));
  EXPECT_FALSE(parse("[authentication.reports]\nsent = true\n"));
}

TEST(Config, GraceOfNewDomains) {
  EXPECT_EQ(parse("").value().server.new_domain_grace, std::chrono::hours(1));
  EXPECT_EQ(parse("[server]\nnew_domain_grace = \"10m\"\n").value().server.new_domain_grace, std::chrono::minutes(10));
  EXPECT_FALSE(parse("[server]\nnew_domain_grace = \"soon\"\n"));
}

TEST(Config, MailboxAndPop3) {
  auto config = parse("[mailbox]\nexpire_days = 60\n[pop3]\nlogin_delay = \"2m\"\nlanguage = \"fr\"\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->snapshot.expire_days, 60u);
  EXPECT_EQ(config->pop3.session.login_delay.count(), 120);
  EXPECT_EQ(config->pop3.session.language, pop3::Language::fr);
  EXPECT_FALSE(parse("[mailbox]\nexpire_days = -1\n"));
  EXPECT_FALSE(parse("[pop3]\nlanguage = \"klingon\"\n"));
}

TEST(Config, TheGuardOfStrangers) {
  using policy::Measure;
  const auto standard = parse("");
  ASSERT_TRUE(standard) << standard.error().message;
  EXPECT_TRUE(standard->guard.allow.contains("127.0.0.9"));
  EXPECT_EQ(standard->guard.early_talker, Measure::refuse);
  EXPECT_EQ(standard->guard.reverse_dns, Measure::off);
  EXPECT_EQ(standard->guard.greylist.measure, Measure::off);
  EXPECT_TRUE(standard->guard.lists.empty());
  const auto config = parse(R"(
[guard]
allow = ["10.0.0.0/8"]
block_senders = ["Spam.example", ".b.example", "X@c.example"]
reverse_dns = "tag"
helo = "defer"
dns_refuse_at = 5
greylisting = "defer"
greylist_delay = "5m"
faults_per_hour = 0
[[dns_list]]
zone = "Zen.example"
score = 5
answers = ["127.0.0.2", "127.0.0.8/29"]
[[dns_list]]
zone = "good.example"
kind = "domain"
score = -5
)");
  ASSERT_TRUE(config) << config.error().message;
  const policy::GuardOptions& guard = config->guard;
  EXPECT_FALSE(guard.allow.contains("127.0.0.1"));
  EXPECT_EQ(guard.block_senders, (std::vector<std::string>{"spam.example", ".b.example", "x@c.example"}));
  EXPECT_EQ(guard.reverse_dns, Measure::tag);
  EXPECT_EQ(guard.helo, Measure::defer);
  EXPECT_EQ(guard.greylist.delay.count(), 300);
  ASSERT_EQ(guard.lists.size(), 2u);
  EXPECT_EQ(guard.lists[0].zone, "zen.example");
  EXPECT_TRUE(guard.lists[0].answers.contains("127.0.0.9"));
  EXPECT_EQ(guard.lists[1].score, -5);
  EXPECT_FALSE(guard.lists[0].domains);
  EXPECT_TRUE(guard.lists[1].domains);
  for (const char* wrong :
       {"[guard]\nhelo = \"perhaps\"\n", "[guard]\ngreylisting = \"refuse\"\n", "[guard]\ngreeting_delay = \"5m\"\n",
        "[guard]\nallow = [\"x\"]\n", "[guard]\nblock_senders = [\"@\"]\n", "[guard]\ngreylist_window = \"60s\"\n",
        "[[dns_list]]\nscore = 1\n", "[[dns_list]]\nzone = \"a.test\"\nscore = 0\n"})
    EXPECT_FALSE(parse(wrong)) << wrong;
}

TEST(Config, RelayNetworks) {
  auto config = parse("");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_TRUE(config->smtp.listener.relay_from.empty());
  config = parse("[relay]\nnetworks = [\"192.0.2.0/24\"]\nsenders = [\"Partner.Example\", \"a@b.example\", \"<>\"]\n"
                 "messages_per_hour = 30\nrecipients_per_hour = 100\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_TRUE(config->smtp.listener.relay_from.contains("192.0.2.7"));
  EXPECT_FALSE(config->smtp.listener.relay_from.contains("192.0.3.7"));
  EXPECT_EQ(config->relay.senders, (std::vector<std::string>{"partner.example", "a@b.example", "<>"}));
  EXPECT_EQ(config->relay.limits.messages_per_hour, 30U);
  EXPECT_EQ(config->relay.limits.recipients_per_hour, 100U);
  EXPECT_FALSE(parse("[relay]\nnetworks = [\"0.0.0.0/0\"]\n"));
  config = parse("[relay]\nnetworks = [\"192.0.2.0/24\"]\nbare_lf = [\"192.0.2.7\"]\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_TRUE(config->smtp.listener.bare_lf_from.contains("192.0.2.7"));
  EXPECT_FALSE(config->smtp.listener.bare_lf_from.contains("192.0.2.8"));
  config = parse("[relay]\nnetworks = [\"192.0.2.0/24\"]\nchecked = [\"192.0.2.8\"]\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_TRUE(config->smtp.listener.checked_devices.contains("192.0.2.8"));
  EXPECT_FALSE(config->smtp.listener.checked_devices.contains("192.0.2.7"));
  EXPECT_TRUE(config->mend_bare_lf);
  EXPECT_FALSE(config->snapshot.intake.keep_bcc);
  config = parse("[submission]\nbare_lf = \"refuse\"\nkeep_bcc = true\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_FALSE(config->mend_bare_lf);
  EXPECT_TRUE(config->snapshot.intake.keep_bcc);
  EXPECT_FALSE(config->snapshot.intake.hide_inner);
  config = parse("[forwarding]\nhide_inner = true\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_TRUE(config->snapshot.intake.hide_inner);
  EXPECT_FALSE(parse("[submission]\nbare_lf = \"perhaps\"\n"));
  EXPECT_FALSE(parse("[relay]\nnetworks = [\"::/0\"]\n"));
  EXPECT_FALSE(parse("[relay]\nsenders = [\"not a domain\"]\n"));
}

TEST(Config, Takeover) {
  auto config = parse("");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->snapshot.takeover.new_recipients, 100u);
  EXPECT_EQ(config->snapshot.takeover_networks, 8u);
  config = parse("[takeover]\nnew_recipients = 20\nfailures = 0\nnetworks = 3\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->snapshot.takeover.new_recipients, 20u);
  EXPECT_EQ(config->snapshot.takeover.failures, 0u);
  EXPECT_EQ(config->snapshot.takeover.failure_percent, 33u);
  EXPECT_EQ(config->snapshot.takeover_networks, 3u);
  config = parse("[takeover]\nenabled = false\nnew_recipients = 20\n");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->snapshot.takeover, store::TakeoverRules{.times_usual = 5});
  EXPECT_EQ(config->snapshot.takeover_networks, 0u);
  EXPECT_FALSE(parse("[takeover]\nfailure_percent = 101\n"));
}

TEST(Config, ControlCharactersAreRefusedWithTheirLine) {
  for (const std::string& text :
       {std::string("[[\0]]\n", 7), std::string("a = 1\n[[\x01x]]\n"), std::string("[\x7F]\n")}) {
    const auto config = parse(text);
    ASSERT_FALSE(config);
    EXPECT_NE(config.error().message.find("a control character"), std::string::npos) << config.error().message;
  }
}

TEST(Config, ASectionWithAnOddNameIsRefusedWithItsLine) {
  const auto config = parse("\n[%server]\nhostname = \"x\"\n");
  ASSERT_FALSE(config);
  EXPECT_NE(config.error().message.find(":2: the name of a section"), std::string::npos) << config.error().message;
}

TEST(Config, AnEmptyFileGivesTheStandardPorts) {
  auto config = parse("");
  ASSERT_TRUE(config) << config.error().message;
  ASSERT_EQ(config->listeners.size(), 5u);
  EXPECT_EQ(config->listeners[0].address, "[::]:25");
  EXPECT_EQ(config->control_socket, "/var/lib/paquebot/control.sock");
  EXPECT_FALSE(config->server.hostname.empty());
}

TEST(Config, ReadsEverySection) {
  auto config = parse(R"(
[server]
hostname = "MX.Example.org"
data_dir = "/tmp/x"
log_format = "json"
[[listener]]
role = "mx"
address = "127.0.0.1:2525"
tls = "none"
[tls]
certificate = "/c.pem"
key = "/k.pem"
[dns]
resolvers = ["127.0.0.1:5300"]
trust_anchor = "none"
[[route]]
to = "Example.com"
host = "smtp.isp.example:2587"
user = "me"
password_file = "/secret"
[[route]]
host = "[::1]"
tls = "implicit"
[queue]
retry_first = "10s"
lifetime = "2d"
[delivery]
port = 2525
[limits]
message_size = "100MiB"
connections_per_address = 7
)",
                      {{"/c.pem", "C"}, {"/k.pem", "K"}, {"/secret", " word\n"}});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->server.hostname, "mx.example.org");
  EXPECT_EQ(config->snapshot.certificate_pem, "C");
  const queue::Route* one = config->snapshot.queue.routes.find("example.com");
  ASSERT_NE(one, nullptr);
  EXPECT_EQ(one->host, "smtp.isp.example");
  EXPECT_EQ(one->port, 2587);
  EXPECT_EQ(one->password, "word");
  const queue::Route* rest = config->snapshot.queue.routes.find("example.net");
  ASSERT_NE(rest, nullptr);
  EXPECT_EQ(rest->host, "::1");
  EXPECT_EQ(rest->port, 465);
  EXPECT_EQ(config->snapshot.queue.schedule.first, std::chrono::seconds(10));
  EXPECT_EQ(config->snapshot.queue.schedule.lifetime, std::chrono::hours(48));
  EXPECT_EQ(config->snapshot.intake.max_message_size, 100u << 20);
  EXPECT_EQ(config->snapshot.gate.per_address, 7u);
  EXPECT_EQ(config->server.connector.port, 2525);
}

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
      {"[[route]]\nhost = \"unix:/x\"", "is for routes with protocol = \"lmtp\""},
      {"[[route]]\nhost = \"x:25\"\nprotocol = \"lmtp\"", "LMTP is never spoken on port 25"},
      {"[[route]]\nhost = \"x\"\nprotocol = \"uucp\"", "use one of smtp, lmtp"},
      {"[server]\nbackup_dirs = [\"x\"]", "p.toml:2: \"x\" in backup_dirs does not begin with \"/\""},
      {"[server]\nstore = \"mysql\"", "p.toml:2: store = \"mysql\" is not known"},
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

TEST(Config, TellsWhatNeedsARestart) {
  auto a = parse("[server]\nhostname=\"a.example\""), b = parse("[server]\nhostname=\"b.example\"\n[limits]\nerrors=5");
  ASSERT_TRUE(a && b);
  EXPECT_EQ(restart_keys(*a, *b), std::vector<std::string>{"server.hostname"});
  EXPECT_TRUE(restart_keys(*a, *a).empty());
}

TEST(ConfigReader, DurationsAndSizes) {
  EXPECT_EQ(parse_duration("90"), std::chrono::seconds(90));
  EXPECT_EQ(parse_duration("4h"), std::chrono::hours(4));
  EXPECT_EQ(parse_duration("5 d"), std::chrono::hours(120));
  EXPECT_EQ(parse_size("2MiB"), 2u << 20);
  EXPECT_EQ(parse_size("10"), 10u);
  for (const char* bad : {"", "m", "-5s", "5 weeks", "1.5h", "99999999999999999999", "9999999999999999h"}) {
    EXPECT_FALSE(parse_duration(bad)) << bad;
    EXPECT_FALSE(parse_size(bad)) << bad;
  }
}

TEST(Config, SignsUnlessToldNotTo) {
  EXPECT_TRUE(parse("[dkim]\n")->snapshot.sign);
  EXPECT_FALSE(parse("[dkim]\nsign = false\n")->snapshot.sign);
  EXPECT_FALSE(parse("[dkim]\nselector = \"x\"\n"));
}

TEST(Config, Extensions) {
  auto config = parse(R"(
[limits]
hold = "2d"
deliver_by = "5m"
[extensions]
priority_policy = ""
etrn_hosts = ["192.0.2.1", "2001:db8::1"]
)");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->smtp.session.hold_most, 2 * 86400);
  EXPECT_EQ(config->smtp.session.deliver_by_least, 300);
  EXPECT_EQ(config->smtp.session.priority_policy, "");
  EXPECT_EQ(config->smtp.listener.etrn_hosts.size(), 2u);
  auto wrong = parse(R"(
[extensions]
priority_policy = "two words"
etrn_hosts = ["host.example"]
)");
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message.find("p.toml:3:"), std::string::npos) << wrong.error().message;
  EXPECT_NE(wrong.error().message.find("\"host.example\" in etrn_hosts"), std::string::npos);
}

TEST(Config, Authentication) {
  using Options = intake::AuthenticationOptions;
  auto plain = parse("");
  ASSERT_TRUE(plain);
  EXPECT_TRUE(plain->snapshot.intake.authentication.verify);
  EXPECT_EQ(plain->snapshot.intake.authentication.dmarc, Options::Dmarc::enforce);
  EXPECT_TRUE(plain->snapshot.intake.authentication.skip_networks.contains("127.0.0.1"));
  EXPECT_TRUE(plain->snapshot.intake.authentication.skip_networks.contains("::1"));
  auto config = parse(R"(
[authentication]
verify = false
dmarc = "tag"
quarantine = "hold"
spf_fail = "refuse"
trusted_forwarders = ["Lists.Example.ORG"]
skip_networks = []
timeout = "5s"
)");
  ASSERT_TRUE(config) << config.error().message;
  const Options& read = config->snapshot.intake.authentication;
  EXPECT_FALSE(read.verify);
  EXPECT_EQ(read.dmarc, Options::Dmarc::tag);
  EXPECT_EQ(read.quarantine, Options::Quarantine::hold);
  EXPECT_EQ(read.spf_fail, Options::SpfFail::refuse);
  EXPECT_EQ(read.trusted_forwarders, std::vector<std::string>{"lists.example.org"});
  EXPECT_FALSE(read.skip_networks.contains("127.0.0.1"));
  EXPECT_EQ(read.timeout.count(), 5);
  auto wrong = parse(R"(
[authentication]
trusted_forwarders = ["no domain"]
timeout = "5m"
)");
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message.find("p.toml:3:"), std::string::npos) << wrong.error().message;
  EXPECT_NE(wrong.error().message.find("p.toml:4:"), std::string::npos) << wrong.error().message;
}

} // namespace
} // namespace paquebot::app
