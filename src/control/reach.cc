// What an action is about, and whether that is within the asker's reach.

#include "base/text.h"
#include "control/dispatch.h"
#include "control/handlers.h"

#include <algorithm>

namespace paquebot::control {

Problem no_account(std::string_view login) {
  return {Errc::not_found, "there is no account " + printable(login, 256), "paquebot account list names them"};
}

Problem no_domain(std::string_view domain) {
  return {Errc::not_found, printable(domain, 256) + " is not a domain of this server yet",
          "add it first: paquebot domain add " + printable(domain, 256)};
}

Problem no_message(std::string_view id) {
  return {Errc::not_found, "no message has the id " + printable(id, 64) + "; trails are kept for 30 days"};
}

Problem no_token(std::string_view id) {
  return {Errc::not_found, "there is no token " + printable(id, 64), "paquebot token list names them"};
}

Problem no_hook(std::string_view id) {
  return {Errc::not_found, "there is no hook " + printable(id, 64), "paquebot hook list names them"};
}

Problem no_suppression(std::string_view id) {
  return {Errc::not_found, "there is no suppression " + printable(id, 64), "paquebot suppression list names them"};
}

Task<Found<Grants>> grants_of(Context& context, store::Account account) {
  Grants grants;
  grants.role = Role::account;
  grants.account = account.id;
  grants.login = account.login;
  const auto rows = co_await context.store.rights().list_grants(account.id);
  if (!rows) co_return std::unexpected(rows.error());
  for (const store::Grant& row : *rows) {
    if (row.domain.empty())
      grants.role = Role::operator_;
    else
      grants.domains.insert(row.domain);
  }
  if (grants.role == Role::operator_) grants.domains.clear();
  if (grants.domains.empty()) co_return grants;
  grants.role = Role::domain_admin;
  const auto domains = co_await context.store.directory().list_domains();
  if (!domains) co_return std::unexpected(domains.error());
  for (const store::Domain& domain : *domains)
    if (!domain.alias_of.empty() && grants.domains.contains(domain.alias_of)) grants.domains.insert(domain.name);
  co_return grants;
}

Task<Found<>> Dispatch::check_object() {
  const Action& action = *match_.action;
  const Grants& grants = asker_.grants;
  const bool acts = action.method != "GET";
  if (action.object.whose == Whose::server && !grants.serves_all())
    co_return refuse(Errc::permission, "this is for whoever is operator or more");
  // Nobody who asks this way has more than an operator has, so that all is within reach; only a token must not become
  // more.
  const bool to_password = action.gives == Gives::password || action.gives == Gives::reset;
  if (grants.serves_all() && action.object.whose != Whose::content && (!to_password || asker_.token == 0))
    co_return Found<>();
  const auto name = named(action.object.by);
  Found<> reached;
  if (name) {
    std::string one = *name;
    switch (action.object.whose) {
      case Whose::server:
      case Whose::open: break;
      case Whose::domain:
      case Whose::place: reached = co_await check_place(std::move(one)); break;
      case Whose::account: reached = co_await check_account(std::move(one), acts); break;
      case Whose::message: reached = co_await check_message(std::move(one)); break;
      case Whose::content: reached = co_await check_content(std::move(one)); break;
      case Whose::token: reached = co_await check_token(std::move(one)); break;
      case Whose::hook: reached = co_await check_hook(std::move(one), acts); break;
      case Whose::suppression: reached = co_await check_suppression(std::move(one)); break;
      case Whose::owner:
        if (one == "*") // the whole server's
          reached = refuse(Errc::permission, "this is for whoever is operator or more");
        else if (one.find('@') != one.npos)
          reached = co_await check_account(std::move(one), acts);
        else
          reached = co_await check_place(std::move(one));
        break;
    }
  }
  if (!reached) co_return reached;
  if (const auto also = named(action.object.also)) {
    std::string other = *also;
    reached = co_await check_account(std::move(other), acts);
  }
  if (!reached || action.gives != Gives::right) co_return reached;
  const auto over = named("domain");
  if (!over || over->empty()) co_return refuse(Errc::permission, "only an operator decides on operators");
  std::string place = *over;
  reached = co_await check_place(std::move(place));
  co_return reached;
}

Task<Found<>> Dispatch::check_place(std::string name) {
  const auto at = name.rfind('@');
  const std::string text = at == name.npos ? name : name.substr(at + 1);
  const auto domain = read_domain(text);
  if (!domain) co_return std::unexpected(domain.error());
  if (!asker_.grants.reaches_domain(*domain)) co_return std::unexpected(no_domain(*domain));
  std::string ours = *domain;
  auto there = co_await need_domain(context_, std::move(ours));
  co_return there;
}

/// `acts`: it is about to be changed, which nobody does to somebody with more grants.
Task<Found<>> Dispatch::check_account(std::string name, bool acts) {
  const auto address = read_address(name, "the account");
  if (!address) co_return std::unexpected(address.error());
  const std::string login = address->local + "@" + address->domain;
  if (!asker_.grants.reaches_login(login)) co_return std::unexpected(no_account(login));
  std::string wanted = login;
  auto account = co_await need_account(context_, std::move(wanted));
  if (!account) co_return std::unexpected(account.error());
  if (!acts) co_return Found<>();
  store::Account found = std::move(*account);
  auto may = co_await check_gift(std::move(found));
  co_return may;
}

Task<Found<>> Dispatch::check_gift(store::Account account) const {
  const bool own = account.id == asker_.grants.account;
  const Gives gives = match_.action->gives;
  const bool password =
      gives == Gives::reset || (gives == Gives::password && (body_.contains("password") || body_.contains("hash")));
  if (own && !(password && asker_.token != 0)) co_return Found<>();
  if (own)
    co_return refuse(Errc::permission, "a token can't set the password of its own account",
                     "log in with the one it has");
  const std::string login = account.login;
  const auto theirs = co_await grants_of(context_, std::move(account));
  if (!theirs) co_return std::unexpected(theirs.error());
  if (!asker_.grants.covers(*theirs))
    co_return refuse(Errc::permission, login + " may do more than you: that account is not yours to change");
  if (password && asker_.token != 0 && theirs->role > Role::account)
    co_return refuse(Errc::permission, "a token can't set the password of an administrator", "log in with a password");
  co_return Found<>();
}

Task<Found<>> Dispatch::check_message(std::string text) const {
  const auto id = read_id(text);
  if (!id) co_return std::unexpected(id.error());
  const std::string shown = id->to_string();
  const auto trace = co_await context_.store.trail().trace(*id);
  if (!trace && trace.error().code == Errc::not_found) co_return std::unexpected(no_message(shown));
  if (!trace) co_return std::unexpected(trace.error());
  std::set<store::Id> accounts{trace->message.account};
  for (const store::RecipientFacts& recipient : trace->recipients) {
    if (recipient.account == 0 && asker_.grants.reaches_login(recipient.address)) co_return Found<>();
    accounts.insert(recipient.account);
    if (recipient.account != 0 || recipient.state != store::State::held) continue;
    std::string address = recipient.address; // which may be an alias of his
    const auto his = co_await leads_only_to(context_, std::move(address), asker_.grants.account);
    if (his && *his) co_return Found<>();
  }
  accounts.erase(0);
  if (accounts.contains(asker_.grants.account)) co_return Found<>();
  for (const store::Id one : accounts) {
    const auto account = co_await context_.store.directory().get_account(one);
    if (account && asker_.grants.reaches_login(account->login)) co_return Found<>();
  }
  co_return std::unexpected(no_message(shown));
}

/// Whose mail it is, and nobody else: whoever looks after a server or a domain does not read what others write.
Task<Found<>> Dispatch::check_content(std::string text) const {
  const auto id = read_id(text);
  if (!id) co_return std::unexpected(id.error());
  const store::Id own = asker_.grants.account;
  const auto trace = co_await context_.store.trail().trace(*id);
  if (!trace && trace.error().code != Errc::not_found) co_return std::unexpected(trace.error());
  const auto has_it = [own](const store::RecipientFacts& one) { return one.account == own; };
  const bool own_mail =
      trace && own != 0 && (trace->message.account == own || std::ranges::any_of(trace->recipients, has_it));
  if (!own_mail) co_return std::unexpected(no_message(id->to_string()));
  co_return Found<>();
}

Task<Found<>> Dispatch::check_hook(std::string text, bool acts) const {
  const auto number = parse_u64(text);
  if (!number || *number > INT64_MAX) co_return std::unexpected(no_hook(text));
  const auto id = static_cast<store::Id>(*number);
  const auto hook = co_await context_.store.feed().get_hook(id);
  if (!hook && hook.error().code != Errc::not_found) co_return std::unexpected(hook.error());
  if (!hook || !asker_.grants.reaches(hook->login)) co_return std::unexpected(no_hook(text));
  if (!acts) co_return Found<>();
  const store::Id owner = hook->account;
  const auto account = co_await context_.store.directory().get_account(owner);
  if (!account) co_return std::unexpected(account.error());
  store::Account whose = *account;
  auto may = co_await check_gift(std::move(whose));
  co_return may;
}

/// Of an account that is within reach, or of a domain that is looked after: an account does not see its domain's.
Task<Found<>> Dispatch::check_suppression(std::string text) const {
  const auto number = parse_u64(text);
  if (!number || *number > INT64_MAX) co_return std::unexpected(no_suppression(text));
  const auto id = static_cast<store::Id>(*number);
  const auto found = co_await context_.store.books().get_suppression(id);
  if (!found && found.error().code != Errc::not_found) co_return std::unexpected(found.error());
  if (!found) co_return std::unexpected(no_suppression(text));
  using store::SuppressScope;
  const Grants& grants = asker_.grants;
  const bool reached = found->scope == SuppressScope::account  ? grants.reaches_login(found->owner)
                       : found->scope == SuppressScope::domain ? grants.reaches_domain(found->owner)
                                                               : grants.serves_all();
  if (!reached) co_return std::unexpected(no_suppression(text));
  co_return Found<>();
}

Task<Found<>> Dispatch::check_token(std::string text) const {
  const auto number = parse_u64(text);
  if (!number || *number > INT64_MAX) co_return std::unexpected(no_token(text));
  const auto id = static_cast<store::Id>(*number);
  const auto found = co_await context_.store.rights().get_token(id);
  if (!found && found.error().code != Errc::not_found) co_return std::unexpected(found.error());
  if (!found || !asker_.grants.reaches(found->login)) co_return std::unexpected(no_token(text));
  const auto account = co_await context_.store.directory().get_account(found->account);
  if (!account) co_return std::unexpected(account.error());
  store::Account whose = *account;
  auto may = co_await check_gift(std::move(whose));
  co_return may;
}

} // namespace paquebot::control
