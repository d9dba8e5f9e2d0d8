#include "intake/suspects.h"

#include "base/log.h"
#include "base/text.h"
#include "mail/date.h"

#include <fmt/format.h>

namespace paquebot::intake {
namespace {

mail::Address address_of(const std::string& text) {
  const auto at = text.rfind('@');
  return {text.substr(0, at), text.substr(at + 1)};
}

queue::DraftRecipient silent(const std::string& address) {
  queue::DraftRecipient row;
  row.recipient.address = address_of(address);
  row.recipient.notify = mail::kNotifyNever;
  return row;
}

/// One message to the owner and the operator, under the id that the mark has.
Task<queue::Draft> make_notice(IntakeMeans means, directory::Directory& directory, std::string hostname,
                               store::Suspicion suspicion) {
  const mail::Address postmaster{"postmaster", address_of(suspicion.login).domain};
  const std::string postmaster_text = postmaster.to_string();
  Notice notice = compose_takeover_notice(hostname, postmaster_text, suspicion, means.clock.wall());
  queue::Draft draft;
  draft.id = suspicion.notice;
  draft.klass = store::MessageClass::report;
  draft.head = std::move(notice.head);
  draft.body.size = notice.body.size();
  draft.body.bytes = std::move(notice.body);
  draft.note = "notice that " + suspicion.login + " looks taken over";
  queue::DraftRecipient owner = silent(suspicion.login);
  owner.nodes.push_back({suspicion.login, store::Handling::mailbox, suspicion.account, -1, {}});
  draft.recipients.push_back(std::move(owner));
  auto found = co_await directory.resolve(postmaster);
  if (found && found->kind == directory::Resolution::Kind::found) {
    queue::DraftRecipient its_operator = silent(postmaster_text);
    its_operator.nodes = std::move(found->nodes);
    draft.recipients.push_back(std::move(its_operator));
  }
  co_return draft;
}

/// False when the store fails: it is tried again.
Task<bool> attend(IntakeMeans means, directory::Directory& directory, std::string hostname,
                  store::Suspicion suspicion) {
  const std::string who = std::string(store::kTakeoverWatch) + ": " + suspicion.reason;
  store::QueueFilter filter;
  filter.account = suspicion.account;
  const auto held = co_await means.queue.orders().operate(store::QueueAction::suspend, filter, who);
  if (!held) co_return false;
  if (suspicion.told) co_return true;
  queue::Draft draft = co_await make_notice(means, directory, hostname, suspicion);
  const store::AcceptResult result = co_await means.queue.accept(std::move(draft));
  const bool sent = result.status == store::AcceptStatus::accepted || result.status == store::AcceptStatus::duplicate;
  if (!sent && result.status != store::AcceptStatus::account_gone) co_return false;
  log::warning("account-suspected", {{"account", suspicion.login},
                                     {"signal", store::name_of(suspicion.signal)},
                                     {"why", suspicion.reason},
                                     {"held", *held},
                                     {"notice", suspicion.notice.to_string()},
                                     {"advice", "paquebot account show, then account release"}});
  const auto told = co_await means.store.books().suspicion_told(suspicion.account);
  co_return told.has_value();
}

} // namespace

Notice compose_takeover_notice(const std::string& hostname, const std::string& postmaster,
                               const store::Suspicion& suspicion, WallTime now) {
  const std::string login = printable(suspicion.login, 256);
  Notice notice;
  notice.head = fmt::format("From: Mail server {0} <postmaster@{0}>\r\n"
                            "To: <{1}>, <{2}>\r\n"
                            "Subject: Outgoing mail of {1} is held\r\n"
                            "Date: {3}\r\n"
                            "Message-ID: <{4}@{0}>\r\n"
                            "Auto-Submitted: auto-generated\r\n"
                            "MIME-Version: 1.0\r\n"
                            "Content-Type: text/plain; charset=utf-8\r\n"
                            "\r\n",
                            hostname, login, postmaster, mail::format_date(now), suspicion.notice.to_string());
  notice.body = fmt::format(
      "The account {0} looks as if somebody else sent mail with its password:\r\n\r\n"
      "  {1}\r\n\r\n"
      "Its programs can send as before, but what they send is held on this server until the operator has looked.\r\n"
      "Mail that comes in is not touched.\r\n\r\n"
      "To the owner: if that was you, tell the operator, {2}. If not, somebody knows your password or has one of\r\n"
      "your devices: ask the operator for another password, and use a computer that you trust to change it.\r\n\r\n"
      "To the operator: what is held, and how to end it:\r\n\r\n"
      "  paquebot account show {0}\r\n"
      "  paquebot queue list --held --address {0}\r\n"
      "  paquebot account passwd {0}\r\n"
      "  paquebot account app-password list {0}\r\n"
      "  paquebot account release {0}\r\n"
      "  paquebot account release {0} --drop\r\n\r\n"
      "The last but one lets the held mail go, the last one throws it away; after either the account sends as "
      "before,\r\n"
      "so give it another password first.\r\n",
      login, printable(suspicion.reason, 500), postmaster);
  return notice;
}

Task<std::size_t> attend_suspects(IntakeMeans means, directory::Directory& directory, std::string hostname, bool all) {
  auto marked = co_await means.store.books().list_suspicions(false);
  std::size_t count = 0;
  if (!marked) co_return count;
  for (store::Suspicion& suspicion : *marked) {
    if (suspicion.told && !all) continue;
    const std::string login = suspicion.login;
    const bool done = co_await attend(means, directory, hostname, std::move(suspicion));
    if (done) ++count;
    if (!done)
      log::error("account-suspected", {{"account", login}, {"why", "its mail can't be held now: tried again"}});
  }
  co_return count;
}

} // namespace paquebot::intake
