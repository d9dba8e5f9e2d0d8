#include "service/listener_facts.h"

#include <utility>

namespace paquebot::service {
namespace {

/// As in the configuration.
std::string role_word(ListenerRole role) {
  switch (role) {
    case ListenerRole::mx: return "mx";
    case ListenerRole::submission: return "submission";
    case ListenerRole::lmtp: return "lmtp";
    case ListenerRole::pop3: return "pop3";
    case ListenerRole::imap: return "imap";
    case ListenerRole::http: return "http";
    case ListenerRole::control: break;
  }
  return "other";
}

/// Whether there is TLS, and whether it begins at once.
std::pair<bool, bool> tls_of(const ListenerSnapshot& one) {
  const auto of = [](const auto& options) {
    return options ? std::pair(options->tls != nullptr, options->implicit_tls) : std::pair(false, false);
  };
  if (one.http) return {one.http->tls != nullptr, one.http->tls != nullptr};
  if (one.pop3) return of(one.pop3);
  return one.imap ? of(one.imap) : of(one.smtp);
}

} // namespace

doctor::ListenerFacts facts_of(const ListenerSnapshot& listener, net::Endpoint bound, std::int64_t outside) {
  doctor::ListenerFacts facts{.role = role_word(listener.role), .bound = std::move(bound)};
  const auto [tls, at_once] = tls_of(listener);
  if (tls) facts.tls = at_once ? doctor::ListenerFacts::Tls::implicit : doctor::ListenerFacts::Tls::starttls;
  facts.outside = outside;
  return facts;
}

} // namespace paquebot::service
