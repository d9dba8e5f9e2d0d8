#include "store/suppression.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace paquebot::store {

std::string_view name_of(SuppressScope scope) {
  switch (scope) {
    case SuppressScope::server: return "server";
    case SuppressScope::domain: return "domain";
    case SuppressScope::account: break;
  }
  return "account";
}

std::string_view name_of(SuppressReason reason) {
  switch (reason) {
    case SuppressReason::no_such_user: return "no-such-user";
    case SuppressReason::full: return "full";
    case SuppressReason::disabled: return "disabled";
    case SuppressReason::complaint: return "complaint";
    case SuppressReason::manual: break;
  }
  return "manual";
}

std::string words_of(const Suppression& one) {
  const auto day = fmt::gmtime(static_cast<std::time_t>(one.since / 1000));
  return fmt::format("{} since {:%Y-%m-%d}{}{}", name_of(one.reason), day, one.reply.empty() ? "" : ": ", one.reply);
}

} // namespace paquebot::store
