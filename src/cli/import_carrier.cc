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

/// What the fields of a message in an mbox file say of it: Status and X-Status (R read, A answered, F flagged, D
/// deleted, T draft), X-Keywords (words), X-UIDL.
void read_mbox_fields(const std::string& head, ImportedMessage& message) {
  const auto fields = mail::Head::parse(head);
  if (!fields) return;
  const std::string uidl = fields->value("X-UIDL");
  message.uidl = is_uidl(uidl) ? uidl : std::string();
  const std::string status = fields->value("Status") + fields->value("X-Status");
  message.seen = message.seen || status.contains('R');
  message.answered = message.answered || status.contains('A');
  message.flagged = message.flagged || status.contains('F');
  message.trashed = message.trashed || status.contains('D');
  message.draft = message.draft || status.contains('T');
  const std::string words = fields->value("X-Keywords");
  for (const std::string_view word : split(words, ' '))
    if (!trim(word).empty()) message.keywords.emplace_back(trim(word));
}

} // namespace

ImportCarrier::ImportCarrier(Session& session, const std::string& login, ProgressBar& bar, bool again)
    : session_(session), path_("/v1/accounts/" + control::path_encode(login) + "/messages"), bar_(bar), again_(again) {}

Result<Imported> ImportCarrier::carry(const ImportedMessage& message, const ImportContent& content) {
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
  Result<Imported> carried =
      digest ? bring(message, splitter.take_head(), *digest) : Result<Imported>(std::unexpected(digest.error()));
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

Result<Imported> ImportCarrier::hand_in(const ImportedMessage& found, std::string head, const std::string& digest) {
  using store::Flag;
  ImportedMessage message = found;
  if (message.of_mbox) read_mbox_fields(head, message);
  const std::uint32_t flags = (message.seen ? Flag::kSeen : 0U) | (message.answered ? Flag::kAnswered : 0U) |
                              (message.flagged ? Flag::kFlagged : 0U) | (message.trashed ? Flag::kDeleted : 0U) |
                              (message.draft ? Flag::kDraft : 0U);
  std::string target = path_ + "?flags=" + std::to_string(flags);
  if (message.internal_date && millis(*message.internal_date) > 0)
    target += "&date=" + control::percent_encode(log::time_of(*message.internal_date));
  if (!upload_.empty()) target += "&upload=" + upload_;
  if (!again_) target += "&digest=" + digest;
  if (!message.uidl.empty()) target += "&uidl=" + control::percent_encode(message.uidl);
  if (!message.folder.empty()) target += "&folder=" + control::percent_encode(message.folder);
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
