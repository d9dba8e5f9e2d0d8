#include "net/certificate.h"
#include "net/channel.h"
#include "net/test_support.h"
#include "net/test_transfer.h"
#include "net/tls.h"

#include <ctime>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <unistd.h>

namespace paquebot::net {
namespace {

using namespace std::chrono_literals;

const SelfSigned& certificate() {
  static const SelfSigned made = make_self_signed("mx.example.test").value();
  return made;
}

std::shared_ptr<TlsContext> server_context() {
  return TlsContext::server(certificate().certificate_pem, certificate().key_pem).value();
}

struct Shaken {
  Result<TlsInfo> server = fail(Errc::io, "not tried");
  bool done = false;
};

Task<void> shake_server(Stream& stream, TlsContext& context, Shaken* into) {
  into->server = co_await stream.start_tls_server(context);
  if (!into->server) stream.close();
  into->done = true;
}

Task<Result<TlsInfo>> shake_client(Stream& stream, TlsContext& context, std::string name, const Shaken* peer) {
  auto info = co_await stream.start_tls_client(context, name);
  if (!info) stream.close();
  while (!peer->done) co_await sleep_for(1ms);
  co_return info;
}

struct Outcome {
  Result<TlsInfo> server;
  Result<TlsInfo> client;
};

Outcome shake(test::Loop& loop, test::StreamPair& pair, TlsContext& server, TlsContext& client,
              const std::string& name) {
  Shaken shaken;
  loop.start(shake_server(pair.left, server, &shaken));
  auto info = loop.run(shake_client(pair.right, client, name, &shaken));
  return {shaken.server, info};
}

TEST(Tls, HandshakeAndTransferBothWays) {
  test::Loop loop;
  auto pair = loop.pair(8192);
  auto server = server_context();
  auto client = TlsContext::client(false).value();
  auto outcome = shake(loop, pair, *server, *client, "mx.example.test");
  ASSERT_TRUE(outcome.server) << outcome.server.error().message;
  ASSERT_TRUE(outcome.client) << outcome.client.error().message;
  EXPECT_EQ(outcome.server->version, "TLSv1.3");
  EXPECT_EQ(outcome.server->server_name, "mx.example.test");
  EXPECT_FALSE(outcome.client->cipher.empty());
  EXPECT_TRUE(pair.left.encrypted());
  server.reset(); // the streams keep what they need
  client.reset();
  std::string bytes;
  for (int i = 0; i < 400'000; ++i) bytes += std::to_string(i);
  auto both = [](Stream& from, Stream& to, const std::string& words) -> Task<bool> {
    auto sent = co_await from.write(words);
    auto back = co_await to.read();
    co_return sent&& back && !back->empty();
  };
  EXPECT_TRUE(loop.run(both(pair.right, pair.left, "EHLO\r\n")));
  loop.start(send_then_close(pair.left, bytes));
  const auto all = loop.run(read_all(pair.right));
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_TRUE(*all == bytes);
}

TEST(Tls, BothEndsHaveOneChannelBinding) {
  for (const bool modern : {true, false}) {
    test::Loop loop;
    auto server = server_context();
    auto client = TlsContext::client(false).value();
    if (!modern) SSL_CTX_set_max_proto_version(client->native(), TLS1_2_VERSION);
    std::string last;
    for (int i = 0; i < 2; ++i) {
      auto pair = loop.pair();
      EXPECT_TRUE(channel_of(pair.left).bindings.empty()) << "in clear";
      const auto outcome = shake(loop, pair, *server, *client, "mx.example.test");
      ASSERT_TRUE(outcome.server && outcome.client);
      const auto left = channel_of(pair.left), right = channel_of(pair.right);
      ASSERT_EQ(left.bindings.size(), 1u);
      ASSERT_EQ(right.bindings.size(), 1u);
      EXPECT_EQ(left.bindings[0].type, modern ? "tls-exporter" : "tls-unique");
      EXPECT_EQ(left.bindings[0].type, right.bindings[0].type);
      EXPECT_EQ(left.bindings[0].data, right.bindings[0].data);
      EXPECT_NE(left.bindings[0].data, last) << "another connection";
      EXPECT_TRUE(left.certificate_names.empty());
      last = left.bindings[0].data;
    }
  }
}

TEST(Tls, NothingIsUniqueWithoutTheExtendedMasterSecret) {
  test::Loop loop;
  auto pair = loop.pair();
  auto server = server_context();
  auto client = TlsContext::client(false).value();
  SSL_CTX_set_max_proto_version(client->native(), TLS1_2_VERSION);
  SSL_CTX_set_options(client->native(), SSL_OP_NO_EXTENDED_MASTER_SECRET);
  const auto outcome = shake(loop, pair, *server, *client, "mx.example.test");
  ASSERT_TRUE(outcome.server && outcome.client);
  EXPECT_TRUE(channel_of(pair.left).bindings.empty());
}

struct VerifyCase {
  const char* name;
  bool good;
};

TEST(Tls, VerifiesTheServersName) {
  const VerifyCase cases[] = {
      {"mx.example.test", true},
      {"mx.example.test.", true},
      {"MX.Example.TEST", true},
      {"other.example.test", false},
      {"example.test", false},
      {"192.0.2.1", false},
      {"", false},
  };
  for (const auto& c : cases) {
    test::Loop loop;
    auto pair = loop.pair();
    auto server = server_context();
    auto client = TlsContext::client(true, certificate().certificate_pem).value();
    auto outcome = shake(loop, pair, *server, *client, c.name);
    EXPECT_EQ(outcome.client.has_value(), c.good) << c.name;
    EXPECT_EQ(outcome.server.has_value(), c.good) << c.name;
    EXPECT_TRUE(outcome.client || !outcome.client.error().message.empty());
  }
}

TEST(Tls, UnknownIssuersAreRefusedWhenVerifying) {
  test::Loop loop;
  auto pair = loop.pair();
  auto server = server_context();
  auto client = TlsContext::client(true, make_self_signed("other.test").value().certificate_pem).value();
  auto outcome = shake(loop, pair, *server, *client, "mx.example.test");
  ASSERT_FALSE(outcome.client);
  EXPECT_NE(outcome.client.error().message.find("certificate"), std::string::npos) << outcome.client.error().message;
}

TEST(Tls, AnIpAddressIsVerifiedWithoutSni) {
  const auto own = make_self_signed("127.0.0.1").value();
  test::Loop loop;
  auto pair = loop.pair();
  auto server = TlsContext::server(own.certificate_pem, own.key_pem).value();
  auto client = TlsContext::client(true, own.certificate_pem).value();
  auto outcome = shake(loop, pair, *server, *client, "127.0.0.1");
  ASSERT_TRUE(outcome.client) << outcome.client.error().message;
  EXPECT_EQ(outcome.server->server_name, "");
}

TEST(Tls, OldVersionsAreRefused) {
  test::Loop loop;
  auto pair = loop.pair();
  auto server = server_context();
  auto client = TlsContext::client(false).value();
  SSL_CTX_set_min_proto_version(client->native(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(client->native(), TLS1_1_VERSION);
  EXPECT_EQ(SSL_CTX_set_cipher_list(client->native(), "ALL:@SECLEVEL=0"), 1);
  auto outcome = shake(loop, pair, *server, *client, "mx.example.test");
  EXPECT_FALSE(outcome.server);
  EXPECT_FALSE(outcome.client);
}

TEST(Tls, Version12Works) {
  test::Loop loop;
  auto pair = loop.pair();
  auto server = server_context();
  auto client = TlsContext::client(false).value();
  SSL_CTX_set_max_proto_version(client->native(), TLS1_2_VERSION);
  auto outcome = shake(loop, pair, *server, *client, "mx.example.test");
  ASSERT_TRUE(outcome.server) << outcome.server.error().message;
  EXPECT_EQ(outcome.server->version, "TLSv1.2");
  EXPECT_TRUE(outcome.server->cipher.starts_with("TLS_ECDHE_")) << outcome.server->cipher;
}

Task<Result<TlsInfo>> serve_only(Stream& stream, TlsContext& context) {
  auto info = co_await stream.start_tls_server(context);
  co_return info;
}

TEST(Tls, GarbageInsteadOfAHandshake) {
  std::string forged("\x16\x03\x01\xff\xff\x01", 6);
  forged += std::string(70'000, '\0');
  for (const std::string& garbage :
       {std::string("EHLO x\r\nMAIL FROM:<>\r\n"), std::string(100'000, '\0'), std::string("\x16\x03\x01"), forged,
        std::string("\x80\x2e\x01\x00\x02"), std::string()}) {
    test::Loop loop;
    auto pair = loop.pair();
    auto context = server_context();
    pair.left.set_deadline(in(20s));
    loop.start(send_then_close(pair.right, garbage));
    const auto info = loop.run(serve_only(pair.left, *context));
    ASSERT_FALSE(info);
    EXPECT_NE(info.error().code, Errc::timeout);
    EXPECT_FALSE(info.error().message.empty());
    pair.left.close();
  }
}

TEST(Tls, DeadlineEndsAHandshake) {
  test::Loop loop;
  auto pair = loop.pair();
  auto context = server_context();
  pair.left.set_deadline(in(20ms));
  const auto info = loop.run(serve_only(pair.left, *context));
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().code, Errc::timeout);
}

TEST(Tls, APeerThatVanishesIsTheEndOfInput) {
  test::Loop loop;
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  test::StreamPair pair{Stream(loop.executor(), ends[0], loop.wheel()), Stream(loop.executor(), ends[1], loop.wheel())};
  auto server = server_context();
  auto client = TlsContext::client(false).value();
  ASSERT_TRUE(shake(loop, pair, *server, *client, "x.test").server);
  ASSERT_EQ(::shutdown(ends[1], SHUT_WR), 0); // without close_notify
  const auto all = loop.run(read_all(pair.left));
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_EQ(*all, "");
}

TEST(Tls, WritingToAVanishedPeerIsAnErrorAndNoSignal) {
  test::Loop loop;
  auto pair = loop.pair();
  auto server = server_context();
  auto client = TlsContext::client(false).value();
  ASSERT_TRUE(shake(loop, pair, *server, *client, "x.test").server);
  pair.right.close();
  auto write = [](Stream& stream) -> Task<Result<>> {
    const std::string words = "250 ok\r\n";
    co_return co_await stream.write(words);
  };
  EXPECT_FALSE(loop.run(write(pair.left)));
}

TEST(Tls, SecondStartIsRefused) {
  test::Loop loop;
  auto pair = loop.pair();
  auto server = server_context();
  auto client = TlsContext::client(false).value();
  ASSERT_TRUE(shake(loop, pair, *server, *client, "x.test").server);
  const auto again = loop.run(serve_only(pair.left, *server));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::invalid);
}

TEST(Tls, CertificatesAndKeysAreChecked) {
  const auto other = make_self_signed("other.test").value();
  EXPECT_FALSE(TlsContext::server("", ""));
  EXPECT_FALSE(TlsContext::server("nonsense", certificate().key_pem));
  EXPECT_FALSE(TlsContext::server(certificate().certificate_pem, ""));
  EXPECT_FALSE(TlsContext::server(certificate().certificate_pem, other.key_pem));
  EXPECT_FALSE(
      TlsContext::server(certificate().certificate_pem + "-----BEGIN CERTIFICATE-----\nAAAA\n", certificate().key_pem));
  EXPECT_TRUE(TlsContext::server(certificate().certificate_pem + other.certificate_pem, certificate().key_pem));
  EXPECT_FALSE(TlsContext::client(true, "nonsense"));
  EXPECT_TRUE(TlsContext::client(true));
}

TEST(Tls, SelfSignedLastsTenYears) {
  const auto facts = read_certificate(certificate().certificate_pem).value();
  const auto years = (facts.not_after / 1000 - std::time(nullptr)) / (365LL * 24 * 60 * 60);
  EXPECT_EQ(years, 10);
}

TEST(Tls, SelfSignedNamesAreChecked) {
  EXPECT_TRUE(make_self_signed(std::string(63, 'a') + "." + std::string(63, 'b') + ".test"));
  EXPECT_TRUE(make_self_signed("::1"));
  for (const char* name : {"", "a,IP:192.0.2.1", "a b", "a\nb", "@section"})
    EXPECT_FALSE(make_self_signed(name)) << name;
}

} // namespace
} // namespace paquebot::net
