#pragma once

#include "base/result.h"
#include "base/task.h"
#include "control/hook_trial.h"
#include "control/live.h"
#include "directory/directory.h"
#include "directory/login_throttle.h"
#include "doctor/world.h"
#include "http/message.h"
#include "policy/attempts.h"
#include "policy/listed_book.h"
#include "policy/refusals.h"
#include "queue/draft.h"
#include "setup/facts.h"
#include "store/store.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace paquebot::dns {
class Resolver;
}

namespace paquebot::control {

struct Action;
struct Asker;
struct Grants;
struct Problem;
struct Submission;
struct Submitted;

/// One action (action.h) as HTTP would carry it; the console, the control socket and the command line (also with the
/// server down, in process) all speak it.
struct Request {
  std::string method;            ///< GET, POST, DELETE, PATCH
  std::string target;            ///< "/v1/accounts?domain=example.org", percent-encoded
  std::string body;              ///< JSON or empty
  std::string who;               ///< for the trail: "operator root (uid 0)"
  std::string if_match{};        ///< the field If-Match of a PATCH; empty: none
  std::string content_type{};    ///< of the body, lower case, without parameters; empty: JSON
  std::string idempotency_key{}; ///< the field Idempotency-Key; empty: none
};
struct Response {
  unsigned status = 200;
  std::string body;      ///< JSON; a problem of RFC 9457 unless the status is 200 (docs/api.md)
  http::Fields fields{}; ///< Content-Type, and where it is due ETag, Retry-After, Allow, WWW-Authenticate
};

/// An order that was given, as it is written down.
struct Order {
  std::string who;     ///< "operator root (uid 0)"
  std::string action;  ///< "account.remove"; empty: there is no such path
  std::string from;    ///< the address of who gave it; empty: the control socket
  std::string method;  ///< POST, DELETE, PATCH
  std::string target;  ///< as it came, with its query
  std::string subject; ///< what it was about: an account, a domain, an address, an id; never a password
  std::string outcome; ///< "done", or why not
};

/// What came of a reload.
struct Reloaded {
  std::string refused;               ///< why nothing was changed; empty: the new configuration is in force
  Errc code = Errc::invalid;         ///< of that: the configuration is wrong; or closed: nobody could read it
  std::vector<std::string> restart;  ///< keys that were changed and wait for the next start
  std::vector<std::string> warnings; ///< what works and should be looked at, whole sentences
};

/// The index for searches.
struct SearchHooks {
  std::function<std::string()> facts; ///< JSON, as the answer of search.show
  /// Begins it anew. refused: none is kept.
  std::function<Result<>()> rebuild;
  std::function<Task<void>()> go_on; ///< gives it some time, at most a second
};

/// What a running server does beside the store; empty functions when it is down. What it does about changes of the
/// store it hears from there (Store::subscribe).
struct Hooks {
  /// Takes an imported message as all other mail is taken (queue::Queue::accept); without it: the same, with no queue.
  std::function<Task<store::AcceptResult>(queue::Draft draft)> accept;
  /// Takes a message that an account sends, as a session of submission would; without it: nobody takes any.
  std::function<Task<Submitted>(Submission submission)> submit;
  /// Posts a test to a hook; without it: nobody does.
  std::function<Task<HookTrial>(store::Hook hook)> test_hook;
  std::function<void()> hooks_changed;   ///< somebody made, changed or removed one
  std::function<HookRules()> hook_rules; ///< where they may lead; without it: as is usual
  /// An order to the queue, also to what waits in memory (queue::Orders); `queue` is what of the store carries it out.
  std::function<Task<Result<std::size_t>>(store::QueueAction action, store::QueueFilter filter, std::string who,
                                          store::QueueStore& queue)>
      order;
  std::function<Task<Result<>>()> confirm_clock;                         ///< an operator says that the clock is right
  std::function<directory::LoginFacts(const std::string& login)> logins; ///< of an account
  std::function<std::string()> status;      ///< JSON object: version, uptime, listeners, connections, queue
  std::function<store::Limits()> limits;    ///< the general sending bounds; without it: none
  std::function<Task<Reloaded>()> reload;   ///< reads the configuration again
  std::function<void(const Order&)> record; ///< writes an order down; without it: in the log
  std::shared_ptr<dns::Resolver> resolver;  ///< to look what of ours is in the DNS
  std::function<void(const policy::Listed& entry)> put_listed; ///< on the own block or allow list, from now on
  std::function<void(const std::string& what)> drop_listed;
  /// An account of this name was removed.
  std::function<void(const std::string& login)> account_removed;
  /// What is remembered of a resolver, or of all, was taken back.
  std::function<void(const std::optional<std::string>& address)> forget_resolvers;
  std::string hostname; ///< of this server, also when it is down
  /// How mail to a domain would be protected, as the answer of tls.explain (JSON); without it: the server does not run.
  std::function<Task<std::string>(std::string domain, bool refresh)> explain_tls;
  std::function<Task<std::string>()> metrics; ///< the numbers of the running server, as Prometheus reads them
  std::function<setup::Facts()> setup;        ///< what users' programs are told; without it: nothing
  /// What the doctor can see from here; without it: nothing.
  std::function<doctor::World()> world;
  std::function<void()> begin_round;          ///< the doctor's daily round, now
  const policy::Attempts* attempts = nullptr; ///< that were refused; null: nobody keeps them
  directory::LoginThrottle* guard = nullptr;  ///< of logins over HTTP, shared with all protocols; null: there are none
  /// Where browsers reach the console: "https://mx.example.org"; empty: nowhere.
  std::function<std::string()> console_url;
  /// Of an address, newest first (policy::Refusals::find).
  std::function<std::vector<policy::Refusal>(const std::string& address, std::int64_t since, std::size_t most)>
      refusals;
  SearchHooks search; ///< of an index that somebody fills; without them: there is none
  LiveHooks live;     ///< what pages show of a running server
};

struct Context;
struct Desk;

/// Does the actions of the table (action.h, docs/api.md), for whoever may. Thread-safe.
class Control {
public:
  /// `store` and `directory` must outlive it.
  Control(store::Store& store, directory::Directory& directory, Hooks hooks);
  ~Control();
  /// For whoever has the control socket, that is root: the transport has made sure of it. Never fails otherwise than by
  /// the response. Bodies above kMaxBody are refused by the transport.
  Task<Response> handle(Request request);
  /// What an account may do by now, and so whoever is told of things in its name; nobody's when it is gone or disabled.
  /// 0: the server's own, which may see all.
  Task<Result<Grants>> reach_of(store::Id account);
  /// For anybody, who may do little or nothing. Request::who is not looked at.
  Task<Response> handle(Request request, Asker asker);
  /// Whether that one may: what handle() would refuse, or 200 without content. Nothing is done, nor written down.
  Task<Response> check(Request request, Asker asker);

private:
  friend class ApiSite; // finds out who asks

  std::unique_ptr<Desk> desk_;
  std::unique_ptr<Context> context_;
};

/// Octets of a request's body at most: the head of an imported message, and room.
inline constexpr std::size_t kMaxBody = (1u << 20) + (64u << 10);
/// Octets of an imported message's body that may come with the request; a larger one is uploaded in pieces first.
inline constexpr std::size_t kWholeBody = 64u << 10;

/// The response for an error: its status and the problem.
Response error_response(const Error& error);
Response problem_response(const Problem& problem);
/// The other way round, for whoever speaks to Control: what a response that is not 200 says.
Error error_of(const Response& response);

} // namespace paquebot::control
