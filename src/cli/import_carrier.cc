#include "cli/import_carrier.h"

#include "base/encoding.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/maildir_uidls.h"
#include "control/control.h"
#include "control/target.h"
#include "imap/flags.h"
#include "imap/lexer.h"
#include "store/types.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace paquebot::cli {
namespace {

constexpr std::size_t kDigest = 16;      ///< octets
constexpr std::size_t kMostWords = 1500; ///< octets of keywords: they stand in the request's first line

bool is_keyword(std::string_view word) {
  return !word.empty() && word.size() <= imap::kMaxKeyword && std::ranges::all_of(word, imap::is_atom_char);
}

std::uint32_t uid_of(std::string_view text) {
  const auto number = parse_u64(trim(text));
  return number && *number <= UINT32_MAX ? static_cast<std::uint32_t>(*number) : 0;
}

bool is_of_mbox(const mail::Field& field) {
  static constexpr std::string_view kNames[] = {"X-UID",    "X-IMAPbase", "X-IMAP", "Status",
                                                "X-Status", "X-Keywords", "X-UIDL", "Content-Length"};
  return std::ranges::any_of(kNames, [&](std::string_view name) { return field.is(name); });
}

/// The fields from the one that mail programs put at the end of the head of a message in an mbox file: X-UID, with
/// X-IMAPbase before it and others behind. Taken out of the head; an empty one when there are none.
mail::Head take_mbox_fields(std::string& head) {
  const auto whole = mail::Head::parse(head);
  mail::Head own;
  if (!whole) return own;
  const auto& fields = whole->fields();
  std::size_t begins = fields.size();
  for (std::size_t i = fields.size(); i > 0 && is_of_mbox(fields[i - 1]); --i)
    if (fields[i - 1].is("X-UID")) {
      begins = i - 1;
      break;
    }
  if (begins == fields.size()) return own;
  while (begins > 0 && (fields[begins - 1].is("X-IMAPbase") || fields[begins - 1].is("X-IMAP"))) --begins;
  std::string left, taken;
  for (std::size_t i = 0; i < fields.size(); ++i) (i < begins ? left : taken) += fields[i].raw;
  auto parsed = mail::Head::parse(taken + "\r\n");
  if (!parsed) return own;
  head = left + "\r\n";
  return std::move(*parsed);
}

} // namespace

ImportCarrier::ImportCarrier(Session& session, const std::string& login, ProgressBar& bar, bool again)
    : session_(session), account_("/v1/accounts/" + control::path_encode(login)), path_(account_ + "/messages"),
      bar_(bar), again_(again) {}

/// Status and X-Status (R read, A answered, F flagged, D deleted, T draft), X-Keywords (words), X-UIDL, X-UID; and in
/// the first message X-IMAPbase: uidvalidity, last uid, keywords. Those that stand together at the end of the head are
/// not of the message.
void ImportCarrier::read_mbox_fields(std::string& head, ImportedMessage& message) {
  mail::Head fields = take_mbox_fields(head);
  if (fields.fields().empty()) {
    auto whole = mail::Head::parse(head);
    if (!whole) return;
    fields = std::move(*whole);
  }
  const std::string uidl = fields.value("X-UIDL");
  message.uidl = is_uidl(uidl) ? uidl : std::string();
  const std::string status = fields.value("Status") + fields.value("X-Status");
  message.seen = message.seen || status.contains('R');
  message.answered = message.answered || status.contains('A');
  message.flagged = message.flagged || status.contains('F');
  message.trashed = message.trashed || status.contains('D');
  message.draft = message.draft || status.contains('T');
  const std::string words = fields.value("X-Keywords");
  for (const std::string_view word : split(words, ' '))
    if (!trim(word).empty()) message.keywords.emplace_back(trim(word));
  Uids& uids = uids_[message.folder];
  const std::string base = fields.value("X-IMAPbase").empty() ? fields.value("X-IMAP") : fields.value("X-IMAPbase");
  if (const auto numbers = split(base, ' '); numbers.size() >= 2) {
    uids.validity = uid_of(numbers[0]);
    uids.next = uid_of(numbers[1]) + 1;
  }
  message.uid = uid_of(fields.value("X-UID"));
  message.uidvalidity = uids.validity;
  message.uidnext = uids.next;
}

void ImportCarrier::note_uid(const ImportedMessage& message) {
  Uids& uids = uids_[message.folder];
  const bool same = uids.all.empty() || (uids.validity == message.uidvalidity && uids.all.back().last < message.uid);
  uids.good = uids.good && same && message.uid != 0 && message.uidvalidity != 0;
  if (!uids.good) return;
  uids.validity = message.uidvalidity;
  uids.next = std::max({uids.next, message.uidnext, message.uid + 1});
  imap::append(uids.all, message.uid);
}

const std::string& ImportCarrier::target_of(const std::string& folder) const {
  const auto found = targets_.find(folder);
  return found == targets_.end() ? folder : found->second;
}

Result<> ImportCarrier::make_folder(const ImportedFolder& folder) {
  if (folder.name.empty() && !folder.subscribed) return {};
  json::object wanted{{"folder", folder.name}};
  if (!folder.use.empty()) wanted["use"] = folder.use;
  if (folder.subscribed) wanted["subscribed"] = *folder.subscribed;
  auto made = session_.call("POST", account_ + "/folders", control::to_text(wanted));
  if (made && !folder.use.empty()) targets_[folder.name] = control::get_text(*made, "folder");
  if (made) return {};
  // One that can't be made is no reason to leave the others behind.
  if (made.error().code == Errc::refused || made.error().code == Errc::conflict) made.error().code = Errc::invalid;
  return std::unexpected(made.error());
}

Result<std::uint64_t> ImportCarrier::keep_uids() {
  std::uint64_t kept = 0;
  for (const auto& [folder, uids] : uids_) {
    if (!uids.good || uids.all.empty() || again_) continue;
    mailauth::Sha256 hash;
    for (const imap::UidRun& run : uids.all)
      hash.update(std::to_string(run.first) + "-" + std::to_string(run.last) + ",");
    const auto digest = hash.finish();
    const json::object wanted{{"folder", target_of(folder)},
                              {"uidvalidity", uids.validity},
                              {"uidnext", uids.next},
                              {"uids", hex_encode(mailauth::view(digest))}};
    const auto done = session_.call("POST", account_ + "/folders", control::to_text(wanted));
    if (!done) return std::unexpected(done.error());
    kept += control::get_bool(*done, "kept") ? 1 : 0;
  }
  return kept;
}

Result<Imported> ImportCarrier::carry(const ImportedMessage& message, const ImportContent& content) {
  ImportedMessage own = message;
  auto carried = carry_message(own, content);
  if (carried) note_uid(own);
  return carried;
}

Result<Imported> ImportCarrier::carry_message(ImportedMessage& message, const ImportContent& content) {
  mail::HeadSplitter splitter;
  body_.clear();
  upload_.clear();
  spilled_.reset();
  static_cast<void>(hash_.finish()); // of one that broke off
  std::string origin;
  if (!message.origin.empty()) {
    origin = number(message, mailauth::view(mailauth::sha256(message.origin)));
    const auto before = known(origin);
    if (!before) return std::unexpected(before.error());
    if (*before) return Imported::before;
  }
  auto digest = read(message, splitter, content);
  if (digest && !origin.empty()) digest = std::move(origin);
  std::string head = splitter.take_head();
  if (digest && message.of_mbox) read_mbox_fields(head, message);
  Result<Imported> carried =
      digest ? bring(message, std::move(head), *digest) : Result<Imported>(std::unexpected(digest.error()));
  if (!carried && !upload_.empty()) static_cast<void>(session_.call("DELETE", "/v1/uploads/" + upload_));
  // What the server says of one message is no reason to leave the others behind.
  if (!carried && carried.error().code == Errc::conflict) carried.error().code = Errc::invalid;
  return carried;
}

/// The whole message, the body of a large one into a file. Returns what tells it from others, in hexadecimal digits.
Result<std::string> ImportCarrier::read(const ImportedMessage& message, mail::HeadSplitter& splitter,
                                        const ImportContent& content) {
  for (;;) {
    const auto piece = content();
    if (!piece) return std::unexpected(piece.error());
    hash_.update(*piece);
    const auto body = piece->empty() ? splitter.finish() : splitter.feed(*piece);
    if (!body) return std::unexpected(body.error());
    body_ += *body;
    bar_.add(piece->size());
    if (body_.size() > control::kWholeBody && !spilled_) {
      auto file = TempFile::make();
      if (!file) return std::unexpected(file.error());
      spilled_.emplace(std::move(*file));
    }
    if (spilled_) {
      if (auto kept = spilled_->append(body_); !kept) return std::unexpected(kept.error());
      body_.clear();
    }
    if (!piece->empty()) continue;
    const auto digest = hash_.finish();
    return message.origin.empty() ? number(message, mailauth::view(digest)) : std::string();
  }
}

/// Two messages of the same octets are two messages, today as well as at the next run; and the same one in two
/// mailboxes is two.
std::string ImportCarrier::number(const ImportedMessage& message, std::string_view digest) {
  const auto mixed = [](const std::string& text) {
    return std::string(mailauth::view(mailauth::sha256(text))).substr(0, kDigest);
  };
  std::string key(digest.substr(0, kDigest));
  if (!message.folder.empty()) key = mixed(key + message.folder);
  const unsigned before = seen_[key]++;
  if (before > 0) key = mixed(key + std::to_string(before));
  return hex_encode(key);
}

Result<bool> ImportCarrier::known(const std::string& digest) {
  if (again_) return false;
  const auto answer = session_.call("GET", path_ + "?digest=" + digest);
  if (!answer) return std::unexpected(answer.error());
  return control::get_bool(*answer, "imported");
}

Result<Imported> ImportCarrier::bring(const ImportedMessage& message, std::string head, const std::string& digest) {
  if (spilled_) {
    if (message.origin.empty()) {
      const auto before = known(digest);
      if (!before) return std::unexpected(before.error());
      if (*before) return Imported::before;
    }
    if (auto sent = upload(); !sent) return std::unexpected(sent.error());
  }
  return hand_in(message, std::move(head), digest);
}

Result<> ImportCarrier::upload() {
  const auto begun = session_.call("POST", "/v1/uploads");
  if (!begun) return std::unexpected(begun.error());
  upload_ = std::to_string(control::get_number(*begun, "upload"));
  if (auto rewound = spilled_->rewind(); !rewound) return rewound;
  std::string piece(store::kBodyChunk, '\0');
  for (;;) {
    const auto got = spilled_->read(piece.data(), piece.size());
    if (!got) return std::unexpected(got.error());
    if (*got == 0) return {};
    const auto sent = session_.call("POST", "/v1/uploads/" + upload_, std::string_view(piece).substr(0, *got));
    if (!sent) return std::unexpected(sent.error());
  }
}

Result<Imported> ImportCarrier::hand_in(const ImportedMessage& message, std::string head, const std::string& digest) {
  using store::Flag;
  const std::uint32_t flags = (message.seen ? Flag::kSeen : 0U) | (message.answered ? Flag::kAnswered : 0U) |
                              (message.flagged ? Flag::kFlagged : 0U) | (message.trashed ? Flag::kDeleted : 0U) |
                              (message.draft ? Flag::kDraft : 0U);
  std::string target = path_ + "?flags=" + std::to_string(flags);
  if (message.internal_date && millis(*message.internal_date) > 0)
    target += "&date=" + control::percent_encode(log::time_of(*message.internal_date));
  if (!upload_.empty()) target += "&upload=" + upload_;
  if (!again_) target += "&digest=" + digest;
  if (!message.uidl.empty()) target += "&uidl=" + control::percent_encode(message.uidl);
  if (message.uid != 0 && !again_) target += "&uid=" + std::to_string(message.uid);
  // What tells it from others is its mailbox elsewhere: here it may have another name at the next run.
  if (const std::string& own = target_of(message.folder); !own.empty())
    target += "&folder=" + control::percent_encode(own);
  std::string words;
  std::size_t count = 0;
  for (const std::string& keyword : message.keywords)
    if (is_keyword(keyword) && count++ < imap::kMaxKeywords && words.size() < kMostWords)
      words += (words.empty() ? "" : " ") + keyword;
  if (!words.empty()) target += "&keywords=" + control::percent_encode(words);
  head += body_;
  const auto added = session_.call("POST", target, head);
  if (!added) return std::unexpected(added.error());
  upload_.clear();
  return control::get_text(*added, "imported") == "before" ? Imported::before : Imported::now;
}

} // namespace paquebot::cli
