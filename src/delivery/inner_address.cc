#include "delivery/inner_address.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace paquebot::delivery {
namespace {

/// A status that judges the address, or its domain, would be read as one of the address that the sender named.
bool is_about_the_address(mail::EnhancedCode status) {
  return status.subject == 1 || (status.subject == 4 && status.detail == 4);
}

} // namespace

std::string named_address(const std::vector<store::RecipientFacts>& all, const store::RecipientFacts& one) {
  std::string named = one.via;
  std::int32_t parent = one.parent;
  for (std::size_t steps = 0; parent >= 0 && steps < all.size(); ++steps) {
    const auto index = static_cast<std::uint32_t>(parent);
    const auto found = std::ranges::lower_bound(all, index, {}, &store::RecipientFacts::index);
    if (found == all.end() || found->index != index) break;
    named = found->address;
    parent = found->parent;
  }
  return named;
}

void hide_inner_address(mail::ReportRecipient& row, const mail::Address& named) {
  mail::EnhancedCode status = mail::status_of(row);
  if (is_about_the_address(status)) status = {status.klass, 2, 0};
  const bool told = !row.told.empty();
  row.address = named;
  row.told = {};
  if (!told) return;
  if (row.outcome == mail::Outcome::failed)
    row.told.own = {static_cast<std::uint16_t>(status.klass * 100 + 50), status,
                    "an address that this one leads to could not be reached, or did not take the message"};
  if (row.outcome == mail::Outcome::delayed)
    row.told.own = {450, status, "an address that this one leads to has not taken the message yet"};
}

void drop_repeated(std::vector<mail::ReportRecipient>& rows) {
  std::set<std::tuple<std::string, std::string, mail::Outcome, std::string>> seen;
  std::erase_if(rows, [&seen](const mail::ReportRecipient& row) {
    return !seen.emplace(row.address.to_string(), row.orcpt, row.outcome, mail::status_of(row).to_string()).second;
  });
}

} // namespace paquebot::delivery
