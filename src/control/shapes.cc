// Things that several answers have in them.

#include "control/schema.h"

namespace paquebot::control {

namespace {

std::vector<Shape> general_shapes() {
  return {
      {"Domain", "a domain of ours", "name:text display_name:text owner:text|null alias_of?:text"},
      {"Record", "one record for the DNS; `zone` is ready to paste",
       "name:text type:text value:text zone:text purpose:text"},
      {"DkimKey", "a key that signs; `bits` and `record` are missing when it can't be read",
       "domain:text selector:text algorithm:rsa/ed25519 bits?:number state:next/active/retired created:time "
       "changed:time record?:Record"},
      {"Account", "an account; `scram`: SCRAM works with its password; `quota` 0: any",
       "login:text disabled:bool has_password:bool quota:number used:number messages:number created:time scram:bool"},
      {"TlsKey", "a key of a certificate; `record` where the zone is signed",
       "state:active/next created:time digest:text record?:Record"},
      {"Certificate", "one that is ordered; no attempt before `again_at`, no change of keys before `rotates_at`",
       "name:text state:valid/late/expired/waiting/failing authority:text issued:time not_after:time renew_at:time "
       "ordered:bool failures:number again_at:time error:text rotation_wanted:bool records_seen_since:time "
       "rotates_at:time signed_zone:bool keys:[TlsKey]"},
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
       "held, waiting, in hand, in mailbox, relayed, expanded, failed, dropped",
       "index:number address:text parent:integer "
       "state:text destination:text due:time "
       "attempts:number last_reply:text told:Told changed:time report_owed:none/failure/delay/success reason:text "
       "mailbox?:text destination_error?:text destination_until?:time"},
      {"Message", "a message; `account` is the login of who submitted it",
       "id:text class:incoming/submitted/local/report/imported sender:text envid:text peer:text account?:text "
       "accepted:time expires:time tls:text priority:integer deliver_by:time deliver_by_mode:text hold_until:time "
       "size:number recipients:[Recipient]"},
      {"Event", "one step of a message; of the kind `returned`, `detail` is the id of a report that came by mail",
       "at:time kind:text recipients:[number] detail:text times:number"},
      {"Destination", "a place that mail waits for",
       "destination:text earliest_due:time backoff_until:time failures:number last_error:text waiting:number"},
      {"Refusal", "an attempt that was refused; `from` is empty for the null sender, `to` where MAIL was refused",
       "at:time client:text account:text from:text to:text reply:text"},
      {"Symptom", "what the doctor saw: whole sentences; `records` belong into the DNS",
       "level:good/note/unknown/warning/wrong check:text about:text seen:text means:text advice:text records:[Record]"},
      {"Finding", "something that is wrong", "rule:text what:text advice:text"},
      {"Report", "a message that looks like a report; `content` is base 64", "uid:number date:time content:text"},
      {"Right", "who looks after what", "login:text role:text domain?:text"},
      {"Token", "a token; `login` is empty for the server's own; no `domains`, no `networks`: any",
       "id:number login:text label:text scopes:[text] domains:[text] networks:[text] created:time expires:time "
       "used:time used_from:text"},
  };
}

/// Who asks, and who did what.
std::vector<Shape> access_shapes() {
  return {
      {"Me",
       "who asks; `session`: by a cookie; `totp`: with a second factor, which is `two_factor_recommended` for who may "
       "do more than what is his own",
       "name:text role:text domains:[text] login?:text scopes?:[text] session:bool totp:bool "
       "two_factor_recommended:bool hostname:text sink:bool"},
      {"AuditEntry",
       "an order that was given; `login` of the account, empty for the server's own; `from` empty: locally",
       "id:number time:time who:text login:text role:text from:text action:text on:text result:text"},
  };
}

} // namespace

const std::vector<Shape>& shapes() {
  static const std::vector<Shape> all = [] {
    std::vector<Shape> made;
    for (const auto& part : {general_shapes(), access_shapes()}) made.insert(made.end(), part.begin(), part.end());
    return made;
  }();
  return all;
}

} // namespace paquebot::control
