#pragma once

#include "intake/passage.h"

#include <string>

namespace paquebot::intake {

/// A step of Incoming: makes of the head that came the one that is kept. What strangers forged goes, what RFC 6409
/// section 8 lets a submission server add is added for our own users.
class HeadCompletion {
public:
  /// `message` must outlive it.
  explicit HeadCompletion(Passage& message) : message_(message) {}

  /// All but trace fields: once, before filters look at the message or sign it.
  void tidy();
  /// The rest, after tidy() if that was not done: Received, and what was found out about its source, in front.
  void complete();

private:
  void add_missing();
  void note_tags();
  void read_tls_wish();
  bool removes_bcc() const;
  std::string own_author() const;

  Passage& message_;
};

} // namespace paquebot::intake
