#include "acme/test_authority.h"
#include "base/fake_clock.h"
#include "directory/test_server.h"
#include "dns/fake_zone.h"
#include "service/certificate_keeper.h"
#include "store/wrapped_store.h"

#include <gtest/gtest.h>

namespace paquebot::service {
namespace {

using namespace std::chrono_literals;

template <class T>
T run_now(Task<T> task) {
  return directory::run_task(std::move(task));
}
Task<bool> to_its_end(Task<void> task) {
  co_await std::move(task);
  co_return true;
}
void run_now(Task<void> task) { directory::run_task(to_its_end(std::move(task))); }

/// A store that fails for a while.
class FailingCertificates : public store::Certificates {
public:
  explicit FailingCertificates(store::Store& inner) : inner_(inner.certificates()) {}
  bool full = false;

  Task<Result<std::optional<store::AcmeAccount>>> acme_account(std::string directory) override {
    return inner_.acme_account(std::move(directory));
  }
  Task<Result<>> save_acme_account(store::AcmeAccount account) override {
    if (full) return no_room();
    return inner_.save_acme_account(std::move(account));
  }
  Task<Result<std::vector<store::TlsKey>>> list_tls_keys(std::string name) override {
    return inner_.list_tls_keys(std::move(name));
  }
  Task<Result<>> add_tls_key(store::TlsKey key) override {
    if (full) return no_room();
    return inner_.add_tls_key(std::move(key));
  }
  Task<Result<std::vector<store::Certificate>>> list_certificates() override { return inner_.list_certificates(); }
  Task<Result<>> note_progress(store::Certificate certificate) override {
    if (full) return no_room();
    return inner_.note_progress(std::move(certificate));
  }
  Task<Result<>> install_certificate(std::string name, store::Id key, std::string chain,
                                     std::string authority) override {
    if (full) return no_room();
    return inner_.install_certificate(std::move(name), key, std::move(chain), std::move(authority));
  }
  Task<Result<>> wish(std::string name, Wish what, bool wanted) override {
    return inner_.wish(std::move(name), what, wanted);
  }
  Task<Result<>> remove_certificate(std::string name) override { return inner_.remove_certificate(std::move(name)); }
  Task<Result<>> publish_challenge(store::ChallengeAnswer answer) override {
    if (full) return no_room();
    return inner_.publish_challenge(std::move(answer));
  }
  Task<Result<>> withdraw_challenge(store::ChallengeAnswer answer) override {
    return inner_.withdraw_challenge(std::move(answer));
  }
  Task<Result<std::vector<store::ChallengeAnswer>>> list_challenges() override { return inner_.list_challenges(); }

private:
  static Task<Result<>> no_room() { co_return fail(Errc::no_space, "the disk is full"); }
  store::Certificates& inner_;
};

struct TestTransport final : acme::Transport {
  acme::TestAuthority& authority;
  const FakeClock& clock;
  int left = -1; ///< so many are answered, then the process stops; below 0: any number
  std::atomic<bool>* stopping = nullptr;
  std::function<void()> before;

  TestTransport(acme::TestAuthority& a, const FakeClock& c) : authority(a), clock(c) {}
  Task<Result<acme::Reply>> request(acme::Request request) override {
    if (before) before();
    authority.now = millis(clock.wall());
    if (left == 0) *stopping = true;
    if (left >= 0 && left-- == 0) co_return fail(Errc::closed, "killed");
    co_return authority.handle(request);
  }
};

struct TestZone final : ProofZone {
  std::map<std::string, std::string> texts;
  Task<Result<>> add(std::string name, std::string text) override {
    texts[name] = text;
    co_return Result<>();
  }
  Task<Result<>> remove(std::string name, std::string) override {
    texts.erase(name);
    co_return Result<>();
  }
};

class CertificateKeeperTest : public testing::Test {
protected:
  using Store = store::Wrapped<FailingCertificates>;

  CertificateKeeperTest() {
    store::StoreOptions how;
    how.clock = &clock;
    inner = std::move(*store::open_store((place.path() / "data").string(), how));
    store = std::make_unique<Store>(*inner);
    shelf = std::make_unique<CertificateShelf>(store->certificates(), &shown);
    options->agree_tos = true;
    options->directory = acme::TestAuthority::kDirectory;
    options->challenges = {acme::ChallengeKind::http};
    authority.sees = [this](const acme::Proof& proof) {
      if (proof.kind == acme::ChallengeKind::dns) return zone.texts["_acme-challenge." + proof.name] == proof.record();
      return shelf->answer(proof.token) == proof.authorization;
    };
  }

  /// As one process that runs for one round.
  void round(int answers = -1) {
    std::atomic<bool> stopping = false;
    transport.left = answers;
    transport.stopping = &stopping;
    CertificateKeeper keeper({*store, *shelf, transport, *resolver, clock,
                              [this](std::chrono::milliseconds time) { return sleep(time); }, &zone},
                             "mx.example.test", stopping);
    options->configured = configured;
    run_now(keeper.round(options));
  }
  Task<void> sleep(std::chrono::milliseconds time) {
    clock.advance(time);
    co_return;
  }
  store::Certificate kept(const std::string& name = "mx.example.test") {
    const auto rows = run_now(inner->certificates().list_certificates()).value();
    for (const auto& row : rows)
      if (row.name == name) return row;
    return {};
  }
  std::string keys() {
    std::string out;
    const auto all = run_now(inner->certificates().list_tls_keys("mx.example.test")).value();
    for (const auto& key : all)
      out += (out.empty() ? "" : " ") + acme::PrivateKey::from_pem(key.private_key)->public_digest();
    return out;
  }
  bool is_shown(const std::string& name) {
    const auto all = shown.chosen_for(name);
    return !all.empty() && all.front() == kept(name).chain;
  }

  const directory::TestDirectory place;
  FakeClock clock;
  acme::TestAuthority authority;
  TestTransport transport{authority, clock};
  TestZone zone;
  net::Certificates shown;
  std::shared_ptr<dns::FakeZone> resolver = dns::FakeZone::parse("mx.example.test A 192.0.2.1\n");
  std::shared_ptr<CertificateOptions> options = std::make_shared<CertificateOptions>();
  std::vector<std::string> configured;
  std::unique_ptr<store::Store> inner;
  std::unique_ptr<Store> store;
  std::unique_ptr<CertificateShelf> shelf;
};

TEST_F(CertificateKeeperTest, GetsOneAndShowsIt) {
  round();
  EXPECT_EQ(kept().last_error, "");
  ASSERT_FALSE(kept().chain.empty());
  EXPECT_TRUE(is_shown("mx.example.test"));
  EXPECT_EQ(authority.orders, 1u);
  EXPECT_EQ(keys().size(), 64u * 2 + 1) << "the key that will come is there";
  EXPECT_TRUE(run_now(inner->certificates().list_challenges()).value().empty());
  const auto facts = acme::read_issued(kept().chain).value();
  EXPECT_EQ(kept().renew_at, acme::two_thirds(facts));
  for (int i = 0; i < 20; ++i) round();
  EXPECT_EQ(authority.orders, 1u);
  EXPECT_EQ(run_now(inner->upkeep().verify()).value(), std::vector<std::string>());
}

TEST_F(CertificateKeeperTest, DoesNothingWithoutAgreement) {
  options->agree_tos = false;
  round();
  EXPECT_TRUE(authority.asked.empty());
}

TEST_F(CertificateKeeperTest, WhatIsConfiguredIsNotOrdered) {
  configured = {"mx.example.test"};
  round();
  EXPECT_TRUE(authority.asked.empty());
}

TEST_F(CertificateKeeperTest, RenewsWithTheSameKeyAtTwoThirds) {
  round();
  const std::string before = keys(), chain = kept().chain;
  clock.set_wall(from_millis(kept().renew_at - 1000));
  round();
  EXPECT_EQ(authority.orders, 1u);
  clock.advance(2s);
  round();
  EXPECT_EQ(authority.orders, 2u);
  EXPECT_NE(kept().chain, chain);
  EXPECT_EQ(keys(), before);
  EXPECT_TRUE(is_shown("mx.example.test"));
  EXPECT_EQ(authority.replaced.size(), 1u);
}

TEST_F(CertificateKeeperTest, RenewsInTheWindowThatTheAuthorityWants) {
  authority.window = R"({"suggestedWindow":{"start":"2026-01-10T00:00:00Z","end":"2026-01-12T00:00:00Z"}})";
  round();
  const auto chosen = kept().renew_at;
  EXPECT_GE(chosen, 1'768'003'200'000);
  EXPECT_LT(chosen, 1'768'176'000'000);
  clock.advance(3h);
  round();
  EXPECT_EQ(kept().renew_at, chosen) << "asked again, chosen once";
  authority.window = R"({"suggestedWindow":{"start":"2025-12-01T00:00:00Z","end":"2025-12-02T00:00:00Z"}})";
  clock.advance(3h);
  for (int i = 0; i < 5; ++i) round();
  EXPECT_EQ(authority.orders, 1u) << "at most one a day";
  clock.advance(19h);
  for (int i = 0; i < 5; ++i) round();
  EXPECT_EQ(authority.orders, 2u) << "it has to go now";
}

/// Killed behind every request, and started again and again at once: one order, one certificate.
TEST_F(CertificateKeeperTest, ARestartLoopOrdersOnce) {
  for (int answers = 0; answers < 25; ++answers) round(answers);
  EXPECT_LE(authority.orders, 1u);
  for (int day = 0; day < 5 && kept().chain.empty(); ++day) {
    clock.advance(24h);
    round();
  }
  EXPECT_FALSE(kept().chain.empty()) << kept().last_error;
  EXPECT_LE(authority.orders, 2u) << "that of before is too old after a day";
}

TEST_F(CertificateKeeperTest, KilledAtEachStepItComesToItsEnd) {
  for (int answers = 0; answers < 20; ++answers) {
    const unsigned orders = authority.orders;
    round(answers);
    if (kept().chain.empty() || kept().wants_renewal > 0) {
      clock.advance(5min);
      round();
    }
    ASSERT_FALSE(kept().chain.empty()) << answers << ": " << kept().last_error;
    EXPECT_LE(authority.orders, orders + 2) << answers;
    clock.advance(1min);
    ASSERT_TRUE(run_now(inner->certificates().wish("mx.example.test", store::Certificates::Wish::renewal, true)));
  }
  EXPECT_EQ(authority.accounts, 1u);
}

TEST_F(CertificateKeeperTest, BacksOffAndGoesOnWithTheOldOne) {
  round();
  const std::string chain = kept().chain;
  clock.set_wall(from_millis(kept().renew_at + 1));
  authority.sees = [](const acme::Proof&) { return false; };
  for (int minute = 0; minute < 24 * 60; ++minute) {
    round();
    clock.advance(1min);
  }
  EXPECT_LE(authority.orders, 13u) << "1, 2, 4 … minutes between them";
  EXPECT_GE(authority.orders, 8u);
  EXPECT_EQ(kept().chain, chain);
  EXPECT_TRUE(is_shown("mx.example.test"));
  EXPECT_NE(kept().last_error.find("could not be proven"), std::string::npos) << kept().last_error;
}

TEST_F(CertificateKeeperTest, AClockThatWasWrongDoesNoHarm) {
  authority.sees = [](const acme::Proof&) { return false; };
  clock.advance(24h * 3650);
  round();
  EXPECT_GT(kept().wait_until, 0);
  authority.sees = [this](const acme::Proof& proof) { return shelf->answer(proof.token) == proof.authorization; };
  clock.set_wall(clock.wall() - 24h * 3650);
  round();
  EXPECT_FALSE(kept().chain.empty()) << "not in ten years: " << kept().last_error;
}

TEST_F(CertificateKeeperTest, AFullDiskBeginsNothing) {
  store->full = true;
  round();
  EXPECT_TRUE(authority.asked.empty());
  store->full = false;
  transport.before = [&] { store->full = authority.asked.size() > 4; };
  round();
  EXPECT_TRUE(kept().chain.empty());
  transport.before = nullptr;
  store->full = false;
  clock.advance(5min);
  round();
  EXPECT_FALSE(kept().chain.empty()) << kept().last_error;
  EXPECT_LE(authority.orders, 2u);
}

TEST_F(CertificateKeeperTest, ProvesNamesInTheDns) {
  options->challenges = {acme::ChallengeKind::dns};
  options->dns_wait = 30s;
  round();
  EXPECT_FALSE(kept().chain.empty()) << kept().last_error;
  EXPECT_TRUE(zone.texts.empty()) << "taken back";
}

TEST_F(CertificateKeeperTest, OtherNamesAreOrderedSinglyAndOnlyIfTheyLeadHere) {
  ASSERT_TRUE(run_now(inner->directory().add_domain("example.test")));
  resolver->add("mta-sts.example.test", dns::Type::a, {.text = "192.0.2.1"});
  resolver->add("autoconfig.example.test", dns::Type::a, {.text = "198.51.100.7"});
  options->names = {"mail.example.test"};
  round();
  EXPECT_FALSE(kept().chain.empty());
  EXPECT_FALSE(kept("mta-sts.example.test").chain.empty());
  EXPECT_EQ(kept("autoconfig.example.test").name, "") << "it leads elsewhere, and nobody asked for it";
  EXPECT_EQ(kept("mail.example.test").last_error, "mail.example.test has no address in the DNS");
  EXPECT_EQ(authority.orders, 2u);
}

/// RFC 7671 section 8.1: first both records, for as long as others remember, then the key.
TEST_F(CertificateKeeperTest, RotatesWhenBothRecordsHaveBeenSeen) {
  round();
  const std::string before = keys();
  const auto record = [](const std::string& digest) {
    std::string text("\x03\x01\x01", 3);
    for (std::size_t i = 0; i < digest.size(); i += 2)
      text += static_cast<char>(std::stoi(digest.substr(i, 2), nullptr, 16));
    return dns::Record{.text = text};
  };
  resolver->add("_25._tcp.mx.example.test", dns::Type::tlsa, record(before.substr(0, 64)));
  ASSERT_TRUE(run_now(inner->certificates().wish("mx.example.test", store::Certificates::Wish::rotation, true)));
  round();
  clock.advance(24h);
  round();
  EXPECT_EQ(keys(), before) << "the next one is not in the zone";
  resolver->add("_25._tcp.mx.example.test", dns::Type::tlsa, record(before.substr(65)));
  round();
  EXPECT_EQ(keys(), before) << "not for long enough";
  clock.advance(24h * 2 + 1h);
  round();
  EXPECT_EQ(keys().substr(0, 64), before.substr(65));
  EXPECT_EQ(keys().size(), before.size()) << "and another one comes behind it";
  EXPECT_EQ(kept().wants_rotation, 0);
  EXPECT_TRUE(is_shown("mx.example.test"));
}

TEST_F(CertificateKeeperTest, RotatesAtOnceWhereNobodyLooks) {
  round();
  const std::string before = keys();
  ASSERT_TRUE(run_now(inner->certificates().wish("mx.example.test", store::Certificates::Wish::rotation, true)));
  round();
  EXPECT_EQ(keys().substr(0, 64), before.substr(65));
}

TEST_F(CertificateKeeperTest, AnotherAuthorityGetsItsOwnAccount) {
  round();
  options->directory = std::string(acme::TestAuthority::kDirectory) + "?other";
  authority.in_place = [&](const acme::Request& request) -> std::optional<acme::Reply> {
    if (!request.url.ends_with("?other")) return {};
    return authority.handle({"GET", acme::TestAuthority::kDirectory, {}, {}});
  };
  round();
  EXPECT_EQ(kept().authority, options->directory);
  EXPECT_EQ(authority.accounts, 2u);
}

TEST_F(CertificateKeeperTest, WhatNobodyWantsGoesWhenItHasEnded) {
  options->names = {"mail.example.test"};
  resolver->add("mail.example.test", dns::Type::a, {.text = "192.0.2.1"});
  round();
  EXPECT_TRUE(is_shown("mail.example.test"));
  options->names.clear();
  round();
  EXPECT_TRUE(is_shown("mail.example.test"));
  clock.advance(24h * 100);
  round();
  EXPECT_EQ(kept("mail.example.test").name, "");
  EXPECT_NE(shown.chosen_for("mail.example.test"), std::vector<std::string>{kept("mail.example.test").chain});
}

} // namespace
} // namespace paquebot::service
