#include "app/test_config.h"

#include <gtest/gtest.h>

namespace paquebot::app {
namespace {

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
  const policy::StrangerRules& guard = config->guard;
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

TEST(Config, AnEmptyFileGivesTheStandardPorts) {
  auto config = parse("");
  ASSERT_TRUE(config) << config.error().message;
  ASSERT_EQ(config->listeners.size(), 7u);
  EXPECT_EQ(config->listeners[0].address, "[::]:25");
  EXPECT_EQ(config->listeners[5].role, service::ListenerRole::imap);
  EXPECT_EQ(config->listeners[5].address, "[::]:143");
  EXPECT_EQ(config->listeners[6].address, "[::]:993");
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
  EXPECT_EQ(config->tls.certificate_pem, "C");
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

TEST(Config, TellsWhatNeedsARestart) {
  auto a = parse("[server]\nhostname=\"a.example\""), b = parse("[server]\nhostname=\"b.example\"\n[limits]\nerrors=5");
  ASSERT_TRUE(a && b);
  EXPECT_EQ(restart_keys(*a, *b), std::vector<std::string>{"server.hostname"});
  EXPECT_TRUE(restart_keys(*a, *a).empty());
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

TEST(Config, TheTokenOfAMonitorIsWhatItsFileHolds) {
  const std::string text = "[metrics]\ntoken_file = \"/token\"\nfrom = []\n";
  const auto config = parse(text, {{"/token", "3f9a and so on\n"}});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->snapshot.watch.token, "3f9a and so on");
  EXPECT_FALSE(config->snapshot.watch.from.contains("127.0.0.1"));
  const auto empty = parse(text, {{"/token", "\n"}});
  ASSERT_FALSE(empty);
  EXPECT_NE(empty.error().message.find("the file is empty"), std::string::npos);
  EXPECT_TRUE(parse("")->snapshot.watch.from.contains("::1"));
}

TEST(Config, SaysWhatOtherServersMayRelyOn) {
  const auto config = parse("[mta_sts]\nmode = \"enforce\"\nmax_age = \"30d\"\nmx = [\"*.Example.NET\"]\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(setup::mta_sts_policy(config->snapshot.setup.mta_sts, "mx.example.org"),
            "version: STSv1\r\nmode: enforce\r\nmx: mx.example.org\r\nmx: *.example.net\r\nmax_age: 2592000\r\n");
  EXPECT_EQ(parse("")->snapshot.setup.mta_sts.mode, setup::MtaStsMode::testing);
}

} // namespace
} // namespace paquebot::app
