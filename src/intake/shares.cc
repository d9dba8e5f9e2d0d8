#include "intake/shares.h"

#include <optional>

namespace paquebot::intake {

namespace {

std::string begin_of(const mailauth::Ip& client, std::size_t octets) {
  std::string name(1, client.v4 ? '4' : '6');
  for (std::size_t i = 0; i < octets; ++i) name += static_cast<char>(client.octets[i]);
  return name;
}

} // namespace

std::string Shares::client_of(const mailauth::Ip& client) { return begin_of(client, client.v4 ? 4 : 8); }
std::string Shares::network_of(const mailauth::Ip& client) { return begin_of(client, client.v4 ? 3 : 6); }

bool Shares::enter(const std::string& whose, std::size_t most, const OneShot& turn) {
  const std::lock_guard lock(mutex_);
  Share& share = networks_[whose];
  if (share.used < most) {
    ++share.used;
    return true;
  }
  share.line.push_back(turn);
  return false;
}

bool Shares::enter(const std::string& whose, std::size_t most) {
  const std::lock_guard lock(mutex_);
  const std::size_t used = networks_.contains(whose) ? networks_[whose].used : 0;
  if (used < most) networks_[whose].used = used + 1;
  return used < most;
}

void Shares::leave(const std::string& network) {
  std::optional<OneShot> next;
  {
    const std::lock_guard lock(mutex_);
    const auto found = networks_.find(network);
    Share& share = found->second;
    if (!share.line.empty()) { // the place is handed on
      next = std::move(share.line.front());
      share.line.pop_front();
    } else if (--share.used == 0) {
      networks_.erase(found);
    }
  }
  if (next) next->fire();
}

} // namespace paquebot::intake
