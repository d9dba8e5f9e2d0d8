#include "intake/authentication_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::intake {
namespace {

using Action = Judgement::Action;
using AuthOptions = AuthenticationOptions;
using mailauth::ArcResult;
using mailauth::Author;
using mailauth::DkimResult;
using mailauth::DmarcDoubt;
using mailauth::DmarcPolicy;
using mailauth::DmarcResult;
using mailauth::SpfResult;
using testing::HasSubstr;
using testing::Not;

Findings findings(SpfResult spf, DmarcResult result, DmarcPolicy policy) {
  Findings f;
  f.sender_question.ip = *mailauth::parse_ip("192.0.2.1");
  f.sender.result = spf;
  f.sender.domain = "sender.test";
  f.dmarc.emplace();
  f.dmarc->result = result;
  f.dmarc->policy = policy;
  f.dmarc->policy_domain = f.dmarc->organizational_domain = "author.test";
  f.dmarc->author = Author::of("author.test");
  return f;
}

struct Case {
  const char* name;
  SpfResult spf;
  DmarcResult dmarc;
  DmarcPolicy policy;
  AuthOptions::Dmarc mode;
  AuthOptions::Quarantine quarantine;
  AuthOptions::SpfFail spf_fail;
  Action action;
};

constexpr auto kEnforce = AuthOptions::Dmarc::enforce;
constexpr auto kTagOnly = AuthOptions::Dmarc::tag;
constexpr auto kMark = AuthOptions::Quarantine::tag;
constexpr auto kHold = AuthOptions::Quarantine::hold;
constexpr auto kSpfTag = AuthOptions::SpfFail::tag;
constexpr auto kSpfRefuse = AuthOptions::SpfFail::refuse;

const Case kCases[] = {
    {"pass", SpfResult::fail, DmarcResult::pass, DmarcPolicy::none, kEnforce, kMark, kSpfRefuse, Action::accept},
    {"no policy", SpfResult::none, DmarcResult::none, DmarcPolicy::none, kEnforce, kMark, kSpfTag, Action::accept},
    {"p=none", SpfResult::none, DmarcResult::fail, DmarcPolicy::none, kEnforce, kHold, kSpfTag, Action::accept},
    {"reject", SpfResult::none, DmarcResult::fail, DmarcPolicy::reject, kEnforce, kHold, kSpfTag, Action::refuse},
    {"reject, tag", SpfResult::none, DmarcResult::fail, DmarcPolicy::reject, kTagOnly, kHold, kSpfTag, Action::tag},
    {"quarantine", SpfResult::none, DmarcResult::fail, DmarcPolicy::quarantine, kEnforce, kMark, kSpfTag, Action::tag},
    {"hold", SpfResult::none, DmarcResult::fail, DmarcPolicy::quarantine, kEnforce, kHold, kSpfTag, Action::hold},
    {"hold, tag", SpfResult::none, DmarcResult::fail, DmarcPolicy::quarantine, kTagOnly, kHold, kSpfTag, Action::tag},
    {"temperror", SpfResult::fail, DmarcResult::temperror, DmarcPolicy::none, kEnforce, kHold, kSpfRefuse,
     Action::accept},
    {"broken record", SpfResult::none, DmarcResult::permerror, DmarcPolicy::none, kEnforce, kHold, kSpfRefuse,
     Action::accept},
    {"spf fail", SpfResult::fail, DmarcResult::none, DmarcPolicy::none, kEnforce, kMark, kSpfTag, Action::accept},
    {"spf refuse", SpfResult::fail, DmarcResult::none, DmarcPolicy::none, kEnforce, kMark, kSpfRefuse, Action::refuse},
    {"spf softfail", SpfResult::softfail, DmarcResult::none, DmarcPolicy::none, kEnforce, kMark, kSpfRefuse,
     Action::accept},
    {"spf permerror", SpfResult::permerror, DmarcResult::none, DmarcPolicy::none, kEnforce, kMark, kSpfRefuse,
     Action::accept},
    {"spf refuse beats hold", SpfResult::fail, DmarcResult::fail, DmarcPolicy::quarantine, kEnforce, kHold, kSpfRefuse,
     Action::refuse},
};

TEST(AuthenticationPolicy, Table) {
  for (const Case& c : kCases) {
    AuthOptions options;
    options.dmarc = c.mode;
    options.quarantine = c.quarantine;
    options.spf_fail = c.spf_fail;
    const auto judgement = judge(findings(c.spf, c.dmarc, c.policy), options);
    EXPECT_EQ(judgement.action, c.action) << c.name;
    EXPECT_EQ(judgement.reply.permanent(), c.action == Action::refuse) << c.name;
  }
}

TEST(AuthenticationPolicy, WithoutDmarcOnlySpfCounts) {
  Findings f = findings(SpfResult::fail, DmarcResult::none, DmarcPolicy::none);
  f.dmarc.reset();
  AuthOptions options;
  EXPECT_EQ(judge(f, options).action, Action::accept);
  options.spf_fail = kSpfRefuse;
  EXPECT_EQ(judge(f, options).action, Action::refuse);
  EXPECT_EQ(summary(f, judge(f, options)), "spf=fail, dkim=none");
}

TEST(AuthenticationPolicy, Words) {
  AuthOptions options;
  Findings f = findings(SpfResult::fail, DmarcResult::fail, DmarcPolicy::reject);
  EXPECT_EQ(judge(f, options).reply.to_string(),
            "550 5.7.1 refused by the DMARC policy of author.test: the message says that it is from author.test, but "
            "neither SPF nor DKIM shows that");
  f.dkim.emplace_back().result = DkimResult::fail;
  EXPECT_EQ(judge(f, options).reply.enhanced, (mail::EnhancedCode{5, 7, 26}));
  EXPECT_EQ(summary(f, judge(f, options)), "spf=fail, dkim=fail, dmarc=fail");

  f = findings(SpfResult::fail, DmarcResult::none, DmarcPolicy::none);
  options.spf_fail = kSpfRefuse;
  EXPECT_EQ(judge(f, options).reply.to_string(),
            "550 5.7.23 sender.test does not allow 192.0.2.1 to send its mail (SPF)");
  f.sender.explanation = "ask us";
  EXPECT_THAT(judge(f, options).reply.text, HasSubstr("\nsender.test explains: ask us"));

  f = findings(SpfResult::pass, DmarcResult::permerror, DmarcPolicy::reject);
  f.dmarc->author = {Author::State::several, {}, {}, "the message has more than one From field"};
  EXPECT_EQ(judge(f, options).reply.to_string(),
            "550 5.7.1 nobody can tell who wrote this message: the message has more than one From field");
  options.dmarc = kTagOnly;
  EXPECT_EQ(judge(f, options).action, Action::tag);
}

TEST(AuthenticationPolicy, ASignatureThatWeDoNotAcceptIsNamed) {
  Findings f = findings(SpfResult::fail, DmarcResult::fail, DmarcPolicy::reject);
  f.dkim.emplace_back();
  f.dkim.back().result = DkimResult::policy;
  f.dkim.back().domain = "elsewhere.test";
  f.dkim.back().reason = "the key has only 512 bits";
  AuthOptions options;
  EXPECT_THAT(judge(f, options).reply.text, Not(HasSubstr("bits")));
  f.dkim.back().domain = "author.test";
  for (const std::string& text : {judge(f, options).reply.text, judge(f, options).reply.cause})
    EXPECT_THAT(text, HasSubstr("the DKIM signature of author.test is good but does not count: the key has only 512"));
  f.dmarc->policy = DmarcPolicy::quarantine;
  EXPECT_THAT(judge(f, options).reason, HasSubstr("512 bits"));
}

TEST(AuthenticationPolicy, OfSeveralDomainsTheStrictestDecides) {
  const auto outcome = [](std::string domain, DmarcResult result, DmarcPolicy policy,
                          DmarcDoubt doubt = DmarcDoubt::none) {
    mailauth::DmarcOutcome one = *findings(SpfResult::none, result, policy).dmarc;
    one.author = Author::of(domain);
    one.organizational_domain = one.policy_domain = domain;
    one.published = policy;
    one.doubt = doubt;
    if (doubt == DmarcDoubt::none) return one;
    one.policy = DmarcPolicy::none;
    one.record.emplace();
    return one;
  };
  const auto pass = outcome("pass.test", DmarcResult::pass, DmarcPolicy::none);
  const auto refuse = outcome("refuse.test", DmarcResult::fail, DmarcPolicy::reject);
  const auto aside = outcome("aside.test", DmarcResult::fail, DmarcPolicy::quarantine);
  const auto doubt = outcome("doubt.test", DmarcResult::temperror, DmarcPolicy::reject, DmarcDoubt::evidence);
  const auto idle = outcome("idle.test", DmarcResult::temperror, DmarcPolicy::none, DmarcDoubt::evidence);
  const struct {
    std::vector<mailauth::DmarcOutcome> outcomes;
    const char* decides;
    Action action;
  } cases[] = {
      {{pass}, "pass.test", Action::accept},           {{pass, refuse}, "refuse.test", Action::refuse},
      {{refuse, pass}, "refuse.test", Action::refuse}, {{pass, aside, idle}, "aside.test", Action::tag},
      {{aside, doubt}, "doubt.test", Action::refuse},  {{doubt, aside, refuse}, "refuse.test", Action::refuse},
      {{idle, pass}, "idle.test", Action::accept},
  };
  for (const auto& c : cases) {
    Findings f = findings(SpfResult::none, DmarcResult::none, DmarcPolicy::none);
    const auto judgement = judge_each(f, c.outcomes, AuthOptions());
    EXPECT_EQ(f.dmarc->author.domain, c.decides);
    EXPECT_EQ(judgement.action, c.action) << c.decides;
    EXPECT_EQ(f.further_dmarc.size(), c.outcomes.size() - 1);
    const int code = std::string(c.decides) == "doubt.test" ? 451 : 550;
    EXPECT_EQ(judgement.reply.code, judgement.action == Action::refuse ? code : 0) << c.decides;
  }
}

TEST(AuthenticationPolicy, AForwarderVouchesForOneDomainOnly) {
  AuthOptions options;
  options.trusted_forwarders = {"lists.test"};
  Findings f = findings(SpfResult::none, DmarcResult::none, DmarcPolicy::none);
  f.arc.result = ArcResult::pass;
  f.arc.sealers = {"lists.test"};
  f.arc.results = {"lists.test; dmarc=pass header.from=author.test"};
  const auto failed = *findings(SpfResult::none, DmarcResult::fail, DmarcPolicy::reject).dmarc;
  auto other = failed;
  other.author = Author::of("other.test");
  Findings one = f;
  EXPECT_EQ(judge_each(one, {failed}, options).forwarder, "lists.test");
  EXPECT_EQ(judge_each(f, {failed, other}, options).action, Action::refuse);
  EXPECT_EQ(f.dmarc->author.domain, "other.test");
}

struct Chain {
  const char* name;
  std::vector<std::string> sealers;
  std::vector<std::string> results;
  const char* forwarder;
};

TEST(AuthenticationPolicy, TrustedForwarders) {
  const std::string good = "l.test; dmarc=pass header.from=author.test";
  const Chain chains[] = {
      {"dmarc", {"l.test"}, {good}, "l.test"},
      {"below", {"mx.l.test"}, {good}, "mx.l.test"},
      {"not below", {"evil-l.test"}, {good}, ""},
      {"somebody else's author", {"l.test"}, {"l.test; dmarc=pass header.from=other.test"}, ""},
      {"author not named", {"l.test"}, {"l.test; dmarc=pass"}, ""},
      {"it failed there", {"l.test"}, {"l.test; dmarc=fail header.from=author.test; spf=fail"}, ""},
      {"several judged",
       {"l.test"},
       {"l.test; dmarc=fail header.from=x.test; dmarc=pass header.from=author.test"},
       "l.test"},
      {"others judged", {"l.test"}, {"l.test; dmarc=pass header.from=x.test; dkim=pass header.d=author.test"}, ""},
      {"twice", {"l.test"}, {good + "; dmarc=fail header.from=author.test"}, ""},
      {"dkim", {"l.test"}, {"l.test; dkim=pass header.d=news.author.test"}, "l.test"},
      {"dkim of another", {"l.test"}, {"l.test; dkim=pass header.d=notauthor.test"}, ""},
      {"spf", {"l.test"}, {"l.test; spf=pass smtp.mailfrom=x@Author.test"}, "l.test"},
      {"spf without an address", {"l.test"}, {"l.test; spf=pass smtp.mailfrom=author.test"}, "l.test"},
      {"spf of another", {"l.test"}, {"l.test; spf=pass smtp.mailfrom=author.test@evil.test"}, ""},
      {"malformed", {"l.test"}, {"l.test; dmarc"}, ""},
      {"a stranger sealed later", {"l.test", "evil.test"}, {good, "evil.test; none"}, ""},
      {"a stranger sealed before", {"evil.test", "l.test"}, {good, "l.test; dmarc=fail"}, ""},
      {"a stranger before, good there", {"evil.test", "l.test"}, {"evil.test; none", good}, "l.test"},
      {"two trusted", {"l.test", "f.test"}, {good, "f.test; dmarc=fail"}, "l.test"},
      {"dmarc failed, another passed",
       {"l.test"},
       {"l.test; dkim=pass header.d=author.test; dmarc=fail header.from=author.test"},
       ""},
  };
  for (const Chain& chain : chains) {
    Findings f = findings(SpfResult::fail, DmarcResult::fail, DmarcPolicy::reject);
    f.arc.result = ArcResult::pass;
    f.arc.sealers = chain.sealers;
    f.arc.results = chain.results;
    AuthOptions options;
    EXPECT_EQ(judge(f, options).action, Action::refuse) << chain.name;
    options.trusted_forwarders = {"f.test", "l.test"};
    options.spf_fail = kSpfRefuse; // a forwarder's address is never among the author's
    const auto judgement = judge(f, options);
    EXPECT_EQ(judgement.forwarder, chain.forwarder) << chain.name;
    EXPECT_EQ(judgement.action, *chain.forwarder ? Action::accept : Action::refuse) << chain.name;
    f.arc.result = ArcResult::fail;
    EXPECT_EQ(judge(f, options).action, Action::refuse) << chain.name;
  }
}

/// Strangers write to what a trusted forwarder brings: its network is no device's.
TEST(AuthenticationPolicy, ATrustedForwarderIsNoDevice) {
  Findings f = findings(SpfResult::fail, DmarcResult::fail, DmarcPolicy::reject);
  AuthOptions options;
  options.trusted_forwarders = {"l.test"};
  EXPECT_TRUE(may_be_a_device(f, judge(f, options), options));
  f.arc.claimed = "other.test";
  EXPECT_TRUE(may_be_a_device(f, judge(f, options), options));
  f.arc.claimed = "mx.l.test";
  EXPECT_FALSE(may_be_a_device(f, judge(f, options), options));
}

TEST(AuthenticationPolicy, TrustedForwardersKeepToStrictAlignment) {
  Findings f = findings(SpfResult::fail, DmarcResult::fail, DmarcPolicy::reject);
  f.arc.result = ArcResult::pass;
  f.arc.sealers = {"l.test"};
  f.dmarc->record.emplace();
  f.dmarc->record->strict_dkim = f.dmarc->record->strict_spf = true;
  AuthOptions options;
  options.trusted_forwarders = {"l.test"};
  const std::pair<const char*, Action> cases[] = {
      {"l.test; dkim=pass header.d=news.author.test", Action::refuse},
      {"l.test; dkim=pass header.d=author.test", Action::accept},
      {"l.test; spf=pass smtp.mailfrom=x@news.author.test", Action::refuse},
      {"l.test; spf=pass smtp.mailfrom=x@author.test", Action::accept},
  };
  for (const auto& [sealed, action] : cases) {
    f.arc.results = {sealed};
    EXPECT_EQ(judge(f, options).action, action) << sealed;
  }
}

/// RFC 9989 section 5.3.6 leaves it to us what a failing DNS means: nobody who can choose what fails may gain by it.
TEST(AuthenticationPolicy, Doubt) {
  struct DoubtCase {
    const char* name;
    DmarcDoubt doubt;
    DmarcPolicy published;
    bool testing, waited;
    AuthOptions::Dmarc mode;
    Action action;
    int code;
  };
  constexpr auto evidence = DmarcDoubt::evidence, policy = DmarcDoubt::policy;
  const DoubtCase cases[] = {
      {"nothing is asked for", evidence, DmarcPolicy::none, false, false, kEnforce, Action::accept, 0},
      {"reject", evidence, DmarcPolicy::reject, false, false, kEnforce, Action::refuse, 451},
      {"reject, a day later", evidence, DmarcPolicy::reject, false, true, kEnforce, Action::refuse, 550},
      {"quarantine", evidence, DmarcPolicy::quarantine, false, false, kEnforce, Action::refuse, 451},
      {"quarantine, a day later", evidence, DmarcPolicy::quarantine, false, true, kEnforce, Action::tag, 0},
      {"quarantine, being tested", evidence, DmarcPolicy::quarantine, true, false, kEnforce, Action::accept, 0},
      {"tag only", evidence, DmarcPolicy::reject, false, false, kTagOnly, Action::tag, 0},
      {"no policy to be had", policy, DmarcPolicy::none, false, false, kEnforce, Action::refuse, 451},
      {"none after a day", policy, DmarcPolicy::none, false, true, kEnforce, Action::refuse, 451},
      {"it would have passed", DmarcDoubt::none, DmarcPolicy::reject, false, false, kEnforce, Action::accept, 0},
  };
  for (const auto& c : cases) {
    Findings f = findings(SpfResult::none, DmarcResult::temperror, DmarcPolicy::none);
    f.dmarc->doubt = c.doubt;
    f.dmarc->published = c.published;
    f.dmarc->record.emplace();
    f.dmarc->record->testing = c.testing;
    f.waited_long = c.waited;
    AuthOptions options;
    options.dmarc = c.mode;
    const auto judgement = judge(f, options);
    EXPECT_EQ(judgement.action, c.action) << c.name;
    EXPECT_EQ(judgement.reply.code, c.code) << c.name << ": " << judgement.reply.to_string();
  }
}

/// The DNS fails for what may show that the forwarder vouches: it is asked to come again, nothing is decided.
TEST(AuthenticationPolicy, ATrustedForwarderWhoseKeyCannotBeAskedFor) {
  Findings f = findings(SpfResult::fail, DmarcResult::fail, DmarcPolicy::reject);
  f.arc.result = ArcResult::fail;
  f.arc.temporary = true;
  f.arc.claimed = "mx.l.test";
  AuthOptions options;
  EXPECT_EQ(judge(f, options).reply.code, 550);
  options.trusted_forwarders = {"l.test"};
  EXPECT_EQ(judge(f, options).action, Action::refuse);
  EXPECT_EQ(judge(f, options).reply.code, 451);
  f.arc.claimed = "evil.test";
  EXPECT_EQ(judge(f, options).reply.code, 550);
  f.arc.claimed = "l.test";
  f.arc.temporary = false;
  EXPECT_EQ(judge(f, options).reply.code, 550);
}

TEST(AuthenticationPolicy, AForwarderCannotMakeUpAnAuthor) {
  Findings f = findings(SpfResult::none, DmarcResult::permerror, DmarcPolicy::reject);
  f.dmarc->author = {Author::State::several, {}, {}, "the message has more than one From field"};
  f.arc.result = ArcResult::pass;
  f.arc.sealers = {"l.test"};
  f.arc.results = {"l.test; dmarc=pass header.from=author.test"};
  AuthOptions options;
  options.trusted_forwarders = {"l.test"};
  EXPECT_EQ(judge(f, options).action, Action::refuse);
}

TEST(AuthenticationPolicy, WhoseWordCountsForMailFrom) {
  EXPECT_TRUE(vouches_for(findings(SpfResult::pass, DmarcResult::fail, DmarcPolicy::none), "a.test"));
  for (const SpfResult result : {SpfResult::none, SpfResult::neutral, SpfResult::softfail, SpfResult::fail,
                                 SpfResult::temperror, SpfResult::permerror})
    EXPECT_FALSE(vouches_for(findings(result, DmarcResult::pass, DmarcPolicy::none), "a.test"));
  EXPECT_FALSE(vouches_for(findings(SpfResult::pass, DmarcResult::pass, DmarcPolicy::none), "")); // HELO's is none
  Findings f = findings(SpfResult::none, DmarcResult::fail, DmarcPolicy::none);
  f.dkim.emplace_back();
  f.dkim[0].result = mailauth::DkimResult::pass;
  f.dkim[0].domain = "A.test";
  EXPECT_TRUE(vouches_for(f, "a.test"));
  EXPECT_FALSE(vouches_for(f, "sub.a.test"));
  EXPECT_FALSE(vouches_for(f, "b.test"));
  f.dkim[0].result = mailauth::DkimResult::fail;
  EXPECT_FALSE(vouches_for(f, "a.test"));
}

} // namespace
} // namespace paquebot::intake
