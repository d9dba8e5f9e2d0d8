#include "intake/filter_pass.h"

#include "base/text.h"
#include "intake/filtering.h"
#include "intake/head_completion.h"

namespace paquebot::intake {

Task<void> FilterPass::run() {
  Passage& m = message_;
  if (!m.fine() || m.origin.filters == nullptr) co_return;
  co_await content_.settle();
  if (!m.fine()) co_return;
  HeadCompletion(m).tidy(); // a filter may sign the fields
  FilteredMessage shown({m.means.store, *m.origin.directory, m.head, m.origin.sender, m.origin.recipients, *m.body},
                        m.id.to_string());
  filter::Judgement judgement = co_await m.origin.filters->content(shown);
  m.failure = std::move(judgement.reply);
  if (!m.fine()) co_return;
  if (shown.nobody_left() && judgement.discard.empty()) judgement.discard = "no recipient was left by the filters";
  m.filter_places = shown.places();
  m.has_8bit = m.has_8bit || m.body->type == mail::BodyType::eight_bit || !is_ascii(m.head.to_string());
  if (!judgement.note.empty()) m.filter_note = ", " + judgement.note;
  m.filter_note += shown.note();
  m.discarded = std::move(judgement.discard);
  const std::string& why = m.discarded.empty() ? judgement.hold : m.discarded;
  for (queue::DraftRecipient& recipient : m.origin.recipients) recipient.hold = why;
}

} // namespace paquebot::intake
