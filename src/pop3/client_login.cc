// From the server's capabilities to the login.

#include "base/encoding.h"
#include "base/text.h"
#include "pop3/client_impl.h"
#include "sasl/secret.h"

#include <fmt/format.h>

namespace paquebot::pop3 {
namespace {

constexpr std::size_t kMaxCommand = 255; // octets of a command, RFC 2449 section 4

bool sendable(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

} // namespace

void ClientSession::Impl::capabilities_known() {
  if (encrypted || !(options.tls_wanted || options.tls_required)) return set_utf8();
  // A server without CAPA may still know STLS; with TLS required it is worth the question.
  if (offers.stls || (options.tls_required && offers.lines == 0)) return send(Awaits::stls, "STLS");
  if (options.tls_required) {
    return give_up(ClientFailure::tls_unavailable,
                   "the server does not offer TLS, and the password is not sent without it", true);
  }
  set_utf8();
}

void ClientSession::Impl::set_utf8() {
  if (!offers.utf8) return log_in();
  send(Awaits::utf8, "UTF8"); // RFC 6856 section 2.1: before the login, and after STLS
}

void ClientSession::Impl::log_in() {
  if (options.user.empty() || !sendable(options.user) || !sendable(options.password)) {
    return give_up(ClientFailure::login, "the user name or password is empty or holds a line break", true);
  }
  // RFC 5034 section 3: AUTH only where SASL was announced.
  mechanism = sasl::make_client(offers.sasl, sasl::Credentials{"", options.user, options.password}, channel);
  if (!mechanism && !offers.utf8_user && !(is_ascii(options.user) && is_ascii(options.password))) {
    // RFC 6856 section 2.2.
    return give_up(ClientFailure::login, "the server takes no user names and passwords beyond ASCII", true);
  }
  if (!mechanism) return send(Awaits::user, "USER " + options.user);
  begin_auth();
}

void ClientSession::Impl::begin_auth() {
  std::string command = fmt::format("AUTH {}", mechanism->name());
  // Section 4: an initial response only in a command of at most 255 octets. PLAIN has the longest: two octets more than
  // name and password.
  std::size_t length = command.size() + 1 + (2 + options.user.size() + options.password.size() + 2) / 3 * 4 + 2;
  if (mechanism->name() == "PLAIN" && length <= kMaxCommand) {
    auto first = mechanism->initial();
    command += ' ';
    command += base64_encode(*first);
    sasl::wipe(*first);
  }
  send(Awaits::auth, command);
  sasl::wipe(command);
}

/// Once, to PLAIN, where that gives nothing away.
bool ClientSession::Impl::fall_back() {
  if (!mechanism || fell_back) return false;
  auto other = sasl::make_fallback(*mechanism, offers.sasl, {"", options.user, options.password}, channel);
  if (!other) return false;
  fell_back = true;
  mechanism = std::move(other);
  begin_auth();
  return true;
}

void ClientSession::Impl::auth_challenge(std::string_view text) {
  auto challenge = base64_decode(text);
  Result<std::string> response = challenge ? mechanism->respond(*challenge) : paquebot::fail(Errc::invalid, "");
  if (!response) return send(Awaits::auth, "*"); // RFC 5034 section 4: cancel
  send(Awaits::auth, base64_encode(*response));
  sasl::wipe(*response);
}

void ClientSession::Impl::logged_in() {
  forget_secrets();
  awaits = Awaits::nothing;
}

} // namespace paquebot::pop3
