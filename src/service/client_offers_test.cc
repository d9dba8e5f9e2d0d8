#include "net/tls.h"
#include "service/client_offers.h"

#include <gtest/gtest.h>

namespace paquebot::service {
namespace {

using setup::Protocol;
using setup::Security;

enum class Tls { none, starttls, implicit };

ListenerSnapshot offered(ListenerRole role, Tls tls) {
  ListenerSnapshot listener{.role = role};
  const auto fill = [&](auto options, auto session) {
    session.tls_available = tls == Tls::starttls;
    options.session = std::make_shared<const decltype(session)>(session);
    options.implicit_tls = tls == Tls::implicit;
    if (tls != Tls::none) options.tls = net::TlsContext::client(false).value();
    return std::make_shared<const decltype(options)>(std::move(options));
  };
  if (role == ListenerRole::pop3)
    listener.pop3 = fill(Pop3ListenerOptions(), pop3::ServerOptions());
  else
    listener.smtp = fill(SmtpListenerOptions(), smtp::ServerOptions());
  return listener;
}

TEST(ClientOffers, AreOfListenersWithLoginsAndTls) {
  const net::Endpoint at{"192.0.2.1", 587};
  using Offered = std::optional<setup::Offer>;
  const std::tuple<ListenerRole, Tls, Offered> rows[] = {
      {ListenerRole::submission, Tls::starttls, setup::Offer{Protocol::submission, Security::starttls, 587}},
      {ListenerRole::submission, Tls::implicit, setup::Offer{Protocol::submission, Security::implicit, 587}},
      {ListenerRole::pop3, Tls::starttls, setup::Offer{Protocol::pop3, Security::starttls, 587}},
      {ListenerRole::pop3, Tls::implicit, setup::Offer{Protocol::pop3, Security::implicit, 587}},
      {ListenerRole::submission, Tls::none, {}},
      {ListenerRole::pop3, Tls::none, {}},
      {ListenerRole::mx, Tls::starttls, {}},
      {ListenerRole::lmtp, Tls::starttls, {}},
  };
  for (const auto& [role, tls, expected] : rows)
    EXPECT_EQ(offer_of(offered(role, tls), at), expected) << static_cast<int>(role) << ' ' << static_cast<int>(tls);
}

TEST(ClientOffers, KnowWhatOnlyThisMachineReaches) {
  const auto listener = offered(ListenerRole::pop3, Tls::implicit);
  for (const char* address : {"127.0.0.1", "127.8.9.1", "::1"})
    EXPECT_TRUE(offer_of(listener, {address, 995})->loopback);
  for (const char* address : {"0.0.0.0", "::", "192.0.2.1", "2001:db8::1", "10.0.0.1"})
    EXPECT_FALSE(offer_of(listener, {address, 995})->loopback);
  EXPECT_FALSE(offer_of(listener, {"/run/x", 0}));
}

} // namespace
} // namespace paquebot::service
