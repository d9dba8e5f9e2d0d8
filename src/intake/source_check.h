#pragma once

#include "intake/passage.h"

#include <string>

namespace paquebot::intake {

/// Whether others may be asked of where the mail of this client (an IP address) is from.
bool asks_about(const IntakeMeans& means, const Options& options, const std::string& client);

/// A step of Incoming: where the message is from, and what follows from it. Mail from other servers is checked; our own
/// users have shown who they are, but not who wrote what they send on to mailboxes here.
class SourceCheck {
public:
  /// `message` must outlive it.
  explicit SourceCheck(Passage& message) : message_(message) {}

  /// Before the content: makes Passage::authentication where something is to be checked.
  void watch();
  /// Starts what can be asked before the content is there.
  Task<void> begin();
  /// The content is over: what other domains say of mail in their name, before the commit, so that a forgery is refused
  /// in the session, and set aside what is to be.
  Task<void> run();
  /// Whether the sender is known to be whom MAIL names: who logged in, who is trusted, and those of whom the domain
  /// says so itself.
  bool vouched() const;
  /// A stranger can't have us write to whomever he names: RFC 3461 section 5.2.3 and RFC 2852 section 4.1.4 would have
  /// us do so, for no fault of anybody and to hosts of his choice, as often as he likes. docs/standards.md says why we
  /// do not.
  void leave_unreported();

private:
  Task<void> believe_device();
  void note_for_report();
  void set_aside(const std::string& reason);

  Passage& message_;
};

} // namespace paquebot::intake
