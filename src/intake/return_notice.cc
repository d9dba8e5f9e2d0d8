#include "intake/return_notice.h"

#include "base/log.h"
#include "base/text.h"
#include "intake/incoming.h"
#include "mail/content_type.h"
#include "mail/date.h"

#include <algorithm>
#include <fmt/chrono.h>
#include <fmt/format.h>

namespace paquebot::intake {

bool is_answer_by_form(const mail::Head& head) {
  const mail::Field* type = head.find("Content-Type");
  if (type && mail::parse_content_type(type->value()).is("multipart", "report")) return true;
  const std::string automatic = mail::unfold(head.value("Auto-Submitted"));
  const std::string_view word = trim(std::string_view(automatic).substr(0, automatic.find_first_of(";( \t")));
  return iequals(word, "auto-generated") || iequals(word, "auto-replied") || iequals(word, "auto-notified");
}

Notice compose_return_notice(const std::string& hostname, const store::Forwarded& about, const std::string& client,
                             const std::string& id, WallTime now, bool formed) {
  Notice notice;
  const std::string to = about.sender.to_string();
  notice.head = fmt::format("From: Mail server {0} <postmaster@{0}>\r\n"
                            "To: <{1}>\r\n"
                            "Subject: Your message may not have arrived\r\n"
                            "Date: {2}\r\n"
                            "Message-ID: <{3}@{0}>\r\n"
                            "Auto-Submitted: auto-replied\r\n"
                            "MIME-Version: 1.0\r\n"
                            "Content-Type: text/plain; charset=utf-8\r\n"
                            "{4}"
                            "\r\n",
                            hostname, to, mail::format_date(now), id,
                            is_ascii(to + about.named) ? "" : "Content-Transfer-Encoding: 8bit\r\n");
  const auto when = fmt::gmtime(static_cast<std::time_t>(about.accepted_at / 1000));
  const std::string what = about.named.empty() ? std::string() : " to <" + printable(about.named, 320) + ">";
  const std::string where = client.empty() ? "another server" : "a server at " + printable(client, 64);
  const std::string_view came =
      formed ? "a report or an automatic answer. Most likely your\r\n"
               "message could not be delivered there.\r\n\r\n"
               "What came is not passed on, since it may name the address that it was sent on to."
             : "something that has not the form of a\r\n"
               "delivery report. Most likely your message could not be delivered there.\r\n\r\n"
               "What came is not passed on, since anybody could have written it.";
  notice.body = fmt::format("This is the mail server {}.\r\n\r\n"
                            "Your message{} of {:%Y-%m-%d %H:%M} UTC was sent on from here. Now\r\n"
                            "{} has answered with {}\r\n"
                            "Here the message has the id {}.\r\n",
                            hostname, what, when, where, came, about.id.to_string());
  return notice;
}

/// Something comes back about a message that was forwarded: it counts, and what has not the form of a report goes on as
/// a notice of ours. A reply: the message at hand is done with.
Task<std::optional<mail::Reply>> Incoming::take_return() {
  using Done = std::optional<mail::Reply>;
  policy::Returned returned = *origin_.returned;
  std::string address = origin_.recipients.front().recipient.address.to_string();
  failure_ = co_await services_.policy.take_return(std::move(returned), std::move(address), id_);
  const bool kept = !discarded_.empty() || !origin_.recipients.front().hold.empty() ||
                    origin_.recipients.front().nodes.front().route == store::NewRecipient::Route::held;
  const bool formed = is_answer_by_form(head_);
  if (failure_.code == 0 && (kept || (formed && !options_.hide_inner))) co_return Done();
  drop_body();
  if (failure_.code != 0) {
    log_result(failure_, 0);
    co_return Done(failure_);
  }
  log::info("return-reduced",
            {{"id", id_.to_string()},
             {"about", origin_.returned->about.id.to_string()},
             {"client", origin_.arrival.peer_ip},
             {"why", formed ? "inner addresses are hidden" : "what came back has not the form of a report"}});
  const std::string from = options_.hide_inner ? std::string() : origin_.client.address;
  Notice notice = compose_return_notice(options_.hostname, origin_.returned->about, from, id_.to_string(),
                                        services_.clock.wall(), formed);
  queue::Draft draft;
  draft.id = id_;
  draft.new_id = new_id_;
  draft.klass = store::MessageClass::report;
  draft.recipients = std::move(origin_.recipients);
  draft.head = std::move(notice.head);
  draft.content_8bit = !is_ascii(draft.head) || !is_ascii(notice.body);
  draft.sender.smtputf8 = !is_ascii(draft.head);
  draft.sender.body = draft.content_8bit ? mail::BodyType::eight_bit : mail::BodyType::seven_bit;
  draft.body.size = notice.body.size();
  draft.body.type = draft.sender.body;
  draft.body.bytes = std::move(notice.body);
  draft.peer = peer();
  draft.note = "notice about " + origin_.returned->about.id.to_string() + ", instead of what came from " + draft.peer;
  Task<mail::Reply> committing = commit(std::move(draft));
  mail::Reply reply = co_await std::move(committing);
  co_return Done(std::move(reply));
}

} // namespace paquebot::intake
