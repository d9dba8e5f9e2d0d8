#pragma once

#include "delivery/commons.h"
#include "delivery/content.h"
#include "delivery/finding.h"
#include "delivery/peer.h"
#include "delivery/settling.h"
#include "queue/queue.h"
#include "smtp/client_session.h"

#include <chrono>
#include <cstdint>

namespace paquebot::delivery {

/// One message on its way through one connection that is ready for it: made to fit the peer, signed, sent. Everything
/// that it is given outlives it.
class Handover {
public:
  /// `secure`: the connection is as a message with REQUIRETLS needs it.
  Handover(Commons& commons, Peer& peer, const queue::Job& part, Content& content, bool secure);

  /// Makes envelope and content such as the peer takes them, and signs what is ours to sign. A negative reply of ours
  /// when that can't be done; else go on with:
  Task<mail::Reply> prepare();
  /// What the session says then; `need_content`: go on with send_content().
  Task<Peer::Event> send_envelope();
  /// Gives the content until it is over, or until the peer has refused it or is gone. What the session says then.
  Task<Peer::Event> send_content();

  /// How it went. Its spans are the session's: until the next message.
  Transmission came_to() const;
  /// Of what prepare() found.
  Handed handed() const { return handed_; }

private:
  bool tells_too_much() const;
  Task<mail::Reply> hide();
  Task<mail::Reply> sign(std::uint64_t max_size);
  Task<void> name_return_path();
  Task<void> send_some();

  Commons& commons_;
  Peer& peer_;
  const queue::Job& part_;
  Content& content_;
  const bool secure_;
  smtp::OutgoingMessage out_;
  Handed handed_;
  bool content_begun_ = false;
  std::uint64_t size_ = 0; ///< of the content as it goes
  std::chrono::steady_clock::time_point begun_{};
};

} // namespace paquebot::delivery
