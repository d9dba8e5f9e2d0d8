#include "service/operator_hooks.h"

#include "base/clock.h"
#include "service/api_submission.h"
#include "service/live_desk.h"
#include "service/search_desk.h"
#include "service/tls_desk.h"

#include <utility>

namespace paquebot::service {

control::Hooks operator_hooks(Assembly& parts) {
  control::Hooks hooks;
  hooks.accept = [&parts](queue::Draft draft) { return parts.intake.queue.accept(std::move(draft)); };
  hooks.submit = [&parts](control::Submission wanted) { return submit_by_api(parts, std::move(wanted)); };
  hooks.test_hook = [&parts](store::Hook hook) { return parts.hooks->test(std::move(hook)); };
  hooks.hooks_changed = [&parts] { parts.hooks->refresh(); };
  hooks.hook_rules = [&parts] { return parts.hook_client->rules(); };
  hooks.order = [&parts](store::QueueAction action, store::QueueFilter filter, std::string who,
                         store::QueueStore& queue) {
    return parts.intake.queue.orders().operate(action, std::move(filter), std::move(who), queue);
  };
  hooks.confirm_clock = [&parts] { return parts.clock_keeper.confirm(); };
  hooks.limits = [&parts] { return *parts.intake.limits.general(); };
  hooks.put_listed = [&parts](const policy::Listed& entry) { parts.strangers.book.put(entry); };
  hooks.drop_listed = [&parts](const std::string& what) { parts.strangers.book.remove(what); };
  hooks.account_removed = [&parts](const std::string& login) { parts.accounts.throttle.forget(login); };
  hooks.logins = [&parts](const std::string& login) { return parts.accounts.throttle.facts(login); };
  hooks.refusals = [&parts](const std::string& address, std::int64_t since, std::size_t most) {
    return parts.strangers.refusals.find(address, since, most);
  };
  hooks.guard = &parts.accounts.throttle;
  hooks.attempts = &parts.strangers.attempts;
  hooks.resolver = parts.names.resolvers.deliveries;
  hooks.forget_resolvers = [&parts](const std::optional<std::string>& address) {
    parts.names.resolvers.upstream->forget(address);
    parts.names.keeper->look_now();
  };
  hooks.explain_tls = [&parts](std::string domain, bool refresh) {
    return explain_tls(parts, std::move(domain), refresh);
  };
  hooks.hostname = parts.options.hostname;
  hooks.search = search_hooks(parts.search.index);
  LiveDesk::add_to(hooks.live, std::make_shared<LiveDesk>(parts));
  hooks.live.posts = &parts.intake.queue.posts();
  hooks.live.shaping = &parts.intake.queue.shaping();
  hooks.live.settings = parts.options.settings;
  hooks.live.traffic = [&parts](std::size_t hours) {
    return control::Traffic{parts.hours.since(), parts.hours.last(hours, millis(system_clock().wall()))};
  };
  return hooks;
}

} // namespace paquebot::service
