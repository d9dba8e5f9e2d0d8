#include "intake/return_notice.h"

#include "base/log.h"
#include "base/text.h"
#include "intake/incoming.h"
#include "mail/content_type.h"
#include "mail/date.h"
#include "mail/report.h"

#include <algorithm>
#include <fmt/chrono.h>
#include <fmt/format.h>

namespace paquebot::intake {

namespace {

/// Of a body, to find the part with the delivery status in it.
constexpr std::size_t kLookedAt = 128u << 10;

std::string_view words_of(KeptBack why) {
  switch (why) {
    case KeptBack::hidden:
      return "a report or an automatic answer. Most likely your\r\n"
             "message could not be delivered there.\r\n\r\n"
             "What came is not passed on, since it may name the address that it was sent on to.";
    case KeptBack::doubted:
      return "an automatic answer.\r\n\r\n"
             "It is not passed on, since anybody could have written it, and nothing showed that\r\n"
             "your message was from you: your domain has neither SPF nor DKIM that says so.";
    case KeptBack::formless: break;
  }
  return "something that has not the form of a\r\n"
         "delivery report. Most likely your message could not be delivered there.\r\n\r\n"
         "What came is not passed on, since anybody could have written it.";
}

std::string_view reason_of(KeptBack why) {
  switch (why) {
    case KeptBack::hidden: return "inner addresses are hidden";
    case KeptBack::doubted: return "an automatic answer to mail for which nobody vouched";
    case KeptBack::formless: break;
  }
  return "what came back has not the form of a report";
}

} // namespace

Came what_came(const mail::Head& head, std::string_view begin) {
  const mail::Field* type = head.find("Content-Type");
  const bool calls_itself_report = type && mail::parse_content_type(type->value()).is("multipart", "report");
  if (calls_itself_report && mail::parse_report(begin)) return Came::report;
  const std::string automatic = mail::unfold(head.value("Auto-Submitted"));
  const std::string_view word = trim(std::string_view(automatic).substr(0, automatic.find_first_of(";( \t")));
  const bool nobody_wrote_it =
      iequals(word, "auto-generated") || iequals(word, "auto-replied") || iequals(word, "auto-notified");
  return calls_itself_report || nobody_wrote_it ? Came::automatic : Came::anything;
}

Notice compose_return_notice(const std::string& hostname, const store::Forwarded& about, const std::string& client,
                             const std::string& id, WallTime now, KeptBack why) {
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
  notice.body = fmt::format("This is the mail server {}.\r\n\r\n"
                            "Your message{} of {:%Y-%m-%d %H:%M} UTC was sent on from here. Now\r\n"
                            "{} has answered with {}\r\n"
                            "Here the message has the id {}.\r\n",
                            hostname, what, when, where, words_of(why), about.id.to_string());
  return notice;
}

/// The head and as much of the body as is looked at. Nothing when it can't be kept or read: failure_ says why.
Task<std::string> Incoming::begin_of_content() {
  if (!sealed_) {
    auto body = co_await body_.finish();
    if (!body) {
      failure_ = no_room(body.error());
      co_return std::string();
    }
    sealed_ = std::move(*body);
  }
  Result<std::string> begin = sealed_->bytes.substr(0, kLookedAt);
  if (sealed_->staged) {
    const store::BodyRef place = sealed_->staged->content();
    const std::size_t most = kLookedAt;
    begin = co_await services_.store.content().read_body(place, 0, most);
  }
  if (!begin) failure_ = no_room(begin.error());
  co_return begin ? head_.to_string() + *begin : std::string();
}

/// Why what came back does not go on as it is: a report does, and whom his own domain vouched for gets automatic answers too.
Task<std::optional<KeptBack>> Incoming::keeps_back() {
  const std::string begin = co_await begin_of_content();
  const Came came = what_came(head_, begin);
  if (came == Came::anything) co_return KeptBack::formless;
  if (came == Came::automatic && !origin_.returned->vouched) co_return KeptBack::doubted;
  if (options_.hide_inner) co_return KeptBack::hidden;
  co_return std::nullopt;
}

/// Something comes back about a message that was forwarded: it counts, and what is no report goes on as a notice of ours. A reply:
/// the message at hand is done with.
Task<std::optional<mail::Reply>> Incoming::take_return() {
  using Done = std::optional<mail::Reply>;
  policy::Returned returned = *origin_.returned;
  std::string address = origin_.recipients.front().recipient.address.to_string();
  failure_ = co_await services_.policy.take_return(std::move(returned), std::move(address), id_);
  const bool held = !discarded_.empty() || !origin_.recipients.front().hold.empty() ||
                    origin_.recipients.front().nodes.front().route == store::NewRecipient::Route::held;
  std::optional<KeptBack> kept_back;
  if (failure_.code == 0 && !held) kept_back = co_await keeps_back();
  if (failure_.code == 0 && !kept_back) co_return Done();
  drop_body();
  if (failure_.code != 0) {
    log_result(failure_, 0);
    co_return Done(failure_);
  }
  log::info("return-reduced", {{"id", id_.to_string()},
                               {"about", origin_.returned->about.id.to_string()},
                               {"client", origin_.arrival.peer_ip},
                               {"why", reason_of(*kept_back)}});
  const std::string from = options_.hide_inner ? std::string() : origin_.client.address;
  Notice notice = compose_return_notice(options_.hostname, origin_.returned->about, from, id_.to_string(),
                                        services_.clock.wall(), *kept_back);
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
