#include "world.h"

#include <fmt/format.h>
#include <utility>

namespace paquebot::simulation {

namespace {

constexpr std::size_t kPage = 200;

} // namespace

/// The fortnight is over, and all mail has come to its end.
Task<void> World::judge() {
  if (server() == nullptr) co_return scene_.ledger.fail("the server is down at the end");
  static const std::vector<std::string> kUsers = users();
  for (const std::string& login : kUsers) {
    std::string whose = login;
    Task<void> read = read_mailbox(std::move(whose));
    co_await std::move(read);
  }
  co_await judge_messages();
  scene_.ledger.judge_letters();
  store::Upkeep& upkeep = server()->store().upkeep();
  const auto findings = co_await upkeep.verify();
  if (!findings) co_return scene_.ledger.fail("verify: " + findings.error().message);
  for (const std::string& one : *findings) scene_.ledger.fail("verify: " + one);
}

Task<void> World::judge_messages() {
  store::Trail& trail = server()->store().trail();
  for (const std::string& id : scene_.ledger.ids()) {
    const Ulid ulid = *Ulid::parse(id);
    const auto trace = co_await trail.trace(ulid);
    if (!trace && trace.error().code != Errc::not_found)
      scene_.ledger.fail("the trail of " + id + ": " + trace.error().message);
    else
      scene_.ledger.judge(id, trace ? &*trace : nullptr);
  }
}

Task<void> World::read_mailbox(std::string login) {
  store::Store& store = server()->store();
  const std::string name = "INBOX";
  const auto account = co_await store.directory().find_account(login);
  if (!account) co_return scene_.ledger.fail(login + " is gone");
  const store::Id whose = account->id;
  const auto box = co_await store.mailboxes().open(whose, name);
  if (!box) co_return scene_.ledger.fail("the mailbox of " + login + ": " + box.error().message);
  const store::Id mailbox = box->id;
  for (std::uint32_t after = 0;;) {
    const auto page = co_await store.mailboxes().list_entries(mailbox, after, kPage);
    if (!page) co_return scene_.ledger.fail("the mailbox of " + login + ": " + page.error().message);
    if (page->empty()) co_return;
    for (const store::EntryInfo& entry : *page) {
      after = entry.uid;
      std::vector<std::uint32_t> uids(1, entry.uid);
      const auto read = co_await store.mailboxes().read_entries(mailbox, std::move(uids), 1);
      if (!read)
        scene_.ledger.fail(fmt::format("entry {} of {}: {}", entry.uid, login, read.error().message));
      else
        judge_entry(login, read->front());
    }
  }
}

/// A letter, or a report about one.
void World::judge_entry(const std::string& login, const store::EntryContent& entry) {
  const std::string subject = between(entry.head, "Subject: ", "\r\n");
  if (subject.starts_with("letter-"))
    return scene_.ledger.in_mailbox(between(entry.head, "id ", "\r\n").substr(0, 26), login);
  if (!entry.text || entry.head.find("multipart/report") == std::string::npos) return;
  const std::string& text = *entry.text;
  const std::string token = "letter-" + between(text, "Subject: letter-", "\r\n");
  static const std::string kFinal = "Final-Recipient: rfc822; ";
  for (std::size_t at = text.find(kFinal); at != std::string::npos;) {
    const std::size_t next = text.find(kFinal, at + 1);
    const std::string block = text.substr(at, next == std::string::npos ? next : next - at);
    if (block.find("Action: failed") != std::string::npos)
      scene_.ledger.reported(token, between(block, kFinal, "\r\n"));
    at = next;
  }
}

} // namespace paquebot::simulation
