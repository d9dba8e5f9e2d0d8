#include "mail/told.h"

#include <utility>

namespace paquebot::mail {

Told Told::by(Reply reply, std::string host, std::string place) {
  Told told;
  const bool heard = reply.heard;
  if (heard) told.host = std::move(host);
  told.place = std::move(place);
  (heard ? told.peer : told.own) = std::move(reply);
  return told;
}

std::string Told::to_string() const {
  if (empty()) return {};
  const std::string& where = place.empty() ? host : place;
  std::string said = peer.code != 0 ? (where.empty() ? "the other server" : where) + " said: " + peer.to_string() : "";
  if (own.code == 0) return said;
  std::string out = own.to_string();
  if (!said.empty()) return out + "; " + said;
  return where.empty() ? out : out + " (" + where + ")";
}

} // namespace paquebot::mail
