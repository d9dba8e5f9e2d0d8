#include "intake/late_bounces.h"

#include "base/text.h"
#include "mail/content_type.h"
#include "mail/head.h"
#include "mail/report.h"

#include <algorithm>

namespace paquebot::intake {
namespace {

constexpr std::size_t kIds = 3;      ///< of ours in one head: mail may pass here more than once
constexpr std::size_t kAccounts = 4; ///< whom one report is for

bool may_be_report(const queue::Draft& draft) {
  if (draft.klass != store::MessageClass::incoming || !draft.sender.reverse_path.empty() || draft.body.staged)
    return false;
  const auto head = mail::Head::parse(draft.head);
  return head && mail::parse_content_type(head->value("Content-Type")).is("multipart", "report");
}

/// "rfc822; Ann@Far.Example" (RFC 3464 section 2.3.1): the address.
std::string address_in(std::string_view typed) {
  const auto semicolon = typed.find(';');
  return semicolon == std::string_view::npos ? std::string() : to_lower(trim(typed.substr(semicolon + 1)));
}

std::vector<std::string> failed_in(const mail::ParsedReport& report) {
  std::vector<std::string> addresses;
  for (const mail::ParsedRecipient& recipient : report.recipients) {
    if (recipient.action != "failed") continue;
    // What the sender named, where the report knows it; else where it went in the end.
    std::string address = address_in(recipient.original_recipient);
    if (address.empty()) address = address_in(recipient.final_recipient);
    if (!address.empty()) addresses.push_back(std::move(address));
  }
  return addresses;
}

std::vector<store::Id> accounts_of(const queue::Draft& draft) {
  std::vector<store::Id> accounts;
  for (const queue::DraftRecipient& recipient : draft.recipients)
    for (const directory::Node& node : recipient.nodes) {
      const bool mailbox = node.handling == store::Handling::mailbox && node.account != 0;
      if (mailbox && accounts.size() < kAccounts && std::ranges::find(accounts, node.account) == accounts.end())
        accounts.push_back(node.account);
    }
  return accounts;
}

} // namespace

std::vector<Ulid> ids_in(const std::string& returned, std::string_view hostname) {
  std::vector<Ulid> ids;
  const auto head = mail::Head::parse(returned);
  if (!head) return ids;
  for (const mail::Field& field : *head) {
    if (!field.is("Received") || ids.size() == kIds) continue;
    const std::string text = mail::unfold(field.value());
    const auto words = split(text, ' ');
    bool by_us = false;
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
      by_us = by_us || (words[i] == "by" && iequals(words[i + 1], hostname));
      if (!by_us || words[i] != "id") continue;
      const std::string_view word = words[i + 1].substr(0, words[i + 1].find(';'));
      if (const auto id = Ulid::parse(word)) ids.push_back(*id);
      break;
    }
  }
  return ids;
}

std::vector<store::LateBounces> late_bounces(const queue::Draft& draft, std::string_view hostname) {
  std::vector<store::LateBounces> all;
  if (!may_be_report(draft)) return all;
  const auto report = mail::parse_report(draft.head + draft.body.bytes);
  if (!report) return all;
  const auto ids = ids_in(report->returned_head, hostname);
  const auto failed = failed_in(*report);
  if (ids.empty() || failed.empty()) return all;
  for (const store::Id account : accounts_of(draft)) all.push_back({draft.id, account, ids, failed});
  return all;
}

} // namespace paquebot::intake
