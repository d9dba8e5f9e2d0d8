#include "control/routes.h"

#include "base/text.h"

#include <array>

namespace paquebot::control {

std::span<const Route> routes() {
  static constexpr auto kRoutes = std::to_array<Route>({
      {"GET", "/v1/status", show_status},
      {"POST", "/v1/reload", reload},
      {"DELETE", "/v1/resolvers", forget_resolvers},
      {"DELETE", "/v1/resolvers/{}", forget_resolver},
      {"POST", "/v1/clock", confirm_clock},
      {"GET", "/v1/verify", verify, "from"},
      {"POST", "/v1/backups", begin_backup},
      {"POST", "/v1/backups/next", go_on_with_backup, "", Audit::bulk},
      {"GET", "/v1/domains", list_domains},
      {"POST", "/v1/domains", add_domain},
      {"PATCH", "/v1/domains/{}", change_domain},
      {"DELETE", "/v1/domains/{}", remove_domain},
      {"GET", "/v1/domains/{}/dns", domain_records},
      {"GET", "/v1/dkim", list_dkim_keys, "domain"},
      {"POST", "/v1/domains/{}/dkim", create_dkim_keys},
      {"DELETE", "/v1/domains/{}/dkim", retire_dkim_keys, "force"},
      {"POST", "/v1/domains/{}/dkim/rotate", rotate_dkim_keys},
      {"POST", "/v1/domains/{}/dkim/activate", activate_dkim_keys, "force"},
      {"DELETE", "/v1/domains/{}/dkim/{}", retire_dkim_key, "force"},
      {"GET", "/v1/accounts", list_accounts, "domain"},
      {"POST", "/v1/accounts", add_account},
      {"GET", "/v1/accounts/{}", show_account},
      {"PATCH", "/v1/accounts/{}", change_account},
      {"DELETE", "/v1/accounts/{}", remove_account},
      {"PATCH", "/v1/accounts/{}/limits", change_limits},
      {"POST", "/v1/accounts/{}/suspicion", suspect_account},
      {"DELETE", "/v1/accounts/{}/suspicion", clear_suspicion, "drop"},
      {"GET", "/v1/suspicions", list_suspicions},
      {"GET", "/v1/lists/{}", show_listed},
      {"POST", "/v1/lists/{}", put_listed},
      {"DELETE", "/v1/lists/{}/{}", drop_listed},
      {"GET", "/v1/accounts/{}/app-passwords", list_app_passwords},
      {"POST", "/v1/accounts/{}/app-passwords", add_app_password},
      {"DELETE", "/v1/accounts/{}/app-passwords/{}", remove_app_password},
      {"GET", "/v1/accounts/{}/messages", was_imported, "digest"},
      {"POST", "/v1/accounts/{}/messages", import_message, "date flags upload digest uidl", Audit::bulk},
      {"GET", "/v1/addresses/{}", resolve_address},
      {"GET", "/v1/aliases", list_aliases, "domain"},
      {"POST", "/v1/aliases", add_alias},
      {"PATCH", "/v1/aliases/{}", change_alias},
      {"DELETE", "/v1/aliases/{}", remove_alias, "target"},
      {"GET", "/v1/queue", list_queue, "limit after held destination address"},
      {"GET", "/v1/queue/{}", show_queued},
      {"POST", "/v1/queue/{}", operate_queue},
      {"GET", "/v1/destinations", list_destinations},
      {"GET", "/v1/messages", find_messages, "address since limit"},
      {"GET", "/v1/messages/{}", trace_message},
      {"GET", "/v1/dmarc-reports", list_dmarc_reports, "address since after"},
      {"POST", "/v1/uploads", begin_upload, "", Audit::bulk},
      {"POST", "/v1/uploads/{}", append_upload, "", Audit::bulk},
      {"DELETE", "/v1/uploads/{}", drop_upload, "", Audit::bulk},
  });
  return kRoutes;
}

std::string Call::ask(const std::string& name) const {
  const auto it = query.find(name);
  return it == query.end() ? std::string() : it->second;
}

Result<std::string> read_domain(std::string_view text) {
  auto name = mail::normalize_domain(text);
  if (!name)
    return fail(Errc::invalid, "\"" + printable(text, 256) + "\" is not a domain name: " + name.error().message);
  return name;
}

Result<mail::Address> read_address(std::string_view text, std::string_view what) {
  auto address = mail::parse_address(text);
  if (!address) {
    return fail(Errc::invalid,
                std::string(what) + " \"" + printable(text, 256) + "\" is not an address: " + address.error().message);
  }
  if (address->is_literal())
    return fail(Errc::invalid, std::string(what) + " must have a domain name, not an IP address");
  address->local = to_lower(address->local);
  return address;
}

Result<Ulid> read_id(std::string_view text) {
  auto id = Ulid::parse(istarts_with(text, "id=") ? text.substr(3) : text);
  if (!id) {
    return fail(Errc::invalid,
                "\"" + printable(text, 64) +
                    "\" is not a message id: it has 26 letters and digits, as in the 250 reply (id=01J...)");
  }
  return *id;
}

Result<std::size_t> read_limit(const Call& call, std::size_t standard, std::size_t most) {
  const std::string text = call.ask("limit");
  if (text.empty()) return standard;
  const auto number = parse_u64(text);
  if (!number || *number == 0 || *number > most) {
    return fail(Errc::invalid, "\"limit\" must be a number from 1 to " + std::to_string(most));
  }
  return static_cast<std::size_t>(*number);
}

Task<Result<>> need_domain(Context& context, std::string domain) {
  const auto ours = co_await context.directory.is_our_domain(domain);
  if (!ours) co_return std::unexpected(ours.error());
  if (!*ours) {
    co_return fail(Errc::not_found,
                   domain + " is not a domain of this server yet: add it first: paquebot domain add " + domain);
  }
  co_return Result<>{};
}

Task<Result<store::Account>> need_account(Context& context, std::string login) {
  const auto address = read_address(login, "the account");
  if (!address) co_return std::unexpected(address.error());
  const std::string name = address->local + "@" + address->domain;
  auto account = co_await context.store.directory().find_account(name);
  if (!account && account.error().code == Errc::not_found) {
    co_return fail(Errc::not_found, "there is no account " + name + " (see: paquebot account list)");
  }
  co_return account;
}

} // namespace paquebot::control
