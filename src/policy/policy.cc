#include "policy/policy.h"

#include "base/text.h"
#include "mail/head.h"
#include "mail/readings.h"
#include "policy/replies.h"

namespace paquebot::policy {
namespace {

using directory::Resolution;

/// More addresses than this in From or Sender are nobody's.
constexpr std::size_t kMaxAuthors = 100;

/// More fields than these are refused.
constexpr std::size_t kMostFrom = 4;

/// Of all fields of a name.
std::vector<std::string> values_of(const mail::Head& head, const std::string& name) {
  std::vector<std::string> values;
  for (const mail::Field& field : head)
    if (field.is(name)) values.push_back(mail::unfold(field.value()));
  return values;
}

/// What some programs take for one of the fields that name who writes, and others don't: a place to hide another
/// author.
std::optional<mail::Reply> hidden_author(const mail::Head& head) {
  for (const char* name : {"From", "Sender", "Resent-From", "Resent-Sender"})
    for (const mail::Field& field : head)
      if (field.resembles(name))
        return malformed_author(name, "a line resembles that field and is none", mail::unfold(field.raw));
  return {};
}

bool is_submission(const Client& client) { return client.role == smtp::Role::submission; }

RecipientVerdict refused(mail::Reply reply) { return {std::move(reply), {}}; }

} // namespace

Policy::Policy(directory::Directory& directory, LimitBook* limits, ReturnPaths* paths, RelayRates* relays)
    : directory_(directory), limits_(limits), paths_(paths), relays_(relays) {}

Task<mail::Reply> Policy::check_sender(const Client& client, const mail::Sender& sender) {
  // On port 25 anybody may claim any address: who may is for sender authentication to say.
  if (!is_submission(client)) co_return ok_sender();
  if (client.account == 0) co_return login_first();
  if (limits_ != nullptr) {
    mail::Reply limit = co_await limits_->check_message(client.account, client.login, sender.declared_size);
    if (limit.code != 0) co_return limit;
  }
  // RFC 6409 section 6.1 keeps it possible: programs that answer for their user send with "<>" (RFC 3834, RFC 8098).
  if (sender.reverse_path.empty()) co_return ok_sender();
  const auto owned = co_await directory_.owns(client.account, sender.reverse_path);
  if (!owned) co_return try_later(owned.error().message);
  if (!*owned) co_return not_your_address(sender.reverse_path.to_string(), client.login);
  co_return ok_sender();
}

std::optional<mail::Reply> Policy::check_sender_now(const Client& client) const {
  if (is_submission(client)) return {};
  return ok_sender();
}

/// Who is in a configured network may send to others, as one of ours or as whom the configuration names.
Task<mail::Reply> Policy::check_relay(Client client, mail::Address sender, mail::Address recipient) {
  if (client.account != 0) co_return ok_recipient();
  if (!client.relay) co_return no_relay(recipient);
  const std::string text = sender.empty() ? "<>" : sender.to_string();
  for (const std::string& one : client.relay->senders)
    if (iequals(one, text) || (!sender.empty() && iequals(one, sender.domain))) co_return ok_recipient();
  if (sender.empty()) co_return no_relay_sender(text);
  const auto ours = co_await directory_.is_our_domain(sender.domain);
  if (!ours) co_return try_later(ours.error().message);
  co_return *ours ? ok_recipient() : no_relay_sender(text);
}

/// Only who has logged in has proved who he is: an alias with senders is not for strangers.
Task<mail::Reply> Policy::check_alias(const Client& client, const mail::Address& sender, const mail::Address& alias,
                                      const directory::Resolution& found) {
  mail::Reply refusal = not_for_you(alias.to_string(), alias.domain, found.senders);
  if (client.account == 0) co_return refusal;
  const std::string domain = sender.empty() ? client.login.substr(client.login.rfind('@') + 1) : sender.domain;
  std::vector<std::string> named;
  for (const std::string& who : found.senders) {
    if (who == kSendersMembers) {
      if (found.nodes.front().account == client.account) co_return ok_recipient();
      named.insert(named.end(), found.targets.begin(), found.targets.end());
    } else if (who.contains('@')) {
      named.push_back(who);
    } else {
      std::string wanted = who == kSendersDomain ? alias.domain : who, given = domain;
      const auto one = co_await directory_.main_domain(std::move(wanted));
      const auto other = co_await directory_.main_domain(std::move(given));
      if (!one || !other) co_return try_later((one ? other : one).error().message);
      if (*one == *other) co_return ok_recipient();
    }
  }
  for (const std::string& one : named) {
    const auto address = mail::parse_address(one);
    if (!address) continue;
    mail::Address wanted = *address;
    const auto its = co_await directory_.owns(client.account, std::move(wanted));
    if (!its) co_return try_later(its.error().message);
    if (*its) co_return ok_recipient();
  }
  co_return refusal;
}

Task<RecipientVerdict> Policy::check_recipient(const Client& client, const mail::Sender& sender,
                                               const mail::Recipient& recipient) {
  if (client.account != 0 && limits_ != nullptr) {
    mail::Reply limit = co_await limits_->check_recipient(client.account, client.login, client.recipients);
    if (limit.code != 0) co_return refused(std::move(limit));
  }
  const mail::Address& address = recipient.address;
  if (paths_ != nullptr) {
    auto back = co_await paths_->returning(address);
    if (!back) co_return refused(try_later(back.error().message));
    if (*back) {
      Task<RecipientVerdict> bounce = check_bounce(sender, address.to_string(), std::move(**back));
      co_return co_await std::move(bounce);
    }
  }
  auto found = co_await directory_.resolve(address);
  if (!found) co_return refused(try_later(found.error().message));
  const std::string text = address.to_string();
  switch (found->kind) {
    case Resolution::Kind::not_ours:
      // The only place that lets mail pass to others.
      {
        mail::Reply relay = co_await check_relay(client, sender.reverse_path, address);
        if (!relay.positive()) co_return refused(std::move(relay));
        if (client.account == 0 && relays_ != nullptr)
          if (mail::Reply over = relays_->count(client.address, client.relay->limits, client.recipients == 0);
              over.code != 0)
            co_return refused(std::move(over));
      }
      co_return RecipientVerdict{ok_recipient(), {directory::Node{text, store::Handling::remote, 0, -1, {}}}};
    case Resolution::Kind::unknown: co_return refused(unknown_recipient(text));
    case Resolution::Kind::not_yet: co_return refused(not_made_yet(text));
    case Resolution::Kind::loop: co_return refused(alias_loop(text));
    case Resolution::Kind::too_large: co_return refused(alias_too_large(text));
    case Resolution::Kind::found: break;
  }
  if (found->fallback) co_return refused(unknown_recipient(text));
  if (!found->senders.empty()) {
    mail::Reply alias = co_await check_alias(client, sender.reverse_path, address, *found);
    if (!alias.positive()) co_return refused(std::move(alias));
  }
  if (found->mailbox_full) co_return refused(mailbox_full(text));
  co_return RecipientVerdict{ok_recipient(), std::move(found->nodes)};
}

std::optional<RecipientVerdict> Policy::check_recipient_now(const Client& client,
                                                            const mail::Recipient& recipient) const {
  if (client.account != 0 || Srs::looks_like(recipient.address.local)) return {};
  std::optional<Resolution> found = directory_.resolve_now(recipient.address);
  if (!found) return {};
  return RecipientVerdict{ok_recipient(), std::move(found->nodes)};
}

/// To `address`, a return address of what we forwarded: on to the sender of that message. Reports come with "<>" (RFC
/// 5321 section 4.5.5); nothing else has a reason to go there.
Task<RecipientVerdict> Policy::check_bounce(mail::Sender sender, std::string address, Returned returned) {
  if (!sender.reverse_path.empty()) co_return refused(only_reports(address));
  if (returned.about.returned >= returned.most()) co_return refused(enough_reports(address));
  mail::Address target = returned.about.sender;
  const std::string text = target.to_string();
  auto found = co_await directory_.resolve(std::move(target));
  if (!found) co_return refused(try_later(found.error().message));
  RecipientVerdict verdict{ok_recipient(), {}, std::move(returned)};
  if (found->kind == Resolution::Kind::not_ours) {
    verdict.nodes.push_back({address, store::Handling::expanded, 0, -1, {}, 0, {}});
    verdict.nodes.push_back({text, store::Handling::remote, 0, 0, {}, 0, {}});
    co_return verdict;
  }
  if (found->kind == Resolution::Kind::not_yet) co_return refused(not_made_yet(address));
  if (found->kind != Resolution::Kind::found || found->fallback) co_return refused(unknown_recipient(address));
  verdict.nodes = std::move(found->nodes);
  co_return verdict;
}

Task<Result<std::optional<Returned>>> Policy::whose_return(mail::Address address) {
  if (paths_ == nullptr) co_return std::optional<Returned>();
  auto found = co_await paths_->returning(std::move(address));
  co_return found;
}

Task<mail::Reply> Policy::take_return(Returned returned, std::string address, Ulid report) {
  auto taken = co_await paths_->take(std::move(returned), report);
  if (!taken) co_return try_later(taken.error().message);
  switch (*taken) {
    case ReturnPaths::Taken::enough: co_return enough_reports(address);
    case ReturnPaths::Taken::later: co_return many_reports(address);
    case ReturnPaths::Taken::yes: break;
  }
  co_return mail::Reply();
}

Task<mail::Reply> Policy::check_authors(Client client, std::string field, std::string value) {
  mail::Readings read = mail::readings_of(value, kMaxAuthors);
  if (read.more) co_return malformed_author(field, "it has too many addresses", value);
  if (read.addresses.empty() && read.tidy) co_return no_author(field);
  if (read.addresses.empty()) co_return malformed_author(field, read.why, value);
  // Whatever a program may show as the author is to be the account's.
  for (mail::Address& address : read.addresses) {
    if (address.local.empty()) co_return malformed_author(field, read.why, value);
    const std::string text = address.to_string();
    const auto owned = co_await directory_.owns(client.account, std::move(address));
    if (!owned) co_return try_later(owned.error().message);
    if (!*owned) co_return not_your_author(field, text, client.login);
  }
  co_return ok_content();
}

/// Whether the domain, or one that it lies in, is ours: what is signed for such an author is signed as ours.
Task<Result<bool>> Policy::is_below_ours(std::string domain) {
  for (;;) {
    const auto ours = co_await directory_.is_our_domain(domain);
    if (!ours || *ours) co_return ours;
    const std::size_t dot = domain.find('.');
    if (dot == std::string::npos) co_return false;
    domain.erase(0, dot + 1);
  }
}

/// Of a message that is sent on: each address is the account's, or nobody's of ours.
Task<mail::Reply> Policy::check_strangers(Client client, std::string field, std::string value) {
  mail::Readings read = mail::readings_of(value, kMaxAuthors);
  if (read.more) co_return malformed_author(field, "it has too many addresses", value);
  if (read.addresses.empty()) co_return malformed_author(field, read.why, value);
  for (mail::Address& address : read.addresses) {
    if (address.local.empty()) co_return malformed_author(field, read.why, value);
    const std::string text = address.to_string();
    std::string domain = address.domain;
    const auto owned = co_await directory_.owns(client.account, std::move(address));
    if (!owned) co_return try_later(owned.error().message);
    if (*owned) continue;
    const auto ours = co_await is_below_ours(std::move(domain));
    if (!ours) co_return try_later(ours.error().message);
    if (*ours) co_return not_your_author(field, text, client.login);
  }
  co_return ok_content();
}

Task<AuthorVerdict> Policy::check_header_sender(Client client, std::string head) {
  if (!is_submission(client)) co_return AuthorVerdict{ok_content()};
  if (client.account == 0) co_return AuthorVerdict{login_first()};
  const auto parsed = mail::Head::parse(std::move(head));
  if (!parsed) co_return AuthorVerdict{malformed_author("From", parsed.error().message, {})};
  if (const auto hidden = hidden_author(*parsed)) co_return AuthorVerdict{*hidden};
  static const std::string kResent[] = {"Resent-From", "Resent-Sender"};
  bool resends = parsed->count(kResent[0]) > 0;
  for (const std::string& field : kResent) { // the first is of who sends it now
    if (!resends || parsed->count(field) == 0) continue;
    std::string value = parsed->value(field);
    const mail::Reply own = co_await check_authors(client, field, std::move(value));
    if (own.transient()) co_return AuthorVerdict{own};
    resends = own.positive();
  }
  // RFC 5322 section 3.6: one From and at most one Sender. A second one would be a place to hide another author: of
  // several From each has to be the account's. Without a From, intake writes that of the account (RFC 6409
  // section 8.1).
  static const std::string kFrom = "From", kSender = "Sender";
  std::vector<std::string> from = values_of(*parsed, kFrom), senders = values_of(*parsed, kSender);
  AuthorVerdict verdict = co_await check_fields(client, kFrom, std::move(from), resends);
  if (!verdict.reply.positive()) co_return verdict;
  const AuthorVerdict sender = co_await check_fields(client, kSender, std::move(senders), resends);
  verdict.reply = sender.reply;
  co_return verdict;
}

/// Of all fields of that name: each, and where there are several, all of them as one list, which some programs make of
/// them.
Task<AuthorVerdict> Policy::check_fields(Client client, std::string field, std::vector<std::string> values,
                                         bool resends) {
  AuthorVerdict verdict{ok_content()};
  const std::size_t most = field == "From" ? kMostFrom : 1;
  if (values.size() > most) co_return AuthorVerdict{too_many_authors(field, most, values)};
  if (values.size() > 1) {
    std::string all;
    for (const std::string& value : values) all += (all.empty() ? "" : ", ") + value;
    values.push_back(std::move(all));
  }
  for (std::string& value : values) {
    verdict.reply = co_await check_authors(client, field, value);
    if (verdict.reply.permanent() && resends) {
      verdict.resent = verdict.resent || field == "From";
      verdict.reply = co_await check_strangers(client, field, std::move(value));
    }
    if (!verdict.reply.positive()) co_return verdict;
  }
  co_return verdict;
}

} // namespace paquebot::policy
