// What servers say, and what they mean by it. Only short replies, as their operators document them or as anybody who
// sends there is given them.

#include "mail/bounce_class.h"

#include <array>

namespace paquebot::mail {
namespace {

using enum BounceClass;

constexpr std::string_view kGoogle = "support.google.com/a/answer/3726730 (Gmail SMTP errors and codes)";
constexpr std::string_view kExchange =
    "learn.microsoft.com/exchange/mail-flow-best-practices/non-delivery-reports-in-exchange-online";
constexpr std::string_view kOutlook =
    "postmaster.live.com, sendersupport.olc.protection.outlook.com/pm/troubleshooting";
constexpr std::string_view kYahoo = "senders.yahooinc.com/smtp-error-codes";
constexpr std::string_view kApple = "support.apple.com/en-us/102322 (postmaster information for iCloud Mail)";
constexpr std::string_view kPostfix = "Postfix, postconf(5) and smtpd(8): its default replies";
constexpr std::string_view kExim = "Exim's default configuration and specification";
constexpr std::string_view kSendmail = "Sendmail, cf/README and proto.m4: its default replies";
constexpr std::string_view kDovecot = "Dovecot's LMTP and LDA";
constexpr std::string_view kPostgrey = "Postgrey, Milter-greylist, SQLgrey: their default replies";
constexpr std::string_view kOneAndOne = "postmaster.gmx.net, postmaster.web.de (error messages)";
constexpr std::string_view kProofpoint = "ipcheck.proofpoint.com";
constexpr std::string_view kBarracuda = "barracudacentral.org/lookups";
constexpr std::string_view kSpamhaus = "www.spamhaus.org/faqs/dnsbl-usage";
constexpr std::string_view kMimecast = "community.mimecast.com (SMTP error codes)";
constexpr std::string_view kQmail = "qmail and netqmail: their default replies";
constexpr std::string_view kRspamd = "rspamd's default replies";
constexpr std::string_view kTelekom = "postmaster.t-online.de";

// The first that matches counts: what is exact goes before what is general.
constexpr auto kRules = std::to_array<BounceRule>({
    // Codes that are used otherwise than RFC 3463 has them.
    {"resolver.adr.recipientnotfound", no_such_user,
     "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", kExchange, "5.1.10"},
    {"recipient not found", no_such_user, "550 5.1.10 Recipient not found", kExchange, "5.1.10"},
    {"recipient address rejected: access denied", no_such_user,
     "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)", kExchange, "5.4.1"},
    {"hop count exceeded", loop, "554 5.4.14 Hop count exceeded - possible mail loop ATTR34", kExchange, "5.4.14"},
    {"mailbox unavailable", no_such_user, "550 5.5.0 Requested action not taken: mailbox unavailable", kOutlook,
     "5.5.0"},
    {"receiving mail at a rate", rate,
     "450 4.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages",
     kGoogle, "4.2.1"},
    {"receiving mail too quickly", rate,
     "450 4.2.1 The user you are trying to contact is receiving mail too quickly. Please resend", kGoogle, "4.2.1"},
    {"greylist", greylist, "450 4.2.1 <bob@far.example>: Greylisted, try again later", kPostgrey, "4.2.1"},
    {"mail loop", loop, "554 5.4.4 mail loop detected", kExim, "5.4.4"},

    // Whoever comes for the first time.
    {"greylist", greylist, "450 4.7.1 <bob@far.example>: Recipient address rejected: Greylisted", kPostgrey},
    {"graylist", greylist, "451 4.7.1 Graylisted, please try again in 300 seconds", kPostgrey},
    {"grey list", greylist, "451 4.7.1 You are on the grey list, come back later", kPostgrey},

    // Lists of domains go before those of addresses.
    {"dbl.spamhaus", blocked_domain, "554 5.7.1 Sender domain listed at dbl.spamhaus.org", kSpamhaus},
    {"multi.surbl", blocked_domain, "554 5.7.1 URL listed by multi.surbl.org", kRspamd},
    {"multi.uribl", blocked_domain, "554 5.7.1 URL listed by multi.uribl.com", kRspamd},
    {"sender address*blocked using", blocked_domain,
     "554 5.7.1 Service unavailable; Sender address [ann@ours.example] blocked using rhsbl.example", kPostfix},
    {"very low reputation of the sending domain", blocked_domain,
     "550 5.7.1 this message is likely suspicious due to the very low reputation of the sending domain", kGoogle},

    // The address that we send from.
    {"very low reputation of the sending ip", blocked_source,
     "421 4.7.0 suspicious due to the very low reputation of the sending IP address", kGoogle},
    {"client host*blocked using", blocked_source,
     "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org", kPostfix},
    {"spamhaus", blocked_source, "550 5.7.1 192.0.2.1 is listed by Spamhaus", kSpamhaus},
    {"on our block list", blocked_source, "550 5.7.1 part of their network is on our block list (S3150)", kOutlook},
    {"banned sending ip", blocked_source, "550 5.7.606 Access denied, banned sending IP [192.0.2.1]", kExchange},
    {"[bl2", blocked_source, "553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1", kYahoo},
    {"barracudacentral", blocked_source, "554 5.7.1 blocked, see barracudacentral.org/q.cgi?ip=192.0.2.1", kBarracuda},
    {"ipcheck.proofpoint.com", blocked_source, "554 5.7.0 Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1",
     kProofpoint},
    {"bad dns ptr", blocked_source, "554 Nemesis ESMTP Service not available: Bad DNS PTR resource record", kOneAndOne},
    {"ip address is black listed", blocked_source, "554 IP address is black listed", kOneAndOne},
    {"cannot find your reverse hostname", blocked_source,
     "450 4.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.1]", kPostfix},
    {"cannot find your hostname", blocked_source,
     "450 4.7.1 Client host rejected: cannot find your hostname, [192.0.2.1]", kPostfix},
    {"tosa@rx.t-online.de", blocked_source, "554 IP=192.0.2.1 - A problem occurred. Contact tosa@rx.t-online.de",
     kTelekom},
    {"blacklisted", blocked_source, "550 rejected because 192.0.2.1 is blacklisted at bl.example", kExim},
    {"is in a black list", blocked_source, "550 rejected because 192.0.2.1 is in a black list at bl.example", kExim},

    // Too much for now.
    {"unusual rate of", rate, "421 4.7.0 unusual rate of unsolicited mail originating from your IP address", kGoogle},
    {"[ts0", rate, "421 4.7.0 [TS01] Messages from 192.0.2.1 temporarily deferred", kYahoo},
    {"[tss0", rate, "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume", kYahoo},
    {"exceeded the rate limit", rate, "421 4.7.0 RP-001 the server connecting has exceeded the rate limit allowed",
     kOutlook},
    {"server busy", rate, "451 4.7.500 Server busy. Please try again later", kExchange},
    {"too many connections", rate, "421 4.7.0 mx.far.example Error: too many connections from 192.0.2.1", kPostfix},
    {"too much mail", rate, "450 4.7.1 Error: too much mail from 192.0.2.1", kPostfix},
    {"too many recipients", rate, "452 Too many recipients received this hour", kSendmail},
    {"too many messages", rate, "421 Too many messages in this session", kExim},
    {"connection rate limit", rate, "421 4.3.2 Connection rate limit exceeded.", kSendmail},
    {"rate limit", rate, "451 4.7.1 Rate limit exceeded, try again later", kRspamd},
    {"ratelimit", rate, "451 4.7.1 Ratelimit \"to_ip\" exceeded", kRspamd},

    // Who we say that we are.
    {"dmarc", authentication, "550 5.7.1 Unauthenticated email is not accepted due to the domain's DMARC policy",
     kGoogle},
    {"spf check failed", authentication, "550 5.7.1 SPF check failed", kExim},
    {"spf fail", authentication, "550 5.7.1 Message rejected due to: SPF fail - not authorized", kPostfix},
    {"does not designate", authentication, "550 5.7.1 ours.example does not designate 192.0.2.1 as permitted sender",
     kExim},
    {"dkim", authentication, "550 5.7.1 DKIM signature did not verify", kRspamd},
    {"anti-spoofing", authentication, "550 Rejected by header based Anti-Spoofing policy: ann@ours.example", kMimecast},

    // What it says.
    {"unsolicited mail", spam_content, "550 5.7.1 Our system has detected that this message is likely unsolicited mail",
     kGoogle},
    {"looks like spam", spam_content, "554 5.7.1 Message looks like spam", kExim},
    {"spam message", spam_content, "554 5.7.1 Spam message rejected", kRspamd},
    {"identified as spam", spam_content, "550 5.7.1 Message was identified as spam", kExchange},
    {"considered spam", spam_content, "550 5.7.1 This message was considered spam", kExim},
    {"spam content", spam_content, "554 5.7.1 rejected due to spam content", kRspamd},
    {"contains a virus", spam_content, "554 5.7.1 This message contains a virus", kExim},
    {"content is prohibited", spam_content, "554 Message refused: its content is prohibited", kMimecast},
    {"[ph01]", policy, "554 5.7.9 Message not accepted for policy reasons. [PH01]", kYahoo},

    // Who they say that there is not.
    {"user unknown", no_such_user, "550 <bob@far.example>: Recipient address rejected: User unknown", kPostfix},
    {"unknown user", no_such_user, "550 Unknown user", kExim},
    {"no such user", no_such_user, "550 No such user here", kQmail},
    {"no such recipient", no_such_user, "550 No such recipient here", kExim},
    {"no such person", no_such_user, "550 No such person at this address", kExim},
    {"no mailbox here by that name", no_such_user, "550 sorry, no mailbox here by that name", kQmail},
    {"mailbox not found", no_such_user, "550 Mailbox not found", kYahoo},
    {"mailbox does not exist", no_such_user, "550 Requested mail action not taken: mailbox does not exist", kOneAndOne},
    {"user doesn't exist", no_such_user, "550 User doesn't exist: bob@far.example", kDovecot},
    {"user does not exist", no_such_user, "550 Recipient rejected: user does not exist", kApple},
    {"recipient unknown", no_such_user, "550 Recipient unknown", kExim},
    {"unrouteable address", no_such_user, "550 Unrouteable address", kExim},
    {"address unknown", no_such_user, "550 Recipient address unknown", kExim},
    {"requested action not taken: mailbox unavailable", no_such_user,
     "550 Requested action not taken: mailbox unavailable", kOutlook},

    {"account that you tried to reach is disabled", disabled,
     "550 The email account that you tried to reach is disabled", kGoogle},
    {"account is disabled", disabled, "550 account is disabled", kDovecot},
    {"account has been disabled", disabled, "554 This account has been disabled or discontinued", kYahoo},
    {"account is inactive", disabled, "550 The account is inactive", kGoogle},
    {"mailbox is disabled", disabled, "550 mailbox is disabled", kExchange},
    {"mailbox disabled", disabled, "554 Mailbox disabled, not accepting messages", kSendmail},

    {"over quota", full, "452 The email account that you tried to reach is over quota", kGoogle},
    {"quota exceeded", full, "552 Quota exceeded (mailbox for user is full)", kDovecot},
    {"exceeded storage allocation", full, "552 Requested mail action aborted: exceeded storage allocation",
     "RFC 5321 section 4.2.3"},
    {"mailbox full", full, "452 Mailbox full", kExim},
    {"mailbox is full", full, "552 The recipient's mailbox is full", kExim},
    {"out of storage space", full, "452 The email account that you tried to reach is out of storage space", kGoogle},

    {"message too large", size, "552 Message too large", kSendmail},
    {"message size exceeds", size, "552 Message size exceeds fixed maximum message size", kSendmail},
    {"message exceeds", size, "552 message exceeds the size limit", kPostfix},
    {"too many hops", loop, "554 too many hops", kPostfix},
    {"mail loop", loop, "554 mail forwarding loop for bob@far.example: mail loop", kPostfix},
    {"loops back", loop, "554 mail for far.example loops back to myself", kPostfix},

    {"domain not found", policy, "450 Sender address rejected: Domain not found", kPostfix},
    {"relay access denied", policy, "554 5.7.1 <bob@far.example>: Relay access denied", kPostfix},
    {"relaying denied", policy, "550 5.7.1 bob@far.example... Relaying denied", kSendmail},
    {"relay not permitted", policy, "550 relay not permitted", kExim},
    {"local policy", policy, "554 5.7.1 [CS01] Message rejected due to local policy", kApple},
    {"must issue a starttls", tls, "530 Must issue a STARTTLS command first", kPostfix},
    {"administrative prohibition", policy, "550 Administrative prohibition", kExim},
});

} // namespace

std::span<const BounceRule> bounce_rules() { return kRules; }

} // namespace paquebot::mail
