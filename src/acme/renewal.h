#pragma once

#include "acme/certificate.h"
#include "acme/conversation.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

/// When a certificate is renewed, and when an attempt that failed is made again. Times are milliseconds since 1970.
namespace paquebot::acme {

/// A moment in the window, chosen by `random` (RFC 9773 section 4.2); `chosen` before stays if it still lies in it.
std::int64_t moment_in(const Window& window, std::int64_t chosen, std::uint64_t random);
/// Without a window: when two thirds of its life are over.
std::int64_t two_thirds(const Issued& facts);
/// From when on an operator is to hear that it is not renewed: a quarter of its life is left.
std::int64_t late_from(const Issued& facts);
/// After so many failures in a row (from 1 on) there is no attempt for 1, 2, 4 … minutes, at most 24 hours; `wanted`
/// by the authority counts if it is longer, up to as much.
std::chrono::milliseconds back_off(unsigned failures, std::chrono::seconds wanted);

/// Asks an authority when it wants a certificate to be renewed: a state machine like Ordering.
class RenewalQuery {
public:
  struct Answer {
    std::optional<Window> window;         ///< nothing: it does not say, or not now
    std::chrono::seconds again{6 * 3600}; ///< when to ask again: 1 minute to 1 day (RFC 9773 section 4.3.2)
  };
  using Action = std::variant<Conversation::Ask, Conversation::Pause, Answer>;

  /// `id`: Issued::id.
  RenewalQuery(std::string directory_url, PrivateKey key, std::string id);

  Action next();
  void answered(Reply reply, std::int64_t now);
  void unreachable(const Error& why) { conversation_.unreachable(why); }
  void waited() { conversation_.rested(); }

private:
  void hear(const Reply& reply);

  const std::string id_;
  Conversation conversation_;
  bool asked_ = false;
  std::int64_t now_ = 0;
  std::optional<Answer> answer_;
};

} // namespace paquebot::acme
