#include "store/test_contract.h"

namespace paquebot::store {
namespace {

using KeyState = DkimKey::State;
using Algorithm = DkimKey::Algorithm;

std::vector<DkimKey> pair_of(const std::string& name, KeyState state) {
  return {{.selector = name + "-rsa", .algorithm = Algorithm::rsa, .state = state, .private_key = "PEM " + name},
          {.selector = name + "-ed", .algorithm = Algorithm::ed25519, .state = state, .private_key = "pem " + name}};
}

/// "a-rsa active, ..." in the order of the list.
std::string states(Store& store, const std::string& domain) {
  static constexpr const char* kNames[] = {"", "next", "active", "retired"};
  std::string out;
  const auto list = run(store.keys().list_dkim_keys(domain)).value();
  for (const DkimKey& key : list)
    out += (out.empty() ? "" : ", ") + key.selector + " " + kNames[static_cast<int>(key.state)];
  return out;
}

TEST_P(StoreContract, DkimKeysAreKept) {
  EXPECT_EQ(run(store().keys().add_dkim_keys("a.example", pair_of("a", KeyState::active))).error().code,
            Errc::not_found);
  ASSERT_TRUE(run(store().directory().add_domain("a.example")));
  ASSERT_TRUE(run(store().directory().add_domain("b.example")));
  const auto before = store().directory().generation();
  ASSERT_TRUE(run(store().keys().add_dkim_keys("A.example", pair_of("One", KeyState::active))));
  EXPECT_GT(store().directory().generation(), before) << "caches of keys follow it";
  ASSERT_TRUE(run(store().keys().add_dkim_keys("b.example", pair_of("one", KeyState::next))));
  reopen();
  const auto list = run(store().keys().list_dkim_keys("A.EXAMPLE")).value();
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].domain, "a.example");
  EXPECT_EQ(list[0].selector, "one-rsa");
  EXPECT_EQ(list[0].algorithm, Algorithm::rsa);
  EXPECT_EQ(list[0].state, KeyState::active);
  EXPECT_EQ(list[0].created, now());
  EXPECT_EQ(list[0].changed, now());
  EXPECT_EQ(list[0].private_key, "PEM One");
  EXPECT_EQ(list[1].algorithm, Algorithm::ed25519);
  EXPECT_EQ(run(store().keys().list_dkim_keys("")).value().size(), 4u);
  EXPECT_TRUE(run(store().keys().list_dkim_keys("c.example")).value().empty());
}

TEST_P(StoreContract, DkimKeysAreAddedAllOrNone) {
  ASSERT_TRUE(run(store().directory().add_domain("a.example")));
  ASSERT_TRUE(run(store().keys().add_dkim_keys("a.example", pair_of("one", KeyState::active))));
  auto same_selector = pair_of("two", KeyState::next);
  same_selector[1].selector = "ONE-ed";
  EXPECT_EQ(run(store().keys().add_dkim_keys("a.example", same_selector)).error().code, Errc::conflict);
  EXPECT_EQ(run(store().keys().add_dkim_keys("a.example", pair_of("two", KeyState::active))).error().code,
            Errc::conflict)
      << "two that sign";
  EXPECT_EQ(run(store().keys().list_dkim_keys("a.example")).value().size(), 2u);
  for (int i = 0; i < 24; ++i)
    ASSERT_TRUE(run(store().keys().add_dkim_keys("a.example", pair_of("old" + std::to_string(i), KeyState::retired))));
  EXPECT_EQ(run(store().keys().add_dkim_keys("a.example", pair_of("two", KeyState::next))).error().code,
            Errc::no_space);
}

TEST_P(StoreContract, DkimKeysTakeTurns) {
  ASSERT_TRUE(run(store().directory().add_domain("a.example")));
  ASSERT_TRUE(run(store().directory().add_domain("b.example")));
  EXPECT_EQ(run(store().keys().activate_dkim_keys("a.example")).error().code, Errc::not_found);
  ASSERT_TRUE(run(store().keys().add_dkim_keys("a.example", pair_of("one", KeyState::active))));
  ASSERT_TRUE(run(store().keys().add_dkim_keys("b.example", pair_of("other", KeyState::next))));
  ASSERT_TRUE(run(store().keys().add_dkim_keys("a.example", pair_of("two", KeyState::next))));
  EXPECT_EQ(states(store(), "a.example"), "one-rsa active, one-ed active, two-rsa next, two-ed next");
  clock().advance(std::chrono::hours(1));
  const auto before = store().directory().generation();
  ASSERT_TRUE(run(store().keys().activate_dkim_keys("a.example")));
  EXPECT_GT(store().directory().generation(), before);
  EXPECT_EQ(states(store(), "a.example"), "one-rsa retired, one-ed retired, two-rsa active, two-ed active");
  EXPECT_EQ(states(store(), "b.example"), "other-rsa next, other-ed next");
  EXPECT_EQ(run(store().keys().list_dkim_keys("a.example")).value()[0].changed, now());
  EXPECT_LT(run(store().keys().list_dkim_keys("a.example")).value()[0].created, now());
  EXPECT_EQ(run(store().keys().activate_dkim_keys("a.example")).error().code, Errc::not_found) << "nothing is next";
  ASSERT_TRUE(run(store().keys().remove_dkim_key("a.example", "One-RSA")));
  EXPECT_EQ(run(store().keys().remove_dkim_key("a.example", "one-rsa")).error().code, Errc::not_found);
  EXPECT_EQ(run(store().keys().remove_dkim_key("c.example", "one-ed")).error().code, Errc::not_found);
  EXPECT_EQ(states(store(), "a.example"), "one-ed retired, two-rsa active, two-ed active");
}

TEST_P(StoreContract, ADkimKeyIsRetiredByOneOfItsKind) {
  ASSERT_TRUE(run(store().directory().add_domain("a.example")));
  ASSERT_TRUE(run(store().keys().add_dkim_keys("a.example", pair_of("one", KeyState::active))));
  ASSERT_TRUE(run(store().keys().add_dkim_keys("a.example", {pair_of("two", KeyState::next)[0]})));
  ASSERT_TRUE(run(store().keys().activate_dkim_keys("a.example")));
  EXPECT_EQ(states(store(), "a.example"), "one-rsa retired, one-ed active, two-rsa active");
}

TEST_P(StoreContract, DkimKeysGoWithTheirDomain) {
  ASSERT_TRUE(run(store().directory().add_domain("a.example")));
  ASSERT_TRUE(run(store().keys().add_dkim_keys("a.example", pair_of("one", KeyState::active))));
  ASSERT_TRUE(run(store().directory().remove_domain("a.example")));
  ASSERT_TRUE(run(store().directory().add_domain("a.example")));
  EXPECT_EQ(states(store(), ""), "");
}

} // namespace
} // namespace paquebot::store
