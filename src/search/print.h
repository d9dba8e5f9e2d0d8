#pragma once

#include "base/result.h"
#include "base/task.h"
#include "imap/search_filter.h"
#include "store/content_store.h"
#include "store/mailboxes.h"

namespace paquebot::search {

/// Octets of a message's texts that are looked at; what is beyond is read when it is searched.
inline constexpr std::size_t kMostText = 1u << 20;
/// Of a message with a larger body the head alone is looked at.
inline constexpr std::uint64_t kMostRead = 64ull << 20;

/// What is known of a message without reading it. `store` must outlive it. An error: it can't be read.
Task<Result<imap::Fingerprint>> print_of(store::ContentStore& store, store::EntryContent content);

} // namespace paquebot::search
