#pragma once

#include "control/call.h"
#include "store/within.h"

#include <string>
#include <string_view>
#include <vector>

/// Lists that the store reads in pages.
namespace paquebot::control {

/// What of domains and accounts is within the reach of who asks.
store::Within within_reach(const Asker& asker);
/// The same, of one domain that the dispatcher has let him ask about.
store::Within within_domain(std::string domain);

/// `limit` and `after` of a query, for actions that page by themselves.
struct PageWish {
  std::size_t limit = 0;
  std::string after;
};
Found<PageWish> read_page(const Call& call);

/// Takes off the one item more than the page holds that was read, and says so: there is a next page.
template <class T>
bool cut_to(std::vector<T>& items, std::size_t limit) {
  const bool more = items.size() > limit;
  if (more) items.resize(limit);
  return more;
}

} // namespace paquebot::control
