// What a domain needs in the DNS to get mail here, and to have its own accepted elsewhere.

#include "setup/records.h"

#include "control/dkim.h"
#include "setup/mobileconfig.h"

namespace paquebot::control {
namespace {

bool lies_in(std::string_view name, std::string_view domain) {
  return name.size() > domain.size() && name.ends_with(domain) && name[name.size() - domain.size() - 1] == '.';
}

/// By which users' programs and other servers find out more.
void add_setup(json::array& list, const std::string& domain, const setup::Facts& facts) {
  for (setup::Record& one : setup::setup_records(facts, domain)) {
    if (one.type == setup::Record::Type::txt) {
      list.push_back(present_text(std::move(one.name), std::move(one.value), std::move(one.purpose)));
      continue;
    }
    std::string zone = setup::zone_line(one);
    list.push_back(present_record(std::move(one.name), setup::name_of(one.type), std::move(one.value), std::move(zone),
                                  std::move(one.purpose)));
  }
}

json::array records_of(const std::string& domain, const std::string& host, const std::vector<store::DkimKey>& keys) {
  json::array list;
  list.push_back(present_record(domain, "MX", "10 " + host, domain + ". IN MX 10 " + host + ".",
                                "MX: mail for " + domain + " comes to this server"));
  // RFC 7208 section 5.4: "mx" is every address of the hosts of that record, and so follows when the server moves.
  list.push_back(present_text(domain, "v=spf1 mx -all", "SPF: only this server sends mail of " + domain));
  // RFC 7208 section 2.4: a report has no sender, so the name in EHLO is checked in its place.
  if (lies_in(host, domain))
    list.push_back(present_text(host, "v=spf1 a -all", "SPF: for reports, which have no sender but this name"));
  for (const auto& key : keys)
    if (auto record = dkim_record(key)) list.push_back(std::move(*record));
  list.push_back(present_text("_dmarc." + domain, "v=DMARC1; p=quarantine; rua=mailto:postmaster@" + domain,
                              "DMARC: what fails both checks belongs among the junk; tell us about it"));
  return list;
}

} // namespace

Task<Answer> domain_records(Context& context, Call call) {
  const auto domain = read_domain(call.names[0]);
  if (!domain) co_return std::unexpected(domain.error());
  if (const auto ours = co_await need_domain(context, *domain); !ours) co_return std::unexpected(ours.error());
  const auto keys = co_await context.store.keys().list_dkim_keys(*domain);
  if (!keys) co_return std::unexpected(keys.error());
  const std::string& host = context.hooks.hostname;
  json::array records = records_of(*domain, host, *keys);
  if (context.hooks.setup) add_setup(records, *domain, context.hooks.setup());
  co_return json::object{{"name", *domain}, {"hostname", host}, {"records", std::move(records)}};
}

Task<Answer> account_profile(Context& context, Call call) {
  std::string login = call.names[0];
  const auto account = co_await need_account(context, std::move(login));
  if (!account) co_return std::unexpected(account.error());
  const auto address = mail::parse_address(account->login);
  if (!address) co_return std::unexpected(address.error());
  const setup::Facts facts = context.hooks.setup ? context.hooks.setup() : setup::Facts{};
  auto profile = setup::mobileconfig(facts.clients, *address, "");
  if (!profile) co_return std::unexpected(profile.error());
  co_return json::object{
      {"login", account->login}, {"type", setup::kMobileconfigType}, {"profile", std::move(*profile)}};
}

} // namespace paquebot::control
