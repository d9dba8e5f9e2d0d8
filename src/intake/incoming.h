#pragma once

#include "intake/content.h"
#include "intake/passage.h"
#include "intake/source_check.h"

#include <optional>
#include <string_view>
#include <vector>

namespace paquebot::intake {

/// One message on its way in: takes its content piece by piece and, at its end, takes responsibility for it. Each step
/// of the path is a class of its own that works on the message's Passage: Content, Loops, AuthorCheck, SourceCheck,
/// FilterPass, ReturnCheck, HeadCompletion, Handover, and Verdicts where each recipient has one. Must end by finish()
/// or discard().
class Incoming {
public:
  /// `id`: given to messages that have one already (drop directory), so that accepting them twice is harmless.
  Incoming(IntakeMeans means, const Options& options, Origin&& origin, std::optional<Ulid> id = std::nullopt);

  /// Starts what can be asked before the content is there. Call before write() for mail from a session, unless nothing
  /// is asked (asks_about()).
  Task<void> begin();
  /// Content with CRLF line ends; any octets when the sender said BODY=BINARYMIME. What goes wrong is remembered and
  /// told by finish().
  Task<void> write(std::string_view chunk) { return content_.write(chunk); }
  /// The same without a coroutine, for a piece of a small message that nobody looks at yet; false, and nothing is
  /// taken, otherwise.
  bool write_now(std::string_view chunk) { return content_.write_now(chunk); }
  /// Checks, completes the head, and commits, for all recipients or none: the reply, 250 only after the commit.
  Task<mail::Reply> finish();
  /// The same with a verdict for each recipient, in their order (LMTP): who can't have it now, such as a mailbox that
  /// has become full, does not stand in the others' way.
  Task<std::vector<mail::Reply>> finish_each();
  Task<void> discard();
  const Ulid& id() const { return message_.id; }
  /// Why the content can't be taken; code 0 while it can.
  const mail::Reply& failure() const { return message_.failure; }

private:
  Passage message_;
  Content content_;
};

} // namespace paquebot::intake
