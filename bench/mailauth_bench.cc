// What it costs to find out where a message is from, beside the bare operations of OpenSSL that it can't be done
// without.

#include "dns/cache.h"
#include "intake/authentication.h"
#include "mailauth/test_message.h"

#include <benchmark/benchmark.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdexcept>
#include <string>

namespace paquebot {
namespace {

using mailauth::KeyKind;

/// A zone behind the cache that the resolver has.
class CachedZone final : public dns::Resolver {
public:
  CachedZone() {
    zone_->add("author.test", dns::Type::txt, {"v=spf1 ip4:192.0.2.1 -all"});
    zone_->add("client.test", dns::Type::txt, {"v=spf1 ip4:192.0.2.1 -all"});
    zone_->add("_dmarc.author.test", dns::Type::txt, {"v=DMARC1; p=reject; rua=mailto:reports@author.test"});
  }
  dns::FakeZone& zone() { return *zone_; }
  Task<std::shared_ptr<const dns::Answer>> query(std::string name, dns::Type type) override {
    const dns::Question question{std::move(name), type};
    if (auto known = cache_.find(question, system_clock().now())) co_return known;
    std::string asked = question.name;
    const auto found = co_await zone_->query(std::move(asked), type);
    auto kept = std::make_shared<dns::Answer>(*found);
    kept->ttl = 3600;
    cache_.keep(question, kept, system_clock().now());
    co_return kept;
  }

private:
  std::shared_ptr<dns::FakeZone> zone_ = dns::FakeZone::parse("");
  dns::Cache cache_{1000, 1U << 20};
};

/// A signed message of about 4 KiB, and what verifies it.
struct World {
  explicit World(KeyKind kind) : key(mailauth::test::signing_key(kind, "author.test", "s")) {
    mailauth::test::publish(resolver.zone(), *key);
    std::string text = "From: A <a@author.test>\nTo: B <b@example.test>\nSubject: Some words about a thing\n"
                       "Date: Mon, 23 Nov 2026 11:58:12 +0000\nMessage-ID: <20261123115812.1@author.test>\n"
                       "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nUser-Agent: Some program 1.2\n\n";
    while (text.size() < 3600) text += "A line of plain text as people write it, of the usual length or so.\n";
    text = mailauth::test::crlf(text);
    const auto plain = mailauth::test::message_of(text);
    mailauth::DkimSigner signer;
    signer.body(plain.body);
    whole = *signer.finish(plain.head, {key}, system_clock().wall()) + text;
    message = mailauth::test::message_of(whole);
  }
  std::shared_ptr<const mailauth::SigningKey> key;
  CachedZone resolver;
  std::string whole;
  mailauth::test::Message message;
  mailauth::DkimKeyCache cache;
  net::test::Loop loop;
};

KeyKind kind_of(const benchmark::State& state) { return state.range(0) == 0 ? KeyKind::rsa : KeyKind::ed25519; }

/// What nobody can do without: the hash of head and body, and the check of one signature, in OpenSSL's own calls.
void bare_verify(benchmark::State& state) {
  World world(kind_of(state));
  const std::string head = world.message.head.to_string();
  unsigned char digest[32];
  unsigned size = 0;
  EVP_Digest(head.data(), head.size(), digest, &size, EVP_sha256(), nullptr);
  const std::string signature = *world.key->key.sign(mailauth::sha256(head));
  const std::string pem = world.key->key.to_pem();
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  const bool rsa = kind_of(state) == KeyKind::rsa;
  const auto* octets = reinterpret_cast<const unsigned char*>(signature.data());
  for (auto _ : state) {
    EVP_Digest(world.message.body.data(), world.message.body.size(), digest, &size, EVP_sha256(), nullptr);
    EVP_Digest(head.data(), head.size(), digest, &size, EVP_sha256(), nullptr);
    int good = 0;
    if (rsa) {
      EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(key, nullptr);
      EVP_PKEY_verify_init(context);
      EVP_PKEY_CTX_set_signature_md(context, EVP_sha256());
      good = EVP_PKEY_verify(context, octets, signature.size(), digest, sizeof digest);
      EVP_PKEY_CTX_free(context);
    } else {
      EVP_MD_CTX* context = EVP_MD_CTX_new();
      EVP_DigestVerifyInit(context, nullptr, nullptr, nullptr, key);
      good = EVP_DigestVerify(context, octets, signature.size(), digest, sizeof digest);
      EVP_MD_CTX_free(context);
    }
    if (good != 1) throw std::runtime_error("the bare check failed");
  }
  EVP_PKEY_free(key);
  BIO_free(bio);
}

/// DKIM alone, from the parsed head.
void dkim_verify(benchmark::State& state) {
  World world(kind_of(state));
  const auto now = system_clock().wall();
  for (auto _ : state) {
    mailauth::DkimVerifier verifier(world.message.head, now);
    verifier.body(world.message.body);
    const auto verdicts = world.loop.run(verifier.finish(world.resolver, world.cache));
    if (verdicts.front().result != mailauth::DkimResult::pass) throw std::runtime_error("DKIM failed");
  }
}

/// SPF, DKIM and DMARC one after the other.
void spf_dkim_dmarc(benchmark::State& state) {
  World world(kind_of(state));
  const auto question = mailauth::spf_question_for_sender(*mailauth::parse_ip("192.0.2.1"), "client.test",
                                                          {"a", "author.test"}, "mx.example.test");
  const mailauth::SpfLimits limits;
  const Clock& clock = system_clock();
  const auto now = clock.wall();
  const auto walk = [&]() -> Task<mailauth::DmarcOutcome> {
    mailauth::DkimVerifier verifier(world.message.head, now);
    verifier.body(world.message.body);
    const auto spf = co_await mailauth::check_spf(question, world.resolver, clock, limits);
    const auto dkim = co_await verifier.finish(world.resolver, world.cache);
    auto outcome = co_await mailauth::check_dmarc(world.message.head, spf, dkim, world.resolver);
    co_return outcome;
  };
  for (auto _ : state)
    if (!world.loop.run(walk()).dkim_aligned) throw std::runtime_error("DMARC failed");
}

/// All that acceptance does: the head taken apart, SPF for both names, ARC, DKIM and DMARC as tasks side by side, and
/// the field composed.
void whole_authentication(benchmark::State& state) {
  World world(kind_of(state));
  intake::Verifier verifier(world.resolver, system_clock());
  const intake::AuthenticationOptions options;
  const auto walk = [&]() -> Task<std::size_t> {
    intake::AuthenticationSubject subject{
        "mx.example.test", *mailauth::parse_ip("192.0.2.1"), "client.test", {"a", "author.test"}};
    intake::Authentication one(verifier, options, std::move(subject));
    co_await one.begin();
    if (one.feed(world.whole)) co_await one.ask_ahead();
    co_await one.finish(world.message.head);
    mail::Head head;
    one.stamp(head);
    if (one.findings().dmarc->result != mailauth::DmarcResult::pass) throw std::runtime_error(one.summary());
    co_return head.fields().size();
  };
  for (auto _ : state) benchmark::DoNotOptimize(world.loop.run(walk()));
}

void bare_sign(benchmark::State& state) {
  World world(kind_of(state));
  const std::string head = world.message.head.to_string();
  for (auto _ : state) {
    benchmark::DoNotOptimize(mailauth::sha256(world.message.body));
    benchmark::DoNotOptimize(world.key->key.sign(mailauth::sha256(head)));
  }
}

void dkim_sign(benchmark::State& state) {
  World world(kind_of(state));
  const auto now = system_clock().wall();
  for (auto _ : state) {
    mailauth::DkimSigner signer;
    signer.body(world.message.body);
    benchmark::DoNotOptimize(signer.finish(world.message.head, {world.key}, now));
  }
}

BENCHMARK(bare_verify)->ArgName("ed25519")->Arg(0)->Arg(1);
BENCHMARK(dkim_verify)->ArgName("ed25519")->Arg(0)->Arg(1);
BENCHMARK(spf_dkim_dmarc)->ArgName("ed25519")->Arg(0)->Arg(1);
BENCHMARK(whole_authentication)->ArgName("ed25519")->Arg(0)->Arg(1);
BENCHMARK(bare_sign)->ArgName("ed25519")->Arg(0)->Arg(1);
BENCHMARK(dkim_sign)->ArgName("ed25519")->Arg(0)->Arg(1);

} // namespace
} // namespace paquebot
