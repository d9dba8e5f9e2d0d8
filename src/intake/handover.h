#pragma once

#include "intake/complaint.h"
#include "intake/passage.h"
#include "intake/verdicts.h"

#include <string>
#include <vector>

namespace paquebot::intake {

/// The last step of Incoming: hands the message to the queue, which takes responsibility for it, and finds the words
/// for what came of that.
class Handover {
public:
  /// `message` must outlive it.
  explicit Handover(Passage& message) : message_(message) {}

  /// What is handed over of the message, whose head is complete: takes its recipients.
  queue::Draft draft(store::NewBody body);
  /// For all recipients or none: 250 only after the commit. No coroutine: many wait for a commit at a time, and a draft
  /// is large. This must outlive the task.
  Task<mail::Reply> commit(queue::Draft draft);
  /// For as many as possible: the store accepts for all or says who can't; without those it is tried again. Each round
  /// takes out at least one, so there are no more rounds than recipients.
  Task<void> commit_each(queue::Draft draft, Verdicts& verdicts);
  /// The words for what the store said.
  mail::Reply answer(const store::AcceptResult& result) const;

private:
  std::string wishes() const;
  bool charged() const;
  /// What a report says of mail that went out before.
  struct Told {
    std::vector<store::LateBounces> bounces;
    std::optional<FeedbackNote> feedback;
  };
  Told told_by(const queue::Draft& draft) const;
  Task<mail::Reply> conclude(Task<store::AcceptResult> accepting, std::uint64_t size, Told told);
  Task<void> note_bounces(std::vector<store::LateBounces> bounces);
  Task<void> drop_discarded();
  void note_addresses(const queue::Draft& draft);
  void log_result(const mail::Reply& reply, std::uint64_t size) const;

  Passage& message_;
  std::vector<std::string> addresses_; ///< of the recipients, for the log
};

} // namespace paquebot::intake
