#pragma once

#include "control/action.h"
#include "control/orders.h"
#include "control/target.h"

#include <optional>
#include <string>

namespace paquebot::control {

/// One request on its way through the table: which action it is, whether its form is right and its asker may, what
/// comes of it, and what is written down. Rights are here and nowhere else.
class Dispatch {
public:
  /// `context` must outlive it.
  Dispatch(Context& context, Request request, Asker asker);

  Task<Response> run();
  /// Whether run() would go so far as to do it: 200 with nothing in it, or the problem that stands in its way.
  Task<Response> check();

private:
  Found<> check_role() const;
  Found<> check_form();
  Task<Found<>> check_object();
  Task<Found<>> check_account(std::string name, bool acts);
  Task<Found<>> check_place(std::string name);
  Task<Found<>> check_message(std::string id) const;
  Task<Found<>> check_content(std::string id) const;
  Task<Found<>> check_token(std::string id) const;
  Task<Found<>> check_hook(std::string id, bool acts) const;
  Task<Found<>> check_suppression(std::string id) const;
  Task<Found<>> check_gift(store::Account account) const;
  Found<> check_token_use() const;
  Task<Found<>> check_tag();
  /// What of the path, the query or the body stands under this name.
  std::optional<std::string> named(std::string_view name) const;
  Found<> find_row();
  Task<Found<>> admit();
  Task<Answer> attempt();
  Task<Answer> perform();
  Call call() const;
  bool is_kept() const;
  Order order(const Answer* answer) const;
  Task<void> write_down(const Answer& answer);
  std::string subject(const Answer* answer) const;

  Context& context_;
  Request request_;
  Asker asker_;
  Target target_;
  Match match_;
  json::object body_;                                                       ///< of a request that is JSON
  std::shared_ptr<http::Fields> fields_ = std::make_shared<http::Fields>(); ///< Call::fields
  std::optional<OrderEntry> entry_;                                         ///< of what is being carried out
};

/// What somebody may do who is this account: read from the store, with the aliases of its domains.
Task<Found<Grants>> grants_of(Context& context, store::Account account);

// What the dispatcher does with an answer before it is given (answers.cc).

/// Takes out of an answer what is not within reach: items of its list, recipients of messages.
void keep_to(const Grants& grants, const Action& action, json::value& answer);
/// The same for one message: false when nothing of it is within reach. Who sent it sees it whole, who got it sees
/// nothing of other recipients.
bool keep_message(const Grants& grants, json::value& message);
/// Cuts its list to the page that the query asks for.
Found<> cut_page(const Action& action, const Call& call, json::value& answer);
/// The entity tag of a thing, of the members that can be changed; empty when the action has none.
std::string tag_of(const Action& action, const json::value& answer);

} // namespace paquebot::control
