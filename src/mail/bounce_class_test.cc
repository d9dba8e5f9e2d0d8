#include "base/text.h"
#include "mail/bounce_class.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <set>
#include <string>

namespace paquebot::mail {
namespace {

using enum BounceClass;

/// "550 5.1.1 words", as another server would say it.
Told said_by_peer(std::string_view line) {
  Reply reply;
  const auto code = parse_u64(line.substr(0, 3));
  reply.code = code ? static_cast<std::uint16_t>(*code) : std::uint16_t{0};
  line.remove_prefix(std::min<std::size_t>(4, line.size()));
  if (const auto status = EnhancedCode::parse(line)) {
    reply.enhanced = *status;
    line.remove_prefix(std::min(status->to_string().size() + 1, line.size()));
  }
  reply.text = std::string(line);
  reply.heard = true;
  return Told::by(reply, "mx.far.example");
}

TEST(BounceClass, EveryRuleHasAnExampleThatItIsFor) {
  for (const BounceRule& rule : bounce_rules()) {
    EXPECT_FALSE(rule.text.empty());
    EXPECT_FALSE(rule.source.empty()) << rule.text;
    EXPECT_EQ(std::string(rule.text), to_lower(std::string(rule.text))) << "it is compared in lower case";
    EXPECT_EQ(class_of(said_by_peer(rule.example)), rule.klass) << rule.text << ": " << rule.example;
    // The words alone: another code of the same kind says nothing that would give the class away.
    std::string_view words = rule.example.substr(4);
    if (const auto status = EnhancedCode::parse(words)) words.remove_prefix(status->to_string().size() + 1);
    const std::string code = rule.status.empty() ? "554 " : "554 " + std::string(rule.status) + " ";
    EXPECT_EQ(class_of(said_by_peer(code + std::string(words))), rule.klass) << rule.text;
    EXPECT_NE(class_of(said_by_peer(code + "xyzzy")), rule.klass) << rule.text << ": the rule changes nothing";
  }
}

TEST(BounceClass, CodesSpeakBeforeWords) {
  const std::pair<std::string_view, BounceClass> cases[] = {
      {"250 2.0.0 taken", none},
      {"550 5.1.1 over quota", no_such_user}, // words that look like another rule
      {"550 5.1.2 user unknown", no_such_domain},
      {"552 5.2.2 no such user", full},
      {"452 4.2.2 come again", full},
      {"550 5.2.1 x", disabled},
      {"552 5.3.4 x", size},
      {"554 5.4.6 x", loop},
      {"451 4.4.2 x", network},
      {"554 5.7.26 x", authentication},
      {"550 5.7.25 x", blocked_source},
      {"530 5.7.10 x", tls},
      {"550 5.7.1 x", policy},
      {"550 5.7.1 blocked using dbl.spamhaus.org", blocked_domain},
      {"421 4.7.28 x", rate},
      {"452 4.5.3 x", rate},
      {"550 x", unknown},
      {"554 x", unknown},
      {"450 x", unknown},
      {"421 x", network},
      {"501 x", protocol},
      {"535 x", authentication},
      {"556 x", no_such_domain},
      {"550 5.0.0 x", unknown},
      {"550 5.1.0 x", unknown},
      {"451 4.3.0 x", unknown},
  };
  for (const auto& [line, klass] : cases) EXPECT_EQ(class_of(said_by_peer(line)), klass) << line;
}

TEST(BounceClass, LinesAndCaseDoNotMatter) {
  EXPECT_EQ(class_of(said_by_peer("550 No such\nUSER: No Such User")), no_such_user);
  EXPECT_EQ(class_of(said_by_peer("554 Client host [x]\nBlocked Using y")), blocked_source);
  EXPECT_EQ(class_of(said_by_peer("554 blocked using y for Client host")), unknown) << "in another order";
}

TEST(BounceClass, OurOwnWordsAreKnownByTheirCode) {
  const auto ours = [](std::uint16_t code, EnhancedCode status, std::string text) {
    return class_of(Told::by(Reply(code, status, std::move(text)), "mx.far.example"));
  };
  EXPECT_EQ(ours(451, {4, 4, 1}, "no connection: refused"), network);
  EXPECT_EQ(ours(454, {4, 7, 5}, "not sent: the TLSA records must fit"), tls);
  EXPECT_EQ(ours(550, {5, 7, 30}, "REQUIRETLS support required"), tls);
  EXPECT_EQ(ours(550, {5, 1, 2}, "there is no such domain"), no_such_domain);
  EXPECT_EQ(ours(556, {5, 1, 10}, "it takes no mail"), no_such_domain);
  EXPECT_EQ(ours(554, {5, 4, 6}, "round"), loop);
  EXPECT_EQ(ours(554, {5, 4, 7}, "delivery time expired"), expired);
  EXPECT_EQ(ours(552, {5, 3, 4}, "too large for the next server"), size);
  EXPECT_EQ(ours(550, {5, 6, 7}, "no SMTPUTF8 there"), protocol);
  EXPECT_EQ(ours(451, {4, 3, 0}, "our text: no such user"), unknown) << "rules are for what others say";
}

TEST(BounceClass, ARefusedSessionHasTheReasonOfTheRefusal) {
  Told told = said_by_peer("554 5.7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org");
  told.own = Reply(451, {4, 4, 2}, "the server refused the session");
  EXPECT_EQ(class_of(told), blocked_source);
  told.peer.text = "no";
  told.peer.enhanced = {};
  EXPECT_EQ(class_of(told), network);
  told = said_by_peer("454 4.7.0 not now");
  told.own = Reply(454, {4, 7, 5}, "not sent: a certificate is required");
  EXPECT_EQ(class_of(told), tls);
}

TEST(BounceClass, OnlyTheServersOwnPermanent511IsHard) {
  EXPECT_TRUE(is_hard_no_such_user(said_by_peer("550 5.1.1 x")));
  EXPECT_FALSE(is_hard_no_such_user(said_by_peer("450 4.1.1 x")));
  EXPECT_FALSE(is_hard_no_such_user(said_by_peer("550 no such user"))) << "words are no hard evidence";
  EXPECT_FALSE(is_hard_no_such_user(said_by_peer("550 5.1.10 Recipient not found")));
  EXPECT_FALSE(is_hard_no_such_user(Told::by(Reply(550, {5, 1, 1}, "x")))) << "we said it ourselves";
  Told told = said_by_peer("550 5.1.1 x");
  told.own = Reply(554, {5, 4, 7}, "delivery time expired");
  EXPECT_FALSE(is_hard_no_such_user(told));
}

TEST(BounceClass, AtTheEndOnlyWhatSaysLittleIsExpired) {
  for (const BounceClass klass : {network, rate, greylist, unknown, none}) EXPECT_EQ(class_at_end(klass), expired);
  for (const BounceClass klass : {full, disabled, tls, blocked_source, no_such_user, protocol})
    EXPECT_EQ(class_at_end(klass), klass);
}

TEST(BounceClass, NamesAreOneOfAKind) {
  std::set<std::string_view> names;
  for (std::size_t i = 1; i < kBounceClasses; ++i) names.insert(name_of(static_cast<BounceClass>(i)));
  EXPECT_EQ(names.size(), kBounceClasses - 1);
  EXPECT_EQ(name_of(none), "");
  EXPECT_EQ(name_of(static_cast<BounceClass>(200)), "unknown");
}

} // namespace
} // namespace paquebot::mail
