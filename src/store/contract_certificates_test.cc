#include "store/test_contract.h"

namespace paquebot::store {
namespace {

using TlsState = TlsKey::State;
using CertificateWish = Certificates::Wish;

TlsKey tls_key(const std::string& name, TlsState state, const std::string& pem) {
  return {.name = name, .state = state, .private_key = pem};
}

Certificate only_certificate(Store& store) {
  const auto all = run(store.certificates().list_certificates()).value();
  EXPECT_EQ(all.size(), 1u);
  return all.empty() ? Certificate() : all.front();
}

/// "PEM 1 active, PEM 2 next".
std::string tls_keys_told(Store& store, const std::string& name) {
  std::string out;
  const auto keys = run(store.certificates().list_tls_keys(name)).value();
  for (const TlsKey& key : keys)
    out += (out.empty() ? "" : ", ") + key.private_key + (key.state == TlsState::next ? " next" : " active");
  return out;
}

TEST_P(StoreContract, AcmeAccountsAreKept) {
  EXPECT_FALSE(run(store().certificates().acme_account("https://a.test/")).value());
  ASSERT_TRUE(run(store().certificates().save_acme_account({"https://a.test/", "PEM", "", 0})));
  ASSERT_TRUE(run(store().certificates().save_acme_account({"https://b.test/", "PEM b", "", 0})));
  ASSERT_TRUE(run(store().certificates().save_acme_account({"https://a.test/", "PEM", "https://a.test/1", 77})));
  EXPECT_EQ(run(store().certificates().save_acme_account({"https://a.test/", "other", "", 0})).error().code,
            Errc::conflict);
  reopen();
  const auto account = run(store().certificates().acme_account("https://a.test/")).value();
  ASSERT_TRUE(account);
  EXPECT_EQ(account->private_key, "PEM");
  EXPECT_EQ(account->url, "https://a.test/1");
  EXPECT_EQ(account->created, now());
}

TEST_P(StoreContract, CertificatesAreInstalledAndKeysTakeTurns) {
  Certificates* certificates = &store().certificates();
  EXPECT_EQ(run(certificates->add_tls_key(tls_key("mx.test", TlsState::next, "PEM 0"))).error().code, Errc::invalid);
  ASSERT_TRUE(run(certificates->add_tls_key(tls_key("mx.test", TlsState::active, "PEM 1"))));
  EXPECT_EQ(run(certificates->add_tls_key(tls_key("mx.test", TlsState::active, "PEM 9"))).error().code, Errc::conflict);
  ASSERT_TRUE(run(certificates->add_tls_key(tls_key("b.test", TlsState::active, "PEM b"))));
  const Id first = run(certificates->list_tls_keys("mx.test")).value().front().id;
  const Id foreign = run(certificates->list_tls_keys("b.test")).value().front().id;
  EXPECT_EQ(run(certificates->install_certificate("mx.test", foreign, "C", "https://a.test/")).error().code,
            Errc::not_found);
  ASSERT_TRUE(run(certificates->remove_certificate("b.test")));
  EXPECT_EQ(run(certificates->remove_certificate("b.test")).error().code, Errc::not_found);
  EXPECT_EQ(tls_keys_told(store(), ""), "PEM 1 active");
  EXPECT_EQ(only_certificate(store()).key, 0);
  ASSERT_TRUE(run(certificates->install_certificate("mx.test", first, "CHAIN 1", "https://a.test/")));
  ASSERT_TRUE(run(certificates->add_tls_key(tls_key("mx.test", TlsState::next, "PEM 2"))));
  reopen();
  certificates = &store().certificates();
  EXPECT_EQ(tls_keys_told(store(), "mx.test"), "PEM 1 active, PEM 2 next");
  Certificate kept = only_certificate(store());
  EXPECT_EQ(kept.chain, "CHAIN 1");
  EXPECT_EQ(kept.key, first);
  EXPECT_EQ(kept.authority, "https://a.test/");
  EXPECT_EQ(kept.issued, now());
  ASSERT_TRUE(run(certificates->wish("mx.test", CertificateWish::rotation, true)));
  ASSERT_TRUE(run(certificates->install_certificate("mx.test", first, "CHAIN 2", "https://a.test/")));
  EXPECT_EQ(tls_keys_told(store(), "mx.test"), "PEM 1 active, PEM 2 next") << "a renewal keeps the key";
  EXPECT_GT(only_certificate(store()).wants_rotation, 0) << "and the wish for another one";
  const Id second = run(certificates->list_tls_keys("mx.test")).value().back().id;
  ASSERT_TRUE(run(certificates->install_certificate("mx.test", second, "CHAIN 3", "https://a.test/")));
  EXPECT_EQ(tls_keys_told(store(), "mx.test"), "PEM 2 active");
  kept = only_certificate(store());
  EXPECT_EQ(kept.chain, "CHAIN 3");
  EXPECT_EQ(kept.key, second);
  EXPECT_EQ(kept.wants_rotation, 0);
  EXPECT_EQ(run(store().upkeep().verify()).value(), std::vector<std::string>());
}

TEST_P(StoreContract, HowAnOrderGoesIsKeptBesideWhatAnOperatorWants) {
  Certificates& certificates = store().certificates();
  EXPECT_EQ(run(certificates.wish("mx.test", CertificateWish::renewal, true)).error().code, Errc::not_found);
  EXPECT_EQ(run(certificates.note_progress({.name = "mx.test"})).error().code, Errc::not_found);
  ASSERT_TRUE(run(certificates.add_tls_key(tls_key("mx.test", TlsState::active, "PEM 1"))));
  EXPECT_EQ(run(certificates.wish("mx.test", CertificateWish::rotation, true)).error().code, Errc::conflict);
  const Id key = run(certificates.list_tls_keys("mx.test")).value().front().id;
  Certificate progress = only_certificate(store());
  progress.order = "https://a.test/order/1";
  progress.order_key = key;
  progress.order_since = now();
  progress.failures = 3;
  progress.wait_until = now() + 1000;
  progress.last_error = "no";
  progress.renew_at = 5;
  progress.ask_at = 6;
  progress.seen_since = 7;
  progress.seen_ttl = 8;
  ASSERT_TRUE(run(certificates.note_progress(progress)));
  ASSERT_TRUE(run(certificates.wish("mx.test", CertificateWish::renewal, true)));
  EXPECT_EQ(only_certificate(store()).wait_until, 0) << "who asks for it now does not wait";
  ASSERT_TRUE(run(certificates.note_progress(progress)));
  reopen();
  const Certificate kept = only_certificate(store());
  EXPECT_EQ(kept.wants_renewal, now()) << "whoever noted the progress did not know of it";
  EXPECT_EQ(kept.order, progress.order);
  EXPECT_EQ(kept.order_key, key);
  EXPECT_EQ(kept.order_since, progress.order_since);
  EXPECT_EQ(kept.failures, 3u);
  EXPECT_EQ(kept.wait_until, progress.wait_until);
  EXPECT_EQ(kept.last_error, "no");
  EXPECT_EQ(kept.renew_at, 5);
  EXPECT_EQ(kept.ask_at, 6);
  EXPECT_EQ(kept.seen_since, 7);
  EXPECT_EQ(kept.seen_ttl, 8u);
  ASSERT_TRUE(run(store().certificates().install_certificate("mx.test", key, "CHAIN", "https://a.test/")));
  const Certificate done = only_certificate(store());
  EXPECT_EQ(done.wants_renewal, 0);
  EXPECT_EQ(done.order + done.last_error, "");
  EXPECT_EQ(done.failures, 0u);
  EXPECT_EQ(done.wait_until, 0);
  EXPECT_EQ(run(store().upkeep().verify()).value(), std::vector<std::string>());
}

TEST_P(StoreContract, ChallengesExpire) {
  using Kind = ChallengeAnswer::Kind;
  std::vector<std::string> told;
  const auto subscription = store().subscribe([&told](const Change& change) {
    if (change.kind == Change::Kind::certificate) told.push_back(change.key);
  });
  const ChallengeAnswer answer{Kind::http, "mx.test", "token", "token.print", now() + 60'000};
  ASSERT_TRUE(run(store().certificates().publish_challenge(answer)));
  ASSERT_TRUE(run(store().certificates().publish_challenge(answer)));
  ASSERT_TRUE(run(store().certificates().publish_challenge({Kind::tls_alpn, "a.test", "t", "t.p", now() + 90'000})));
  EXPECT_EQ(run(store().certificates().list_challenges()).value().size(), 2u);
  EXPECT_EQ(told, (std::vector<std::string>{"mx.test", "mx.test", "a.test"}));
  clock().advance(std::chrono::seconds(60));
  const auto left = run(store().certificates().list_challenges()).value();
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left.front().name + " " + left.front().answer, "a.test t.p");
  ASSERT_TRUE(run(store().certificates().withdraw_challenge(left.front())));
  ASSERT_TRUE(run(store().certificates().withdraw_challenge(left.front())));
  EXPECT_TRUE(run(store().certificates().list_challenges()).value().empty());
  for (int i = 0; i < 200; ++i) {
    const ChallengeAnswer one{Kind::http, "mx.test", std::to_string(i), "a", now() + 1000};
    ASSERT_TRUE(run(store().certificates().publish_challenge(one)));
  }
  EXPECT_EQ(run(store().certificates().publish_challenge(answer)).error().code, Errc::no_space);
}

} // namespace
} // namespace paquebot::store
