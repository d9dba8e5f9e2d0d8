#include "app/snapshot.h"
#include "app/test_config.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace paquebot::app {
namespace {

std::shared_ptr<const service::Snapshot> snapshot_of(const std::string& text) {
  const auto config = parse(text, {{"/roots", "ROOTS"}});
  EXPECT_TRUE(config) << config.error().message;
  return config ? make_snapshot(*config, {{{"", false}, nullptr}, {{"", true}, nullptr}, {{"ROOTS", false}, nullptr}})
                : nullptr;
}

constexpr const char* kListeners = R"(
[server]
hostname = "mx.example.net"
[[listener]]
role = "mx"
address = "127.0.0.1:25"
accept_from = ["192.0.2.0/24"]
xclient_from = ["192.0.2.1"]
[[listener]]
role = "submission"
address = "127.0.0.1:465"
tls = "implicit"
client_ca = "/roots"
[[listener]]
role = "lmtp"
address = "unix:/x"
tls = "none"
[[listener]]
role = "pop3"
address = "127.0.0.1:110"
proxy_protocol_from = ["::1"]
)";

TEST(Snapshot, Http) {
  const auto snapshot = snapshot_of(R"(
[[listener]]
role = "http"
address = "127.0.0.1:443"
[[listener]]
role = "http"
address = "127.0.0.1:80"
tls = "none"
[[listener]]
role = "http"
address = "127.0.0.1:8080"
tls = "none"
redirect = false
forwarded_from = ["127.0.0.1"]
)");
  ASSERT_TRUE(snapshot);
  const auto& web = *snapshot->listeners[0].http;
  EXPECT_FALSE(snapshot->listeners[0].smtp || snapshot->listeners[0].pop3);
  EXPECT_TRUE(web.session->encrypted && !web.redirect);
  EXPECT_TRUE(snapshot->listeners[1].http->redirect && !snapshot->listeners[1].http->session->encrypted);
  EXPECT_FALSE(snapshot->listeners[2].http->redirect);
  EXPECT_TRUE(snapshot->listeners[2].http->forwarded_from.contains("127.0.0.1"));
  const auto has = [](const http::Fields& fields, std::string_view name) {
    return std::ranges::any_of(fields, [&](const http::Field& field) { return field.name == name; });
  };
  EXPECT_TRUE(has(web.session->always, "Strict-Transport-Security"));
  EXPECT_FALSE(has(snapshot->listeners[1].http->session->always, "Strict-Transport-Security"));
  EXPECT_TRUE(has(snapshot->listeners[1].http->session->always, "Content-Security-Policy"));
}

TEST(Snapshot, WhatTheRoleSays) {
  const auto snapshot = snapshot_of(kListeners);
  ASSERT_TRUE(snapshot);
  ASSERT_EQ(snapshot->listeners.size(), 4u);
  const auto &mx = snapshot->listeners[0], &submission = snapshot->listeners[1], &lmtp = snapshot->listeners[2],
             &pop3 = snapshot->listeners[3];
  EXPECT_TRUE(mx.accept_from.contains("192.0.2.7"));
  EXPECT_TRUE(mx.smtp->xclient_from.contains("192.0.2.1"));
  EXPECT_EQ(mx.smtp->session->role, smtp::Role::mx);
  EXPECT_TRUE(mx.smtp->session->tls_available && !mx.smtp->implicit_tls);
  EXPECT_FALSE(mx.smtp->session->auth_available || mx.smtp->session->lenient || mx.smtp->session->mend_bare_lf);
  EXPECT_FALSE(mx.smtp->scram_by_accounts);
  EXPECT_TRUE(mx.smtp->strangers);
  EXPECT_EQ(submission.smtp->session->role, smtp::Role::submission);
  EXPECT_TRUE(submission.smtp->session->auth_required && submission.smtp->session->tls_required);
  EXPECT_TRUE(submission.smtp->session->lenient && submission.smtp->session->mend_bare_lf);
  EXPECT_TRUE(submission.smtp->implicit_tls && submission.smtp->scram_by_accounts);
  EXPECT_FALSE(submission.smtp->session->tls_available || submission.smtp->strangers);
  EXPECT_EQ(lmtp.smtp->session->role, smtp::Role::lmtp);
  EXPECT_TRUE(lmtp.accept_from.contains("127.0.0.1"));
  EXPECT_FALSE(lmtp.smtp->session->tls_available || lmtp.smtp->strangers);
  EXPECT_FALSE(pop3.smtp);
  EXPECT_TRUE(pop3.proxy_from.contains("::1"));
  EXPECT_TRUE(pop3.pop3->session->tls_available && pop3.pop3->scram_by_accounts);
}

TEST(Snapshot, WhatAllListenersShare) {
  const auto snapshot = snapshot_of(std::string(kListeners) + R"(
[login]
scram = "off"
channel_binding = true
[limits]
message_size = "1MiB"
errors = 3
hops = 7
command_timeout = "7s"
[relay]
networks = ["192.0.2.0/24"]
senders = ["a@b.example"]
[guard]
helo = "tag"
[authentication]
verify = false
[mailbox]
expire_days = 60
[pop3]
takeover_after = "3s"
[submission]
bare_lf = "refuse"
)");
  ASSERT_TRUE(snapshot);
  EXPECT_EQ(snapshot->intake.hostname, "mx.example.net");
  for (std::size_t i = 0; i < 3; ++i) {
    const service::SmtpListenerOptions& smtp = *snapshot->listeners[i].smtp;
    EXPECT_EQ(smtp.session->hostname, "mx.example.net");
    EXPECT_EQ(smtp.session->max_message_size, 1u << 20);
    EXPECT_EQ(smtp.session->max_errors, 3u);
    EXPECT_EQ(smtp.session->command_timeout.count(), 7);
    EXPECT_EQ(smtp.session->hold_most, 30 * 86400);
    EXPECT_EQ(smtp.session->priority_policy, "MIXER");
    EXPECT_FALSE(smtp.session->login.scram || smtp.scram_by_accounts || smtp.session->login.tokens);
    EXPECT_TRUE(smtp.session->login.plus);
    EXPECT_FALSE(smtp.session->mend_bare_lf);
    EXPECT_EQ(smtp.intake.hostname, "mx.example.net");
    EXPECT_EQ(smtp.intake.max_message_size, 1u << 20);
    EXPECT_EQ(smtp.intake.max_hops, 7u);
    EXPECT_FALSE(smtp.intake.authentication.verify);
    EXPECT_TRUE(smtp.relay_from.contains("192.0.2.7"));
    EXPECT_EQ(smtp.relay->senders.size(), 1u);
    EXPECT_EQ(smtp.content_pace, 4096u);
  }
  EXPECT_EQ(snapshot->listeners[0].smtp->strangers->helo, policy::Measure::tag);
  const service::Pop3ListenerOptions& pop3 = *snapshot->listeners[3].pop3;
  EXPECT_EQ(pop3.session->hostname, "mx.example.net");
  EXPECT_EQ(pop3.session->max_errors, 3u);
  EXPECT_EQ(pop3.session->expire_days, 60u);
  EXPECT_EQ(snapshot->expire_days, 60u);
  EXPECT_EQ(pop3.takeover_after.count(), 3);
  EXPECT_FALSE(pop3.session->login.scram || pop3.scram_by_accounts);
  EXPECT_TRUE(pop3.session->login.plus);
}

} // namespace
} // namespace paquebot::app
