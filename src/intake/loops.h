#pragma once

#include "mail/head.h"
#include "mail/status.h"
#include "queue/draft.h"

#include <cstddef>
#include <string>
#include <unordered_set>
#include <vector>

namespace paquebot::intake {

/// A step of Incoming: finds mail that goes round in circles. Pure.
class Loops {
public:
  /// `head` must outlive it. `max_hops`: Received fields that there may be.
  Loops(const mail::Head& head, std::size_t max_hops);

  // A reply with the code 0: it does not loop.
  /// Too many servers on the way (RFC 5321 section 6.3).
  mail::Reply hops() const;
  /// The message was at one of the addresses that this recipient leads to: our own Delivered-To is in it (RFC 9228).
  mail::Reply of(const queue::DraftRecipient& recipient) const;
  /// Any of both.
  mail::Reply any(const std::vector<queue::DraftRecipient>& recipients) const;

private:
  const mail::Head& head_;
  std::size_t max_hops_;
  /// Where it was before. A stranger may send many fields to many recipients: each is looked at once.
  std::unordered_set<std::string> been_;
};

} // namespace paquebot::intake
