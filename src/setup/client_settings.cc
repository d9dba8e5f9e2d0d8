#include "setup/client_settings.h"

#include "setup/facts.h"

#include <algorithm>
#include <tuple>

namespace paquebot::setup {

const Offer* ClientSettings::best(Protocol protocol) const {
  const auto found = std::ranges::find(offers, protocol, &Offer::protocol);
  return found == offers.end() ? nullptr : &*found;
}

ClientSettings client_settings(std::string host, std::span<const Offer> offers, bool web) {
  const auto is_public = [](const Offer& one) { return !one.loopback && one.port != 0; };
  const bool has_public = std::ranges::any_of(offers, is_public);
  ClientSettings made{.host = std::move(host), .offers = {}, .web = web};
  for (const Offer& one : offers)
    if (one.port != 0 && (!has_public || !one.loopback)) made.offers.push_back(one);
  const auto order = [](const Offer& one) { return std::tuple(one.protocol, one.security, one.port); };
  std::ranges::sort(made.offers, {}, order);
  const auto twice = std::ranges::unique(made.offers, {}, order);
  made.offers.erase(twice.begin(), twice.end());
  return made;
}

Facts facts_of(const Options& options, std::string server, std::span<const Offer> offers, bool web) {
  auto clients = client_settings(options.host.empty() ? server : options.host, offers, web);
  return {.server = std::move(server), .clients = std::move(clients), .mta_sts = options.mta_sts};
}

} // namespace paquebot::setup
