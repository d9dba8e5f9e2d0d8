#include "queue/source.h"

#include "base/text.h"

#include <algorithm>

namespace paquebot::queue {
namespace {

/// The same number for the same message, evenly spread.
std::uint64_t number_of(const Ulid& id) {
  std::uint64_t number = 14695981039346656037U; // FNV-1a
  for (const char c : id.to_string()) number = (number ^ static_cast<unsigned char>(c)) * 1099511628211U;
  return number ^ (number >> 32);
}

} // namespace

const Source* Sources::by_name(std::string_view name) const {
  const auto at = std::ranges::find(all_, name, &Source::name);
  return at == all_.end() ? nullptr : &*at;
}

const Pool* Sources::pool_of(const mail::Address& from, bool submitted) const {
  const std::string domain = to_lower(from.domain), address = to_lower(from.local) + "@" + domain;
  const Pool* found = nullptr;
  int rank = 0;
  for (const Pool& pool : pools_) {
    for (const std::string& name : pool.from) {
      int fits = name == "*" ? 1 : 0;
      if (submitted && name == domain) fits = 2;
      if (submitted && name == address) fits = 3;
      if (fits <= rank) continue;
      rank = fits;
      found = &pool;
    }
  }
  return found;
}

std::string Sources::choose(const mail::Address& from, bool submitted, const Ulid& id) const {
  const Pool* const pool = pools_.empty() ? nullptr : pool_of(from, submitted);
  if (pool == nullptr) return {};
  std::uint64_t all = 0;
  for (const Pool::Share& share : pool->shares) all += share.weight;
  if (all == 0) return {};
  std::uint64_t turn = number_of(id) % all;
  for (const Pool::Share& share : pool->shares) {
    if (turn < share.weight) return share.source;
    turn -= share.weight;
  }
  return {};
}

} // namespace paquebot::queue
