// Every invariant is broken once, by SQL, in a store that is closed: verify says which one, and of what.
#include "store/offline.h"
#include "store/sqlite/open.h"
#include "store/sqlite/rules.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/test_samples.h"
#include "store/test_full_store.h"

#include <algorithm>
#include <set>

namespace paquebot::store::sqlite {
namespace {

struct Break {
  const char* rule;
  const char* sql;
  const char* told;
};

constexpr Break kShape[] = {
    {"file.schema", "DROP INDEX recipient_due", "paquebot.db: the index recipient_due is missing"},
    {"file.schema", "DROP INDEX recipient_due; CREATE INDEX recipient_due ON recipient(due)",
     "the index recipient_due is not as this program made it"},
    {"file.schema", "DROP TABLE greylist", "the table greylist is missing"},
    {"file.schema", "ALTER TABLE address DROP COLUMN senders", "the table address is not as this program made it"},
    {"file.schema", "CREATE TABLE mine(x)", "paquebot.db: the table mine is none that this program made"},
    {"file.schema", "CREATE TRIGGER eats AFTER INSERT ON entry BEGIN DELETE FROM entry; END",
     "the trigger eats is none that this program made"},
    {"file.schema", "CREATE VIEW seen AS SELECT 1", "the view seen is none that this program made"},
    {"file.schema", "CREATE UNIQUE INDEX narrow ON entry(mailbox, uid, size)",
     "the index narrow is none that this program made"},
    {"file.readable", "DROP TABLE event", "no such table: event"},
    {"file.pair", "DELETE FROM setting WHERE key = 'store.id'", "bulk.db: it belongs to another store"},
    {"file.pair", "UPDATE setting SET value = 'x' WHERE key = 'store.id'", "bulk.db: it belongs to another store"},
    {"node.row", "DELETE FROM node", "what it says of this node is missing"},
    {"node.values", "UPDATE node SET ended = 7", "node 1: a value"},
    {"tenant.default", "DELETE FROM tenant", "the tenant that every domain belongs to"},
    {"tenant.name", "UPDATE tenant SET name = ''", "tenant 1: it has no name"},
    {"setting.secret", "DELETE FROM setting WHERE key = 'login.secret'", "the secret is missing"},
    {"setting.uidvalidity", "DELETE FROM setting WHERE key = 'mailbox.uidvalidity'",
     "which uidvalidity was given last"},
    {"sts.values", "INSERT INTO sts_policy VALUES('far.test', '1', x'61', -1)", "MTA-STS policy of far.test: a value"},
    {"sequence.main", "UPDATE sqlite_sequence SET seq = 0 WHERE name = 'domain'",
     "an id of domain would be given again"},
    {"sequence.main", "UPDATE sqlite_sequence SET seq = 1 WHERE name = 'account'", "an id of account would be"},
    {"sequence.main", "UPDATE sqlite_sequence SET seq = 1 WHERE name = 'mailbox'", "an id of mailbox would be"},
    {"sequence.main", "DELETE FROM sqlite_sequence WHERE name = 'destination'", "an id of destination would be"},
    {"sequence.main", "UPDATE sqlite_sequence SET seq = 0 WHERE name = 'dkim_key'", "an id of dkim_key would be"},
    {"sequence.main", "UPDATE sqlite_sequence SET seq = 0 WHERE name = 'app_password'",
     "an id of app_password would be"},
    {"sequence.main", "UPDATE sqlite_sequence SET seq = 0 WHERE name = 'token'", "an id of token would be"},
    {"sequence.body", "UPDATE node SET next_body = 1", "paquebot.db: ids of bodies up to"},
    {"sequence.bulk", "INSERT INTO bulk_garbage VALUES(99)", "bulk.db: ids up to 99 would be given again"},
};

constexpr Break kDirectory[] = {
    {"domain.owner", "UPDATE domain SET owner = 44", "domain 1: its owner does not exist"},
    {"domain.unowned", "UPDATE domain SET owner = 0", "domain 1: it has accounts, but none gets postmaster's"},
    {"domain.tenant", "UPDATE domain SET tenant = 3", "domain 1: its tenant does not exist"},
    {"domain.alias", "UPDATE domain SET alias_of = 44", "domain 1: it is an alias of what is no domain"},
    {"domain.name", "UPDATE domain SET name = 'Example.org'", "domain 1: its name is not normal"},
    {"account.inbox", "DELETE FROM mailbox WHERE account = 2", "account 2: it has no INBOX"},
    {"account.domain", "UPDATE account SET domain = 9", "account 1: its domain does not exist"},
    {"account.address", "DELETE FROM address WHERE local = 'anna'", "account 1: its own address does not lead to it"},
    {"account.address", "UPDATE address SET account = 1 WHERE local = 'bert'", "account 2: its own address"},
    {"account.name", "UPDATE account SET login = 'Anna@example.org' WHERE id = 1", "account 1: its name is not normal"},
    {"account.name", "UPDATE account SET login = 'anna@other.org' WHERE id = 1", "account 1: its name is not normal"},
    {"account.scram", "UPDATE account SET scram_salt = x''", "account 1: what logins by SCRAM need"},
    {"domain.values", "UPDATE domain SET created = 9e15", "domain 1: a value"},
    {"setting.account", "INSERT INTO setting VALUES('login.known.gone@example.org', 'x')",
     "setting login.known.gone@example.org: from where"},
    {"setting.suspension", "INSERT INTO setting VALUES('suspension.account.gone@example.org', '1 1 0 0')",
     "setting suspension.account.gone@example.org: its mail"},
    {"account.values", "UPDATE account SET disabled = 2", "account 1: a value"},
    {"account.values", "UPDATE account SET quota = -1", "account 1: a value"},
    {"address.domain", "INSERT INTO address VALUES(7, 'x', 1, '')", "domain 7: it does not exist, but has addresses"},
    {"address.account", "INSERT INTO address VALUES(1, 'x', 9, '')", "domain 1: an address leads to an account that"},
    {"address.nowhere", "DELETE FROM address_target", "domain 1: an address leads nowhere"},
    {"address.both", "UPDATE address SET account = 1 WHERE local = 'team'", "leads to an account and to targets"},
    {"address.name", "INSERT INTO address VALUES(1, 'Ann', 1, '')", "domain 1: the name of an address is not normal"},
    {"address.loop",
     "INSERT INTO address VALUES(1, 'a', 0, ''), (1, 'b', 0, ''); "
     "INSERT INTO address_target VALUES(1, 'a', 'B@example.org'), (1, 'b', 'a@example.org')",
     "domain 1: an alias leads only back to itself"},
    {"address.loop",
     "INSERT INTO address VALUES(1, '*', 0, ''); INSERT INTO address_target VALUES(1, '*', 'nobody@example.org')",
     "domain 1: an alias leads only back to itself"},
    {"target.address", "INSERT INTO address_target VALUES(1, 'x', 'a@b')", "targets of an address that does not exist"},
    {"target.name", "INSERT INTO address_target VALUES(1, 'team', 'nobody')", "an address leads to what is no address"},
    {"dkim.domain", "UPDATE dkim_key SET domain = 9", "DKIM key 1: its domain does not exist"},
    {"dkim.twins", "INSERT INTO dkim_key SELECT 2, domain, 's2', algorithm, state, 1, 1, 'PEM' FROM dkim_key",
     "DKIM key 2: another key of its algorithm"},
    {"dkim.values", "UPDATE dkim_key SET state = 4", "DKIM key 1: a value"},
    {"app_password.account", "UPDATE app_password SET account = 9", "app password 1: its account does not exist"},
    {"app_password.values", "UPDATE app_password SET hash = x''", "app password 1: a value"},
    {"right.account", "UPDATE account_right SET account = 9", "account 9: it may look after others, but does not"},
    {"right.domain", "UPDATE account_right SET domain = 9", "account 1: it looks after a domain that does not exist"},
    {"token.account", "UPDATE token SET account = 9", "token 1: its account does not exist"},
    {"token.values", "UPDATE token SET hash = x''", "token 1: a value"},
    {"suspicion.account", "UPDATE account_suspicion SET account = 9", "account 9: it looks taken over, but does not"},
    {"suspicion.values", "UPDATE account_suspicion SET signal = 0", "account 1: it looks taken over for a reason that"},
    {"limit.account", "UPDATE account_limit SET account = 9",
     "account 9: it has limits of its own, but does not exist"},
    {"limit.values", "UPDATE account_limit SET kind = 9", "account 1: a limit is out of its range"},
    {"counter.account", "UPDATE counter SET account = 9", "account 9: what it sent is counted, but it does not exist"},
    {"counter.values", "UPDATE counter SET window_start = window_start + 1", "account 1: a count of what it sent"},
    {"correspondent.account", "UPDATE correspondent SET account = 9", "account 9: whom it wrote to is known, but"},
    {"correspondent.values", "UPDATE correspondent SET address = 'Friend@other.test'",
     "account 1: whom it wrote to is not"},
};

constexpr Break kQueue[] = {
    {"message.pending", "UPDATE message SET pending = 3", "pending does not equal its unfinished or owing recipients"},
    {"message.pending", "DELETE FROM recipient", "pending does not equal"},
    {"message.content", "UPDATE message SET body = 0 WHERE pending > 0", "unfinished, but its content is gone"},
    {"message.content", "UPDATE message SET head = head + 1 WHERE pending > 0", "unfinished, but its content is gone"},
    {"message.let_go", "UPDATE message SET head = -1, body = 1 WHERE pending = 0",
     "finished, but the queue still holds"},
    {"message.sizes", "UPDATE message SET head_size = head_size + 1", "its sizes are not those of its content"},
    {"message.accepted", "UPDATE message SET trail = x''", "its trail does not begin with its acceptance"},
    {"message.recipients", "DELETE FROM recipient WHERE state > 3", "not all of its recipients are there"},
    {"message.recipients", "DELETE FROM recipient WHERE n = 0", "not all of its recipients are there"},
    {"message.account", "UPDATE message SET account = 3", "it was submitted by an account that never was"},
    {"message.times", "UPDATE message SET expires_at = 5", "its times cannot be"},
    {"message.times", "UPDATE message SET expires_at = expires_at * 2", "its times cannot be"},
    {"message.values", "UPDATE message SET class = 6", "a value is out of its range"},
    {"message.values", "UPDATE message SET priority = 'high'", "a value is out of its range"},
    {"recipient.message", "DELETE FROM message", "it is unknown, but has recipients"},
    {"recipient.state", "UPDATE recipient SET state = 9", "a recipient is in no known state"},
    {"recipient.destination", "DELETE FROM destination", "a recipient waits for a destination that does not exist"},
    {"recipient.owner", "UPDATE recipient SET state = 3, owner = 77 WHERE state = 2",
     "a recipient is in hand of nobody"},
    {"recipient.idle", "UPDATE recipient SET owner = 1", "in nobody's hand, but has an owner"},
    {"recipient.due", "UPDATE recipient SET due = expires * 2 WHERE state = 2", "due at a time that cannot be"},
    {"recipient.due", "UPDATE recipient SET due = -5 WHERE state = 2", "due at a time that cannot be"},
    {"recipient.expires", "UPDATE recipient SET expires = expires * 2", "a recipient expires at a time that cannot be"},
    {"recipient.life", "UPDATE recipient SET expires = 0 WHERE state = 2", "does not expire with its message"},
    {"recipient.life", "UPDATE message SET expires_at = expires_at + 1", "does not expire with its message"},
    {"recipient.deadline", "UPDATE recipient SET deadline = 9e15 WHERE state = 2", "has a deadline that cannot be"},
    {"recipient.owed", "UPDATE recipient SET owed = 2 WHERE state = 5", "owes a report that it can't owe"},
    {"recipient.owed", "UPDATE recipient SET owed = 4", "owes a report that it can't owe"},
    {"recipient.parent", "UPDATE recipient SET parent = 5 WHERE parent = 0", "came of one that does not exist"},
    {"recipient.address", "UPDATE recipient SET address = ''", "a recipient has no address"},
    {"recipient.entry",
     "DELETE FROM entry WHERE uid = 3 AND mailbox = 1; UPDATE mailbox SET count = 2, unseen = 2, bytes = (SELECT "
     "sum(size) "
     "FROM entry WHERE mailbox = 1) WHERE id = 1; DELETE FROM body WHERE refs = 1 AND id NOT IN (SELECT body FROM "
     "entry "
     "UNION "
     "SELECT body FROM message)",
     "it was delivered to a mailbox, but is not there"},
    {"recipient.uid",
     "DELETE FROM entry; DELETE FROM body; UPDATE mailbox SET count = 0, bytes = 0, unseen = 0, uidnext "
     "= 1",
     "its uid in a mailbox would be given again"},
    {"recipient.mailbox", "UPDATE recipient SET mailbox = 0", "it was delivered to a mailbox that never was"},
    {"recipient.mailbox", "UPDATE recipient SET mailbox = 99 WHERE uid > 0", "delivered to a mailbox that never was"},
    {"recipient.hold", "UPDATE recipient SET hold_kind = 0", "a recipient is held for no known reason"},
    {"recipient.hold", "UPDATE recipient SET hold_kind = 10 WHERE state = 1",
     "a recipient is held for no known reason"},
    {"recipient.hold", "UPDATE recipient SET hold_kind = 5 WHERE state = 2", "or has one and is not held"},
    {"recipient.values", "UPDATE recipient SET notify = 16", "a value of a recipient is out of its range"},
    {"recipient.values", "UPDATE recipient SET account = 3", "a value of a recipient is out of its range"},
    {"event.message", "DELETE FROM message", "it is unknown, but has events"},
    {"event.gap", "UPDATE event SET n = n + 1", "its trail has a gap"},
    {"event.gap", "INSERT INTO event SELECT id, 0, trail FROM message", "its trail has a gap"},
    {"event.damaged", "UPDATE message SET trail = x'0102'", "an event cannot be read"},
    {"event.damaged", "UPDATE event SET data = x''", "an event cannot be read"},
    {"event.recipient", "DELETE FROM recipient WHERE state > 3", "an event tells of a recipient that is not there"},
    {"event.first", "UPDATE message SET trail = (SELECT data FROM event LIMIT 1)",
     "its first event is not its acceptance"},
    {"event.missing", "DELETE FROM event", "no event tells what became of a recipient"},
    {"event.missing", "UPDATE recipient SET attempts = 3 WHERE state = 2", "no event tells what became of a recipient"},
    {"destination.waiting", "UPDATE destination SET waiting = waiting + 1", "what waits for it is miscounted"},
    {"destination.key", "UPDATE destination SET key = '' WHERE id = 1", "it has no name"},
    {"destination.backoff", "UPDATE destination SET backoff_until = changed_at + 31536000000",
     "destination far.test: nothing is tried there until a time that cannot be"},
    {"destination.values", "UPDATE destination SET failures = -1", "destination far.test: a value"},
};

constexpr Break kMailbox[] = {
    {"mailbox.counts", "UPDATE mailbox SET count = 7", "mailbox 1: its count or bytes do not match its entries"},
    {"mailbox.counts", "UPDATE mailbox SET bytes = bytes + 1", "mailbox 2: its count or bytes"},
    {"mailbox.unseen", "UPDATE entry SET flags = 1 WHERE uid = 1 AND mailbox = 1",
     "mailbox 1: its count of unseen entries is wrong"},
    {"mailbox.deleted", "UPDATE mailbox SET deleted = 1", "mailbox 1: its count of entries marked as deleted is wrong"},
    {"mailbox.uidnext", "UPDATE mailbox SET uidnext = 1", "mailbox 1: an entry has a uid that is still to be given"},
    {"mailbox.account", "UPDATE mailbox SET account = 9 WHERE id = 2", "mailbox 2: its account does not exist"},
    {"mailbox.uidvalidity", "UPDATE mailbox SET uidvalidity = uidvalidity + 9", "its uidvalidity would be given again"},
    {"mailbox.uidvalidity", "UPDATE setting SET value = 1 WHERE key = 'mailbox.uidvalidity'", "would be given again"},
    {"mailbox.uidvalidity_lowered", "UPDATE mailbox SET uidvalidity = 1", "mailbox 1: its uidvalidity is lower"},
    {"mailbox.modseq", "UPDATE mailbox SET highestmodseq = 1", "mailbox 1: its highest modseq is lower than it can be"},
    {"mailbox.forgotten", "UPDATE mailbox SET forgotten = 99", "mailbox 1: it forgot what is still to be deleted"},
    {"expunged.mailbox", "INSERT INTO expunged VALUES(99, 1, 1, 1, 1)",
     "mailbox 99: it does not exist, but entries of it were deleted"},
    {"expunged.modseq", "UPDATE expunged SET modseq = 99", "mailbox 1: entries were deleted by what it forgot"},
    {"expunged.modseq", "UPDATE mailbox SET forgotten = highestmodseq", "mailbox 1: entries were deleted by what"},
    {"expunged.entry", "UPDATE expunged SET last = 3", "mailbox 1: an entry is there that was deleted"},
    {"expunged.values", "UPDATE expunged SET uid = 0", "mailbox 1: a value of a deleted entry"},
    {"expunged.values", "UPDATE expunged SET last = 99", "mailbox 1: a value of a deleted entry"},
    {"mailbox.name", "UPDATE mailbox SET name = 'Inbox' WHERE id = 1", "mailbox 1: its name is not normal"},
    {"mailbox.values", "UPDATE mailbox SET uidnext = 4294967297", "mailbox 1: a value"},
    {"mailbox.values", "UPDATE mailbox SET special_use = 128", "mailbox 1: a value"},
    {"keyword.mailbox", "INSERT INTO keyword VALUES(99, 16, '$Junk')",
     "mailbox 99: it does not exist, but has keywords"},
    {"keyword.values", "INSERT INTO keyword VALUES(1, 15, '$Junk')", "mailbox 1: a keyword is out of its range"},
    {"subscription.account", "INSERT INTO subscription VALUES(9, 'INBOX')", "account 9: it does not exist, but has"},
    {"subscription.name", "UPDATE subscription SET name = 'Inbox' WHERE account = 1 AND name = 'INBOX'",
     "account 1: a name that it has subscribed"},
    {"entry.order", "UPDATE entry SET modseq = 1", "mailbox 1: an entry was changed, but is not noted as such"},
    {"entry.keyword", "UPDATE entry SET flags = 65536; INSERT INTO keyword VALUES(1, 17, '$Junk')",
     "mailbox 1: an entry has a keyword without a name"},
    {"imported.mailbox", "INSERT INTO imported VALUES(99, x'01')",
     "mailbox 99: it does not exist, but mail was imported"},
    {"entry.mailbox", "DELETE FROM mailbox WHERE id = 7", "mailbox 7: it does not exist, but has entries"},
    {"entry.content", "UPDATE entry SET body = 0", "mailbox 1: an entry has no content"},
    {"entry.content", "UPDATE entry SET head = 0", "mailbox 1: an entry has no content"},
    {"entry.content", "DELETE FROM body WHERE bulk = 0", "mailbox 1: an entry has no content"},
    {"entry.size", "UPDATE entry SET size = size + 1", "mailbox 1: the size of an entry is not that of its content"},
    {"entry.modseq", "UPDATE entry SET modseq = 99", "mailbox 1: an entry has a modseq above the mailbox's"},
    {"entry.recipient", "UPDATE entry SET recipient = 9", "mailbox 1: an entry is of a recipient that does not exist"},
    {"entry.uidl", "UPDATE entry SET uidl = (SELECT max(uidl) FROM entry)",
     "mailbox 1: two entries have the same UIDL"},
    {"entry.arrived", "UPDATE entry SET arrived = -5", "mailbox 1: an entry came at a time that cannot be"},
    {"entry.arrived", "UPDATE entry SET arrived = arrived + 9000000000000000", "mailbox 1: an entry came at a time"},
    {"entry.values", "UPDATE entry SET flags = 128", "mailbox 1: a value of an entry"},
    {"entry.values", "UPDATE entry SET uidl = x'00'", "mailbox 1: a value of an entry"},
};

constexpr Break kAccess[] = {
    {"sequence.main", "UPDATE sqlite_sequence SET seq = 0 WHERE name = 'audit'", "an id of audit would be"},
    {"web_session.account", "UPDATE web_session SET account = 9", "account 9: somebody is logged in as it"},
    {"web_session.values", "UPDATE web_session SET hash = x'00'", "account 1: a value of a session"},
    {"once_link.account", "UPDATE once_link SET account = 9", "account 9: there is a link that lets it in"},
    {"once_link.values", "UPDATE once_link SET purpose = 3", "account 2: a value of a link"},
    {"second_factor.account", "UPDATE second_factor SET account = 9", "account 9: it has a second factor, but"},
    {"second_factor.values", "UPDATE second_factor SET secret = x''", "account 1: a value of its second factor"},
    {"recovery_code.factor", "DELETE FROM second_factor", "account 1: it has recovery codes, but no second factor"},
    {"recovery_code.values", "UPDATE recovery_code SET hash = x'00'", "account 1: a recovery code is no hash"},
    {"audit.values", "UPDATE audit SET action = ''", "entry 1 of the audit log: a value"},
};

constexpr Break kContent[] = {
    {"head.refs", "INSERT INTO head VALUES(1, 0, 0, x'')", "head 1: it is kept, but nobody holds it"},
    {"head.holders", "INSERT INTO head VALUES(1, 1, 0, x'')", "head 1: its count of holders is wrong"},
    {"head.checksum", "INSERT INTO head VALUES(1, 1, 5, x'61')", "head 1: does not match its checksum"},
    {"body.refs", "UPDATE body SET refs = 0", "body 1: it is kept, but nobody holds it"},
    {"body.holders", "UPDATE body SET refs = refs + 1", "body 1: its count of holders is wrong"},
    {"body.holders", "UPDATE body SET refs = refs - 1 WHERE refs = 2", "body 1: its count of holders is wrong"},
    {"body.twice", "UPDATE body SET data = x'61' WHERE bulk <> 0", "body 1: it is in both files"},
    {"body.values", "UPDATE body SET type = 3", "body 1: a value"},
    {"body.checksum", "UPDATE body SET head = x'61'", "head of body 1: does not match its checksum"},
    {"body.checksum", "UPDATE body SET data = x'61' WHERE bulk = 0", "does not match its checksum or size"},
    {"outline.body", "INSERT INTO outline VALUES(99, -99, x'', x'', '')", "body 99: it does not exist, but what it is"},
    {"garbage.owned", "INSERT INTO bulk_garbage VALUES(1)", "body 1 in bulk.db: owned and given up at once"},
    {"garbage.values", "INSERT INTO bulk_garbage VALUES(-1)", "body -1 in bulk.db: given up, but there is none"},
    {"greylist.count", "UPDATE greylist SET count = 0", "greylisting: a row counts nothing: 0123456789abcdef"},
    {"greylist.values", "UPDATE greylist SET key = 'example.org'",
     "greylisting: a value is out of its range: example.org"},
    {"dmarc.rows", "UPDATE dmarc_day SET rows = 7", "DMARC reports of day 86400000: a count of rows is wrong"},
    {"dmarc.values", "UPDATE dmarc_row SET count = 0", "DMARC reports of day 86400000: a value"},
    {"sequence.main", "UPDATE sqlite_sequence SET seq = 0 WHERE name = 'tls_key'", "an id of tls_key would be"},
    {"certificate.key", "DELETE FROM tls_key WHERE state = 2", "certificate of mx.example.org: the key that it is for"},
    {"certificate.key", "UPDATE certificate SET chain = ''", "certificate of mx.example.org: the key that it is for"},
    {"certificate.order", "UPDATE certificate SET order_url = 'https://ca.test/1'",
     "certificate of mx.example.org: what was ordered is for a key"},
    {"certificate.values", "UPDATE certificate SET wait_until = -1", "certificate of mx.example.org: a value"},
    {"tls_key.name", "DELETE FROM certificate", "key 1: the name that it is for is not kept"},
    {"tls_key.values", "UPDATE tls_key SET private_key = ''", "key 1: a value"},
    {"acme_account.values", "UPDATE acme_account SET private_key = ''",
     "account with the authority https://ca.test/dir"},
    {"acme_challenge.values", "UPDATE acme_challenge SET kind = 7", "challenge for mx.example.org: a value"},
    {"sequence.main", "UPDATE sqlite_sequence SET seq = 0 WHERE name = 'hook'", "an id of hook would be"},
    {"hook.account", "UPDATE hook SET account = 9", "hook 1: its account does not exist"},
    {"hook.cursor", "UPDATE hook SET cursor = 99", "hook 1: it has come further"},
    {"hook.values", "UPDATE hook SET state = 3", "hook 1: a value"},
    {"hook.values", "UPDATE hook SET secret = x'00'", "hook 1: a value"},
    {"feed.values", "UPDATE feed SET word = 'x'", "row 2 of what is to be told: a value"},
    {"send_key.account", "UPDATE send_key SET account = 9", "account 9: it sent something under a key, but does not"},
    {"send_key.values", "UPDATE send_key SET digest = x'00'", "account 1: of what it sent under a key a value"},
    {"metadata.values", "UPDATE metadata SET words = ''", "what is said of it is nothing"},
    {"suppression.owner", "INSERT INTO suppression VALUES(1, 3, 99, 'a@b.test', 5, NULL, '', 1, 0)",
     "suppression 1: whose it is does not exist"},
    {"suppression.values", "INSERT INTO suppression VALUES(1, 1, 0, 'ab', 5, NULL, '', 1, 0)",
     "suppression 1: a value"},
    {"suppression_strike.account", "INSERT INTO suppression_strike VALUES(99, 'a@b.test', zeroblob(16), 2, 1)",
     "account 99: something of its mail is counted"},
    {"suppression_strike.values", "INSERT INTO suppression_strike VALUES(1, '', zeroblob(16), 2, 1)",
     "account 1: of what is counted of its mail"},
    {"dmarc.orphans", "DELETE FROM dmarc_day", "DMARC reports of day 86400000: rows belong to no report"},
};

constexpr Break kBulk[] = {
    {"file.schema", "DROP INDEX bulk_staged", "bulk.db: the index bulk_staged is missing"},
    {"file.pair", "UPDATE origin SET store = 'x'", "bulk.db: it belongs to another store"},
    {"sequence.bulk", "UPDATE sqlite_sequence SET seq = 0", "bulk.db: ids up to 1 would be given again"},
    {"bulk.state", "UPDATE bulk SET state = 4", "body 1 in bulk.db: in no known state"},
    {"bulk.size", "UPDATE bulk SET size = size + 1", "body 1 in bulk.db: its size is not that of its chunks"},
    {"bulk.content", "UPDATE bulk SET state = 1", "body 1: not complete in bulk.db"},
    {"bulk.content", "DELETE FROM bulk", "body 1: not complete in bulk.db"},
    {"bulk.content", "UPDATE chunk SET sum = 1", "body 1: a chunk in bulk.db does not match its checksum"},
    {"bulk.content", "DELETE FROM chunk WHERE start > 300000", "body 1: is not of its size in bulk.db"},
    {"bulk.content", "DELETE FROM chunk WHERE start = 0", "body 1: has a gap in bulk.db"},
    {"bulk.owner", "INSERT INTO bulk VALUES(2, 0, 2, 0)", "body 2 in bulk.db: has no owner"},
    {"bulk.epoch", "UPDATE bulk SET epoch = 99", "body 1 in bulk.db: of an epoch that is still to come"},
    {"chunk.bulk", "INSERT INTO chunk VALUES(7, 0, 0, x'61')", "body 7 in bulk.db: it is unknown, but has chunks"},
    {"chunk.values", "UPDATE chunk SET data = x'' WHERE start = 0", "body 1 in bulk.db: a chunk has no possible size"},
};

std::vector<Finding> findings_in(const std::string& directory) {
  std::vector<Finding> found;
  auto inspection = inspect_sqlite(directory);
  EXPECT_TRUE(inspection) << inspection.error().message;
  for (std::optional<VerifyPoint> at = VerifyPoint{}; inspection && at;) {
    VerifyStep step = (*inspection)->step(*at);
    std::ranges::move(step.findings, std::back_inserter(found));
    at = step.next;
  }
  return found;
}

std::string shown(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) text += finding.rule + ": " + finding.what + "\n";
  return text.empty() ? "nothing" : text;
}

class SqliteVerify : public testing::Test {
protected:
  std::string path(const std::string& name) const { return place_.path() + "/" + name; }
  void make_store() const {
    SqliteOptions options;
    options.directory = path("whole");
    const auto store = open_sqlite(options);
    ASSERT_TRUE(store) << store.error().message;
    FullStore(**store).fill();
  }
  /// A copy of the store with something changed.
  std::vector<Finding> broken(const char* file, const char* sql) const {
    std::filesystem::remove_all(path("broken"));
    std::filesystem::copy(path("whole"), path("broken"));
    Db(path("broken") + "/" + file, SQLITE_OPEN_READWRITE).exec(sql);
    return findings_in(path("broken"));
  }
  void expect_told(const char* file, std::span<const Break> breaks) {
    for (const Break& one : breaks) {
      SCOPED_TRACE(one.sql);
      const std::vector<Finding> found = broken(file, one.sql);
      const bool told = std::ranges::any_of(found, [&one](const Finding& finding) {
        return finding.rule == one.rule && finding.what.find(one.told) != std::string::npos && !finding.advice.empty();
      });
      EXPECT_TRUE(told) << one.rule << " is not told of, but:\n" << shown(found);
    }
  }

  const TemporaryDirectory place_;
};

TEST_F(SqliteVerify, AWholeStoreIsSound) {
  make_store();
  EXPECT_EQ(shown(findings_in(path("whole"))), "nothing");
}

TEST_F(SqliteVerify, TellsOfFilesThatLackSomething) {
  make_store();
  expect_told("paquebot.db", kShape);
}

TEST_F(SqliteVerify, TellsOfABrokenDirectory) {
  make_store();
  expect_told("paquebot.db", kDirectory);
}

TEST_F(SqliteVerify, TellsOfBrokenAccess) {
  make_store();
  expect_told("paquebot.db", kAccess);
}

TEST_F(SqliteVerify, TellsOfABrokenQueue) {
  make_store();
  expect_told("paquebot.db", kQueue);
}

TEST_F(SqliteVerify, TellsOfBrokenMailboxes) {
  make_store();
  expect_told("paquebot.db", kMailbox);
}

TEST_F(SqliteVerify, TellsOfBrokenContent) {
  make_store();
  expect_told("paquebot.db", kContent);
}

TEST_F(SqliteVerify, TellsOfABrokenBulkFile) {
  make_store();
  expect_told("bulk.db", kBulk);
}

TEST_F(SqliteVerify, EveryRuleIsBrokenOnce) {
  std::set<std::string> tried{"file.pages"}; // SqliteOpen.DamageFoundAfterACrashIsRefused, backup_test.py
  for (const std::span<const Break> breaks :
       {std::span<const Break>(kShape), std::span<const Break>(kDirectory), std::span<const Break>(kAccess),
        std::span<const Break>(kQueue), std::span<const Break>(kMailbox), std::span<const Break>(kContent),
        std::span<const Break>(kBulk)})
    for (const Break& one : breaks) tried.insert(one.rule);
  struct Names {
    std::vector<std::string> operator()(const Walk& walk) const {
      std::vector<std::string> names;
      for (const Rule& rule : walk.rules) names.emplace_back(rule.name);
      return names;
    }
    std::vector<std::string> operator()(const Question& question) const { return {question.name}; }
    std::vector<std::string> operator()(const Look& look) const { return {look.names.begin(), look.names.end()}; }
  };
  for (const Part& part : all_parts())
    for (const std::string& name : std::visit(Names(), part)) EXPECT_TRUE(tried.contains(name)) << name;
}

/// What looks like a mistake and is none.
TEST_F(SqliteVerify, LeavesAloneWhatMayBe) {
  make_store();
  const char* cases[] = {
      // an alias that leads to itself and to somebody
      "INSERT INTO address VALUES(1, 'a', 0, ''); "
      "INSERT INTO address_target VALUES(1, 'a', 'a@example.org'), (1, 'a', 'anna@example.org')",
      // UIDLs that do not rise, as after a clock was set back, but differ
      "UPDATE entry SET uidl = randomblob(16)",
      // trails that are gone
      "DELETE FROM event WHERE message IN (SELECT id FROM message WHERE pending = 0); "
      "DELETE FROM recipient WHERE message IN (SELECT id FROM message WHERE pending = 0); "
      "DELETE FROM message WHERE pending = 0",
      // what came by a clock that was at its beginning, and hashes of other programs
      "UPDATE account SET password = '_J9..CCCCXBrJUJV154M'",
      "UPDATE account SET password = 'CCNf8Sbh3HDfQ'",
      "UPDATE account SET password = ''",
      // flags that were changed, and keywords
      "UPDATE entry SET flags = 65 | 65536 | (1 << 62), modseq = 5 WHERE uid = 3 AND mailbox = 1; "
      "UPDATE mailbox SET unseen = unseen - 1, highestmodseq = 20 WHERE id = 1; "
      "INSERT INTO keyword VALUES(1, 16, '$Junk'), (1, 62, 'b')",
      // recipients delivered by an older program
      "UPDATE recipient SET uid = 0, mailbox = 0; DELETE FROM entry WHERE mailbox = 7; "
      "UPDATE mailbox SET count = 0, bytes = 0, unseen = 0 WHERE id = 7; DELETE FROM body WHERE bulk = 0 AND id NOT IN "
      "(SELECT body FROM entry UNION SELECT body FROM message); "
      "UPDATE body SET refs = 1 WHERE bulk <> 0",
  };
  for (const char* sql : cases) EXPECT_EQ(shown(broken("paquebot.db", sql)), "nothing") << sql;
}

} // namespace
} // namespace paquebot::store::sqlite
