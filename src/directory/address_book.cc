#include "directory/address_book.h"

#include "base/text.h"

#include <algorithm>
#include <cstdlib>

namespace paquebot::directory {
namespace {

/// Strangers choose what is looked up: a name costs up to about 500 octets.
constexpr std::size_t kHalf = 8192;

bool is_role(std::string_view local) { return local == "postmaster" || local == "abuse"; }

Match leads_to(const store::AddressEntry& entry) {
  return {true, true, false, false, entry.account, entry.targets, entry.senders};
}

} // namespace

AddressBook::AddressBook(store::DirectoryStore& store, const Clock& clock, const Options& options)
    : store_(store), clock_(clock), options_(options), lookups_(kHalf), quotas_(kHalf), domains_(1) {
  options_.hostname = to_lower(options.hostname);
  options_.origin = options.origin.empty() ? options_.hostname : to_lower(options.origin);
}

Task<Result<AddressBook::Lookup>> AddressBook::lookup(std::string local, std::string domain) {
  const auto generation = store_.generation();
  const std::string key = local + "@" + domain;
  if (auto cached = lookups_.get(generation, key)) co_return *cached;
  auto found = co_await store_.find_address(std::move(local), std::move(domain));
  if (!found) co_return std::unexpected(found.error());
  auto shared = std::make_shared<const store::AddressLookup>(std::move(*found));
  lookups_.put(generation, key, shared);
  co_return shared;
}

Task<Result<AddressBook::Domains>> AddressBook::domains() {
  const auto generation = store_.generation();
  const std::string key;
  if (auto cached = domains_.get(generation, key)) co_return *cached;
  auto all = co_await store_.list_domains();
  if (!all) co_return std::unexpected(all.error());
  Domains summary;
  summary.count = all->size();
  for (const auto& domain : *all) {
    if (summary.first.empty()) summary.first = domain.name;
    if (summary.any_owner == 0) summary.any_owner = domain.owner;
  }
  summary.bare = places_of_names(*all);
  domains_.put(generation, key, summary);
  co_return summary;
}

/// The origin, then the domains that the server's name lies in, the closest one first; of them those that are ours,
/// each once.
std::vector<std::string> AddressBook::places_of_names(const std::vector<store::Domain>& all) const {
  std::vector<std::string> wanted{options_.origin};
  for (std::string name = options_.hostname; !name.empty();) {
    const auto dot = name.find('.');
    name = dot == std::string::npos ? std::string() : name.substr(dot + 1);
    if (!name.empty()) wanted.push_back(name);
  }
  std::vector<std::string> places;
  for (std::string& name : wanted) {
    const bool ours = std::ranges::any_of(all, [&](const store::Domain& domain) { return domain.name == name; });
    if (ours && std::ranges::find(places, name) == places.end()) places.push_back(std::move(name));
  }
  return places;
}

Task<Result<bool>> AddressBook::is_ours(std::string domain) {
  // Any local part will do: the lookup tells of the domain as well.
  std::string local = "postmaster";
  domain = to_lower(domain);
  auto found = co_await lookup(std::move(local), std::move(domain));
  if (!found) co_return std::unexpected(found.error());
  co_return (*found)->domain_is_ours;
}

Task<Result<std::string>> AddressBook::main_domain(std::string domain) {
  domain = to_lower(domain);
  std::string local = "postmaster";
  std::string name = domain;
  auto found = co_await lookup(std::move(local), std::move(name));
  if (!found) co_return std::unexpected(found.error());
  co_return (*found)->alias_of.empty() ? domain : (*found)->alias_of;
}

std::string_view AddressBook::without_tag(std::string_view local) const {
  // A separator in front is no tag: nothing would be left.
  return options_.tag_separator == 0 || local.empty() ? local : local.substr(0, local.find(options_.tag_separator, 1));
}

Task<Result<Match>> AddressBook::match_role(store::Id owner) {
  if (owner == 0) {
    auto all = co_await domains();
    if (!all) co_return std::unexpected(all.error());
    owner = all->any_owner;
  }
  co_return Match{true, true, false, false, owner, {}};
}

/// "root" and "ann" at the server's own name, when that is no domain of ours: where programs on this machine send to.
Task<Result<Match>> AddressBook::match_machine(std::string local) {
  const std::string base(without_tag(local));
  const auto all = co_await domains();
  if (!all) co_return std::unexpected(all.error());
  std::vector<std::string> places = all->bare;
  // The first domain has nothing to do with the server's name: its postmaster is its own.
  if (!all->first.empty() && (places.empty() || !is_role(base))) places.push_back(all->first);
  for (const std::string& place : places) {
    const auto found = co_await lookup(base, place);
    if (!found) co_return std::unexpected(found.error());
    if ((*found)->entry) co_return leads_to(*(*found)->entry);
  }
  if (is_role(base) || base == "root") co_return co_await match_role(0);
  auto match = co_await match_role(0);
  if (match) match->fallback = true;
  co_return match;
}

Task<Result<Match>> AddressBook::match(mail::Address address) {
  const std::string local = to_lower(address.local);
  const std::string domain = address.domain.empty() ? options_.hostname : to_lower(address.domain);
  const auto found = co_await lookup(local, domain);
  if (!found) co_return std::unexpected(found.error());
  const store::AddressLookup& exact = **found;
  if (!exact.domain_is_ours) {
    if (domain != options_.hostname) co_return Match{};
    co_return co_await match_machine(local);
  }
  if (exact.entry) co_return leads_to(*exact.entry);
  const std::string base(without_tag(local));
  if (base != local) {
    const auto stripped = co_await lookup(base, domain);
    if (!stripped) co_return std::unexpected(stripped.error());
    if ((*stripped)->entry) co_return leads_to(*(*stripped)->entry);
  }
  if (is_role(base)) co_return co_await match_role(exact.owner);
  if (exact.catch_all) co_return leads_to(*exact.catch_all);
  co_return unknown(exact);
}

/// By a clock that was put back a little, a domain of the future is new; of a further one nothing can be said.
Match AddressBook::unknown(const store::AddressLookup& looked_up) const {
  const std::int64_t age = millis(clock_.wall()) - looked_up.created;
  Match match;
  match.ours = true;
  match.not_yet = std::abs(age) < options_.new_domain_grace.count();
  return match;
}

Task<Result<Match>> AddressBook::match_program(mail::Address address) {
  const std::string domain = to_lower(address.domain);
  if (domain != options_.hostname && domain != options_.origin) {
    Match nobody;
    nobody.ours = true;
    co_return nobody;
  }
  std::string local = to_lower(address.local);
  co_return co_await match_machine(std::move(local));
}

store::Id AddressBook::known_mailbox(const mail::Address& address) {
  if (address.domain.empty()) return 0;
  const auto generation = store_.generation();
  const auto found = lookups_.get(generation, to_lower(address.local) + "@" + to_lower(address.domain));
  if (!found || !(*found)->domain_is_ours || !(*found)->entry) return 0;
  const store::AddressEntry& entry = *(*found)->entry;
  if (entry.account == 0 || !entry.targets.empty() || !entry.senders.empty()) return 0;
  const auto quota = quotas_.get(generation, std::to_string(entry.account));
  return quota && *quota == 0 ? entry.account : 0;
}

Task<Result<std::string>> AddressBook::full_name(std::string user) {
  if (user.find('@') != std::string::npos) co_return user;
  const auto all = co_await domains();
  if (!all) co_return std::unexpected(all.error());
  if (all->count != 1) co_return std::string();
  co_return user + "@" + all->first;
}

Task<Result<std::optional<store::Account>>> AddressBook::account_of(std::string user) {
  const auto name = co_await full_name(std::move(user));
  if (!name) co_return std::unexpected(name.error());
  const auto address = mail::parse_address(*name);
  if (!address || address->local == "*") co_return std::nullopt;
  std::string local = to_lower(address->local);
  const auto found = co_await lookup(std::move(local), address->domain);
  if (!found) co_return std::unexpected(found.error());
  if (!(*found)->entry || (*found)->entry->account == 0) co_return std::nullopt;
  auto account = co_await store_.get_account((*found)->entry->account);
  if (account) co_return std::move(*account);
  if (account.error().code == Errc::not_found) co_return std::nullopt;
  co_return std::unexpected(account.error());
}

Task<Result<bool>> AddressBook::is_full(store::Id account) {
  const auto generation = store_.generation();
  const std::string key = std::to_string(account);
  const auto quota = quotas_.get(generation, key);
  if (quota && *quota == 0) co_return false;
  const auto fresh = co_await store_.get_account(account);
  if (!fresh) co_return std::unexpected(fresh.error());
  quotas_.put(generation, key, fresh->quota);
  co_return fresh->quota > 0 && fresh->used >= fresh->quota;
}

} // namespace paquebot::directory
