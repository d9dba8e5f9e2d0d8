#include "base/fake_clock.h"
#include "net/tls.h"

#include <gtest/gtest.h>
#include <memory>
#include <openssl/ssl.h>

namespace paquebot::net {
namespace {

struct FreeSession {
  void operator()(SSL* p) const { SSL_free(p); }
  void operator()(SSL_SESSION* p) const { SSL_SESSION_free(p); }
};
using Session = std::unique_ptr<SSL_SESSION, FreeSession>;
using Connection = std::unique_ptr<SSL, FreeSession>;

/// Moves what both have to say until neither has more. True when both are through the handshake.
bool shake_hands(SSL* server, SSL* client) {
  for (int i = 0; i < 20; ++i) {
    SSL_do_handshake(client);
    SSL_do_handshake(server);
  }
  char none = 0;
  SSL_read(client, &none, 1); // takes in the tickets of TLS 1.3
  return SSL_is_init_finished(server) == 1 && SSL_is_init_finished(client) == 1;
}

struct Tickets {
  explicit Tickets(int version) : version_(version) {
    const SelfSigned pair = make_self_signed("mx.example.test").value();
    server = TlsContext::server(pair.certificate_pem, pair.key_pem, {}, clock).value();
    client = TlsContext::client(false).value();
    SSL_CTX_set_max_proto_version(client->native(), version_);
  }

  /// One session, with the ticket if there is one: whether it went on with what the ticket held. `last` is the ticket
  /// that it got then.
  bool resumes(SSL_SESSION* ticket) {
    const Connection left(SSL_new(server->native())), right(SSL_new(client->native()));
    BIO *one = nullptr, *other = nullptr;
    BIO_new_bio_pair(&one, 1 << 16, &other, 1 << 16);
    SSL_set_bio(left.get(), one, one);
    SSL_set_bio(right.get(), other, other);
    SSL_set_accept_state(left.get());
    SSL_set_connect_state(right.get());
    const Session copy(ticket == nullptr ? nullptr : SSL_SESSION_dup(ticket)); // a used one may not be used again
    if (copy) SSL_set_session(right.get(), copy.get());
    EXPECT_TRUE(shake_hands(left.get(), right.get()));
    last.reset(SSL_get1_session(right.get()));
    SSL_set_shutdown(right.get(), SSL_SENT_SHUTDOWN); // one that breaks off takes its ticket along
    return SSL_session_reused(right.get()) == 1;
  }
  Session fresh_ticket() {
    EXPECT_FALSE(resumes(nullptr));
    return std::move(last);
  }

  const int version_;
  FakeClock clock;
  std::shared_ptr<TlsContext> server, client;
  Session last;
};

class SessionTickets : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Versions, SessionTickets, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION));

TEST_P(SessionTickets, AreNewEveryFewHours) {
  Tickets world(GetParam());
  const Session ticket = world.fresh_ticket();
  ASSERT_TRUE(ticket);
  EXPECT_TRUE(world.resumes(ticket.get()));
  world.clock.advance(std::chrono::hours(5)); // the key before is still good for what it has sealed
  EXPECT_TRUE(world.resumes(ticket.get()));
  const Session renewed = std::move(world.last); // and such a ticket is replaced
  ASSERT_TRUE(renewed);
  world.clock.advance(std::chrono::hours(4));
  EXPECT_FALSE(world.resumes(ticket.get()));
  EXPECT_TRUE(world.resumes(renewed.get()));
}

TEST_P(SessionTickets, AreForgottenWhereNobodyComesForLong) {
  Tickets world(GetParam());
  const Session ticket = world.fresh_ticket();
  world.clock.advance(std::chrono::hours(9));
  EXPECT_FALSE(world.resumes(ticket.get()));
}

TEST_P(SessionTickets, BelongToOneContext) {
  Tickets world(GetParam()), another(GetParam());
  const Session ticket = world.fresh_ticket();
  EXPECT_FALSE(another.resumes(ticket.get()));
}

} // namespace
} // namespace paquebot::net
