#pragma once

#include "base/ulid.h"
#include "control/control.h"
#include "control/grants.h"
#include "control/problem.h"
#include "control/uploads.h"

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

/// What the functions of actions work with.
namespace paquebot::control {

/// What all calls share.
struct Desk {
  Hooks hooks{};
  Uploads uploads{};
  UlidSource ids{};
  std::mutex mutex{};
  std::set<std::string> changing{}; ///< under `mutex`: paths that a PATCH is working on
};

/// For a call that changes something, `store` is one whose first change keeps the entry of the audit log as well
/// (store::Store::bound).
struct Context {
  Context(store::Store& store, directory::Directory& directory, Desk& desk)
      : store(store), directory(directory), desk(desk) {}

  store::Store& store;
  directory::Directory& directory;
  Desk& desk;
  Hooks& hooks = desk.hooks;
  Uploads& uploads = desk.uploads;
  UlidSource& ids = desk.ids;
};

/// One request, taken apart. The dispatcher has checked its form against the action's schemas, and that what it is
/// about is within the asker's reach.
struct Call {
  std::vector<std::string> names; ///< what the braces of the path stood for
  std::map<std::string, std::string> query;
  std::string body;
  std::string who;               ///< Asker::name, for the trail
  std::string content_type{};    ///< of the body, lower case, without parameters; empty: JSON
  std::string idempotency_key{}; ///< empty: none
  Asker asker = {};
  /// Added to the answer's (Set-Cookie). Never null in a call of the dispatcher's.
  std::shared_ptr<http::Fields> fields = nullptr;

  /// A value of the query, or empty.
  std::string ask(const std::string& name) const;
};

// ---- Input ----

/// A domain name of any spelling as the store has it.
Found<std::string> read_domain(std::string_view text);
/// "local@domain" as the store has it: lower-case local part. `what` names it in the error.
Found<mail::Address> read_address(std::string_view text, std::string_view what);
/// The id in the 250 reply; "id=" in front and either case are accepted.
Found<Ulid> read_id(std::string_view text);
/// A number of the query within bounds; `standard` when absent.
Found<std::size_t> read_limit(const Call& call, std::size_t standard, std::size_t most);
/// A time of the query, in milliseconds since 1970; 0 when absent.
Found<std::int64_t> read_time(const Call& call, const std::string& name);
/// A time to come that a member says, in milliseconds since 1970; 0: it says nothing.
Found<std::int64_t> read_time_to_come(const std::string& text);
/// The account of that login, with a problem that says so when there is none.
Task<Found<store::Account>> need_account(Context& context, std::string login);
/// not_found with what to do when the domain is not one of ours.
Task<Found<>> need_domain(Context& context, std::string domain);

// What is not there, or not within the asker's reach: the same words for both.
Problem no_account(std::string_view login);
Problem no_domain(std::string_view domain);
Problem no_message(std::string_view id);
Problem no_token(std::string_view id);
Problem no_hook(std::string_view id);
Problem no_suppression(std::string_view id);

} // namespace paquebot::control
