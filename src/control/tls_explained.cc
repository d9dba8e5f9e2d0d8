#include "control/handlers.h"
#include "mail/address.h"

#include <utility>

namespace paquebot::control {

Task<Answer> explain_tls(Context& context, Call call) {
  if (!context.hooks.explain_tls) co_return fail(Errc::closed, "the server does not run: it sends no mail");
  auto domain = read_domain(call.names.at(0));
  if (!domain) co_return std::unexpected(domain.error());
  const bool refresh = !call.ask("refresh").empty();
  const auto& function = context.hooks.explain_tls;
  std::string name = std::move(*domain);
  const std::string text = co_await function(std::move(name), refresh);
  auto told = parse_object(text, "what the server tells");
  if (!told) co_return std::unexpected(told.error());
  co_return std::move(*told);
}

} // namespace paquebot::control
