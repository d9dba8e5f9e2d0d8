#include "mail/told.h"

#include <string_view>
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
  const std::string& where = place.empty() ? host : place;
  std::string out;
  if (own.code != 0) out = own.to_string();
  if (own.code != 0 && peer.code != 0) out += "; ";
  if (peer.code != 0) {
    out += where.empty() ? std::string_view("the other server") : where;
    out += " said: ";
    out += peer.to_string();
  } else if (own.code != 0 && !where.empty()) {
    out += " (";
    out += where;
    out += ')';
  }
  return out;
}

} // namespace paquebot::mail
