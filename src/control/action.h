#pragma once

#include "control/call.h"
#include "control/grants.h"

#include <array>
#include <span>
#include <string_view>

/// The table of everything that can be asked of this server. Who may ask, what is checked, what is written down, the
/// OpenAPI document, docs/api.md, the help of `paquebot api` and the console's types all come from its rows.
namespace paquebot::control {

/// Whose thing an action is about: how the dispatcher finds the domain and account that it belongs to, before the
/// action's function is called. What is not within the asker's reach answers as if it did not exist.
enum class Whose : std::uint8_t {
  server,      ///< the whole server's: operators only
  open,        ///< nobody's in particular; with Action::owner each item of the answer is somebody's
  domain,      ///< `by` names a domain
  account,     ///< `by` names an account's login
  place,       ///< `by` names an address (or a domain): whoever looks after its domain; it need not exist
  message,     ///< `by` names a message: its sender's and its recipients'; of other recipients nothing is shown
  content,     ///< `by` names a message: only who sent it or has it in his mailbox reads it, whatever else he may
  token,       ///< `by` names a token: its account's
  hook,        ///< likewise a hook
  owner,       ///< `by` names an account's login or a domain
  suppression, ///< `by` names a suppression: whose it is
};

struct Object {
  Whose whose = Whose::server;
  /// Name of the part of the path, of the query or of the request that names it. When it is optional and missing, the
  /// action is `open`.
  std::string_view by = "";
  /// The same for an account that is named besides; may be missing in a request.
  std::string_view also = "";
};

/// What an action gives to somebody, which its asker must have himself. Read from the request by the dispatcher.
enum class Gives : std::uint8_t {
  nothing,
  right,    ///< `domain`, or without it the whole server, to the account; no token can
  token,    ///< what its account may do, or see (a hook); no token can
  password, ///< likewise; a token can for accounts that have nothing but their own things
  reset,    ///< the same, whatever the request says: a link to set a password
  entrance, ///< how the asker himself logs in; no token can
};

/// How a request is written down. GET never is.
enum class Audit : std::uint8_t {
  yes,
  bulk, ///< at level debug: they come by the thousand, as steps of something
};

/// One row of the table. Names in the path stand in braces: "/v1/accounts/{login}"; they come in Call::names in order.
struct Action {
  std::string_view id; ///< "account.add": stable, what verbs, logs and clients name
  std::string_view method;
  std::string_view path;
  std::string_view summary; ///< one line, which begins with a verb and ends without a full stop
  std::string_view scope;   ///< that a token needs (grants.h)
  Role least;               ///< who may do it, with what is within his reach
  Object object;
  Task<Answer> (*run)(Context& context, Call call);
  std::string_view query = "";   ///< schemas (schema.h)
  std::string_view request = ""; ///< of the body; empty: it has none
  std::string_view answer = "";
  std::string_view subject = ""; ///< names of what the log says it was about, with blanks between; never a secret
  bool idempotent = false;       ///< doing it once more changes nothing; GET and DELETE are anyway
  Gives gives = Gives::nothing;
  Audit audit = Audit::yes;
  /// What it changes in the store takes several transactions: until the last one its entry in the audit log says that
  /// it has begun. Others have their entry, and what came of it, in the one transaction that changes something.
  bool steps = false;
  /// An answer with a list: its name. The dispatcher pages it by `limit` and `after` where `key` names the member (or
  /// several, with blanks between) that its items are sorted by (an action that pages by itself leaves it empty).
  std::string_view list = "";
  std::string_view key = "";
  /// The member of an item that says whose it is: a login, an address or a domain. kOfMessage: each is a message.
  std::string_view owner = "";
  /// Of a GET: the members that can be changed at the same path; its ETag is made of them. "limits.most": that member
  /// of each item of a list. If-Match of whatever changes something there is compared with it.
  std::string_view tagged = "";
  /// The page of the console that offers it (kPages), where no verb of the command line does.
  std::string_view page = "";
  /// A media type that the body may have instead of JSON; the function reads it.
  std::string_view other = "";
};

inline constexpr std::string_view kOfMessage = "message";
/// Pages of the console.
inline constexpr std::array<std::string_view, 14> kPages = {
    "today", "trail", "queue",  "live",  "deliverability", "domains",  "accounts",
    "me",    "hooks", "tokens", "lists", "audit",          "settings", "sink"};

/// All of them, in the order in which the documents list them.
std::span<const Action> actions();
/// nullptr: there is none.
const Action* find_action(std::string_view id);

/// Octets of a request's body at most.
std::size_t most_body(const Action& action);

struct Match {
  const Action* action = nullptr;
  std::vector<std::string> names; ///< what the braces stand for
  std::string methods;            ///< of the path, when it does not take this one: "GET, POST"; else empty
};
/// `segments` are the path's, decoded.
Match match_action(std::string_view method, const std::vector<std::string>& segments);
/// The names in braces of a path, in order.
std::vector<std::string> path_names(const Action& action);
/// Whether its answer comes in pages by the dispatcher, so that its query has limit and after.
inline bool is_paged(const Action& action) { return !action.key.empty(); }

inline constexpr std::size_t kUsualPage = 1000;
inline constexpr std::size_t kLargestPage = 10'000;

} // namespace paquebot::control
