#include "control/control.h"

#include "base/log.h"
#include "control/dispatch.h"
#include "queue/queue.h"

#include <exception>

namespace paquebot::control {

Control::Control(store::Store& store, directory::Directory& directory, Hooks hooks)
    : desk_(std::make_unique<Desk>()), context_(std::make_unique<Context>(store, directory, *desk_)) {
  desk_->hooks = std::move(hooks);
  if (context_->hooks.accept) return;
  const auto own = std::make_shared<queue::Queue>(store, system_clock(), queue::Options());
  context_->hooks.accept = [own](queue::Draft draft) { return own->accept(std::move(draft)); };
}
Control::~Control() = default;

Task<Result<Grants>> Control::reach_of(store::Id account) {
  Grants grants;
  grants.role = Role::operator_;
  if (account == 0) co_return grants;
  auto found = co_await context_->store.directory().get_account(account);
  if (!found && found.error().code != Errc::not_found) co_return std::unexpected(found.error());
  if (!found || found->disabled) co_return Grants();
  store::Account whose = std::move(*found);
  Context& context = *context_;
  auto theirs = co_await grants_of(context, std::move(whose));
  if (!theirs) co_return fail(theirs.error().code, theirs.error().message);
  co_return std::move(*theirs);
}

Task<Response> Control::handle(Request request) {
  Asker root = root_asker(request.who);
  Task<Response> running = handle(std::move(request), std::move(root));
  co_return co_await std::move(running);
}

Task<Response> Control::handle(Request request, Asker asker) {
  std::string what;
  try {
    Dispatch dispatch(*context_, std::move(request), std::move(asker));
    co_return co_await dispatch.run();
  } catch (const std::exception& e) {
    what = e.what();
  }
  log::error("control-failed", {{"what", what}});
  co_return problem_response({Errc::io, "an internal error; the server's log has more"});
}

Task<Response> Control::check(Request request, Asker asker) {
  Dispatch dispatch(*context_, std::move(request), std::move(asker));
  co_return co_await dispatch.check();
}

} // namespace paquebot::control
