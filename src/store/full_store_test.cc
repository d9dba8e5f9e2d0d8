#include "store/sending_limits.h"
#include "store/test_full_store.h"

namespace paquebot::store {

void FullStore::fill() {
  fill_directory();
  fill_mail();
  fill_queue();
  fill_rest();
  fill_feed();
}

std::shared_ptr<AcceptRequest> FullStore::message(const std::string& body) {
  auto request = std::make_shared<AcceptRequest>();
  request->id = ulids_.next();
  request->sender.reverse_path = {"x", "y.test"};
  request->peer = "client.test [127.0.0.1]";
  request->accepted_at = request->id.millis();
  request->expires_at = request->accepted_at + 5LL * 24 * 3600 * 1000;
  request->head = "Subject: x\r\n\r\n";
  request->body.bytes = body;
  request->body.size = body.size();
  return request;
}

NewRecipient FullStore::to(const Account& account) const {
  NewRecipient r;
  r.handling = Handling::mailbox;
  r.address = account.login;
  r.account = account.id;
  return r;
}

NewRecipient FullStore::away(const std::string& address) const {
  NewRecipient r;
  r.address = address;
  r.destination = address.substr(address.rfind('@') + 1);
  r.due = 1000;
  return r;
}

Ulid FullStore::accept(std::shared_ptr<AcceptRequest> request) {
  const AcceptResult result = run(store_.acceptance().accept(request));
  EXPECT_EQ(result.status, AcceptStatus::accepted) << result.why;
  return request->id;
}

void FullStore::fill_directory() {
  EXPECT_TRUE(run(store_.directory().add_domain("example.org")));
  Account wanted;
  wanted.login = "anna@example.org";
  wanted.password = "$argon2id$test";
  wanted.scram_salt = "salt";
  wanted.scram_iterations = 4096;
  wanted.scram_keys = "keys";
  anna_ = run(store_.directory().add_account(wanted)).value();
  wanted.login = "bert@example.org";
  bert_ = run(store_.directory().add_account(wanted)).value();
  AddressEntry team{"team", "example.org", 0, {"anna@example.org", "away@far.test"}};
  EXPECT_TRUE(run(store_.directory().add_address(team)));
  AppPassword phone;
  phone.account = anna_.id;
  phone.label = "phone";
  phone.hash = std::string(32, 'h');
  EXPECT_TRUE(run(store_.credentials().add_app_password(phone)));
  EXPECT_TRUE(run(store_.rights().grant(anna_.id, "example.org")));
  Token token;
  token.account = anna_.id;
  token.label = "script";
  token.hash = std::string(32, 't');
  token.scopes = {"queue.read"};
  EXPECT_TRUE(run(store_.rights().add_token(token)));
  std::vector<DkimKey> keys(1);
  keys[0].selector = "s1";
  keys[0].private_key = "PEM";
  EXPECT_TRUE(run(store_.keys().add_dkim_keys("example.org", keys)));
  EXPECT_TRUE(run(store_.books().set_limit(anna_.id, LimitKind::bytes_per_day, 1'000'000)));
}

/// Anna keeps three of four, bert two.
void FullStore::fill_mail() {
  const auto staged = run(store_.acceptance().stage()).value();
  std::uint64_t size = 0;
  for (const std::size_t octets : {kBodyChunk, kBodyChunk, std::size_t{1000}}) {
    EXPECT_TRUE(run(staged->append(std::string(octets, 'c'))));
    size += octets;
  }
  EXPECT_TRUE(run(staged->finish()));
  auto large = message("");
  large->body = {"", staged, size, mail::BodyType::seven_bit};
  large->recipients = {to(anna_), to(bert_)};
  accept(large);
  for (const char* text : {"one", "two", "three"}) {
    auto small = message(text);
    small->recipients = {to(anna_)};
    accept(small);
  }
  auto expanded = message("to all");
  NewRecipient team;
  team.address = "team@example.org";
  team.handling = Handling::expanded;
  NewRecipient member = to(bert_);
  member.parent = 0;
  expanded->recipients = {team, member};
  accept(expanded);
  const MailboxInfo inbox = run(store_.mailboxes().open(anna_.id, "INBOX")).value();
  std::vector<std::uint32_t> second = {2};
  EXPECT_EQ(run(store_.mailboxes().expunge(inbox.id, second, "anna")).value(), 1u);
}

void FullStore::fill_queue() {
  for (const char* address : {"relayed@far.test", "failed@far.test", "later@far.test"}) {
    auto request = message("out");
    request->recipients = {away(address)};
    accept(request);
  }
  const std::vector<WorkItem> items = run(store_.queue().claim("far.test", 2000, 10)).value().items;
  std::vector<Outcome> outcomes;
  for (const WorkItem& item : items) {
    Outcome outcome{.message = item.message.id,
                    .due = item.message.accepted_at + 60'000,
                    .reply = mail::Told::by({450, {4, 2, 0}, "later"}, "mx.far.test")};
    if (item.recipients[0].address.starts_with("relayed")) outcome.to = State::relayed;
    if (item.recipients[0].address.starts_with("failed")) {
      outcome.to = State::failed;
      outcome.owed = Owed::failure;
    }
    outcomes.push_back(outcome);
  }
  EXPECT_EQ(outcomes.size(), 3u);
  EXPECT_TRUE(run(store_.queue().record(outcomes, DestinationUpdate{"far.test", 5000, "it was down"})));
  auto held = message("held");
  NewRecipient r = away("held@other.test");
  r.handling = Handling::held;
  r.reason = "to look at";
  held->recipients = {r};
  accept(held);
  auto submitted = message("by anna");
  submitted->klass = MessageClass::submitted;
  submitted->account = anna_.id;
  submitted->limits = std::make_shared<const Limits>();
  submitted->recipients = {away("friend@other.test")};
  accept(submitted);
  EXPECT_TRUE(run(store_.books().suspect(anna_.id, TakeoverSign::failures, "many failures")));
}

void FullStore::fill_rest() {
  EXPECT_TRUE(run(store_.books().save_greylist({{"0123456789abcdef", GreyRow::State::waiting, 1000, 2000, 1, 3000}})));
  EXPECT_TRUE(
      run(store_.books().count_dmarc({{{86'400'000, "far.test"}, "v=DMARC1; p=none", {"192.0.2.1", "detail", 3}}})));
  fill_certificates();
  fill_access();
}

void FullStore::fill_certificates() {
  Certificates& certificates = store_.certificates();
  EXPECT_TRUE(run(certificates.save_acme_account({"https://ca.test/dir", "PEM", "https://ca.test/account/1", 0})));
  EXPECT_TRUE(run(certificates.add_tls_key({.name = "mx.example.org", .private_key = "PEM"})));
  const Id key = run(certificates.list_tls_keys("")).value().front().id;
  EXPECT_TRUE(run(certificates.install_certificate("mx.example.org", key, "CHAIN", "https://ca.test/dir")));
  EXPECT_TRUE(
      run(certificates.add_tls_key({.name = "mx.example.org", .state = TlsKey::State::next, .private_key = "PEM"})));
  EXPECT_TRUE(run(
      certificates.publish_challenge({ChallengeAnswer::Kind::http, "mx.example.org", "token", "answer", INT64_MAX})));
}

void FullStore::fill_access() {
  Access& access = store_.access();
  const auto hash = [](char letter) { return std::string(32, letter); };
  EXPECT_TRUE(run(access.add_session({.hash = hash('s'), .account = anna_.id, .from = "192.0.2.1"})));
  EXPECT_TRUE(run(access.add_link({hash('l'), OnceLink::Purpose::reset, bert_.id, 0, 253'402'300'799'999})));
  EXPECT_TRUE(run(access.begin_factor(anna_.id, "secret")));
  EXPECT_TRUE(run(access.confirm_factor(anna_.id, "secret", 5, {hash('c')})));
  AuditEntry entry{.who = "anna@example.org", .login = "anna@example.org"};
  entry.action = "account.add";
  EXPECT_TRUE(run(store_.audit().add(entry)));
}

void FullStore::fill_feed() {
  EXPECT_TRUE(run(store_.feed().add_hook({.account = anna_.id,
                                          .url = "https://hooks.example/in",
                                          .events = {"message.failed"},
                                          .secret = std::string(24, 's')})));
  auto request = message("by the API");
  request->klass = MessageClass::submitted;
  request->account = anna_.id;
  request->sending = Sending{"key", std::string(32, 'd'), "{}", R"({"order":"7"})"};
  request->recipients = {to(anna_)};
  accept(request);
}

} // namespace paquebot::store
