// [limits], [limits.account], [mailbox], [pop3], [imap], [search], [extensions].

#include "app/settings.h"
#include "net/endpoint.h"

#include <algorithm>

namespace paquebot::app {
namespace {

using namespace std::chrono_literals;
using pop3::Language;
using store::LimitKind;

/// More than anybody sends in a day.
constexpr std::int64_t kMostSent = 1'000'000'000;

Result<std::string> profile_name(const std::string& text) {
  const auto in_name = [](char c) { // RFC 6710 section 7, priority-profile
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_' ||
           c == '.';
  };
  if (text.size() <= 20 && std::ranges::all_of(text, in_name)) return text;
  return fail(Errc::invalid, "is a name of at most 20 letters, digits, '-', '_' and '.'");
}

Result<std::string> ip_address(const std::string& text) {
  return net::is_ip_address(text) ? Result<std::string>(text) : fail(Errc::invalid, "is not an IP address");
}

} // namespace

const Section<Config> kLimitsSettings = {
    .name = "limits",
    .settings =
        {
            {.key = "message_size",
             .value = size(AT(Config, snapshot.intake.max_message_size), 50u << 20, 64u << 10, 2ull << 30),
             .text = "552 5.3.4; announced by SIZE"},
            {.key = "recipients",
             .value = number(AT(Config, smtp.session.max_recipients), 1000, 100, 100'000),
             .text = "452 4.5.3 for each further RCPT"},
            {.key = "errors",
             .value = number(AT(Config, smtp.session.max_errors), 20, 1, 100'000),
             .text = "a session with so many ends with 421"},
            {.key = "commands",
             .value = number(AT(Config, smtp.session.max_commands), 10'000, 10, 10'000'000),
             .text = "a session with so many and no accepted message between ends with 421"},
            {.key = "hops",
             .value = number(AT(Config, snapshot.intake.max_hops), 100, 5, 1000),
             .text = "a message with more Received fields is refused: 554 5.4.6"},
            {.key = "connections",
             .value = number(AT(Config, snapshot.gate.total), 5000, 1, 1'000'000),
             .text =
                 R"(421, in POP3 -ERR, in IMAP BYE. A fifth is kept for submission, LMTP, POP3 and IMAP, half of it for networks that
             somebody logged in from within 30 days)"},
            {.key = "connections_per_address",
             .value = number(AT(Config, snapshot.gate.per_address), 200, 1, 1'000'000),
             .text = "the same; of IPv6 a /64 is an address, and a /48 may have four times as many"},
            {.key = "command_timeout",
             .value = duration(AT(Config, smtp.session.command_timeout), 5min, 1s),
             .text = "waiting for one command: 421"},
            {.key = "data_timeout",
             .value = duration(AT(Config, smtp.session.data_timeout), 3min, 1s),
             .text = "no progress in a message's data: 421"},
            {.key = "content_pace",
             .value = size(AT(Config, smtp.listener.content_pace), 4096, 0, 1u << 20),
             .text =
                 R"(octets a minute that content must come with, over three minutes of waiting for it: 421. 0: any pace
             will do)"},
            {.key = "message_memory",
             .value = size(AT(Config, server.message_memory), 0, 1u << 20, 1ull << 40),
             .otherwise = "an eighth of the memory, 64 MiB to 1 GiB",
             .restart = true,
             .text = R"(octets that messages on their way in may hold together (docs/security.md, "Bounds"): senders
             wait, then 452)"},
            {.key = "message_timeout",
             .value = duration(AT(Config, smtp.session.message_timeout), 1h, 1s),
             .text = "for the whole data of a message: 421"},
            {.key = "pop3_idle_timeout",
             .value = duration(AT(Config, pop3.session.idle_timeout), 10min, 1s),
             .text = "an idle POP3 session ends; nothing is deleted. RFC 1939 asks for at least ten minutes"},
            {.key = "imap_idle_timeout",
             .value = duration(AT(Config, imap.session.idle_timeout), 30min, 1s),
             .text = "an IMAP session without a command ends, in IDLE too. RFC 9051 asks for at least 30 minutes"},
            {.key = "hold",
             .value = duration(AT(Config, smtp.session.hold_most), 30 * 24h, 0s),
             .text = "the most that FUTURERELEASE holds a message: 501; `0`: not offered"},
            {.key = "deliver_by",
             .value = duration(AT(Config, smtp.session.deliver_by_least), 1min, 1s),
             .text = "the least that BY may say in mode R: 555"},
        },
    .heading = "what happens beyond",
};

const Section<Config> kAccountLimitsSettings = {
    .name = "limits.account",
    .settings =
        {
            {.key = "messages_per_hour",
             .value = number(AT(Config, snapshot.account_limits[LimitKind::messages_per_hour]), 300, 0, kMostSent),
             .text = ""},
            {.key = "messages_per_day",
             .value = number(AT(Config, snapshot.account_limits[LimitKind::messages_per_day]), 1500, 0, kMostSent),
             .text = ""},
            {.key = "recipients_per_message",
             .value = number(AT(Config, snapshot.account_limits[LimitKind::recipients_per_message]), 500, 0, kMostSent),
             .text = ""},
            {.key = "recipients_per_day",
             .value = number(AT(Config, snapshot.account_limits[LimitKind::recipients_per_day]), 2000, 0, kMostSent),
             .text = ""},
            {.key = "new_recipients_per_day",
             .value = number(AT(Config, snapshot.account_limits[LimitKind::new_recipients_per_day]), 500, 0, kMostSent),
             .text = "addresses that the account has not written to in the last 400 days"},
            {.key = "bytes_per_day",
             .value = size(AT(Config, snapshot.account_limits[LimitKind::bytes_per_day]), 2ull << 30, 0, 1ull << 50),
             .text = ""},
        },
};

const Section<Config> kMailboxSettings = {
    .name = "mailbox",
    .settings =
        {
            {.key = "expire_days",
             .value = number(AT(Config, snapshot.expire_days), 0, 0, 36500),
             .text =
                 R"(mail that came into its mailbox more than so many days ago is deleted, read or not, in small steps;
             its trail says so. For imported mail it counts from the import, for what was held from its release.
             Not while the clock is doubted (docs/operations.md, "The clock"). POP3 announces it (EXPIRE). `0`:
             mail stays for ever (EXPIRE NEVER))"},
            {.key = "junk",
             .value = flag(AT(Config, snapshot.intake.junk), true),
             .text =
                 R"(what is tagged (by the policy `quarantine`, see [authentication], or by a filter: `X-Spam-Flag: YES`,
             `X-Spam: Yes`) goes into the account's mailbox with the use \Junk. POP3 does not show it there.
             `false`: into INBOX)"},
            {.key = "sent_copies",
             .value = flag(AT(Config, snapshot.intake.sent_copies), false),
             .text =
                 R"(what an account sends by the API (POST /v1/send) is also kept in its mailbox with the use \Sent, as read.
             It counts towards the quota; when that is used up the message goes out all the same, and the log says
             `sent-copy-lost`. `false`: who sends keeps what it wants to keep, as mail programs do)"},
            {.key = "tag_folders",
             .value = flag(AT(Config, snapshot.intake.tag_folders), false),
             .text =
                 R"(mail for `ann+work@example.org` goes into Ann's mailbox `work` when she has one of exactly that name.
             Whoever knows the names can put mail there. `false`: into INBOX)"},
        },
};

const Section<Config> kPop3Settings = {
    .name = "pop3",
    .settings =
        {
            {.key = "login_delay",
             .value = duration(AT(Config, pop3.session.login_delay), 0s, 0s),
             .text =
                 R"(an account may log in again only so long after it last did: announced by LOGIN-DELAY, refused with
             `[LOGIN-DELAY]`. Kept in memory: a restart forgets it)"},
            {.key = "takeover_after",
             .value = duration(AT(Config, pop3.listener.takeover_after), 10s, 1s),
             .text = R"(a session whose client has been silent for so long (and six times as long while it is being sent
             something) gives way to a new login of the account; what it had marked is not deleted. A session
             that is busy does not: `[IN-USE]`)"},
            {.key = "language",
             .value = word(AT(Config, pop3.session.language), Language::en,
                           {{"en", Language::en}, {"de", Language::de}, {"fr", Language::fr}, {"es", Language::es}}),
             .text = R"(what `LANG *` stands for: `"en"`, `"de"`, `"fr"` or `"es"`. A session speaks English until its
             client asks for another language)"},
        },
};

const Section<Config> kImapSettings = {
    .name = "imap",
    .settings =
        {
            {.key = "sessions_per_account",
             .value = number(AT(Config, imap.listener.max_per_account), 20, 1, 10'000),
             .text =
                 R"(connections that one account may have logged in at once, with all its programs together; one more
             gets `NO [LIMIT]`)"},
        },
};

const Section<Config> kSearchSettings = {
    .name = "search",
    .settings =
        {
            {.key = "index",
             .value = flag(AT(Config, snapshot.search_index), true),
             .text =
                 R"(what is known of each message's texts is kept in `search.db` beside the store, so that a search reads only
             what may match: with it as without, the same is found (docs/imap.md, "Search"). It is filled behind the
             mail that comes. `false`: there is no such file, and a search reads all that it searches)"},
        },
};

const Section<Config> kExtensionsSettings = {
    .name = "extensions",
    .settings =
        {
            {.key = "priority_policy",
             .value = text(AT(Config, smtp.session.priority_policy), "MIXER", profile_name),
             .text = R"(what EHLO names with MT-PRIORITY (RFC 6710 section 9.2); `""`: nothing)"},
            {.key = "etrn_hosts",
             .value = texts(AT(Config, smtp.listener.etrn_hosts), {}, ip_address),
             .text = R"(addresses, such as `["192.0.2.7"]`, that may use ETRN on port 25 without a login)"},
        },
};

} // namespace paquebot::app
