// Things that several answers have in them.

#include "control/schema.h"

#include <iterator>

namespace paquebot::control {

namespace {

constexpr Shape kShapes[] = {
    {"Domain", "a domain of ours", "name:text display_name:text owner:text|null alias_of?:text"},
    {"Record", "one record for the DNS; `zone` is ready to paste",
     "name:text type:text value:text zone:text purpose:text"},
    {"DkimKey", "a key that signs; `bits` and `record` are missing when it can't be read",
     "domain:text selector:text algorithm:rsa/ed25519 bits?:number state:next/active/retired created:time "
     "changed:time record?:Record"},
    {"Account",
     "an account; `scram`: SCRAM works with its password; `quota` 0: any; `second_factor`: its password alone is not "
     "enough, and mail programs need app passwords",
     "login:text disabled:bool has_password:bool quota:number used:number messages:number created:time scram:bool "
     "second_factor:bool"},
    {"TlsKey", "a key of a certificate; `record` where the zone is signed",
     "state:active/next created:time digest:text record?:Record"},
    {"Certificate", "one that is ordered; no attempt before `again_at`, no change of keys before `rotates_at`",
     "name:text state:valid/late/expired/waiting/failing authority:text issued:time not_after:time renew_at:time "
     "ordered:bool failures:number again_at:time error:text rotation_wanted:bool records_seen_since:time "
     "rotates_at:time signed_zone:bool keys:[TlsKey]"},
    {"SearchIndex",
     "the index for searches; `behind`: messages that it has not looked at yet; `size` of its file; `why` it is "
     "failing; "
     "`stopped`: no server runs",
     "state:off/stopped/filling/current/failing messages:number behind:number size:number why?:text"},
    {"AppPassword", "a password for one program", "label:text created:time used:time used_from:text"},
    {"LoginEvent", "one login that was tried", "at:time address:text protocol:text"},
    {"Logins", "logins lately: `failures` that count now, the last four that failed, the last that did not",
     "failures:number failed:[LoginEvent] slowed:bool refused_until:time succeeded?:LoginEvent"},
    {"Limit", "how much may be sent until when; `most` 0: any; `own`: not the general one",
     "name:text used:number most:number own:bool until:time"},
    {"Suspicion", "an account that looks taken over", "login:text since:time signal:text reason:text held:number"},
    {"Listed", "an entry of the block or allow list", "what:text reason:text added:time expires:time"},
    {"Alias", "an address that leads to others, or one more of an account; no `senders`: anybody may write to it",
     "address:text account?:text targets:[text] senders:[text]"},
    {"Way", "where mail would go", "address:text how:mailbox/remote/expanded/held account?:text why?:text"},
    {"Voice", "who says what; `code` 0: nothing", "code:number status:text text:text"},
    {"Told", "what an attempt came to: whose words `peer` has, what was reached, and what we say",
     "host:text place:text peer:Voice own:Voice"},
    {"Recipient",
     "one recipient; `mailbox` is the login of the account that has it, empty when that was removed; `state`: "
     "held, waiting, in hand, in mailbox, relayed, expanded, failed, dropped; `hold` says why it is held; `yours`: "
     "you may release it; `words`: what became of it, as a sentence; `bounce`: the class of the last attempt that "
     "failed, "
     "or of a report that came later (docs/outbound.md)",
     "index:number address:text parent:integer "
     "state:text destination:text due:time "
     "attempts:number last_reply:text told:Told changed:time report_owed:none/failure/delay/success reason:text "
     "mailbox?:text destination_error?:text destination_until?:time bounce?:text "
     "hold?:unowned/quarantine/filter/order/takeover/restored/damaged/suspended/later/other yours?:bool words?:text"},
    {"Message", "a message; `account` is the login of who submitted it",
     "id:text class:incoming/submitted/local/report/imported sender:text envid:text peer:text account?:text "
     "accepted:time expires:time tls:text priority:integer deliver_by:time deliver_by_mode:text hold_until:time "
     "size:number recipients:[Recipient]"},
    {"Event",
     "one step of a message; of the kind `returned`, `detail` ends with the id of a report that came by mail; `bounce` "
     "is the class of what was not taken; `node`: where it happened, where several work on one database",
     "at:time kind:text recipients:[number] detail:text times:number bounce?:text node?:text"},
    {"Destination", "a place that mail waits for; `oldest`: when what waits longest was accepted",
     "destination:text earliest_due:time backoff_until:time failures:number last_error:text waiting:number "
     "oldest:time"},
    {"Site",
     "hosts of others that share limits; `window`: connections that may be, `waiting`: destinations that wait for it, "
     "`pace`: milliseconds from one message to the next (0: any), `per_connection`: messages (0: any number); `why`: "
     "what was said last",
     "site:text provider:text window:number workers:number waiting:number pace:number per_connection:number "
     "paused_until:time waits_for:text why:text learned:time"},
    {"Provider",
     "who has many domains' mail; `connections`: that may be now (0: any number), `waiting`: destinations that wait at "
     "its sites, `rules`: what is done when it says something, `effects`: what is done now",
     "provider:text mx:[text] workers:number connections:number per_connection:number rate:text sites:number "
     "waiting:number rules:[Rule] effects:[Effect]"},
    {"Rule",
     "what is done when a provider says something; `code` 0, and empty texts: any; `count`: so often before it is done",
     "rule:text code:number status:text text:text count:text scope:text does:text seconds:number examples:[text] "
     "provider?:text"},
    {"Effect",
     "what a rule does; `source`: to what leaves from there; `subject`: about which of the mail, empty: all of it; "
     "`said`: what it was for",
     "rule:text source:text subject:text does:text since:time until:time said:text"},
    {"Suspension",
     "an operator's standing order: what it is about is held, or pauses; `until` null: until somebody ends it; `by`: "
     "who "
     "ordered it",
     "of:account/domain/site whose:text since:time until:time by:text reason:text state:holds/ending"},
    {"Reason", "what a recipient waits for; `until`: as far as that is known",
     "address:text words:text site:text until:time"},
    {"Refusal", "an attempt that was refused; `from` is empty for the null sender, `to` where MAIL was refused",
     "at:time client:text account:text from:text to:text reply:text"},
    {"Symptom", "what the doctor saw: whole sentences; `records` belong into the DNS",
     "level:good/note/unknown/warning/wrong check:text about:text seen:text means:text advice:text records:[Record]"},
    {"Finding", "something that is wrong", "rule:text what:text advice:text"},
    {"Report", "a message that looks like a report; `content` is base 64", "uid:number date:time content:text"},
    {"ExportedFolder",
     "a mailbox; `use` as `\\Sent`, several with spaces between, empty: none; `uidnext`: the uid that is given next",
     "folder:text use:text subscribed:bool uidvalidity:number uidnext:number messages:number octets:number"},
    {"ExportedMessage", "a message in a mailbox; `flags` as an import takes them; `uidl`: its name in POP3",
     "uid:number uidl:text flags:number keywords:[text] date:time size:number"},
    {"Right", "who looks after what", "login:text role:text domain?:text"},
    {"Token", "a token; `login` is empty for the server's own; no `domains`, no `networks`: any",
     "id:number login:text label:text scopes:[text] domains:[text] networks:[text] created:time expires:time "
     "used:time used_from:text"},
};

/// Who asks, and who did what.
constexpr Shape kAccessShapes[] = {
    {"Me",
     "who asks; `session`: by a cookie; `totp`: with a second factor, which is `two_factor_recommended` for who may "
     "do more than what is his own",
     "name:text role:text domains:[text] login?:text scopes?:[text] session:bool totp:bool recovery_codes?:number "
     "two_factor_recommended:bool hostname:text sink:bool"},
    {"Session", "a browser in which somebody is logged in; `current`: the one that asks; `from`: where it began",
     "id:text created:time used:time from:text current:bool"},
    {"MessagePart", "a part of a message that is not the text people read first; `octets` about",
     "part:text name:text type:text octets:number"},
    {"AuditEntry",
     "an order that was given; `login` of the account, empty for the server's own; `from` empty: locally; a `result` "
     "`begun`: the server ended during it",
     "id:number time:time who:text login:text role:text from:text action:text on:text result:text"},
};

/// Of the pages of a running server, and of summed up reports.
constexpr Shape kPageShapes[] = {
    {"Brief", "what the doctor saw, in short",
     "level:good/note/unknown/warning/wrong check:text about:text seen:text means:text advice:text"},
    {"Disk", "the room on the disk, in octets", "free:number size:number"},
    {"CertificateEnd", "a certificate that is shown", "name:text not_after:time problems:[text]"},
    {"Hour", "what went through in an hour: messages accepted; mailboxes delivered to; recipients elsewhere; refusals",
     "at:time accepted:number delivered:number relayed:number deferred:number failed:number refused:number"},
    {"Connection", "a connection that is open; of what the peer said nothing is vouched for",
     "id:number direction:in/out protocol:text role:text peer:text name:text account:text state:text tls:text "
     "since:time last_reply:text destination:text"},
    {"Line", "what was said, or happened, on a connection", "at:time who:peer/us/note text:text"},
    {"Setting", "a key of the configuration; `value` and `default` as the file would have them; `line` 0: not in it",
     "key:text value:text default:text line:number restart:bool text:text"},
    {"SetupServer", "where a program gets or sends mail",
     "protocol:imap/pop3/smtp host:text port:number tls:implicit/starttls user:text"},
    {"DmarcSender", "who sends with a domain as the author's, by reports",
     "source:text author:text messages:number spf:number dkim:number passed:number quarantined:number "
     "refused:number"},
    {"DmarcDay", "the reports about one day", "day:time messages:number passed:number"},
    {"DmarcDomain", "what reports of DMARC say of a domain; of the senders the 100 that sent most",
     "domain:text reports:number begin:time end:time policy:text reporters:[text] messages:number passed:number "
     "senders:[DmarcSender] days:[DmarcDay]"},
    {"TlsFailure", "sessions that had no good TLS, of one kind", "kind:text server:text reason:text count:number"},
    {"TlsDay", "the reports about one day", "day:time successes:number failures:number"},
    {"TlsDomain", "what reports on TLS say of a domain; of the kinds of failure the 100 most frequent",
     "domain:text reports:number begin:time end:time reporters:[text] successes:number failures:number "
     "kinds:[TlsFailure] days:[TlsDay]"},
};

/// Of what programs send, and are told.
std::vector<Shape> program_shapes() {
  return {
      {"Attachment", "a file of a message; `content` in base 64; with a `content_id` it belongs to the HTML (`cid:…`)",
       "name?:text type?:text content:text content_id?:text"},
      {"FeedEvent",
       "something that happened (docs/webhooks.md); `account` and `metadata` are for who sent the message, and "
       "`recipient` names what it is about where that is no message; `bounce` is the class of a failure; `node`: "
       "where it happened, where several work on one database",
       "id:text time:time event:text message?:text class?:text sender?:text recipient?:text account?:text "
       "domain?:text detail?:text bounce?:text node?:text metadata?:object"},
      {"Suppression",
       "an address that programs send nothing to any more (docs/outbound.md); `of`: the login or domain whose it is, "
       "empty for the server's, which requests call `*`; `message`: of which the `reply` was, empty where somebody put "
       "it there; `until` null: for good",
       "id:number address:text scope:server/domain/account of:text "
       "reason:no-such-user/full/disabled/complaint/manual message:text reply:text since:time until:time"},
      {"Hook",
       "a URL that is told what happens; `login` is empty for the server's own; no `events`, no `domains`: all; "
       "`waiting`: there is something that it was not told yet",
       "id:number login:text url:text events:[text] domains:[text] state:active/paused created:time failures:number "
       "failing_since:time again_at:time last_error:text delivered_at:time waiting:bool rotating_until:time"},
      {"SentTo", "a recipient of a message that was sent, and what is said of it",
       "address:text accepted:bool reply:text"},
  };
}

/// Of the store.
constexpr Shape kStoreShapes[] = {
    {"Node", "a server that works on the store; `silent_ms`: since it last said that it lives",
     "name:text own:bool epoch:number version:text since:time silent_ms:number drained:bool"},
    {"Lease", "what one server does for all", "work:text node:text left_ms:number"},
    {"Copy", "a copy of the database; `wait`: sync or quorum, commits wait for it; `behind` -1: unknown",
     "name:text state:text wait:text behind:integer"},
};

/// Of the way out.
constexpr Shape kWayOutShapes[] = {
    {"StsPolicy", "a domain's policy of MTA-STS; `mode` empty: there is none, and `why`; `trouble` with the last fetch",
     "mode:text id:text mx:[text] max_age:number fetched:time trouble:bool why:text"},
    {"TlsHost", "a mail host: what its TLSA records say, who asks for protection, what a connection has shown",
     "host:text preference:number dane:text asked_by:text named:bool works:bool told:text"},
};

} // namespace

const std::vector<Shape>& shapes() {
  static const std::vector<Shape> all = [] {
    std::vector<Shape> table(std::begin(kShapes), std::end(kShapes));
    table.insert(table.end(), std::begin(kAccessShapes), std::end(kAccessShapes));
    table.insert(table.end(), std::begin(kPageShapes), std::end(kPageShapes));
    const auto of_programs = program_shapes();
    table.insert(table.end(), of_programs.begin(), of_programs.end());
    table.insert(table.end(), std::begin(kWayOutShapes), std::end(kWayOutShapes));
    table.insert(table.end(), std::begin(kStoreShapes), std::end(kStoreShapes));
    return table;
  }();
  return all;
}

} // namespace paquebot::control
