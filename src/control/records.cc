// What a domain needs in the DNS to get mail here, and to have its own accepted elsewhere.

#include "doctor/records.h"

#include "control/handlers.h"
#include "control/present.h"
#include "setup/mobileconfig.h"

namespace paquebot::control {
namespace {

json::array records_of(const std::string& domain, const std::string& host, const std::vector<store::DkimKey>& keys) {
  json::array list{present(doctor::mx_record(domain, host)), present(doctor::spf_record(domain))};
  if (const auto record = doctor::host_spf_record(domain, host)) list.push_back(present(*record));
  for (const auto& key : keys)
    if (const auto record = doctor::dkim_record(key)) list.push_back(present(*record));
  list.push_back(present(doctor::dmarc_record(domain)));
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
  if (context.hooks.setup)
    for (const doctor::Record& one : doctor::set_up_records(context.hooks.setup(), *domain))
      records.push_back(present(one));
  co_return json::object{{"name", *domain}, {"hostname", host}, {"records", std::move(records)}};
}

Task<Answer> account_setup(Context& context, Call call) {
  std::string login = call.names[0];
  const auto account = co_await need_account(context, std::move(login));
  if (!account) co_return std::unexpected(account.error());
  const setup::Facts facts = context.hooks.setup ? context.hooks.setup() : setup::Facts{};
  json::array servers;
  const auto word = [](setup::Protocol protocol) {
    return protocol == setup::Protocol::submission ? "smtp" : protocol == setup::Protocol::imap ? "imap" : "pop3";
  };
  for (const setup::Offer& one : facts.clients.offers)
    servers.push_back(json::object{{"protocol", word(one.protocol)},
                                   {"host", facts.clients.host},
                                   {"port", one.port},
                                   {"tls", one.security == setup::Security::implicit ? "implicit" : "starttls"},
                                   {"user", account->login}});
  co_return json::object{{"login", account->login}, {"servers", std::move(servers)}};
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
