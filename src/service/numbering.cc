#include "service/numbering.h"

#include <algorithm>

namespace paquebot::service {

Numbering::Numbering(store::Mailboxes& store, store::MailboxInfo mailbox)
    : store_(store), view_(mailbox.view()), count_(static_cast<std::uint32_t>(mailbox.count)) {}

Task<Result<>> Numbering::load_page(std::uint32_t page) {
  if (page == page_) co_return Result<>();
  if (page >= before_.size() && !indexed_) {
    auto index = co_await store_.index_view(view_, kStride);
    if (!index) co_return std::unexpected(index.error());
    indexed_ = true;
    before_.clear();
    for (std::uint32_t uid : *index) before_.push_back(uid - 1);
  }
  if (page >= before_.size()) co_return fail(Errc::not_found, "no such message");
  std::uint32_t after = before_[page];
  auto entries = co_await store_.list_view(view_, after, kStride);
  if (!entries) co_return std::unexpected(entries.error());
  entries_ = std::move(*entries);
  page_ = page;
  if (entries_.size() == kStride && before_.size() == page + 1) before_.push_back(entries_.back().uid);
  co_return Result<>();
}

Task<Result<std::vector<store::EntryInfo>>> Numbering::from(std::uint32_t number, std::uint32_t most) {
  std::vector<store::EntryInfo> found;
  while (found.size() < most && number <= count_) {
    std::uint32_t page = (number - 1) / kStride, skip = (number - 1) % kStride;
    auto loaded = co_await load_page(page);
    if (!loaded) co_return std::unexpected(loaded.error());
    if (skip >= entries_.size()) break;
    std::size_t some = std::min(entries_.size() - skip, most - found.size());
    auto first = entries_.begin() + skip;
    found.insert(found.end(), first, first + static_cast<std::ptrdiff_t>(some));
    number += static_cast<std::uint32_t>(some);
  }
  if (found.empty()) co_return fail(Errc::not_found, "no such message");
  co_return found;
}

} // namespace paquebot::service
