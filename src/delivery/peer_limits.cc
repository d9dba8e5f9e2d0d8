#include "delivery/peer_limits.h"

#include "base/text.h"

#include <iterator>

namespace paquebot::delivery {

bool keep_limits(const smtp::PeerFeatures& limits, std::set<std::string>& domains,
                 std::vector<store::RecipientFacts>& recipients, std::vector<store::RecipientFacts>& rest) {
  if (limits.rcpt_max == 0 && limits.rcpt_domain_max == 0) return !recipients.empty();
  std::vector<store::RecipientFacts> going, staying;
  for (store::RecipientFacts& recipient : recipients) {
    bool room = limits.rcpt_max == 0 || going.size() < limits.rcpt_max;
    if (room && limits.rcpt_domain_max > 0) {
      std::string domain = to_lower(recipient.address.substr(recipient.address.rfind('@') + 1));
      room = domains.contains(domain) || domains.size() < limits.rcpt_domain_max;
      if (room) domains.insert(std::move(domain));
    }
    (room ? going : staying).push_back(std::move(recipient));
  }
  const bool some = !going.empty();
  recipients = std::move(some ? going : staying);
  if (some) std::move(staying.begin(), staying.end(), std::back_inserter(rest));
  return some;
}

} // namespace paquebot::delivery
