#include "control/routes.h"

namespace paquebot::control {

Task<Answer> show_status(Context& context, Call) {
  if (context.hooks.status) co_return parse_json(context.hooks.status(), "the status");
  co_return json::object{{"running", false}};
}

Task<Answer> reload(Context& context, Call) {
  if (!context.hooks.reload)
    co_return fail(Errc::unsupported, "the server does not run: it reads its configuration when it starts");
  const std::string why = context.hooks.reload();
  if (!why.empty()) co_return fail(Errc::invalid, "the configuration was not changed: " + why);
  co_return json::object{{"reloaded", true}};
}

} // namespace paquebot::control
