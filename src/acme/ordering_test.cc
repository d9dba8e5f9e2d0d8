#include "acme/ordering.h"
#include "acme/test_authority.h"
#include "base/text.h"

#include <gtest/gtest.h>
#include <set>

namespace paquebot::acme {
namespace {

/// Runs an order against the authority and remembers what was done for it.
struct World {
  TestAuthority authority;
  PrivateKey account_key = PrivateKey::make().value(), key = PrivateKey::make().value();
  OrderPlan plan{.directory = TestAuthority::kDirectory,
                 .account_key = account_key,
                 .account = {},
                 .contacts = {"mailto:op@example.test"},
                 .terms_agreed = true,
                 .external = {},
                 .names = {"mx.example.test"},
                 .key = key,
                 .order = {},
                 .replaces = {},
                 .kinds = {ChallengeKind::http}};
  std::vector<std::string> shown; ///< what is shown now
  std::vector<std::string> done;  ///< "publish", "keep order"
  std::string account, order, chain;
  Failure failure;
  std::int64_t waited = 0;
  unsigned steps = 0;

  World() {
    authority.sees = [this](const Proof& proof) {
      return std::ranges::find(shown, proof.token + " " + proof.authorization) != shown.end();
    };
  }

  bool perform(Ordering& ordering, const OrderAction& action) {
    if (const auto* ask = std::get_if<Ask>(&action)) {
      ordering.answered(authority.handle(*ask->request), authority.now);
    } else if (const auto* wait = std::get_if<Wait>(&action)) {
      waited += wait->time.count();
      authority.now += wait->time.count() * 1000;
      ordering.waited();
    } else if (const auto* keep = std::get_if<Keep>(&action)) {
      (keep->what == Keep::What::account ? account : order) = *keep->url;
      done.emplace_back(keep->what == Keep::What::account ? "keep account" : "keep order");
      ordering.kept();
    } else if (const auto* publish = std::get_if<Publish>(&action)) {
      shown.push_back(publish->proof->token + " " + publish->proof->authorization);
      done.push_back("publish " + std::string(name_of(publish->proof->kind)));
      ordering.published();
    } else if (std::get_if<Withdraw>(&action) != nullptr) {
      shown.clear();
      done.emplace_back("withdraw");
      ordering.withdrawn();
    } else if (const auto* made = std::get_if<Done>(&action)) {
      chain = *made->chain;
      return false;
    } else {
      failure = *std::get<Failed>(action).failure;
      return false;
    }
    return true;
  }

  /// True when a certificate came. At most so many steps: then it is killed.
  bool run(unsigned most = 1000) {
    Ordering ordering(plan);
    failure = {};
    chain.clear();
    for (steps = 0; steps < most; ++steps)
      if (!perform(ordering, ordering.next())) break;
    return !chain.empty();
  }
};

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

TEST(AcmeOrder, GetsACertificate) {
  World world;
  ASSERT_TRUE(world.run()) << world.failure.words;
  EXPECT_EQ(joined(world.done), "keep account, keep order, publish http-01, withdraw");
  EXPECT_TRUE(check_issued(world.chain, world.key, {"mx.example.test"}, world.authority.now));
  EXPECT_EQ(world.authority.accounts, 1u);
  EXPECT_EQ(world.authority.orders, 1u);
  EXPECT_EQ(world.authority.contact, R"(["mailto:op@example.test"])");
  EXPECT_TRUE(world.shown.empty());
}

TEST(AcmeOrder, TakesTheBestProofThatIsOffered) {
  World world;
  world.plan.kinds = {ChallengeKind::dns, ChallengeKind::tls_alpn};
  world.authority.offers = {"http-01", "tls-alpn-01"};
  ASSERT_TRUE(world.run()) << world.failure.words;
  EXPECT_EQ(world.done[2], "publish tls-alpn-01");
  world.authority.offers = {"http-01", "carrier-pigeon-01"};
  EXPECT_FALSE(world.run());
  EXPECT_TRUE(world.failure.ours);
  EXPECT_TRUE(world.failure.words.find("acme.challenges") != std::string::npos) << world.failure.words;
}

/// Killed behind every single step, with what was kept, the next run ends with a certificate and nothing ordered twice
/// but where the order's URL was not heard.
TEST(AcmeOrder, GoesOnAfterAKillAtEveryStep) {
  World probe;
  ASSERT_TRUE(probe.run());
  const unsigned all = probe.steps;
  for (unsigned step = 0; step <= all; ++step) {
    World world;
    world.run(step);
    const bool heard = !world.order.empty() || world.authority.orders == 0;
    world.plan.account = world.account;
    world.plan.order = world.order;
    ASSERT_TRUE(world.run()) << "killed at step " << step << ": " << world.failure.words;
    EXPECT_EQ(world.authority.accounts, 1u) << step;
    EXPECT_EQ(world.authority.orders, heard ? 1u : 2u) << step;
    EXPECT_LE(world.authority.certificates, 1u + (heard ? 0 : 1)) << step;
  }
}

TEST(AcmeOrder, AnswersABadNonceWithTheNewOne) {
  World world;
  unsigned refused = 0;
  world.authority.in_place = [&](const Request& request) -> std::optional<Reply> {
    if (request.method != "POST" || ++refused % 3 == 0) return {};
    return world.authority.problem(400, "badNonce", "again");
  };
  ASSERT_TRUE(world.run()) << world.failure.words;
  world.authority.in_place = [&](const Request& request) -> std::optional<Reply> {
    if (request.method != "POST") return {};
    return world.authority.problem(400, "badNonce", "for ever");
  };
  World other;
  other.authority.in_place = world.authority.in_place;
  EXPECT_FALSE(other.run());
  EXPECT_LT(other.authority.asked.size(), 20u);
}

/// Each request of an order answered once by 5xx, or not at all: asked again. Always: given up within bounds.
TEST(AcmeOrder, AsksAgainWhatFailedForTheMoment) {
  for (const unsigned status : {500u, 503u}) {
    World world;
    std::set<std::string> failed;
    world.authority.in_place = [&](const Request& request) -> std::optional<Reply> {
      if (!failed.insert(request.method + request.url).second) return {};
      return Reply{status, {{"retry-after", "3"}}, "<html>"};
    };
    ASSERT_TRUE(world.run()) << world.failure.words;
    world.authority.in_place = [&](const Request&) { return Reply{status, {}, ""}; };
    EXPECT_FALSE(world.run());
    EXPECT_FALSE(world.failure.order_over);
    EXPECT_FALSE(world.failure.words.empty());
  }
}

TEST(AcmeOrder, LeavesTheAuthorityAloneForAsLongAsItSays) {
  World world;
  world.authority.in_place = [&](const Request& request) -> std::optional<Reply> {
    if (!request.url.ends_with("/order")) return {};
    Reply reply = world.authority.problem(429, "rateLimited", "5 a week");
    reply.fields.push_back({"retry-after", "7200"});
    return reply;
  };
  EXPECT_FALSE(world.run());
  EXPECT_EQ(world.failure.wait, std::chrono::seconds(7200));
  EXPECT_TRUE(world.failure.words.find("5 a week") != std::string::npos) << world.failure.words;
  EXPECT_EQ(world.authority.orders, 0u);
}

/// Every answer of a run replaced in turn by what is no answer: a word, no harm, an end.
TEST(AcmeOrder, SurvivesNonsenseEverywhere) {
  World probe;
  ASSERT_TRUE(probe.run());
  const std::size_t all = probe.authority.asked.size();
  const Reply nonsense[] = {{200, {}, ""},
                            {200, {}, "{}"},
                            {201, {{"location", "http://ca.test/plain"}}, R"({"status":"valid"})"},
                            {200, {{"replay-nonce", "\"é"}}, "[[[[[[[[[[[[[[[[[[[[[[[[[["},
                            {302, {{"location", "https://else.test/"}}, ""},
                            {200, {}, std::string(kMostAnswer + 1, ' ')},
                            {200,
                             {},
                             R"({"status":"valid","identifiers":[{"type":"dns","value":"mx.example.test"}],)"
                             R"("authorizations":["https://a.test/1"],"finalize":"https://a.test/2"})"},
                            {404, {}, R"({"type":"urn:ietf:params:acme:error:x\u0000\u001b","detail":"\u001b[2J"})"}};
  for (std::size_t i = 0; i < all; ++i)
    for (const Reply& reply : nonsense) {
      World world;
      std::size_t count = 0;
      world.authority.in_place = [&](const Request&) { return count++ == i ? std::optional(reply) : std::nullopt; };
      if (world.run()) continue;
      EXPECT_FALSE(world.failure.words.empty()) << i;
      EXPECT_EQ(plain_length(world.failure.words), world.failure.words.size()) << world.failure.words;
      EXPECT_TRUE(world.shown.empty()) << "what was shown is taken back";
      EXPECT_LT(world.steps, 900u);
    }
}

TEST(AcmeOrder, AnAuthorityThatNeverEndsIsLeft) {
  World world;
  world.authority.watches = ~0u;
  EXPECT_FALSE(world.run());
  EXPECT_FALSE(world.failure.order_over) << "it may end yet";
  EXPECT_TRUE(world.failure.words.find("come to an end") != std::string::npos) << world.failure.words;
  EXPECT_TRUE(world.shown.empty());
}

TEST(AcmeOrder, TakesNoCertificateThatIsNotItsOwn) {
  const auto lie = [](auto&& how) {
    World world;
    how(world);
    EXPECT_FALSE(world.run());
    EXPECT_TRUE(world.failure.order_over);
    return world.failure.words;
  };
  using testing::Test;
  EXPECT_NE(lie([](World& w) { w.authority.issuer.other_name = "evil.test"; }).find("evil.test"), std::string::npos);
  EXPECT_NE(lie([](World& w) { w.authority.issuer.other_key = true; }).find("another key"), std::string::npos);
  EXPECT_NE(lie([](World& w) { w.authority.issuer.foreign_chain = true; }).find("did not sign"), std::string::npos);
  EXPECT_NE(lie([](World& w) { w.authority.issuer.ends = w.authority.now - 1000; }).find("ended"), std::string::npos);
  EXPECT_NE(lie([](World& w) { w.authority.order_name = "evil.test"; }).find("other names"), std::string::npos);
}

TEST(AcmeOrder, SaysWhyAProofFailed) {
  World world;
  world.authority.sees = [](const Proof&) { return false; };
  EXPECT_FALSE(world.run());
  EXPECT_TRUE(world.failure.order_over);
  EXPECT_EQ(world.failure.words, "mx.example.test could not be proven by http-01: the authority did not get our answer "
                                 "where the name leads (it says: \"not what it must be\")");
  EXPECT_TRUE(world.shown.empty());
}

TEST(AcmeOrder, AgreesToNothingByItself) {
  World world;
  world.plan.terms_agreed = false;
  EXPECT_FALSE(world.run());
  EXPECT_TRUE(world.failure.ours);
  EXPECT_TRUE(world.failure.words.find("https://ca.test/terms") != std::string::npos) << world.failure.words;
  EXPECT_EQ(world.authority.accounts, 0u);
  world.authority.terms = false;
  EXPECT_TRUE(world.run()) << world.failure.words;
}

TEST(AcmeOrder, BindsTheAccount) {
  World world;
  world.authority.external = ExternalAccount{"kid-1", "the secret octets of the key"};
  EXPECT_FALSE(world.run());
  EXPECT_TRUE(world.failure.ours);
  world.plan.external = ExternalAccount{"kid-1", "another secret"};
  EXPECT_FALSE(world.run());
  world.plan.external = world.authority.external;
  EXPECT_TRUE(world.run()) << world.failure.words;
}

TEST(AcmeOrder, AnAccountThatIsForgottenIsMadeAnew) {
  World world;
  world.plan.account = "https://ca.test/account/77";
  ASSERT_TRUE(world.run()) << world.failure.words;
  EXPECT_EQ(world.account, "https://ca.test/account/1");
  world.plan.order = "https://ca.test/order/0";
  EXPECT_TRUE(world.run()) << "the order of before is forgotten with it: " << world.failure.words;
}

TEST(AcmeOrder, SaysWhatIsReplaced) {
  World world;
  world.plan.replaces = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE";
  ASSERT_TRUE(world.run()) << world.failure.words;
  EXPECT_EQ(joined(world.authority.replaced), "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
  ASSERT_TRUE(world.run()) << "replaced already: ordered without it: " << world.failure.words;
  EXPECT_EQ(world.authority.orders, 2u);
  World old;
  old.authority.says_when_to_renew = false;
  old.plan.replaces = world.plan.replaces;
  ASSERT_TRUE(old.run()) << old.failure.words;
  EXPECT_TRUE(old.authority.replaced.empty());
}

TEST(AcmeOrder, WhatCannotBeShownIsTakenBack) {
  World world;
  Ordering ordering(world.plan);
  bool withdrawn = false;
  for (int i = 0; i < 100; ++i) {
    const OrderAction action = ordering.next();
    if (std::get_if<Publish>(&action) != nullptr) {
      ordering.unpublishable(Error{Errc::io, "the disk is full"});
      continue;
    }
    withdrawn = withdrawn || std::get_if<Withdraw>(&action) != nullptr;
    if (!world.perform(ordering, action)) break;
  }
  EXPECT_TRUE(withdrawn);
  EXPECT_TRUE(world.failure.words.find("the disk is full") != std::string::npos) << world.failure.words;
}

} // namespace
} // namespace paquebot::acme
