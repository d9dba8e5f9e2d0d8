#include "intake/complaint.h"

#include "base/log.h"
#include "base/text.h"
#include "intake/late_bounces.h"
#include "mail/content_type.h"
#include "mail/report.h"
#include "metrics/counters.h"

#include <algorithm>
#include <array>

namespace paquebot::intake {
namespace {

/// Feedback-Type values that say that a message is not wanted; "not-spam", and what tells of failed checks, don't.
constexpr auto kComplaints = std::to_array<std::string_view>({"abuse", "fraud", "virus", "opt-out", "other"});
constexpr std::size_t kMostPaths = 3;

/// "<01J…@mail.ours.test>", as the API writes it.
std::optional<Ulid> id_in(std::string_view message_id, std::string_view hostname) {
  message_id = trim(message_id);
  if (!message_id.starts_with('<') || !message_id.ends_with('>')) return {};
  message_id = message_id.substr(1, message_id.size() - 2);
  const auto at = message_id.find('@');
  if (at == message_id.npos || !iequals(message_id.substr(at + 1), hostname)) return {};
  return Ulid::parse(message_id.substr(0, at));
}

void add_path(std::vector<mail::Address>& paths, std::string_view text) {
  text = trim(text);
  if (text.starts_with('<')) text.remove_prefix(1);
  auto address = mail::parse_address(text.substr(0, text.find('>')));
  if (address && !address->empty() && paths.size() < kMostPaths) paths.push_back(std::move(*address));
}

} // namespace

std::optional<FeedbackNote> feedback_in(const queue::Draft& draft, std::string_view hostname) {
  if (draft.klass != store::MessageClass::incoming || draft.body.staged) return {};
  const auto head = mail::Head::parse(draft.head);
  if (!head || !mail::parse_content_type(head->value("Content-Type")).is("multipart", "report")) return {};
  const auto report = mail::parse_feedback(draft.head + draft.body.bytes);
  if (!report || std::ranges::find(kComplaints, report->type) == kComplaints.end()) return {};
  FeedbackNote note{.type = report->type};
  add_path(note.paths, report->original_mail_from);
  note.ids = ids_in(report->returned_head, hostname);
  if (const auto returned = mail::Head::parse(report->returned_head)) {
    add_path(note.paths, mail::unfold(returned->value("Return-Path")));
    if (const auto id = id_in(mail::unfold(returned->value("Message-ID")), hostname)) note.ids.push_back(*id);
  }
  return note;
}

std::string teller_of(const Findings& findings) {
  for (const mailauth::DkimVerdict& one : findings.dkim)
    if (one.result == mailauth::DkimResult::pass && !one.testing) return to_lower(one.domain);
  if (findings.sender.result == mailauth::SpfResult::pass) return to_lower(findings.sender.domain);
  if (findings.helo && findings.helo->result == mailauth::SpfResult::pass) return to_lower(findings.helo->domain);
  return {};
}

Task<void> note_feedback(const IntakeMeans& means, FeedbackNote note, Ulid report) {
  bool counted = false;
  store::Complaint complaint{.report = report, .words = note.type + ", told by " + printable(note.teller, 255)};
  if (!note.teller.empty()) {
    for (std::size_t i = 0; i < note.paths.size() && !counted; ++i) {
      mail::Address path = note.paths[i];
      const auto found = co_await means.policy.whose_return(std::move(path));
      if (!found || !*found || !(*found)->own) continue;
      store::Complaint one = complaint;
      one.message = (*found)->about.id;
      one.recipient = (*found)->recipient;
      const auto noted = co_await means.store.books().note_complaint(std::move(one));
      counted = noted && *noted;
      if (counted) complaint.message = (*found)->about.id;
    }
    for (std::size_t i = 0; i < note.ids.size() && !counted; ++i) {
      complaint.message = note.ids[i];
      store::Complaint one = complaint;
      const auto noted = co_await means.store.books().note_complaint(std::move(one));
      counted = noted && *noted;
    }
  }
  metrics::feedback.add(counted ? metrics::Feedback::counted : metrics::Feedback::doubted);
  if (counted)
    log::info("complained", {{"id", report.to_string()},
                             {"about", complaint.message.to_string()},
                             {"kind", note.type},
                             {"teller", note.teller}});
  else
    log::info("feedback-doubted",
              {{"id", report.to_string()},
               {"kind", note.type},
               {"teller", note.teller},
               {"why", note.teller.empty() ? "neither SPF nor DKIM say who wrote it"
                                           : "it does not show that its author had a message of ours"}});
}

} // namespace paquebot::intake
