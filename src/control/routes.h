#pragma once

#include "base/ulid.h"
#include "control/control.h"
#include "control/json.h"
#include "control/target.h"
#include "control/uploads.h"

#include <span>
#include <string_view>

namespace paquebot::control {

/// What the functions of the routes work with.
struct Context {
  store::Store& store;
  directory::Directory& directory;
  Hooks hooks;
  Uploads uploads;
  UlidSource ids;
};

/// One request, taken apart.
struct Call {
  std::vector<std::string> names; ///< what the {} of the path stood for
  std::map<std::string, std::string> query;
  std::string body;
  std::string who;

  /// A value of the query, or empty.
  std::string ask(const std::string& name) const;
};

/// The JSON of a 200 response, or the error.
using Answer = Result<json::value>;

/// How a request is written down. GET never is.
enum class Audit : std::uint8_t {
  yes,
  bulk, ///< at level debug: they come by the thousand, as steps of something
};

/// One row of the table: "POST", "/v1/accounts/{}", the function.
struct Route {
  std::string_view method;
  std::string_view path;
  Task<Answer> (*run)(Context& context, Call call);
  std::string_view query = ""; ///< the names that it understands, with blanks between: any other is refused
  Audit audit = Audit::yes;
};

/// All of them (routes.cc).
std::span<const Route> routes();

Task<Answer> verify(Context& context, Call call);
Task<Answer> begin_backup(Context& context, Call call);
Task<Answer> go_on_with_backup(Context& context, Call call);

/// Where mail for an address would go (resolve.cc).
Task<Answer> resolve_address(Context& context, Call call);

Task<Answer> list_domains(Context& context, Call call);
Task<Answer> add_domain(Context& context, Call call);
Task<Answer> change_domain(Context& context, Call call);
Task<Answer> remove_domain(Context& context, Call call);

/// The records that a domain needs in the DNS (records.cc).
Task<Answer> domain_records(Context& context, Call call);
Task<Answer> list_dkim_keys(Context& context, Call call);
Task<Answer> create_dkim_keys(Context& context, Call call);
Task<Answer> rotate_dkim_keys(Context& context, Call call);
Task<Answer> activate_dkim_keys(Context& context, Call call);
Task<Answer> retire_dkim_key(Context& context, Call call);
Task<Answer> retire_dkim_keys(Context& context, Call call);

Task<Answer> list_accounts(Context& context, Call call);
Task<Answer> add_account(Context& context, Call call);
Task<Answer> show_account(Context& context, Call call);
Task<Answer> change_account(Context& context, Call call);
Task<Answer> remove_account(Context& context, Call call);
Task<Answer> change_limits(Context& context, Call call);
/// What an account may send and has sent, for `account show`.
Task<Result<json::array>> present_limits(Context& context, store::Id account);
Task<Answer> list_suspicions(Context& context, Call call);
Task<Answer> suspect_account(Context& context, Call call);
Task<Answer> clear_suspicion(Context& context, Call call);
/// The account's mark, for `account show`; nothing when it has none.
Task<Result<std::optional<json::object>>> present_suspicion(Context& context, store::Id account);
Task<Answer> show_listed(Context& context, Call call);
Task<Answer> put_listed(Context& context, Call call);
Task<Answer> drop_listed(Context& context, Call call);
Task<Answer> list_app_passwords(Context& context, Call call);
Task<Answer> add_app_password(Context& context, Call call);
Task<Answer> remove_app_password(Context& context, Call call);

Task<Answer> list_aliases(Context& context, Call call);
Task<Answer> add_alias(Context& context, Call call);
Task<Answer> change_alias(Context& context, Call call);
Task<Answer> remove_alias(Context& context, Call call);

Task<Answer> list_queue(Context& context, Call call);
Task<Answer> show_queued(Context& context, Call call);
Task<Answer> operate_queue(Context& context, Call call);
Task<Answer> list_destinations(Context& context, Call call);

Task<Answer> find_messages(Context& context, Call call);
Task<Answer> trace_message(Context& context, Call call);

Task<Answer> list_dmarc_reports(Context& context, Call call);

Task<Answer> begin_upload(Context& context, Call call);
Task<Answer> append_upload(Context& context, Call call);
Task<Answer> drop_upload(Context& context, Call call);
Task<Answer> was_imported(Context& context, Call call);
Task<Answer> import_message(Context& context, Call call);

Task<Answer> show_status(Context& context, Call call);
Task<Answer> reload(Context& context, Call call);
Task<Answer> forget_resolvers(Context& context, Call call);
Task<Answer> forget_resolver(Context& context, Call call);
Task<Answer> confirm_clock(Context& context, Call call);

// ---- Input ----

/// A domain name of any spelling as the store has it.
Result<std::string> read_domain(std::string_view text);
/// "local@domain" as the store has it: lower-case local part. `what` names it in the error.
Result<mail::Address> read_address(std::string_view text, std::string_view what);
/// The id in the 250 reply; "id=" in front and either case are accepted.
Result<Ulid> read_id(std::string_view text);
/// A number of the query within bounds; `standard` when absent.
Result<std::size_t> read_limit(const Call& call, std::size_t standard, std::size_t most);
/// The account of that login, with an error that says so when there is none.
Task<Result<store::Account>> need_account(Context& context, std::string login);
/// not_found with what to do when the domain is not one of ours.
Task<Result<>> need_domain(Context& context, std::string domain);

} // namespace paquebot::control
