#include "policy/replies.h"

#include "base/text.h"

#include <algorithm>
#include <utility>

namespace paquebot::policy {
namespace {

std::string quoted(const std::string& address) { return "<" + printable(address, 256) + ">"; }

} // namespace

mail::Reply ok_sender() { return {250, {2, 1, 0}, ""}; }
mail::Reply ok_recipient() { return {250, {2, 1, 5}, ""}; }
mail::Reply ok_content() { return {250, {2, 6, 0}, ""}; }

mail::Reply try_later(std::string cause) {
  return {451, {4, 3, 0}, "the address can't be looked up right now, try again later", std::move(cause)};
}

mail::Reply login_first() { return {530, {5, 7, 0}, "log in first"}; }

mail::Reply not_your_address(const std::string& address, const std::string& login) {
  return {553, {5, 7, 1}, quoted(address) + " is not an address of account " + printable(login, 256)};
}

mail::Reply no_relay(const mail::Address& address) {
  const std::string domain = address.domain.empty() ? quoted(address.to_string()) : printable(address.domain, 256);
  return {550, {5, 7, 1}, "we do not relay: " + domain + " is not a domain of ours"};
}

mail::Reply no_relay_sender(const std::string& sender) {
  const std::string who = sender == "<>" ? sender : quoted(sender);
  return {550, {5, 7, 1}, who + " may not send to others from this network: use an address of ours, or log in"};
}

mail::Reply not_for_you(const std::string& alias, const std::string& domain, const std::vector<std::string>& senders) {
  std::string whom;
  bool named = false;
  for (const std::string& who : senders) {
    const bool word = who == kSendersDomain || who == kSendersMembers;
    if (!word && std::exchange(named, true)) continue;
    whom += whom.empty() ? "" : " and ";
    whom += !word ? "certain senders" : who == kSendersMembers ? "its members" : "senders in " + printable(domain, 256);
  }
  return {550, {5, 7, 1}, quoted(alias) + " accepts mail only from " + whom + ", logged in"};
}

mail::Reply not_made_yet(const std::string& address) {
  return {450, {4, 2, 1}, quoted(address) + ": no such user here yet, but the domain is new; try again later"};
}

mail::Reply unknown_recipient(const std::string& address) {
  return {550, {5, 1, 1}, quoted(address) + ": no such user here"};
}

mail::Reply only_reports(const std::string& address) {
  return {
      550, {5, 7, 1}, quoted(address) + ": only delivery reports are taken here, write to the sender's own address"};
}

mail::Reply enough_reports(const std::string& address) {
  return {550, {5, 7, 1}, quoted(address) + ": the reports about its message have come already"};
}

mail::Reply many_reports(const std::string& address) {
  return {450, {4, 7, 1}, quoted(address) + ": too much came back for its sender lately, try again later"};
}

mail::Reply mailbox_full(const std::string& address) {
  return {452, {4, 2, 2}, quoted(address) + ": the mailbox is full, try again later"};
}

// RFC 3463 section 3.5: 5.4.6 "routing loop detected".
mail::Reply alias_loop(const std::string& address) {
  return {554, {5, 4, 6}, quoted(address) + ": its aliases lead only to each other"};
}

// RFC 3463 section 3.3: 5.2.4 "mailing list expansion problem".
mail::Reply alias_too_large(const std::string& address) {
  return {550, {5, 2, 4}, quoted(address) + ": the alias leads to too many addresses"};
}

mail::Reply no_author(const std::string& field) {
  return {550, {5, 7, 1}, "the message has no " + field + " address: your program must say who writes"};
}

mail::Reply too_many_authors(const std::string& field, std::size_t most, const std::vector<std::string>& values) {
  constexpr std::size_t kQuoted = 4, kShownOfEach = 40;
  std::string quoted;
  for (std::size_t n = 0; n < std::min(values.size(), kQuoted); ++n)
    quoted += (n == 0 ? "\"" : ", \"") + printable(values[n], kShownOfEach) + "\"";
  return {550, {5, 7, 1}, "the message has more than " + std::to_string(most) + ' ' + field + " fields: " + quoted};
}

mail::Reply malformed_author(const std::string& field, const std::string& why, const std::string& value) {
  return {550,
          {5, 7, 1},
          "the " + field + " field can't be read: " + printable(why, 128) + ": \"" + printable(value, 160) + "\""};
}

mail::Reply not_your_author(const std::string& field, const std::string& address, const std::string& login) {
  return {550, {5, 7, 1}, quoted(address) + " in " + field + " is not an address of account " + printable(login, 256)};
}

} // namespace paquebot::policy
