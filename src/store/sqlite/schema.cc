#include "store/sqlite/schema.h"

#include <array>
#include <iterator>

namespace paquebot::store::sqlite {
namespace {

// Tables that are only ever read by their whole key, or in its order, are WITHOUT ROWID: messages and recipients are
// clustered by the message's ULID, so that new ones are appended and need no second index. Heads and bodies are large
// and keep a rowid.
constexpr const char* kMain1 = R"sql(
CREATE TABLE tenant(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
INSERT INTO tenant(id, name) VALUES(1, 'default');
CREATE TABLE domain(id INTEGER PRIMARY KEY AUTOINCREMENT, tenant INTEGER NOT NULL DEFAULT 1,
  name TEXT NOT NULL UNIQUE, owner INTEGER NOT NULL DEFAULT 0);
CREATE TABLE account(id INTEGER PRIMARY KEY AUTOINCREMENT, domain INTEGER NOT NULL, login TEXT NOT NULL UNIQUE,
  password TEXT NOT NULL, disabled INTEGER NOT NULL, quota INTEGER NOT NULL, created INTEGER NOT NULL);
CREATE INDEX account_domain ON account(domain);
CREATE TABLE address(domain INTEGER NOT NULL, local TEXT NOT NULL, account INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY(domain, local)) WITHOUT ROWID;
CREATE INDEX address_account ON address(account) WHERE account <> 0;
CREATE TABLE address_target(domain INTEGER NOT NULL, local TEXT NOT NULL, target TEXT NOT NULL,
  PRIMARY KEY(domain, local, target)) WITHOUT ROWID;

-- account is null once the account is gone: maintain() empties such a mailbox in slices.
CREATE TABLE mailbox(id INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER, name TEXT NOT NULL,
  uidvalidity INTEGER NOT NULL, uidnext INTEGER NOT NULL DEFAULT 1, highestmodseq INTEGER NOT NULL DEFAULT 0,
  count INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0, UNIQUE(account, name));
CREATE TABLE entry(mailbox INTEGER NOT NULL, uid INTEGER NOT NULL, uidl BLOB NOT NULL, message BLOB NOT NULL,
  recipient INTEGER NOT NULL, flags INTEGER NOT NULL, modseq INTEGER NOT NULL, internal_date INTEGER NOT NULL,
  head INTEGER NOT NULL, body INTEGER NOT NULL, size INTEGER NOT NULL, prefix TEXT NOT NULL,
  PRIMARY KEY(mailbox, uid)) WITHOUT ROWID;

-- refs counts the entries, and one more while the queue needs the content. It stands first: a change rewrites one page.
CREATE TABLE head(id INTEGER PRIMARY KEY, refs INTEGER NOT NULL, sum INTEGER NOT NULL, bytes BLOB NOT NULL);
CREATE TABLE body(id INTEGER PRIMARY KEY, refs INTEGER NOT NULL, size INTEGER NOT NULL, type INTEGER NOT NULL,
  bulk INTEGER NOT NULL, sum INTEGER NOT NULL, data BLOB NOT NULL);
CREATE UNIQUE INDEX body_bulk ON body(bulk) WHERE bulk <> 0;
CREATE TABLE bulk_garbage(bulk INTEGER PRIMARY KEY);

-- pending counts the recipients that are unfinished or owe a report; at 0 the queue lets go of head and body.
CREATE TABLE message(id BLOB NOT NULL PRIMARY KEY, pending INTEGER NOT NULL, class INTEGER NOT NULL,
  sender_local TEXT NOT NULL, sender_domain TEXT NOT NULL, body_type INTEGER NOT NULL, smtputf8 INTEGER NOT NULL,
  ret INTEGER NOT NULL, envid TEXT NOT NULL, content_8bit INTEGER NOT NULL, account INTEGER NOT NULL,
  peer TEXT NOT NULL, accepted_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, head INTEGER NOT NULL,
  head_size INTEGER NOT NULL, body INTEGER NOT NULL, bulk INTEGER NOT NULL, body_size INTEGER NOT NULL,
  requiretls INTEGER, priority INTEGER, deliver_by INTEGER, hold_until INTEGER) WITHOUT ROWID;
CREATE INDEX message_pending ON message(id) WHERE pending > 0;
CREATE TABLE recipient(message BLOB NOT NULL, n INTEGER NOT NULL, state INTEGER NOT NULL,
  destination INTEGER NOT NULL, due INTEGER NOT NULL, expires INTEGER NOT NULL, owner INTEGER NOT NULL,
  owed INTEGER NOT NULL, delay_reported INTEGER NOT NULL, attempts INTEGER NOT NULL, changed_at INTEGER NOT NULL,
  route INTEGER NOT NULL, account INTEGER NOT NULL, parent INTEGER NOT NULL, notify INTEGER NOT NULL,
  address TEXT NOT NULL, orcpt TEXT NOT NULL, via TEXT NOT NULL, last_reply TEXT NOT NULL, reason TEXT NOT NULL,
  PRIMARY KEY(message, n)) WITHOUT ROWID;
CREATE INDEX recipient_due ON recipient(destination, due) WHERE state = 2;
CREATE INDEX recipient_expiry ON recipient(destination, expires) WHERE state = 2;
CREATE INDEX recipient_held ON recipient(destination) WHERE state = 1;
CREATE INDEX recipient_in_hand ON recipient(destination) WHERE state = 3;
CREATE INDEX recipient_owed ON recipient(message) WHERE owed <> 0;
CREATE TABLE event(message BLOB NOT NULL, n INTEGER NOT NULL, data BLOB NOT NULL,
  PRIMARY KEY(message, n)) WITHOUT ROWID;
CREATE TABLE destination(id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE,
  backoff_until INTEGER NOT NULL DEFAULT 0, failures INTEGER NOT NULL DEFAULT 0, last_error TEXT NOT NULL DEFAULT '',
  changed_at INTEGER NOT NULL);

CREATE TABLE node(id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, heartbeat INTEGER NOT NULL, ended INTEGER NOT NULL);
INSERT INTO node(id, epoch, heartbeat, ended) VALUES(1, 0, 0, 1);
CREATE TABLE counter(account INTEGER NOT NULL, kind INTEGER NOT NULL, window_start INTEGER NOT NULL,
  value INTEGER NOT NULL, PRIMARY KEY(account, kind, window_start)) WITHOUT ROWID;
CREATE TABLE probe(id INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE setting(key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
)sql";

// What an account may send beside the general bounds, and whom it wrote to (day: of the last time).
constexpr const char* kMainLimits = R"sql(
CREATE TABLE account_limit(account INTEGER NOT NULL, kind INTEGER NOT NULL, value INTEGER NOT NULL,
  PRIMARY KEY(account, kind)) WITHOUT ROWID;
CREATE TABLE correspondent(account INTEGER NOT NULL, address TEXT NOT NULL, day INTEGER NOT NULL,
  PRIMARY KEY(account, address)) WITHOUT ROWID;
CREATE INDEX correspondent_day ON correspondent(day);
)sql";

// What MAIL said of time and priority (RFC 2852, 4865, 6710). Both indexes stay empty for mail that says nothing of it.
constexpr const char* kMainTimes = R"sql(
ALTER TABLE message ADD COLUMN by_mode INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN by_trace INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN hold_request TEXT NOT NULL DEFAULT '';
ALTER TABLE recipient ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
ALTER TABLE recipient ADD COLUMN deadline INTEGER NOT NULL DEFAULT 0;
CREATE INDEX recipient_urgent ON recipient(destination, priority, due) WHERE state = 2 AND priority > 0;
CREATE INDEX recipient_deadline ON recipient(deadline) WHERE state = 2 AND deadline > 0;
)sql";

// What SCRAM needs of an account and its passwords, and the secret that makes up salts for accounts that don't exist.
constexpr const char* kMainLogins = R"sql(
ALTER TABLE account ADD COLUMN scram_salt BLOB NOT NULL DEFAULT x'';
ALTER TABLE account ADD COLUMN scram_iterations INTEGER NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN scram_keys BLOB NOT NULL DEFAULT x'';
CREATE TABLE app_password(id INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER NOT NULL, label TEXT NOT NULL,
  created INTEGER NOT NULL, used INTEGER NOT NULL DEFAULT 0, used_from TEXT NOT NULL DEFAULT '', hash BLOB NOT NULL,
  scram_keys BLOB NOT NULL, UNIQUE(account, label));
INSERT OR IGNORE INTO setting(key, value) VALUES('login.secret', lower(hex(randomblob(32))));
)sql";

// What signs the mail of our domains. algorithm and state: DkimKey.
constexpr const char* kMainDkim = R"sql(
CREATE TABLE dkim_key(id INTEGER PRIMARY KEY AUTOINCREMENT, domain INTEGER NOT NULL, selector TEXT NOT NULL,
  algorithm INTEGER NOT NULL, state INTEGER NOT NULL, created INTEGER NOT NULL, changed INTEGER NOT NULL,
  private_key TEXT NOT NULL, UNIQUE(domain, selector));
)sql";

// Accounts that look taken over (takeover.h).
constexpr const char* kMainSuspicion = R"sql(
CREATE TABLE account_suspicion(account INTEGER PRIMARY KEY, since INTEGER NOT NULL, signal INTEGER NOT NULL,
  reason TEXT NOT NULL, notice BLOB NOT NULL, told INTEGER NOT NULL);
)sql";

// Who may write to an address, one a line; empty: anybody.
constexpr const char* kMainSenders = R"sql(
ALTER TABLE address ADD COLUMN senders TEXT NOT NULL DEFAULT '';
)sql";

// A message is taken with few rows, since each table that a commit touches costs it a page or two. body.head: the head
// that came with the body, if the row of its holder says so by the negative of the body's id; head is for the others.
// message.trail: the events of its acceptance; empty in rows of before, whose first event is in event.
constexpr const char* kMainFewRows = R"sql(
ALTER TABLE message ADD COLUMN trail BLOB NOT NULL DEFAULT x'';
ALTER TABLE body ADD COLUMN head_sum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE body ADD COLUMN head BLOB NOT NULL DEFAULT x'';
)sql";

// What aggregate reports of DMARC are made of; rows counts those of the report. Of reports on TLS "tls/" stands in
// front of the domain.
constexpr const char* kMainReports = R"sql(
CREATE TABLE dmarc_day(day INTEGER NOT NULL, domain TEXT NOT NULL, policy TEXT NOT NULL, rows INTEGER NOT NULL,
  PRIMARY KEY(day, domain)) WITHOUT ROWID;
CREATE TABLE dmarc_row(day INTEGER NOT NULL, domain TEXT NOT NULL, source TEXT NOT NULL, detail BLOB NOT NULL,
  count INTEGER NOT NULL, PRIMARY KEY(day, domain, source, detail)) WITHOUT ROWID;
)sql";

// node.next_body: the ids of bodies from here on were never given; 0: not known. recipient.uid: of the entry of one
// that was delivered; 0 in rows of before. The indexes find what an operator asks for, and counters of the past,
// without a walk; the first two hold nothing but what is held.
// entry.arrived: when it came into this mailbox; 0 in rows of before, whose uidl tells it.
//
// What was told about a recipient stands in fields (mail::Told): peer_* and last_reply, its words, are the other
// server's, own_* is what we say. Before it was one sentence in last_reply, "PLACE said: CODE STATUS WORDS" or, of our
// own, "CODE STATUS WORDS": a place never begins with a code, so the first " said: " of a sentence that doesn't either
// is ours.
//
// expunged: the entries of a mailbox that were deleted, as runs of uids that followed on each other: `uid` to `last`,
// all by what gave the mailbox this modseq, at that time. Written by expunge(), read by sessions that saw the mailbox
// before (list_view), and by IMAP's QRESYNC (RFC 7162). Upkeep forgets it as it does trails; mailbox.forgotten: what
// has this modseq or a lower one may be forgotten already.
//
// What IMAP needs of mailboxes. mailbox.unseen, deleted: entries without \Seen, with \Deleted; whatever adds, deletes
// or changes entries keeps them, STATUS tells them. mailbox.special_use: a bit for each of RFC 6154 (1 \All, 2
// \Archive, 4 \Drafts, 8 \Flagged, 16 \Junk, 32 \Sent, 64 \Trash), set by CREATE, told by LIST. subscription: names,
// which stay when their mailbox goes (RFC 9051 section 6.3.8); INBOX and the five mailboxes that each account begins
// with are in it. keyword: which bit of entry.flags (entry_flags.h) is which keyword in a mailbox, made by STORE and
// APPEND. entry_touched: entries whose flags were changed since they came, by modseq: FETCH (CHANGEDSINCE). Those that
// were not are found without it, since their modseqs rise with their uids (an index over all would cost every message a
// page). entry.arrived is also the save date (RFC 8514), entry.message the EMAILID (RFC 8474: a copy keeps it);
// THREADID is NIL as that allows, and may come as a column that may be null. outline: what FETCH makes of a head over a
// body, packed, kept on the first time: beside the body and not in its row, which would have to be written anew with
// all of its content. It goes with the body.
//
// message.message_key: what it is found by (message_key.h); 0: its head has no Message-ID, or is older than this. There
// is no index: a walk finds it, as it does addresses.
//
// recipient.mailbox: where the entry `uid` of one that was delivered is, if any. recipient.hold_kind: HoldKind; it was
// told from the words of `reason` before.
//
// What is still to come needs no large table written anew: sites, what was learned of them, policies of MTA-STS and
// reports of TLS are tables of their own, and a destination finds its site by a column that may be null; recipient.lane
// is a column with a constant default (ADD COLUMN writes no row) and an index over what waits alone.
//
// imported: what was imported into a mailbox, so that it is not taken twice. entry.uidl is text where it was kept at an
// import.
//
// feed: what happens, for hooks and whoever watches (feed.h): of a message its events packed as in a trail, of anything
// else a word. hook: whom that is posted to; cursor: the last row of which all was taken. send_key: what was accepted
// by the API under a key, and what was answered. metadata: what its sender says of a message.
//
// account_right: who looks after a domain, or (domain 0) after the whole server. token: what programs ask the API with;
// account 0: the server's own. scopes, domains and networks: one a line.
//
// web_session: browsers that are logged in; account 0: an operator whom a link of root's let in. once_link: one a
// purpose (OnceLink) and account. second_factor: step: of the last code that was taken. audit: orders that were given;
// login: of the account that gave it. source: the address it came from.
constexpr const char* kMainAudit = R"sql(
ALTER TABLE entry ADD COLUMN arrived INTEGER NOT NULL DEFAULT 0;
UPDATE entry SET flags = flags | 32 WHERE message IN (SELECT id FROM message WHERE smtputf8 = 1);
ALTER TABLE node ADD COLUMN next_body INTEGER NOT NULL DEFAULT 0;
UPDATE node SET next_body = 1 + max(ifnull((SELECT max(id) FROM body), 0), ifnull((SELECT max(body) FROM entry), 0),
  ifnull((SELECT max(body) FROM message), 0));
UPDATE node SET heartbeat = 0; -- it was written at the start and the end only, and says nothing of how the clock goes

ALTER TABLE recipient ADD COLUMN peer_host TEXT NOT NULL DEFAULT '';
ALTER TABLE recipient ADD COLUMN peer_place TEXT NOT NULL DEFAULT '';
ALTER TABLE recipient ADD COLUMN peer_code INTEGER NOT NULL DEFAULT 0;
ALTER TABLE recipient ADD COLUMN peer_status TEXT NOT NULL DEFAULT '';
ALTER TABLE recipient ADD COLUMN own_code INTEGER NOT NULL DEFAULT 0;
ALTER TABLE recipient ADD COLUMN own_status TEXT NOT NULL DEFAULT '';
ALTER TABLE recipient ADD COLUMN own_text TEXT NOT NULL DEFAULT '';
UPDATE recipient SET peer_place = substr(last_reply, 1, instr(last_reply, ' said: ') - 1),
    last_reply = substr(last_reply, instr(last_reply, ' said: ') + 7)
  WHERE instr(last_reply, ' said: ') > 1 AND last_reply NOT GLOB '[2-5][0-9][0-9] *';
UPDATE recipient SET peer_host = substr(peer_place, 1, instr(peer_place || ' ', ' ') - 1)
  WHERE peer_place <> '' AND peer_place NOT GLOB '[[]*';
UPDATE recipient SET peer_code = CAST(substr(last_reply, 1, 3) AS INTEGER), last_reply = ltrim(substr(last_reply, 4))
  WHERE peer_place <> '' AND last_reply GLOB '[2-5][0-9][0-9]*';
UPDATE recipient SET own_code = CAST(substr(last_reply, 1, 3) AS INTEGER), own_text = ltrim(substr(last_reply, 4)),
    last_reply = ''
  WHERE peer_code = 0 AND last_reply GLOB '[2-5][0-9][0-9]*';
UPDATE recipient SET own_code = iif(state = 7, 554, 451), own_text = last_reply, last_reply = ''
  WHERE peer_code = 0 AND last_reply <> '';
UPDATE recipient SET peer_status = substr(last_reply, 1, instr(last_reply || ' ', ' ') - 1),
    last_reply = substr(last_reply, instr(last_reply || ' ', ' ') + 1)
  WHERE peer_code > 0 AND last_reply GLOB (peer_code / 100) || '.[0-9]*.[0-9]*'
    AND substr(last_reply, 1, instr(last_reply || ' ', ' ') - 1) NOT GLOB '*[^0-9.]*';
UPDATE recipient SET own_status = substr(own_text, 1, instr(own_text || ' ', ' ') - 1),
    own_text = substr(own_text, instr(own_text || ' ', ' ') + 1)
  WHERE own_code > 0 AND own_text GLOB (own_code / 100) || '.[0-9]*.[0-9]*'
    AND substr(own_text, 1, instr(own_text || ' ', ' ') - 1) NOT GLOB '*[^0-9.]*';

ALTER TABLE message ADD COLUMN message_key INTEGER NOT NULL DEFAULT 0;

DELETE FROM setting WHERE key LIKE 'login.known.%' AND substr(key, 13) NOT IN (SELECT login FROM account);

CREATE TABLE imported(mailbox INTEGER NOT NULL, digest BLOB NOT NULL, PRIMARY KEY(mailbox, digest)) WITHOUT ROWID;
CREATE UNIQUE INDEX entry_old_uidl ON entry(mailbox, uidl) WHERE typeof(uidl) = 'text';

CREATE TABLE expunged(mailbox INTEGER NOT NULL, modseq INTEGER NOT NULL, uid INTEGER NOT NULL, last INTEGER NOT NULL,
  at INTEGER NOT NULL, PRIMARY KEY(mailbox, modseq, uid)) WITHOUT ROWID;
ALTER TABLE mailbox ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mailbox ADD COLUMN unseen INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mailbox ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mailbox ADD COLUMN special_use INTEGER NOT NULL DEFAULT 0;
UPDATE mailbox SET forgotten = highestmodseq, (unseen, deleted) = (SELECT count(*) FILTER (WHERE flags & 1 = 0),
  count(*) FILTER (WHERE flags & 8 <> 0) FROM entry WHERE entry.mailbox = mailbox.id);
INSERT OR IGNORE INTO mailbox(account, name, uidvalidity, special_use)
  SELECT a.id, f.name, (SELECT CAST(value AS INTEGER) FROM setting WHERE key = 'mailbox.uidvalidity') +
    row_number() OVER (ORDER BY a.id, f.special), f.special FROM account a CROSS JOIN (SELECT 'Drafts' AS name,
    4 AS special UNION ALL SELECT 'Sent', 32 UNION ALL SELECT 'Junk', 16 UNION ALL SELECT 'Trash', 64
    UNION ALL SELECT 'Archive', 2) f;
UPDATE setting SET value = max(CAST(value AS INTEGER), ifnull((SELECT max(uidvalidity) FROM mailbox), 0))
  WHERE key = 'mailbox.uidvalidity';
CREATE TABLE subscription(account INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY(account, name)) WITHOUT ROWID;
INSERT INTO subscription(account, name) SELECT account, name FROM mailbox WHERE account IS NOT NULL;
CREATE TABLE keyword(mailbox INTEGER NOT NULL, bit INTEGER NOT NULL, name TEXT NOT NULL,
  PRIMARY KEY(mailbox, bit)) WITHOUT ROWID;
CREATE UNIQUE INDEX keyword_name ON keyword(mailbox, name COLLATE NOCASE);
CREATE INDEX entry_touched ON entry(mailbox, modseq) WHERE flags & 64 <> 0;
CREATE TABLE outline(body INTEGER NOT NULL, head INTEGER NOT NULL, structure BLOB NOT NULL, envelope BLOB NOT NULL,
  preview TEXT NOT NULL, PRIMARY KEY(body, head)) WITHOUT ROWID;

ALTER TABLE recipient ADD COLUMN uid INTEGER NOT NULL DEFAULT 0;
ALTER TABLE recipient ADD COLUMN mailbox INTEGER NOT NULL DEFAULT 0;
CREATE INDEX recipient_held_message ON recipient(message) WHERE state = 1;
ALTER TABLE recipient ADD COLUMN hold_kind INTEGER NOT NULL DEFAULT 0;
UPDATE recipient INDEXED BY recipient_held_message SET hold_kind = CASE
    WHEN reason GLOB 'no account owns *' THEN 2
    WHEN reason GLOB 'quarantine: *' THEN 3
    WHEN reason GLOB 'held by the take-over watch*' THEN 6
    WHEN reason GLOB 'held by restore: *' THEN 7
    WHEN reason GLOB 'held: its message is missing *' THEN 8
    WHEN reason GLOB 'held by the filter *' THEN 4
    WHEN reason GLOB 'held by *' THEN 5
    ELSE 1 END
  WHERE state = 1;
CREATE INDEX message_held_for_later ON message(id) WHERE hold_until > 0 AND pending > 0;
CREATE INDEX counter_window ON counter(window_start);

ALTER TABLE domain ADD COLUMN created INTEGER NOT NULL DEFAULT 0;
ALTER TABLE domain ADD COLUMN alias_of INTEGER NOT NULL DEFAULT 0;
CREATE INDEX domain_alias ON domain(alias_of) WHERE alias_of <> 0;
CREATE INDEX domain_owner ON domain(owner) WHERE owner <> 0;
CREATE INDEX target_address ON address_target(target COLLATE NOCASE);

CREATE TABLE account_right(account INTEGER NOT NULL, domain INTEGER NOT NULL,
  PRIMARY KEY(account, domain)) WITHOUT ROWID;
CREATE TABLE token(id INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER NOT NULL, label TEXT NOT NULL,
  hash BLOB NOT NULL UNIQUE, scopes TEXT NOT NULL, domains TEXT NOT NULL, networks TEXT NOT NULL,
  created INTEGER NOT NULL, expires INTEGER NOT NULL, used INTEGER NOT NULL DEFAULT 0,
  used_from TEXT NOT NULL DEFAULT '', UNIQUE(account, label));

CREATE TABLE web_session(hash BLOB NOT NULL PRIMARY KEY, account INTEGER NOT NULL, created INTEGER NOT NULL,
  used INTEGER NOT NULL, source TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX web_session_account ON web_session(account, used);
CREATE TABLE once_link(account INTEGER NOT NULL, purpose INTEGER NOT NULL, hash BLOB NOT NULL UNIQUE,
  created INTEGER NOT NULL, expires INTEGER NOT NULL, PRIMARY KEY(account, purpose)) WITHOUT ROWID;
CREATE TABLE second_factor(account INTEGER PRIMARY KEY, secret BLOB NOT NULL, confirmed INTEGER NOT NULL,
  step INTEGER NOT NULL, created INTEGER NOT NULL);
CREATE TABLE recovery_code(account INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY(account, hash)) WITHOUT ROWID;
CREATE TABLE audit(id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, who TEXT NOT NULL, login TEXT NOT NULL,
  role TEXT NOT NULL, source TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL, outcome TEXT NOT NULL);

CREATE TABLE feed(id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, message BLOB, events BLOB,
  word TEXT NOT NULL DEFAULT '', about TEXT NOT NULL DEFAULT '', detail TEXT NOT NULL DEFAULT '');
CREATE TABLE hook(id INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER NOT NULL, url TEXT NOT NULL,
  events TEXT NOT NULL, domains TEXT NOT NULL, secret BLOB NOT NULL, old_secret BLOB NOT NULL DEFAULT x'',
  old_until INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL, state INTEGER NOT NULL, cursor INTEGER NOT NULL,
  failures INTEGER NOT NULL DEFAULT 0, failing_since INTEGER NOT NULL DEFAULT 0, again_at INTEGER NOT NULL DEFAULT 0,
  last_error TEXT NOT NULL DEFAULT '', delivered_at INTEGER NOT NULL DEFAULT 0);
CREATE TABLE send_key(account INTEGER NOT NULL, key TEXT NOT NULL, message BLOB NOT NULL, digest BLOB NOT NULL,
  answer TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(account, key)) WITHOUT ROWID;
CREATE INDEX send_key_at ON send_key(at);
CREATE TABLE metadata(message BLOB NOT NULL PRIMARY KEY, words TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE acme_account(directory TEXT NOT NULL PRIMARY KEY, private_key TEXT NOT NULL, url TEXT NOT NULL,
  created INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE tls_key(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, state INTEGER NOT NULL,
  created INTEGER NOT NULL, private_key TEXT NOT NULL, UNIQUE(name, state));
CREATE TABLE certificate(name TEXT NOT NULL PRIMARY KEY, key INTEGER NOT NULL DEFAULT 0, chain TEXT NOT NULL DEFAULT '',
  authority TEXT NOT NULL DEFAULT '', issued INTEGER NOT NULL DEFAULT 0, wants_renewal INTEGER NOT NULL DEFAULT 0,
  wants_rotation INTEGER NOT NULL DEFAULT 0, renew_at INTEGER NOT NULL DEFAULT 0, ask_at INTEGER NOT NULL DEFAULT 0,
  order_url TEXT NOT NULL DEFAULT '', order_key INTEGER NOT NULL DEFAULT 0, order_since INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0, wait_until INTEGER NOT NULL DEFAULT 0, last_error TEXT NOT NULL DEFAULT '',
  seen_since INTEGER NOT NULL DEFAULT 0, seen_ttl INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE acme_challenge(kind INTEGER NOT NULL, name TEXT NOT NULL, token TEXT NOT NULL, answer TEXT NOT NULL,
  expires INTEGER NOT NULL, PRIMARY KEY(kind, name, token)) WITHOUT ROWID;

CREATE TABLE sts_policy(domain TEXT NOT NULL PRIMARY KEY, id TEXT NOT NULL, text BLOB NOT NULL,
  fetched INTEGER NOT NULL) WITHOUT ROWID;

ALTER TABLE recipient ADD COLUMN bounce INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN by_api INTEGER NOT NULL DEFAULT 0;
-- scope: 1 the server (of is 0), 2 a domain, 3 an account. until: 0 for good.
CREATE TABLE suppression(id INTEGER PRIMARY KEY AUTOINCREMENT, scope INTEGER NOT NULL, of INTEGER NOT NULL,
  address TEXT NOT NULL, reason INTEGER NOT NULL, message BLOB, reply TEXT NOT NULL, since INTEGER NOT NULL,
  until INTEGER NOT NULL, UNIQUE(scope, of, address));
CREATE INDEX suppression_address ON suppression(address);
CREATE INDEX suppression_until ON suppression(until) WHERE until > 0;
CREATE TABLE suppression_strike(account INTEGER NOT NULL, address TEXT NOT NULL, message BLOB NOT NULL,
  reason INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(account, address, message)) WITHOUT ROWID;
CREATE INDEX suppression_strike_at ON suppression_strike(at);
)sql";

// state: 1 being staged, 2 complete and synced, 3 to be dropped. A chunk is found by the offset of its first octet.
constexpr const char* kBulk1 = R"sql(
CREATE TABLE bulk(id INTEGER PRIMARY KEY AUTOINCREMENT, epoch INTEGER NOT NULL, state INTEGER NOT NULL,
  size INTEGER NOT NULL);
CREATE INDEX bulk_staged ON bulk(id) WHERE state = 1;
CREATE INDEX bulk_dropped ON bulk(id) WHERE state = 3;
CREATE TABLE chunk(bulk INTEGER NOT NULL, start INTEGER NOT NULL, sum INTEGER NOT NULL, data BLOB NOT NULL,
  PRIMARY KEY(bulk, start)) WITHOUT ROWID;
CREATE TABLE probe(id INTEGER PRIMARY KEY, data BLOB NOT NULL);
)sql";

// The store that it belongs to: the same as "store.id" in paquebot.db.
constexpr const char* kBulkOrigin = R"sql(
CREATE TABLE origin(id INTEGER PRIMARY KEY, store TEXT NOT NULL);
)sql";

constexpr const char* kMainGreylist = R"sql(
CREATE TABLE greylist(
  key TEXT PRIMARY KEY,
  state INTEGER NOT NULL CHECK(state BETWEEN 1 AND 3),  -- GreyRow::State
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  count INTEGER NOT NULL,
  expires INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX greylist_by_expiry ON greylist(expires);
)sql";

// lane: whose work it is (store::lane_of), so that no account's mail has to wait behind all of another's at the same
// place; 0 also for what waited before there were lanes. site: what was learnt of hosts of others that share limits
// (queue::Site); most: connections, 0: as many as are configured; pace: milliseconds from one message to the next,
// 0: any; blocks: pauses in a row. destination.waiting: its recipients that wait (waiting_count.h).
constexpr const char* kMainSites = R"sql(
ALTER TABLE recipient ADD COLUMN lane INTEGER NOT NULL DEFAULT 0;
CREATE INDEX recipient_lane ON recipient(destination, lane, due) WHERE state = 2;
CREATE TABLE site(key TEXT NOT NULL PRIMARY KEY, most INTEGER NOT NULL, pace INTEGER NOT NULL,
  per_connection INTEGER NOT NULL, pause_until INTEGER NOT NULL, blocks INTEGER NOT NULL, why TEXT NOT NULL,
  learned_at INTEGER NOT NULL) WITHOUT ROWID;
ALTER TABLE destination ADD COLUMN waiting INTEGER NOT NULL DEFAULT 0;
CREATE INDEX recipient_waiting ON recipient(destination, message) WHERE state = 2;
UPDATE destination SET waiting =
  (SELECT count(*) FROM recipient r INDEXED BY recipient_waiting WHERE r.destination = destination.id AND r.state = 2);
)sql";

constexpr std::array kMainSteps = {Migration{kMain1},       Migration{kMainLimits},    Migration{kMainTimes},
                                   Migration{kMainLogins},  Migration{kMainDkim},      Migration{kMainGreylist},
                                   Migration{kMainReports}, Migration{kMainSuspicion}, Migration{kMainSenders},
                                   Migration{kMainFewRows}, Migration{kMainAudit},     Migration{kMainSites}};
constexpr std::array kBulkSteps = {Migration{kBulk1}, Migration{kBulkOrigin}};

} // namespace

const Schema kMainSchema{"paquebot.db", kMainApplication, kMainSteps.data(), std::size(kMainSteps)};
const Schema kBulkSchema{"bulk.db", kBulkApplication, kBulkSteps.data(), std::size(kBulkSteps)};

} // namespace paquebot::store::sqlite
