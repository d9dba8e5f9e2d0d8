#include "intake/notice.h"

#include "base/log.h"
#include "base/text.h"
#include "mail/date.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace paquebot::intake {

Notice compose_limit_notice(const std::string& hostname, const std::string& login, const std::string& id,
                            const std::vector<store::LimitHit>& passed, WallTime now) {
  Notice notice;
  notice.head = fmt::format("From: Mail server {0} <postmaster@{0}>\r\n"
                            "To: <{1}>\r\n"
                            "Subject: You have nearly reached a sending limit\r\n"
                            "Date: {2}\r\n"
                            "Message-ID: <{3}@{0}>\r\n"
                            "Auto-Submitted: auto-generated\r\n"
                            "MIME-Version: 1.0\r\n"
                            "Content-Type: text/plain; charset=utf-8\r\n"
                            "\r\n",
                            hostname, printable(login, 256), mail::format_date(now), id);
  notice.body = fmt::format("The account {} may send a bounded amount of mail.\r\n\r\n", printable(login, 256));
  for (const store::LimitHit& hit : passed) {
    const auto until = fmt::gmtime(static_cast<std::time_t>(hit.until / 1000));
    notice.body += fmt::format("  limit {}: {} used, until {:%Y-%m-%d %H:%M} UTC\r\n",
                               policy::limit_text(hit.kind, hit.most), hit.used + hit.wanted, until);
  }
  notice.body += "\r\nWhat was accepted is not touched. At the limit, further mail is refused until the time above.\r\n"
                 "If you did not send this much, somebody else may know your password: change it, and tell the\r\n"
                 "operator of this server. The operator can also raise the limit (paquebot account limit).\r\n";
  return notice;
}

Task<void> send_limit_notice(IntakeMeans means, std::string hostname, policy::Client client,
                             std::vector<store::LimitHit> passed) {
  queue::Draft draft;
  draft.id = means.ids.next();
  draft.klass = store::MessageClass::report;
  const std::string id = draft.id.to_string();
  Notice notice = compose_limit_notice(hostname, client.login, id, passed, means.clock.wall());
  draft.head = std::move(notice.head);
  draft.body.size = notice.body.size();
  draft.body.bytes = std::move(notice.body);
  queue::DraftRecipient owner;
  owner.recipient.notify = mail::kNotifyNever;
  const auto at = client.login.rfind('@');
  owner.recipient.address = {client.login.substr(0, at), client.login.substr(at + 1)};
  owner.nodes.push_back({client.login, store::Handling::mailbox, client.account, -1, {}});
  draft.recipients.push_back(std::move(owner));
  draft.note = "notice of a sending limit";
  const store::AcceptResult result = co_await means.queue.accept(std::move(draft));
  const bool sent = result.status == store::AcceptStatus::accepted;
  for (const store::LimitHit& hit : passed)
    log::warning("limit-near", {{"account", client.login},
                                {"limit", store::name_of(hit.kind)},
                                {"used", hit.used + hit.wanted},
                                {"most", hit.most},
                                {"notice", sent ? id : "not stored: " + result.why}});
}

} // namespace paquebot::intake
