#include "service/pop3_mailbox.h"

#include "mail/surrogate.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace paquebot::service {
namespace {

/// Messages deleted in one transaction: a few tens of milliseconds, so that nobody waits long behind a large QUIT.
constexpr std::size_t kDeletedAtOnce = 500;

/// Octets that are read ahead, in all.
constexpr std::size_t kAheadOctets = 128u << 10;

/// Counts what RETR sends, before dot-stuffing: with the line end that the last line gets when it has none.
class SentOctets {
public:
  void add(std::string_view bytes) {
    if (bytes.empty()) return;
    before_last_ = bytes.size() > 1 ? bytes[bytes.size() - 2] : last_;
    last_ = bytes.back();
    count_ += bytes.size();
  }
  std::uint64_t whole() const { return count_ + (before_last_ == '\r' && last_ == '\n' ? 0 : 2); }

private:
  std::uint64_t count_ = 0;
  char before_last_ = '\r', last_ = '\n';
};

} // namespace

Task<Result<store::MailboxInfo>> Pop3Mailbox::open(store::Id account, boost::asio::any_io_executor executor,
                                                   std::weak_ptr<MailboxHolder> holder) {
  std::string inbox = "INBOX";
  auto opened = co_await store_.mailboxes().open(account, inbox);
  if (!opened) co_return opened;
  auto locked = co_await lock(opened->id);
  if (!locked) co_return std::unexpected(std::move(locked.error()));
  lock_ = std::move(*locked);
  locked_ = opened->id;
  holders_.hold(locked_, std::move(executor), std::move(holder));
  // Again, under the lock: another session may have deleted in between.
  opened = co_await store_.mailboxes().open(account, inbox);
  if (opened) numbering_.emplace(store_.mailboxes(), *opened);
  co_return opened;
}

Task<Result<std::unique_ptr<store::MailboxLock>>> Pop3Mailbox::lock(store::Id mailbox) {
  auto locked = co_await store_.mailboxes().lock(mailbox);
  if (locked || locked.error().code != Errc::conflict) co_return locked;
  const bool free = co_await holders_.take_over(mailbox);
  if (!free) co_return locked;
  auto again = co_await store_.mailboxes().lock(mailbox);
  co_return again;
}

std::unique_ptr<store::MailboxLock> Pop3Mailbox::give_up() {
  if (lock_) holders_.leave(locked_);
  locked_ = 0;
  return std::move(lock_);
}

Task<Result<std::vector<store::EntryInfo>>> Pop3Mailbox::list(std::uint32_t first, std::uint32_t most) {
  return numbering_->from(first, most);
}

Task<Result<std::uint64_t>> Pop3Mailbox::surrogate_size(std::uint32_t uid) {
  if (const auto known = surrogate_sizes_.find(uid); known != surrogate_sizes_.end()) co_return known->second;
  std::vector<std::uint32_t> one{uid};
  auto read = co_await store_.mailboxes().read_entries(locked_, std::move(one), kAheadOctets);
  if (!read) co_return std::unexpected(read.error());
  if (read->empty()) co_return fail(Errc::not_found, "no such message");
  store::EntryContent entry = std::move(read->front());
  mail::Surrogate surrogate;
  SentOctets sent;
  if (entry.text) entry.head += *entry.text;
  const std::uint64_t size = entry.text ? 0 : entry.body.size;
  sent.add(surrogate.feed(entry.head, size == 0));
  for (std::uint64_t offset = 0; offset < size;) {
    auto piece = co_await store_.content().read_body(entry.body, offset, store::kBodyChunk);
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) co_return fail(Errc::io, "the body is short");
    offset += piece->size();
    sent.add(surrogate.feed(*piece, offset >= size));
  }
  surrogate_sizes_.emplace(uid, sent.whole());
  co_return sent.whole();
}

/// Makes `number` the first of those read ahead.
Task<Result<>> Pop3Mailbox::read_ahead(std::uint32_t number, std::uint32_t most) {
  ahead_.clear();
  auto entries = co_await numbering_->from(number, most);
  if (!entries) co_return std::unexpected(entries.error());
  if (entries->front().gone) co_return fail(Errc::conflict, "it was deleted by somebody else");
  std::vector<std::uint32_t> uids;
  for (const store::EntryInfo& entry : *entries) uids.push_back(entry.uid);
  auto read = co_await store_.mailboxes().read_entries(locked_, std::move(uids), kAheadOctets);
  if (!read) co_return std::unexpected(read.error());
  ahead_.assign(std::make_move_iterator(read->begin()), std::make_move_iterator(read->end()));
  ahead_number_ = number;
  co_return Result<>();
}

Task<Result<>> Pop3Mailbox::begin(std::uint32_t number, std::uint32_t most) {
  if (ahead_.empty() || number != ahead_number_) {
    auto read = co_await read_ahead(number, most);
    if (!read) co_return read;
  }
  message_ = std::move(ahead_.front());
  ahead_.pop_front();
  ++ahead_number_;
  offset_ = 0;
  co_return Result<>();
}

Task<Result<std::string>> Pop3Mailbox::piece() {
  auto piece = co_await store_.content().read_body(message_.body, offset_, store::kBodyChunk);
  if (piece && piece->empty()) co_return fail(Errc::io, "the body is short");
  if (piece) offset_ += piece->size();
  co_return piece;
}

Task<Result<std::vector<std::uint32_t>>> Pop3Mailbox::uids_of(const std::vector<std::uint32_t>& numbers) {
  std::vector<std::uint32_t> uids;
  uids.reserve(numbers.size());
  for (std::size_t at = 0; at < numbers.size();) {
    const std::uint32_t first = numbers[at];
    const std::uint32_t most = Numbering::kStride - (first - 1) % Numbering::kStride;
    auto entries = co_await numbering_->from(first, most);
    if (!entries) co_return std::unexpected(entries.error());
    const std::size_t before = at;
    for (; at < numbers.size() && numbers[at] - first < entries->size(); ++at)
      uids.push_back((*entries)[numbers[at] - first].uid);
    if (at == before) co_return fail(Errc::not_found, "no such message");
  }
  co_return uids;
}

Task<Result<>> Pop3Mailbox::remove(const std::vector<std::uint32_t>& numbers, std::string by, std::size_t& removed) {
  removed = 0;
  auto uids = co_await uids_of(numbers);
  if (!uids) co_return std::unexpected(uids.error());
  for (std::size_t at = 0; at < uids->size(); at += kDeletedAtOnce) {
    const auto begin = uids->begin() + static_cast<std::ptrdiff_t>(at);
    const auto end = begin + static_cast<std::ptrdiff_t>(std::min(kDeletedAtOnce, uids->size() - at));
    std::vector<std::uint32_t> slice(begin, end);
    std::string who = by;
    auto gone = co_await store_.mailboxes().expunge(locked_, std::move(slice), std::move(who));
    if (!gone) co_return std::unexpected(gone.error());
    removed += *gone;
  }
  co_return Result<>();
}

} // namespace paquebot::service
