// [login], [oauth], [submission], [relay], [takeover]: those who may send to others.

#include "app/settings.h"
#include "mail/address.h"

#include <algorithm>

namespace paquebot::app {
namespace {

using namespace std::chrono_literals;

/// One of three words, or true and false, as it was before there was a choice.
Value<Config> scram() {
  using enum Config::Scram;
  auto made = word(AT(Config, scram), automatic, {{"auto", automatic}, {"on", on}, {"off", off}});
  made.read = [read_word = made.read](Reader& reader, const Node& node, Config& config) {
    if (node.kind == Node::Kind::flag)
      config.scram = node.flag ? on : off;
    else
      read_word(reader, node, config);
  };
  return made;
}

void check_oauth(Reader& read, const Node& table, Config& config) {
  if (table.nodes.empty()) return;
  const directory::TokenRules& rules = config.token_rules;
  if (rules.issuer.empty() || rules.audience.empty() || rules.claim.empty() || table.find("jwks_file") == nullptr)
    read.error(table, "[oauth] needs issuer, audience and jwks_file");
}

Result<std::string> relayed_sender(const std::string& text) {
  if (text == "<>") return text;
  if (text.contains('@')) {
    if (const auto address = mail::parse_address(text)) return address->to_string();
  } else if (auto domain = mail::normalize_domain(text)) {
    return std::move(*domain);
  }
  return fail(Errc::invalid, "is neither an address nor a domain, nor \"<>\"");
}

void check_relay(Reader& read, const Node& table, Config&) {
  const Node* listed = table.find("networks");
  if (listed == nullptr || listed->kind != Node::Kind::list) return;
  for (const Node& one : listed->nodes)
    if (one.text.ends_with("/0")) read.error(one, "the whole world in networks would make this an open relay");
}

void check_takeover(Reader&, const Node&, Config& config) {
  if (config.takeover_signs) return;
  config.snapshot.takeover = {};
  config.snapshot.takeover_networks = 0;
}

} // namespace

const Section<Config> kLoginSettings = {
    .name = "login",
    .settings =
        {
            {.key = "scram",
             .value = scram(),
             .text = R"(offer SCRAM: `"on"`, `"off"`, or only while every enabled account with a password can do it. An
             account whose password came as a hash (an import) can after its next login with PLAIN or LOGIN, or
             with a new password; programs that choose SCRAM by themselves fail until then, and call the right
             password wrong. `paquebot account list` and `check` name who can't yet, the log whom `"auto"` waits
             for. `true` and `false` mean `"on"` and `"off"`)"},
            {.key = "channel_binding",
             .value = flag(AT(Config, channel_binding), false),
             .text =
                 R"(offer SCRAM-SHA-256-PLUS and SCRAM-SHA-1-PLUS too. They tie the login to the TLS connection, which
             helps where somebody in between has a certificate that the client believes. Off since common
             programs choose them by their name and then can't do them over TLS 1.3 (mutt and neomutt of Debian
             12): their logins would fail)"},
            {.key = "failures_per_address",
             .value = number(AT(Config, snapshot.logins.per_address), 20, 5, 1'000'000),
             .text =
                 R"(failed logins lately (one is forgiven each minute) after which an address is refused: 454, in POP3
             -ERR. From a tenth of it on the answers come late, 8 seconds at most. Of IPv6, 64 bits are an
             address, and eight times as many failures are too many for the 48 bits of a site)"},
            {.key = "failures_per_account",
             .value = number(AT(Config, snapshot.logins.per_account), 50, 5, 1'000'000),
             .text =
                 R"(the same for a name, from all addresses together. Addresses from which the account logged in within
             the last 30 days (the last 8, kept in the store) are not concerned; they have the bound above for
             themselves)"},
            {.key = "refused_for",
             .value = duration(AT(Config, snapshot.logins.refused_for), 15min, 1s),
             .text = "how long"},
        },
};

const Section<Config> kOauthSettings = {
    .name = "oauth",
    .settings =
        {
            {.key = "issuer",
             .value = text(AT(Config, token_rules.issuer), ""),
             .required = true,
             .text = "what `iss` must be"},
            {.key = "audience",
             .value = text(AT(Config, token_rules.audience), ""),
             .required = true,
             .text = "what `aud` must be, or hold"},
            {.key = "jwks_file",
             .value = file(AT(Config, jwks_file), AT(Config, jwks)),
             .required = true,
             .text = "the issuer's public keys, a JSON Web Key Set; read again at a reload"},
            {.key = "claim",
             .value = text(AT(Config, token_rules.claim), "email"),
             .text =
                 R"(the claim that holds an address of the account. With `"email"`, a token that says `email_verified:
             false` is refused)"},
        },
    .check = check_oauth,
};

const Section<Config> kSubmissionSettings = {
    .name = "submission",
    .settings =
        {
            {.key = "bare_lf",
             .value = word(AT(Config, mend_bare_lf), true, {{"mend", true}, {"refuse", false}}),
             .text = R"(lines of a message that end with LF alone: `"mend"` makes their end CRLF, `"refuse"` refuses the
             message (550), as strangers' always is. What ends the message is CRLF.CRLF in any case)"},
            {.key = "keep_bcc",
             .value = flag(AT(Config, snapshot.intake.keep_bcc), false),
             .text =
                 R"(`true`: Bcc and Resent-Bcc stay in mail that own users and programs of this machine hand in, for all
             recipients to read)"},
        },
};

const Section<Config> kRelaySettings = {
    .name = "relay",
    .settings =
        {
            {.key = "networks",
             .value = networks(AT(Config, smtp.listener.relay_from), {}),
             .text = R"(like `["192.168.7.0/24", "2001:db8:7::/64"]`; the whole world (`/0`) is refused)"},
            {.key = "checked",
             .value = networks(AT(Config, smtp.listener.checked_devices), {}),
             .text = "of these networks, those whose mail in our own name is judged by DMARC all the same"},
            {.key = "senders",
             .value = texts(AT(Config, relay.senders), {}, relayed_sender),
             .text =
                 R"(who may be the sender beside addresses in our domains: addresses, domains, and `"<>"` for reports)"},
            {.key = "bare_lf",
             .value = networks(AT(Config, smtp.listener.bare_lf_from), {}),
             .text = R"(networks, of those above, whose programs end lines with LF alone: mended to CRLF, as
             `submission.bare_lf` does)"},
            {.key = "messages_per_hour",
             .value = number(AT(Config, relay.limits.messages_per_hour), 0, 0, 1'000'000),
             .text = "how much one address there may send to others in an hour; 0: any number"},
            {.key = "recipients_per_hour",
             .value = number(AT(Config, relay.limits.recipients_per_hour), 0, 0, 1'000'000),
             .text = "likewise: to how many recipients"},
        },
    .check = check_relay,
};

const Section<Config> kTakeoverSettings = {
    .name = "takeover",
    .settings =
        {
            {.key = "enabled", .value = flag(AT(Config, takeover_signs), true), .text = "`false`: none of it"},
            {.key = "new_recipients",
             .value = number(AT(Config, snapshot.takeover.new_recipients), 100, 0, 1'000'000),
             .text = "first-time recipients in a day: more than this, and"},
            {.key = "times_usual",
             .value = number(AT(Config, snapshot.takeover.times_usual), 5, 1, 1000),
             .text = "more than so many times what is usual for the account"},
            {.key = "failures",
             .value = number(AT(Config, snapshot.takeover.failures), 30, 0, 1'000'000),
             .text = "recipients of one day that failed for good: so many, and"},
            {.key = "failure_percent",
             .value = number(AT(Config, snapshot.takeover.failure_percent), 33, 1, 100),
             .text = "this share of all recipients of the day"},
            {.key = "networks",
             .value = number(AT(Config, snapshot.takeover_networks), 8, 0, 10'000),
             .text = "networks (IPv4 /24, IPv6 /48) with logins within an hour: more than this"},
        },
    .check = check_takeover,
};

} // namespace paquebot::app
