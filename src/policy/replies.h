#pragma once

#include "mail/address.h"
#include "mail/status.h"

#include <string>
#include <string_view>
#include <vector>

/// Every reply of the policy, with its reason in plain words. docs/policy.md lists them; keep both alike.
/// What is quoted from outside is cut and made printable.
namespace paquebot::policy {

mail::Reply ok_sender();
mail::Reply ok_recipient();
mail::Reply ok_content();

/// `cause` is private.
mail::Reply try_later(std::string cause);
mail::Reply login_first();
mail::Reply not_your_address(const std::string& address, const std::string& login);
mail::Reply no_relay(const mail::Address& address);
/// From a network that may send to others, but not as this sender.
mail::Reply no_relay_sender(const std::string& sender);
/// Words of store::AddressEntry::senders.
inline constexpr std::string_view kSendersDomain = "domain";
inline constexpr std::string_view kSendersMembers = "members";
/// `domain`: the alias's. Whom the list names is not told.
mail::Reply not_for_you(const std::string& alias, const std::string& domain, const std::vector<std::string>& senders);
mail::Reply unknown_recipient(const std::string& address);
/// directory::Resolution::Kind::not_yet.
mail::Reply not_made_yet(const std::string& address);
/// Somebody else than a mail server writes to a return address of forwarded mail.
mail::Reply only_reports(const std::string& address);
/// As many reports have come as belong to the message that the return address serves.
mail::Reply enough_reports(const std::string& address);
/// As many reports have come for its sender as may be within the hour.
mail::Reply many_reports(const std::string& address);
mail::Reply mailbox_full(const std::string& address);
mail::Reply alias_loop(const std::string& address);
mail::Reply alias_too_large(const std::string& address);
/// `field`: "From" or "Sender".
mail::Reply no_author(const std::string& field);
/// `most`: how many of it there may be; `values`: of those that there are, some of which are quoted in part.
mail::Reply too_many_authors(const std::string& field, std::size_t most, const std::vector<std::string>& values);
/// `value`: of the field, which is quoted in part.
mail::Reply malformed_author(const std::string& field, const std::string& why, const std::string& value);
mail::Reply not_your_author(const std::string& field, const std::string& address, const std::string& login);

} // namespace paquebot::policy
