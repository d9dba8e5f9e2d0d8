#include "intake/return_notice.h"

#include "base/text.h"
#include "mail/content_type.h"
#include "mail/date.h"
#include "mail/report.h"

#include <algorithm>
#include <fmt/chrono.h>
#include <fmt/format.h>

namespace paquebot::intake {
namespace {

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

} // namespace

std::string_view reason_of(KeptBack why) {
  switch (why) {
    case KeptBack::hidden: return "inner addresses are hidden";
    case KeptBack::doubted: return "an automatic answer to mail for which nobody vouched";
    case KeptBack::formless: break;
  }
  return "what came back has not the form of a report";
}

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

} // namespace paquebot::intake
