#include "control/folders.h"

#include "base/encoding.h"
#include "base/text.h"
#include "control/handlers.h"
#include "imap/flags.h"
#include "imap/mailbox_name.h"
#include "mailauth/crypto.h"

#include <algorithm>
#include <fmt/format.h>

namespace paquebot::control {
namespace {

constexpr std::size_t kRows = 500;
constexpr std::uint64_t kFlags = store::kSeen | store::kAnswered | store::kFlagged | store::kDeleted | store::kDraft;
constexpr unsigned kTries = 5; // flags may be changed while one looks

/// Of uids as runs, "1-5,7-7,": in hexadecimal digits.
std::string digest_of(const store::UidSet& uids) {
  mailauth::Sha256 hash;
  for (const store::UidRun& run : uids) hash.update(fmt::format("{}-{},", run.first, run.last));
  const auto digest = hash.finish();
  return hex_encode(mailauth::view(digest));
}

Task<Found<store::MailboxInfo>> open_folder(Context& context, std::string login, std::string text) {
  const auto name = read_folder(text);
  if (!name) co_return std::unexpected(Problem(name.error()));
  const auto account = co_await need_account(context, std::move(login));
  if (!account) co_return std::unexpected(account.error());
  std::string wanted = name->empty() ? std::string("INBOX") : *name;
  const auto opened = co_await context.store.mailboxes().open(account->id, std::move(wanted));
  if (!opened) co_return std::unexpected(Problem(opened.error()));
  co_return *opened;
}

std::vector<std::string> names_of(std::uint64_t flags, const std::vector<store::Keyword>& keywords) {
  std::vector<std::string> names;
  for (const store::Keyword& one : keywords)
    if ((flags >> one.bit & 1) != 0) names.push_back(one.name);
  return names;
}

bool is_in(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

/// The mailbox that has the use: the wished one, or the oldest; empty: none has.
Task<Result<std::string>> folder_of_use(store::Store& store, store::Id account, FolderWish wish) {
  auto list = co_await store.mailboxes().list_folders(account);
  if (!list) co_return std::unexpected(list.error());
  std::ranges::sort(list->folders, {}, &store::Folder::id);
  std::string found;
  for (const store::Folder& one : list->folders)
    if ((one.special_use & wish.use) != 0 && (found.empty() || one.name == wish.name)) found = one.name;
  co_return found;
}

/// "\Sent", or several with spaces between; 0: none. Nothing: a word is no use.
std::optional<std::uint8_t> read_uses(const std::string& text) {
  unsigned uses = 0;
  for (const std::string_view word : split(text, ' ')) {
    if (word.empty()) continue;
    const std::uint8_t use = imap::special_use(word);
    if (use == 0) return {};
    uses |= use;
  }
  return static_cast<std::uint8_t>(uses);
}

/// The mailbox has the uids of elsewhere, all of them and none besides; true when it has that uidvalidity afterwards.
Task<Result<bool>> keep_uids(store::Store& store, store::Id account, std::string name, std::string digest,
                             store::MailboxInfo wanted) {
  for (unsigned i = 0; i < kTries; ++i) {
    std::string opening = name;
    const auto now = co_await store.mailboxes().open(account, std::move(opening));
    if (!now) co_return std::unexpected(now.error());
    const store::MailboxView view = now->view();
    const auto uids = co_await store.mailboxes().list_uids(view);
    if (!uids) co_return std::unexpected(uids.error());
    if (digest_of(*uids) != digest) co_return false;
    const auto done = co_await store.mailboxes().adopt_uids(view, wanted.uidvalidity, wanted.uidnext);
    if (done) co_return true;
    if (done.error().code == Errc::refused) co_return false;
    if (done.error().code != Errc::conflict) co_return std::unexpected(done.error());
  }
  co_return false;
}

} // namespace

Result<std::string> read_folder(const std::string& text) {
  if (text.empty()) return std::string();
  auto name = imap::read_name(text, true);
  const auto wrong = name ? imap::refusal_of_name(*name) : std::optional<std::string_view>("it is no UTF-8");
  if (wrong) return fail(Errc::invalid, "\"folder\" can't be the name of a mailbox: " + std::string(*wrong));
  return *name == "INBOX" ? std::string() : std::move(*name);
}

Task<Result<std::string>> need_folder(store::Store& store, store::Id account, FolderWish wish) {
  if (wish.use != 0 && wish.name != "INBOX") {
    FolderWish asked = wish;
    auto found = co_await folder_of_use(store, account, std::move(asked));
    if (!found) co_return found;
    if (!found->empty()) wish.name = std::move(*found);
  }
  std::string name = wish.name;
  const auto there = co_await store.mailboxes().open(account, std::move(name));
  if (!there && there.error().code != Errc::not_found) co_return std::unexpected(there.error());
  if (there && (there->uidnext != 1 || !wish.subscribed)) co_return wish.name;
  if (!there) {
    name = wish.name;
    const auto made = co_await store.mailboxes().create_folder(account, std::move(name), wish.use);
    if (!made && made.error().code != Errc::conflict) co_return std::unexpected(made.error());
  }
  name = wish.name;
  const bool subscribed = wish.subscribed.value_or(true);
  const auto done = co_await store.mailboxes().subscribe_folder(account, std::move(name), subscribed);
  if (!done && done.error().code != Errc::refused) co_return std::unexpected(done.error());
  co_return wish.name;
}

Task<Answer> import_folder(Context& context, Call call) {
  const auto body = parse_object(call.body, "the request");
  if (!body) co_return std::unexpected(body.error());
  const auto number = [&](std::string_view name) -> std::uint32_t {
    const std::int64_t said = get_number(*body, name);
    return said > 0 && said <= UINT32_MAX ? static_cast<std::uint32_t>(said) : 0;
  };
  const std::string folder = get_text(*body, "folder");
  const auto name = read_folder(folder);
  if (!name) co_return std::unexpected(name.error());
  const auto uses = read_uses(get_text(*body, "use"));
  if (!uses)
    co_return fail(Errc::invalid, "\"use\" is none of RFC 6154: \\All, \\Archive, \\Drafts, \\Flagged, \\Junk, \\Sent, "
                                  "\\Trash");
  const auto account = co_await need_account(context, call.names[0]);
  if (!account) co_return std::unexpected(account.error());
  FolderWish wish;
  wish.name = name->empty() ? std::string("INBOX") : *name;
  wish.use = *uses;
  if (body->contains("subscribed")) wish.subscribed = get_bool(*body, "subscribed");
  const auto made = co_await need_folder(context.store, account->id, std::move(wish));
  if (!made) co_return std::unexpected(made.error());
  const std::string kept = *made;
  std::string wanted;
  bool keeps = false;
  if (std::string digest = get_text(*body, "uids"); !digest.empty()) {
    store::MailboxInfo there;
    there.uidvalidity = number("uidvalidity");
    there.uidnext = number("uidnext");
    wanted = kept;
    const auto done =
        co_await keep_uids(context.store, account->id, std::move(wanted), std::move(digest), std::move(there));
    if (!done) co_return std::unexpected(done.error());
    keeps = *done;
  }
  wanted = kept;
  const auto now = co_await context.store.mailboxes().open(account->id, std::move(wanted));
  if (!now) co_return std::unexpected(now.error());
  co_return json::object{{"folder", kept}, {"uidvalidity", now->uidvalidity}, {"kept", keeps}};
}

Task<Answer> export_folders(Context& context, Call call) {
  const auto account = co_await need_account(context, call.names[0]);
  if (!account) co_return std::unexpected(account.error());
  auto list = co_await context.store.mailboxes().list_folders(account->id);
  if (!list) co_return std::unexpected(list.error());
  std::ranges::sort(list->folders, {}, &store::Folder::name);
  json::array folders;
  for (const store::Folder& one : list->folders)
    folders.push_back(json::object{{"folder", one.name},
                                   {"use", std::string(trim(imap::special_use_text(one.special_use)))},
                                   {"subscribed", is_in(list->subscribed, one.name)},
                                   {"uidvalidity", one.uidvalidity},
                                   {"uidnext", one.uidnext},
                                   {"messages", one.count},
                                   {"octets", one.bytes}});
  co_return json::object{{"login", account->login}, {"folders", std::move(folders)}};
}

Task<Answer> export_messages(Context& context, Call call) {
  const auto after = parse_u64(call.ask("after").empty() ? "0" : call.ask("after"));
  if (!after || *after > UINT32_MAX) co_return fail(Errc::invalid, "\"after\" is no uid");
  std::string folder = call.ask("folder");
  const auto box = co_await open_folder(context, call.names[0], std::move(folder));
  if (!box) co_return std::unexpected(box.error());
  const auto keywords = co_await context.store.mailboxes().list_keywords(box->id);
  if (!keywords) co_return std::unexpected(keywords.error());
  const auto last = static_cast<std::uint32_t>(*after);
  const auto entries = co_await context.store.mailboxes().list_entries(box->id, last, kRows);
  if (!entries) co_return std::unexpected(entries.error());
  json::array names, messages;
  for (const store::Keyword& one : *keywords) names.emplace_back(one.name);
  for (const store::EntryInfo& one : *entries) {
    json::array own;
    for (std::string& word : names_of(one.flags, *keywords)) own.emplace_back(std::move(word));
    messages.push_back(json::object{{"uid", one.uid},
                                    {"uidl", one.old_uidl.empty() ? one.uidl.to_string() : one.old_uidl},
                                    {"flags", one.flags & kFlags},
                                    {"keywords", std::move(own)},
                                    {"date", time_value(one.internal_date)},
                                    {"size", one.size}});
  }
  co_return json::object{
      {"uidvalidity", box->uidvalidity}, {"keywords", std::move(names)}, {"messages", std::move(messages)}};
}

Task<Answer> export_content(Context& context, Call call) {
  const auto uid = parse_u64(call.ask("uid"));
  const auto offset = parse_u64(call.ask("offset").empty() ? "0" : call.ask("offset"));
  if (!uid || *uid > UINT32_MAX || !offset) co_return fail(Errc::invalid, "\"uid\" and \"offset\" are numbers");
  std::string folder = call.ask("folder");
  const auto box = co_await open_folder(context, call.names[0], std::move(folder));
  if (!box) co_return std::unexpected(box.error());
  const auto number = static_cast<std::uint32_t>(*uid);
  auto entry = co_await context.store.mailboxes().read_entry(box->id, number);
  if (!entry) co_return std::unexpected(entry.error());
  const std::uint64_t head = entry->head.size();
  std::string content = *offset < head ? entry->head.substr(*offset) : std::string();
  if (content.size() < store::kBodyChunk && entry->body.size > 0) {
    const std::uint64_t from = std::max(*offset, head) - head;
    store::BodyRef body = entry->body;
    const std::size_t most = store::kBodyChunk - content.size();
    const auto piece = co_await context.store.content().read_body(std::move(body), from, most);
    if (!piece) co_return std::unexpected(piece.error());
    content += *piece;
  }
  co_return json::object{{"content", base64_encode(content)}, {"size", entry->info.size}};
}

} // namespace paquebot::control
