#include "intake/passage.h"

#include "base/log.h"

namespace paquebot::intake {

mail::Reply no_room(const Error& why) {
  return {static_cast<std::uint16_t>(why.code == Errc::no_space ? 452 : 451),
          {4, 3, 1},
          "no room for the message now, please try again later",
          why.message};
}

bool Passage::has_stranger() const {
  if (origin.client.role == smtp::Role::lmtp) return false;
  return origin.klass != store::MessageClass::incoming ||
         !options.authentication.skip_networks.contains(origin.client.address);
}

std::string Passage::peer() const {
  const std::string& helo = origin.arrival.helo;
  std::string ip;
  if (!origin.arrival.peer_ip.empty()) ip.append("[").append(origin.arrival.peer_ip).append("]");
  if (helo.empty() || helo == ip) return ip;
  std::string text = helo;
  if (!ip.empty()) text.append(" ").append(ip);
  return text;
}

void Passage::log_refused(const mail::Reply& reply) const {
  log::warning("refused", {{"id", id.to_string()},
                           {"from", origin.sender.reverse_path.to_string()},
                           {"client", origin.arrival.peer_ip},
                           {"reply", reply.to_string()},
                           {"why", reply.cause},
                           {"checks", authentication ? authentication->summary() : std::string()}});
}

} // namespace paquebot::intake
