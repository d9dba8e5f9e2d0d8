#pragma once

#include "intake/loops.h"
#include "intake/passage.h"

#include <cstddef>
#include <string>
#include <vector>

namespace paquebot::intake {

/// One verdict for each recipient of a message (RFC 2033 section 4.2): some are accepted while others are not. Keeps
/// the places of those that are still without one, in the order of the recipients that are left.
class Verdicts {
public:
  /// `message` must outlive it. Nobody is open until leave_out().
  explicit Verdicts(Passage& message)
      : message_(message), asked_(message.origin.recipients.size()), verdicts_(asked_) {}

  /// Gives those that the message was at before their verdict, and leaves only the others.
  void leave_out(const Loops& loops);
  /// Filters have taken out recipients, who are done with, and added others, whose verdicts nobody hears.
  void follow_filters();
  /// Whether somebody is still without a verdict.
  bool open() const { return !places_.empty(); }
  /// The verdict of all that are.
  void settle_all(const mail::Reply& reply);
  /// The same for whoever leads to one of the addresses, who leave `draft`; for all when there are none. True: there
  /// are others, for whom it is to be tried again.
  bool settle(queue::Draft& draft, const std::vector<std::string>& addresses, const mail::Reply& reply);
  /// The verdict of all that have none.
  void fill(const mail::Reply& reply);
  /// Those of the recipients that the session named, in their order.
  std::vector<mail::Reply> take();

private:
  std::vector<std::size_t> take_out(queue::Draft& draft, const std::vector<std::string>& addresses);

  Passage& message_;
  std::size_t asked_; ///< filters may add some behind these
  std::vector<mail::Reply> verdicts_;
  std::vector<std::size_t> places_;
};

} // namespace paquebot::intake
