// Aggregate reports of DMARC and on TLS that others sent to an address of ours: who asks for them reads and sums them
// up.

#include "base/encoding.h"
#include "base/text.h"
#include "control/handlers.h"
#include "control/report_mail.h"

namespace paquebot::control {
namespace {

constexpr std::size_t kEntriesAtOnce = 200;
constexpr std::uint64_t kMostMessage = 8u << 20; ///< larger ones are passed over
constexpr std::uint64_t kMostAtOnce = 4u << 20;  ///< after so many octets the answer ends

/// One page of the answer.
struct Page {
  json::array messages;
  std::uint64_t size = 0;
  std::uint64_t skipped = 0;
};

/// Adds the message when it looks like a report; one that is gone by now is passed over.
Task<Result<>> add_entry(store::Store& store, store::Id mailbox, store::EntryInfo entry, Page& page) {
  auto content = co_await store.mailboxes().read_entry(mailbox, entry.uid);
  if (!content && content.error().code == Errc::not_found) co_return Result<>();
  if (!content) co_return std::unexpected(content.error());
  if (!looks_like_report(content->head)) co_return Result<>();
  if (entry.size > kMostMessage) {
    ++page.skipped;
    co_return Result<>();
  }
  const auto text = co_await read_whole(store, std::move(*content));
  if (!text) co_return std::unexpected(text.error());
  page.size += text->size();
  page.messages.push_back(
      json::object{{"uid", entry.uid}, {"date", time_value(entry.internal_date)}, {"content", base64_encode(*text)}});
  co_return Result<>();
}

Result<std::uint64_t> read_number(const Call& call, const std::string& name, std::uint64_t most) {
  const std::string text = call.ask(name);
  if (text.empty()) return std::uint64_t{0};
  const auto number = parse_u64(text);
  if (!number || *number > most) return fail(Errc::invalid, "\"" + name + "\" must be a number");
  return *number;
}

} // namespace

Task<Answer> list_dmarc_reports(Context& context, Call call) {
  const auto address = read_address(call.ask("address"), "the address");
  if (!address) co_return std::unexpected(address.error());
  const auto after = read_number(call, "after", UINT32_MAX);
  if (!after) co_return std::unexpected(after.error());
  const auto since = read_time(call, "since");
  if (!since) co_return std::unexpected(since.error());
  const auto account = co_await reader_of(context, *address);
  if (!account) co_return std::unexpected(account.error());
  const std::string name = "INBOX";
  const auto mailbox = co_await context.store.mailboxes().open(*account, name);
  if (!mailbox) co_return std::unexpected(mailbox.error());
  const auto uid = static_cast<std::uint32_t>(*after);
  const auto entries = co_await context.store.mailboxes().list_entries(mailbox->id, uid, kEntriesAtOnce);
  if (!entries) co_return std::unexpected(entries.error());
  Page page;
  std::uint32_t reached = 0;
  for (const store::EntryInfo& entry : *entries) {
    if (page.size >= kMostAtOnce) break;
    reached = entry.uid;
    if (entry.internal_date < *since) continue;
    const auto added = co_await add_entry(context.store, mailbox->id, entry, page);
    if (!added) co_return std::unexpected(added.error());
  }
  json::object out{{"mailbox", mailbox->id}, {"messages", std::move(page.messages)}, {"skipped", page.skipped}};
  if (reached != 0) out["next"] = reached; // there may be more behind it
  co_return out;
}

} // namespace paquebot::control
