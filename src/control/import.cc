#include "base/text.h"
#include "control/control.h"
#include "control/folders.h"
#include "control/handlers.h"
#include "imap/flags.h"
#include "imap/lexer.h"
#include "mail/head.h"
#include "queue/draft.h"

#include <algorithm>

namespace paquebot::control {
namespace {

bool has_eight_bit(std::string_view bytes) { return !is_ascii(bytes); }

/// What the query of an import says.
struct WantedMail {
  std::optional<store::Id> upload;
  std::int64_t date = 0;
  std::uint64_t flags = 0;
  std::string digest; ///< octets
  std::string uidl;
  std::string folder; ///< empty: INBOX
  std::vector<std::string> keywords;
  std::uint32_t uid = 0;
};

Result<std::uint64_t> number_of(const Call& call, const std::string& name, std::uint64_t most) {
  const std::string text = call.ask(name);
  if (text.empty()) return 0;
  const auto number = parse_u64(text);
  if (!number || *number > most) return fail(Errc::invalid, "\"" + name + "\" is not a number in its bounds");
  return *number;
}

Result<store::Id> read_upload(std::string_view text) {
  const auto number = parse_u64(text);
  if (!number || *number == 0 || *number > INT64_MAX) return fail(Errc::invalid, "the upload is not a number");
  return static_cast<store::Id>(*number);
}

/// 32 or 64 hexadecimal digits: 16 or 32 octets.
Result<std::string> read_digest(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
  if (text.size() != 32 && text.size() != 64) return fail(Errc::invalid, "a digest has 32 or 64 hexadecimal digits");
  std::string octets;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(text[i]), low = digit(text[i + 1]);
    if (high < 0 || low < 0) return fail(Errc::invalid, "a digest has 32 or 64 hexadecimal digits");
    octets += static_cast<char>(high * 16 + low);
  }
  return octets;
}

/// RFC 1939 section 7.
Result<std::string> read_uidl(std::string text) {
  const bool good = text.size() <= 70 && std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7F; });
  if (!good) return fail(Errc::invalid, "a UIDL has at most 70 visible characters of ASCII");
  return text;
}

/// As IMAP clients know them, with spaces between.
Result<std::vector<std::string>> read_keywords(const std::string& text) {
  std::vector<std::string> keywords;
  for (const std::string_view one : split(text, ' ')) {
    if (one.empty()) continue;
    const bool good = one.size() <= imap::kMaxKeyword && std::ranges::all_of(one, imap::is_atom_char);
    if (!good || keywords.size() == imap::kMaxKeywords)
      return fail(Errc::invalid, "\"keywords\" are at most 64 words of 1 to 100 characters, with spaces between");
    keywords.emplace_back(one);
  }
  return keywords;
}

Result<WantedMail> read_wanted(const Call& call) {
  constexpr std::uint64_t kAllFlags =
      store::kSeen | store::kAnswered | store::kFlagged | store::kDeleted | store::kDraft;
  WantedMail wanted;
  if (const std::string text = call.ask("upload"); !text.empty()) {
    const auto upload = read_upload(text);
    if (!upload) return std::unexpected(upload.error());
    wanted.upload = *upload;
  }
  const auto date = read_time(call, "date");
  if (!date) return std::unexpected(date.error());
  const auto flags = number_of(call, "flags", kAllFlags);
  if (!flags) return std::unexpected(flags.error());
  if (const std::string text = call.ask("digest"); !text.empty()) {
    auto digest = read_digest(text);
    if (!digest) return std::unexpected(digest.error());
    wanted.digest = std::move(*digest);
  }
  auto uidl = read_uidl(call.ask("uidl"));
  if (!uidl) return std::unexpected(uidl.error());
  wanted.uidl = std::move(*uidl);
  auto folder = read_folder(call.ask("folder"));
  if (!folder) return std::unexpected(folder.error());
  wanted.folder = std::move(*folder);
  auto keywords = read_keywords(call.ask("keywords"));
  if (!keywords) return std::unexpected(keywords.error());
  wanted.keywords = std::move(*keywords);
  const auto uid = number_of(call, "uid", UINT32_MAX);
  if (!uid) return std::unexpected(uid.error());
  wanted.uid = static_cast<std::uint32_t>(*uid);
  wanted.date = *date;
  wanted.flags = *flags;
  return wanted;
}

/// Parts the request's octets into head and body. With an upload all of it is the head.
Result<> split_content(const std::string& bytes, queue::Draft& draft) {
  mail::HeadSplitter splitter;
  const auto body = splitter.feed(bytes);
  if (!body) return std::unexpected(body.error());
  draft.body.bytes = *body;
  const auto rest = splitter.finish();
  if (!rest) return std::unexpected(rest.error());
  draft.body.bytes += *rest;
  draft.head = splitter.take_head();
  if (draft.body.bytes.size() > kWholeBody) {
    return fail(Errc::invalid, "a body of more than 64 KiB must be uploaded in pieces first");
  }
  draft.body.size = draft.body.bytes.size();
  return {};
}

queue::DraftRecipient into_mailbox(const store::Account& account) {
  queue::DraftRecipient recipient;
  recipient.recipient.notify = mail::kNotifyNever;
  recipient.nodes = {{.address = account.login, .account = account.id}};
  return recipient;
}

Answer outcome(const store::AcceptResult& result, const Ulid& id) {
  switch (result.status) {
    case store::AcceptStatus::accepted: return json::object{{"id", id.to_string()}};
    case store::AcceptStatus::duplicate: return json::object{{"imported", "before"}};
    case store::AcceptStatus::over_limit: // imports are not charged
    case store::AcceptStatus::suppressed: // nor judged
    case store::AcceptStatus::over_quota:
      return fail(Errc::no_space,
                  "the account's quota is used up: give it more (paquebot account quota), and import again: what "
                  "was imported is not taken twice");
    case store::AcceptStatus::account_gone: return fail(Errc::not_found, "the account was removed meanwhile");
    case store::AcceptStatus::no_space: return fail(Errc::no_space, "the disk is full");
    case store::AcceptStatus::failed: return fail(Errc::io, "the message could not be stored: " + result.why);
  }
  return fail(Errc::io, "the message could not be stored");
}

/// Finishes the upload as the body.
Task<Result<>> use_upload(Uploads::Upload upload, queue::Draft& draft) {
  if (!draft.body.bytes.empty()) co_return fail(Errc::invalid, "with an upload the request holds only the head");
  const auto finished = co_await upload.body->finish();
  if (!finished) co_return std::unexpected(finished.error());
  draft.body.staged = std::move(upload.body);
  draft.body.size = upload.size;
  co_return Result<>{};
}

} // namespace

Task<Answer> begin_upload(Context& context, Call) {
  auto staged = co_await context.store.acceptance().stage();
  if (!staged) co_return std::unexpected(staged.error());
  co_return json::object{{"upload", context.uploads.add(std::move(*staged))}};
}

Task<Answer> append_upload(Context& context, Call call) {
  const auto id = read_upload(call.names[0]);
  if (!id) co_return std::unexpected(id.error());
  if (call.body.empty() || call.body.size() > store::kBodyChunk) {
    co_return fail(Errc::invalid, "a piece has from 1 to 262144 octets");
  }
  auto upload = context.uploads.take(*id);
  if (!upload) co_return fail(Errc::not_found, "there is no such upload, or it is in use");
  upload->size += call.body.size();
  upload->eight_bit = upload->eight_bit || has_eight_bit(call.body);
  const auto appended = co_await upload->body->append(std::move(call.body));
  if (!appended) co_return std::unexpected(appended.error());
  const std::uint64_t size = upload->size;
  context.uploads.give(std::move(*upload));
  co_return json::object{{"upload", *id}, {"size", size}};
}

Task<Answer> drop_upload(Context& context, Call call) {
  const auto id = read_upload(call.names[0]);
  if (!id) co_return std::unexpected(id.error());
  if (!context.uploads.take(*id)) co_return fail(Errc::not_found, "there is no such upload, or it is in use");
  co_return json::object{{"removed", *id}};
}

Task<Answer> was_imported(Context& context, Call call) {
  auto digest = read_digest(call.ask("digest"));
  if (!digest) co_return std::unexpected(digest.error());
  const auto account = co_await need_account(context, call.names[0]);
  if (!account) co_return std::unexpected(account.error());
  const auto known = co_await context.store.mailboxes().was_imported(account->id, std::move(*digest));
  if (!known) co_return std::unexpected(known.error());
  co_return json::object{{"imported", *known}};
}

Task<Answer> import_message(Context& context, Call call) {
  const auto wanted = read_wanted(call);
  if (!wanted) co_return std::unexpected(wanted.error());
  const auto account = co_await need_account(context, call.names[0]);
  if (!account) co_return std::unexpected(account.error());
  if (!wanted->folder.empty()) {
    FolderWish wish;
    wish.name = wanted->folder;
    const auto made = co_await need_folder(context.store, account->id, std::move(wish));
    if (!made) co_return std::unexpected(made.error());
  }
  queue::Draft draft;
  if (const auto parted = split_content(call.body, draft); !parted) co_return std::unexpected(parted.error());
  std::optional<Uploads::Upload> upload;
  if (wanted->upload) {
    upload = context.uploads.take(*wanted->upload);
    if (!upload) co_return fail(Errc::not_found, "there is no such upload, or it is in use");
    Uploads::Upload whole = *upload;
    const auto used = co_await use_upload(std::move(whole), draft);
    if (!used) co_return std::unexpected(used.error());
  }
  const bool eight_bit = has_eight_bit(call.body) || (upload && upload->eight_bit);
  draft.id = context.ids.next();
  draft.klass = store::MessageClass::imported;
  draft.content_8bit = eight_bit;
  draft.body.type = eight_bit ? mail::BodyType::eight_bit : mail::BodyType::seven_bit;
  draft.internal_date = wanted->date;
  draft.flags = wanted->flags;
  draft.digest = wanted->digest;
  draft.uid = wanted->uid;
  draft.uidl = wanted->uidl;
  draft.folder = wanted->folder;
  draft.keywords = wanted->keywords;
  draft.recipients.push_back(into_mailbox(*account));
  draft.note = "imported by " + call.who;
  const Ulid id = draft.id;
  auto accepting = context.hooks.accept(std::move(draft));
  const auto result = co_await std::move(accepting);
  co_return outcome(result, id);
}

} // namespace paquebot::control
