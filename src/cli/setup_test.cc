#include "cli/setup.h"
#include "cli/setup_outgoing.h"
#include "cli/setup_records.h"
#include "cli/test_cli.h"
#include "dns/fake_zone.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <functional>
#include <gmock/gmock.h>
#include <set>

namespace paquebot::cli {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// A world of which a test says how it is.
class SetupFakeWorld final : public SetupWorld {
public:
  std::shared_ptr<const dns::Answer> ask(const std::string& name, dns::Type type) override {
    std::shared_ptr<const dns::Answer> answer;
    boost::asio::io_context io;
    boost::asio::co_spawn(
        io, zone->query(name, type),
        [&](const std::exception_ptr&, std::shared_ptr<const dns::Answer> got) { answer = std::move(got); });
    io.run();
    return answer;
  }
  std::vector<std::string> own_addresses() override { return interfaces; }
  std::string machine_name() override { return machine; }
  Result<> greet(const std::string& ip, std::uint16_t port) override {
    EXPECT_EQ(port, 25);
    asked.push_back(ip);
    return greeting.contains(ip) ? Result<>() : fail(Errc::timeout, "silence");
  }
  Result<> try_login(const std::string& server, const std::string& user, const std::string& password) override {
    logins.push_back(server + " " + user + " " + password);
    return works ? Result<>() : fail(Errc::permission, "wrong password");
  }
  Result<> start_service() override {
    ++starts;
    return starting;
  }
  std::chrono::steady_clock::time_point now() override { return time; }
  void pause(std::chrono::milliseconds by) override {
    time += by;
    if (meanwhile) meanwhile();
  }

  std::shared_ptr<dns::FakeZone> zone =
      dns::FakeZone::parse("gmail.com MX 5 mx.gmail.com\ngmail.com MX 1 best.gmail.com\n"
                           "best.gmail.com A 203.0.113.1\nmx.gmail.com A 203.0.113.9\n"
                           "yahoo.com MX 1 mx.yahoo.com\nmx.yahoo.com A 203.0.113.2\n");
  std::vector<std::string> interfaces{"127.0.0.1", "::1", "10.1.2.3", "198.51.100.7", "fe80::1", "2001:db8::7"};
  std::string machine = "vps1234";
  std::set<std::string> greeting{"203.0.113.1"};
  std::vector<std::string> asked, logins;
  bool works = true;
  int starts = 0;
  Result<> starting = fail(Errc::unsupported, "no systemd");
  std::chrono::steady_clock::time_point time{};
  std::function<void()> meanwhile;
};

class SetupTest : public test::CliTest {
protected:
  SetupTest() {
    wishes.address = "ann@example.org";
    wishes.yes = true;
    environment.locate = [this](const std::string& config) -> Result<ServerPlace> {
      std::ifstream file(config);
      if (!file) return fail(Errc::not_found, "no configuration there");
      ServerPlace place{folder.path("data"), folder.path("control.sock"), folder.path("drop"), hostname, ""};
      place.origin = hostname;
      return place;
    };
  }
  int go(bool json = false, const std::string& typed = {}, bool terminal = false) {
    out.str("");
    err.str("");
    std::istringstream in(typed);
    Console console{in, out, err, terminal};
    Session session(environment, console);
    session.config = folder.path("etc/paquebot.toml");
    session.json = json;
    return run_setup(session, wishes, world);
  }
  std::string written() { return folder.read("etc/paquebot.toml"); }

  std::string hostname = "mx.example.org"; ///< what a configuration says
  SetupFakeWorld world;
  SetupWishes wishes;
};

TEST_F(SetupTest, FromNothingToADomainAnAccountAndRecords) {
  EXPECT_EQ(go(), kFindings) << err.str(); // the DNS is left
  EXPECT_THAT(written(), HasSubstr("\n[server]\nhostname = \"mx.example.org\"\n"));
  EXPECT_THAT(written(), Not(HasSubstr("[[route]]")));
  EXPECT_THAT(world.asked, ElementsAre("203.0.113.1")) << "the best server of the first provider";
  const std::string said = out.str();
  EXPECT_THAT(said, HasSubstr("mx.example.org, at 198.51.100.7 and 2001:db8::7"));
  EXPECT_THAT(said, HasSubstr("mx.example.org. IN A 198.51.100.7\n"));
  EXPECT_THAT(said, HasSubstr("example.org. IN MX 10 mx.example.org.\n"));
  EXPECT_THAT(said, HasSubstr("PTR   7.100.51.198.in-addr.arpa"));
  EXPECT_THAT(said, HasSubstr("Its password, shown this once:  "));
  EXPECT_THAT(said, HasSubstr("no systemd"));
  EXPECT_EQ(world.starts, 1);
  // A key is one piece in the form, and several in the zone.
  const auto form = said.substr(said.find("for a form of the web"));
  EXPECT_THAT(form, HasSubstr("v=DKIM1; "));
  EXPECT_THAT(form.substr(0, form.find("\n== ")), Not(HasSubstr("\" \"")));
  run({"account", "list", "--json", "--config", folder.path("etc/paquebot.toml")});
  EXPECT_THAT(out.str(), HasSubstr("ann@example.org"));
}

TEST_F(SetupTest, AgainLeavesAllAsItIs) {
  go();
  const std::string before = written();
  folder.write("etc/paquebot.toml", before + "# by hand\n");
  world.greeting.clear();
  EXPECT_EQ(go(), kFindings) << err.str();
  EXPECT_EQ(written(), before + "# by hand\n");
  EXPECT_THAT(out.str(), HasSubstr("is there already, and stays as it is"));
  EXPECT_THAT(out.str(), HasSubstr("is a domain of this server already"));
  EXPECT_THAT(out.str(), HasSubstr("is an account already; its password stays"));
  EXPECT_THAT(out.str(), Not(HasSubstr("shown this once")));
  wishes.hostname = "other.example.org";
  EXPECT_EQ(go(), kRefused);
  EXPECT_THAT(err.str(), HasSubstr("says another name"));
}

TEST_F(SetupTest, TheNameOfTheMachineWhereItLiesInTheDomain) {
  world.machine = "post.example.org";
  go();
  EXPECT_THAT(written(), HasSubstr("hostname = \"post.example.org\""));
}

TEST_F(SetupTest, APersonMayChooseTheName) {
  wishes.yes = false;
  wishes.password.generate = true;
  EXPECT_EQ(go(false, "Mail.Example.ORG\n", true), kFindings) << err.str();
  EXPECT_THAT(written(), HasSubstr("hostname = \"mail.example.org\""));
  EXPECT_THAT(out.str(), HasSubstr("Its name in the DNS [mx.example.org]: "));
}

TEST_F(SetupTest, NothingIsDoneWithoutATerminalOrYes) {
  wishes.yes = false;
  EXPECT_EQ(go(), kUsage);
  EXPECT_FALSE(std::filesystem::exists(folder.path("etc/paquebot.toml")));
}

TEST_F(SetupTest, WhatIsMalformedIsToldBeforeAnythingIsWritten) {
  for (const char* address : {"ann", "ann@", "@example.org", "ann@[192.0.2.1]", "a b@example.org"}) {
    wishes.address = address;
    EXPECT_EQ(go(), kBadData) << address;
  }
  wishes.address = "ann@example.org";
  wishes.addresses = {"mx.example.org"};
  EXPECT_EQ(go(), kBadData);
  wishes.addresses = {};
  wishes.hostname = "mx";
  EXPECT_EQ(go(), kBadData);
  EXPECT_FALSE(std::filesystem::exists(folder.path("etc/paquebot.toml")));
}

TEST_F(SetupTest, ASmarthostIsTriedBeforeItIsWritten) {
  wishes.smarthost = "smtp.isp.example";
  wishes.smarthost_user = "ann";
  wishes.smarthost_password_file = folder.write("secret", "of ann\n");
  world.works = false;
  EXPECT_EQ(go(), kPermission);
  EXPECT_THAT(err.str(), HasSubstr("wrong password"));
  EXPECT_FALSE(std::filesystem::exists(folder.path("etc/paquebot.toml")));
  world.works = true;
  EXPECT_EQ(go(), kFindings) << err.str();
  EXPECT_EQ(world.logins.back(), "smtp.isp.example:587 ann of ann");
  EXPECT_THAT(
      written(),
      HasSubstr("[[route]]\nto = \"*\"\nhost = \"smtp.isp.example:587\"\ntls = \"required\"\nuser = \"ann\"\n"));
  EXPECT_EQ(folder.read("etc/smarthost.password"), "of ann\n");
  const auto rights = std::filesystem::status(folder.path("etc/smarthost.password")).permissions();
  EXPECT_EQ(rights & std::filesystem::perms::others_all, std::filesystem::perms::none);
  EXPECT_THAT(out.str(), HasSubstr("in front of -all in the SPF record"));
}

TEST_F(SetupTest, ACertificateForWhoAgrees) {
  go();
  EXPECT_THAT(written(), Not(HasSubstr("acme")));
  std::filesystem::remove(folder.path("etc/paquebot.toml"));
  wishes.agree_tos = true;
  wishes.acme_directory = "https://ca.example/directory";
  wishes.acme_allow = {"10.0.0.0/8"};
  wishes.trust_anchor = "corp.example. IN DS 1 8 2 AA\ncorp.example. IN DS 2 8 2 BB\n";
  EXPECT_EQ(go(), kFindings) << err.str();
  EXPECT_THAT(written(), HasSubstr("[acme]\nagree_tos = true\ndirectory = \"https://ca.example/directory\"\n"));
  EXPECT_THAT(written(), HasSubstr("\nallow = [\"10.0.0.0/8\"]\n"));
  EXPECT_THAT(
      written(),
      HasSubstr("\n[dns]\ntrust_anchor = \"corp.example. IN DS 1 8 2 AA\\ncorp.example. IN DS 2 8 2 BB\\n\"\n"));
  for (const char* address :
       {"[::]:25", "[::]:587", "[::]:465", "[::]:110", "[::]:995", "[::]:143", "[::]:993", "[::]:80", "[::]:443"})
    EXPECT_THAT(written(), HasSubstr("address = \"" + std::string(address) + "\"\n"));
}

TEST_F(SetupTest, ABlockedPortIsTold) {
  world.greeting.clear();
  EXPECT_EQ(try_port_25(world), WayOut::blocked);
  EXPECT_THAT(world.asked, ElementsAre("203.0.113.1", "203.0.113.2"));
  world.zone = dns::FakeZone::parse("x.test A 192.0.2.1\n");
  EXPECT_EQ(try_port_25(world), WayOut::unknown);
  world.zone = dns::FakeZone::parse("gmail.com MX 5 mx.gmail.com\nmx.gmail.com A 203.0.113.1\n");
  EXPECT_EQ(go(), kFindings);
  EXPECT_THAT(out.str(), HasSubstr("blocked on the way, not here"));
}

TEST_F(SetupTest, WatchesTheDnsUntilAllIsThere) {
  wishes.addresses = {"198.51.100.7"};
  wishes.start = false;
  EXPECT_EQ(go(true), kFindings) << err.str();
  const auto answer = control::parse_json(out.str(), "x").value();
  ASSERT_FALSE(control::get_text(answer, "password").empty());
  std::string text;
  for (const auto& record : control::get_list(answer, "records")) {
    const std::string type = control::get_text(record, "type"), value = control::get_text(record, "value");
    text += control::get_text(record, "name") + " " + type + " " + (type == "TXT" ? "\"" + value + "\"" : value) + "\n";
  }
  int pauses = 0;
  world.meanwhile = [&] {
    if (++pauses == 3) world.zone = dns::FakeZone::parse(text);
  };
  wishes.wait = 10min;
  EXPECT_EQ(go(), kOk) << out.str();
  EXPECT_EQ(pauses, 3);
  EXPECT_THAT(out.str(), HasSubstr("0 of "));
  EXPECT_THAT(out.str(), HasSubstr("All is done"));
}

TEST_F(SetupTest, WaitsNoLongerThanItIsToldTo) {
  wishes.wait = 60s;
  EXPECT_EQ(go(), kFindings);
  EXPECT_LE(world.time.time_since_epoch(), 60s);
  EXPECT_THAT(out.str(), HasSubstr("more records into the DNS"));
}

TEST_F(SetupTest, DoesNotStartWhatCannotRun) {
  checked.errors = {"[[listener]]: port 25: exim4 (process 7) has this port: stop it"};
  EXPECT_EQ(go(), kFindings);
  EXPECT_EQ(world.starts, 0);
  EXPECT_THAT(out.str(), HasSubstr("exim4 (process 7) has this port"));
  checked.errors.clear();
  world.starting = {};
  EXPECT_EQ(go(), kFindings);
  EXPECT_EQ(world.starts, 1);
  EXPECT_THAT(out.str(), HasSubstr("It runs, and starts at each boot."));
}

WantedRecord wanted(std::string type, std::string value) {
  return {"x.test", std::move(type), std::move(value), "", ""};
}

TEST(SetupRecords, TellsARecordFromAnotherInItsPlace) {
  const auto zone =
      dns::FakeZone::parse("x.test TXT \"google-site-verification=1\"\nx.test TXT \"V=SPF1 include:a.test -all\"\n"
                           "x.test MX 20 MX.x.test\nx.test A 192.0.2.1\nx.test AAAA 2001:db8::1\n"
                           "x.test SRV 0 1 995 mx.x.test\nalias.test CNAME MX.x.test\nbad.test SERVFAIL\n");
  SetupFakeWorld world;
  world.zone = zone;
  const auto state = [&](std::string type, std::string value) {
    return look_for(world, wanted(std::move(type), std::move(value)));
  };
  EXPECT_EQ(state("TXT", "v=spf1 mx -all"), RecordState::other);
  EXPECT_EQ(state("TXT", "v=DMARC1; p=none"), RecordState::missing);
  EXPECT_EQ(state("TXT", "google-site-verification=1"), RecordState::right);
  EXPECT_EQ(state("MX", "10 mx.x.test"), RecordState::right) << "the preference is the owner's";
  EXPECT_EQ(state("MX", "10 other.x.test"), RecordState::other);
  EXPECT_EQ(state("A", "192.0.2.1"), RecordState::right);
  EXPECT_EQ(state("AAAA", "2001:DB8:0::1"), RecordState::right);
  EXPECT_EQ(state("AAAA", "2001:db8::2"), RecordState::other);
  EXPECT_EQ(state("SRV", "0 1 995 mx.x.test"), RecordState::right);
  EXPECT_EQ(state("PTR", "mx.x.test"), RecordState::missing);
  EXPECT_EQ(state("TLSA", "3 1 1 00"), RecordState::unknown);
  EXPECT_EQ(look_for(world, {"bad.test", "A", "192.0.2.1", "", ""}), RecordState::unknown);
  EXPECT_EQ(look_for(world, {"alias.test", "CNAME", "mx.x.test", "", ""}), RecordState::right);
}

TEST(SetupRecords, TheNamesThatLeadHere) {
  const std::vector<WantedRecord> records{{"mx.x.test", "A", "192.0.2.1", "", ""},
                                          {"mx.x.test", "AAAA", "2001:db8::1", "", ""},
                                          {"x.test", "MX", "10 mx.x.test", "", ""},
                                          {"autoconfig.x.test", "CNAME", "mx.x.test", "", ""},
                                          {"mta-sts.x.test", "CNAME", "mx.x.test", "", ""}};
  constexpr auto kYes = RecordState::right;
  EXPECT_THAT(names_that_lead_here(records, {kYes, kYes, kYes, RecordState::missing, kYes}),
              ElementsAre("mx.x.test", "mta-sts.x.test"));
  EXPECT_THAT(names_that_lead_here(records, {}), IsEmpty()) << "nobody has looked";
}

TEST(SetupRecords, TellsAProgramTheBestWays) {
  const std::vector<setup::Offer> offers{{setup::Protocol::pop3, setup::Security::implicit, 995},
                                         {setup::Protocol::pop3, setup::Security::starttls, 110},
                                         {setup::Protocol::submission, setup::Security::starttls, 587}};
  EXPECT_EQ(program_settings(setup::client_settings("mx.x.test", offers, false), "ann@x.test"),
            "  incoming   POP3  mx.x.test  port 995 with TLS\n  outgoing   SMTP  mx.x.test  port 587 with STARTTLS\n"
            "  user name  ann@x.test\n");
}

TEST(SetupRecords, PublicAddressesOnly) {
  EXPECT_THAT(public_addresses({"127.0.0.1", "10.0.0.1", "100.64.1.1", "169.254.1.1", "172.20.0.1", "192.168.1.1",
                                "::1", "fe80::1", "fd00::1", "nonsense"}),
              IsEmpty());
  EXPECT_THAT(public_addresses({"198.51.100.7", "2001:db8::7", "198.51.100.7"}),
              ElementsAre("198.51.100.7", "2001:db8::7"));
}

} // namespace
} // namespace paquebot::cli
