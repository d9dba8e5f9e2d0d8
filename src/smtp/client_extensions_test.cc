#include "smtp/test_client_script.h"

namespace paquebot::smtp {
namespace {

using namespace script;

/// A message with every wish, over TLS; `offered` is what the server says of extensions.
OutgoingMessage wishes() {
  OutgoingMessage message = message_to({"bob"});
  message.sender.tls = mail::TlsWish::required;
  message.sender.priority = 4;
  message.sender.deliver_by = {mail::DeliverBy::Mode::give_back, true, 300, 0};
  return message;
}

Setting over_tls(OutgoingMessage message) {
  Setting setting = plain({std::move(message)});
  setting.encrypted = true;
  return setting;
}

/// The script is put together from parts, so it has to live as long as the case.
void play(const char* name, const Setting& setting, const std::string& script, const Outcome& expected) {
  check({name, setting, script.c_str(), expected});
}

std::string greeting(std::string_view offered) {
  return "\nS: 220 there.example\nC: EHLO here.example\nS: 250-there.example\n" + std::string(offered);
}

TEST(SmtpClientExtensions, TellsWhatThePeerTakes) {
  play("all of it", over_tls(wishes()),
       greeting("S: 250-REQUIRETLS\nS: 250-DELIVERBY 240\nS: 250 MT-PRIORITY MIXER\n") + R"(
C: MAIL FROM:<ann@here.example> REQUIRETLS BY=300;RT MT-PRIORITY=4
S: 550 5.7.1 not you
C: QUIT
S: 221 bye
)",
       {.results = {"550 5.7.1 not you"}, .encrypted = true});
}

TEST(SmtpClientExtensions, SaysTheCommonPriorityToo) {
  play("zero", plain({message_to({"bob"})}), greeting("S: 250 MT-PRIORITY\n") + R"(
C: MAIL FROM:<ann@here.example> MT-PRIORITY=0
S: 550 5.7.1 not you
C: QUIT
S: 221 bye
)",
       {.results = {"550 5.7.1 not you"}});
}

TEST(SmtpClientExtensions, KeepsWhatMustNotGo) {
  const auto refused = [](const char* name, OutgoingMessage message, bool tls, const char* offered, const char* reply) {
    Setting setting = plain({std::move(message)});
    setting.encrypted = tls;
    play(name, setting, greeting(offered) + "C: QUIT\nS: 221 bye\n", {.results = {reply}, .encrypted = tls});
  };
  OutgoingMessage tls = message_to({"bob"}), by = tls, hold = tls;
  tls.sender.tls = mail::TlsWish::required;
  by.sender.deliver_by = {mail::DeliverBy::Mode::give_back, false, 100, 0};
  hold.sender.hold = {mail::Hold::Kind::interval, 60, 0, "for;60"};
  refused("not offered", tls, true, "S: 250 DSN\n",
          "550 5.7.30 REQUIRETLS support required: the other server does not offer it");
  refused("offered in clear", tls, false, "S: 250 REQUIRETLS\n",
          "550 5.7.30 REQUIRETLS support required: the other server does not offer it");
  refused("no time", by, false, "S: 250 DSN\n",
          "554 5.3.3 the other server does not promise delivery within a time (DELIVERBY)");
  refused("too little time", by, false, "S: 250 DELIVERBY 101,X\n",
          "554 5.3.3 the other server promises delivery within 101 seconds, and 100 are left");
  refused("no hold", hold, false, "S: 250 FUTURERELEASE\n",
          "554 5.3.3 the other server does not hold messages for later (FUTURERELEASE)");
}

/// A report goes on without what it can't have (RFC 8689 section 5); N is only a wish (RFC 2852 section 4.1.4.2).
TEST(SmtpClientExtensions, SendsReportsAndNoticesAnyway) {
  OutgoingMessage report = message_to({"bob"});
  report.sender.reverse_path = {};
  report.sender.tls = mail::TlsWish::required;
  report.sender.deliver_by = {mail::DeliverBy::Mode::notify, false, -10, 0};
  const std::string rest = R"(
S: 550 5.7.1 not you
C: QUIT
S: 221 bye
)";
  const Outcome refused{.results = {"550 5.7.1 not you"}};
  play("without", plain({report}), greeting("S: 250 DSN\n") + "C: MAIL FROM:<>" + rest, refused);
  play("late", plain({report}), greeting("S: 250 DELIVERBY\n") + "C: MAIL FROM:<> BY=-10;N" + rest, refused);
}

TEST(SmtpClientExtensions, HoldsInBothForms) {
  OutgoingMessage message = message_to({"bob"});
  message.sender.hold = {mail::Hold::Kind::until, 0, 1'795'435'200'000, ""};
  play("until", plain({message}), greeting("S: 250 FUTURERELEASE 3600 2026-11-24T00:00:00Z\n") + R"(
C: MAIL FROM:<ann@here.example> HOLDUNTIL=2026-11-23T12:00:00Z
S: 550 5.7.1 not you
C: QUIT
S: 221 bye
)",
       {.results = {"550 5.7.1 not you"}});
}

} // namespace
} // namespace paquebot::smtp
