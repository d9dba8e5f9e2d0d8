#include "control/control.h"

#include "base/log.h"
#include "control/dispatch.h"
#include "queue/queue.h"

#include <exception>

namespace paquebot::control {

Control::Control(store::Store& store, directory::Directory& directory, Hooks hooks)
    : context_(new Context{store, directory, std::move(hooks), {}, UlidSource(), {}, {}}) {
  if (context_->hooks.accept) return;
  const auto own = std::make_shared<queue::Queue>(store, system_clock(), queue::Options());
  context_->hooks.accept = [own](queue::Draft draft) { return own->accept(std::move(draft)); };
}
Control::~Control() = default;

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

} // namespace paquebot::control
