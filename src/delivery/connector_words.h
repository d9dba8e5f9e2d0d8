#pragma once

#include "mail/told.h"

#include <cstdint>
#include <string>
#include <utility>

// What both parts of the Connector call things.

namespace paquebot::delivery {

/// An address as in HostBook.
inline std::string key_of(const std::string& address, std::uint16_t port) {
  return address.starts_with('/') ? "[" + address + "]" : "[" + address + "]:" + std::to_string(port);
}

inline mail::Told own_word(mail::Reply reply, std::string place = {}) {
  return mail::Told::by(std::move(reply), {}, std::move(place));
}

} // namespace paquebot::delivery
