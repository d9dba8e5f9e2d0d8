#pragma once

#include "control/call.h"

#include <optional>
#include <string>
#include <string_view>

/// Sessions of the console: how a browser shows who asks. The cookie has 160 random bits; the store keeps its hash
/// only.
namespace paquebot::control {

/// What the cookie is called: with the prefix that lets no other site, path or plain HTTP set it (RFC 6265bis section
/// 4.1.3.2), and without it over plain HTTP of this machine, where browsers would not take it.
inline constexpr std::string_view kSessionCookie = "__Host-paquebot";
inline constexpr std::string_view kClearSessionCookie = "paquebot";

/// Who asks with this cookie. Nothing when the session is over, or its account can't log in any more.
Task<Found<std::optional<Asker>>> asker_of_session(Context& context, std::string cookie, std::string address);

/// Begins a session of `asker`, whose grants are already right, from where `call` came: the answer sets the cookie, and
/// the session that was shown (if any) is over, so that nobody goes on in one that somebody else knew. `asker` is of
/// the new one then.
Task<Found<>> begin_session(Context& context, const Call& call, Asker& asker);

/// After an account got another password all its sessions are over; whoever did it to his own goes on in a new one.
Task<Found<>> renew_session(Context& context, const Call& call, store::Id account);

/// An account, as it asks from `call`: what it may do, its name and address.
Task<Found<Asker>> asker_of_account(Context& context, const Call& call, store::Account account);

/// GET /v1/me, and what a login answers.
Task<Answer> present_me(Context& context, const Asker& asker);

/// It was not used for too long, or began too long ago.
bool is_over(const store::WebSession& session, std::int64_t now);
/// The answer takes the cookie away.
void drop_cookie(const Call& call);

/// What somebody does who was nobody before, for OrderEntry.
Order entrance_order(const Asker& asker, std::string action);

/// An operator without an account, whom a link of root's lets in.
Asker linked_operator();

} // namespace paquebot::control
