#include "delivery/peer.h"
#include "net/test_support.h"
#include "net/wheel.h"

#include <gtest/gtest.h>

namespace paquebot::delivery {
namespace {

using namespace std::chrono_literals;

/// A server that takes the envelope and reads the content an octet at a time, for ever.
Task<void> trickle(net::Stream& stream) {
  const auto never = std::chrono::steady_clock::now() + 1h;
  const std::string replies[] = {"220 x\r\n", "250 x\r\n", "250 ok\r\n", "250 ok\r\n", "354 go on\r\n"};
  for (const std::string& reply : replies) {
    stream.set_deadline(never);
    auto sent = co_await stream.write(reply);
    if (!sent || reply.starts_with("354")) break;
    auto said = co_await stream.read();
    if (!said) co_return;
  }
  for (;;) {
    auto got = co_await stream.read_at_most(1);
    if (!got || got->empty()) co_return;
    auto pause = 10ms;
    co_await net::sleep_for(pause);
  }
}

Task<Peer::Event> deliver(Peer& peer) {
  Peer::Event event = co_await peer.run();
  if (event != Peer::Event::ready) co_return event;
  smtp::OutgoingMessage message;
  message.recipients = {{{"a", "far.example"}, 0, ""}};
  peer.bound(std::chrono::steady_clock::now() + 1s); // each write alone has three minutes
  peer.session().send(std::move(message));
  const std::string piece(64 << 10, 'x');
  for (event = co_await peer.run(); event == Peer::Event::need_content; event = co_await peer.run())
    peer.session().content(piece);
  co_return event;
}

TEST(Peer, AMessageThatIsReadInTricklesHasAnEnd) {
  net::test::Loop loop;
  auto pair = loop.pair(4096);
  smtp::ClientOptions options;
  options.ehlo_name = "here.example";
  PeerIdentity identity{"far [192.0.2.1]:25", "far", "[192.0.2.1]:25", 25, {}};
  Peer peer(std::move(pair.left), options, false, std::move(identity), nullptr);
  loop.start(trickle(pair.right));
  EXPECT_EQ(loop.run(deliver(peer)), Peer::Event::message_done);
  ASSERT_EQ(peer.session().results().size(), 1u);
  EXPECT_TRUE(peer.session().results()[0].transient());
  EXPECT_EQ(peer.session().breakage(), smtp::Breakage::timeout);
  EXPECT_FALSE(peer.session().in_doubt());
}

/// Offers STARTTLS, and lets itself be hurried in the middle of the handshake.
Task<void> shake_hands_slowly(net::Stream& stream, Peer& client, net::TlsContext& context, bool& shaken) {
  stream.set_deadline(std::chrono::steady_clock::now() + 1h);
  const std::string replies[] = {"220 x\r\n", "250-x\r\n250 STARTTLS\r\n", "220 go on\r\n"};
  for (const std::string& reply : replies) {
    auto sent = co_await stream.write(reply);
    if (!sent || reply.starts_with("220 go")) break;
    auto said = co_await stream.read();
    if (!said) co_return;
  }
  for (int i = 0; i < 10; ++i) {
    auto pause = 20ms;
    co_await net::sleep_for(pause);
    client.hurry();
  }
  auto info = co_await stream.start_tls_server(context);
  shaken = info.has_value();
  if (!shaken) co_return;
  const std::string hello = "250 x\r\n";
  auto said = co_await stream.read();
  if (said) co_await stream.write(hello);
}

TEST(Peer, AHandshakeIsNotCutShort) {
  net::test::Loop loop;
  auto pair = loop.pair();
  const auto made = net::make_self_signed("far.example").value();
  const auto server = net::TlsContext::server(made.certificate_pem, made.key_pem).value();
  smtp::ClientOptions options;
  options.ehlo_name = "here.example";
  PeerIdentity identity{"far [192.0.2.1]:25", "far", "[192.0.2.1]:25", 25, {}};
  Peer peer(std::move(pair.left), options, false, std::move(identity), net::TlsContext::client(false).value());
  bool shaken = false;
  loop.start(shake_hands_slowly(pair.right, peer, *server, shaken));
  EXPECT_EQ(loop.run(peer.run()), Peer::Event::ready) << peer.session().failure().to_string();
  EXPECT_TRUE(shaken);
  EXPECT_FALSE(peer.timed_out() || peer.cut_short());
  EXPECT_FALSE(peer.tls().version.empty());
}

} // namespace
} // namespace paquebot::delivery
