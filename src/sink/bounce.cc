#include "base/ulid.h"
#include "mail/head.h"
#include "mail/report.h"
#include "net/wheel.h"
#include "sink/means.h"

namespace paquebot::sink {
namespace {

/// The report that a server makes which could not deliver the message: with the original's head.
std::string report_of(const Message& message, const Hit& hit) {
  mail::HeadSplitter splitter;
  if (!splitter.feed(*message.raw) || !splitter.finish()) return {};
  const std::string head = splitter.take_head();
  mail::ReportInput input;
  static UlidSource ids;
  input.id = ids.next().to_string();
  input.host = "sink.localhost";
  const auto to = mail::parse_address(message.envelope.from);
  if (!to) return {};
  input.to = *to;
  input.now = system_clock().wall();
  input.original_id = message.id;
  input.arrival = message.received;
  input.ret = mail::Ret::headers;
  input.head = head;
  for (const std::string& one : message.envelope.to) {
    const auto address = mail::parse_address(one);
    if (!address) continue;
    mail::ReportRecipient recipient;
    recipient.address = *address;
    mail::Reply reply = hit.reply;
    reply.heard = true; // as if another server had said it
    recipient.told = mail::Told::by(std::move(reply), "mx." + address->domain);
    recipient.last_attempt = input.now;
    input.recipients.push_back(std::move(recipient));
  }
  if (input.recipients.empty()) return {};
  mail::Report report = mail::compose_report(input);
  return report.head + report.body;
}

} // namespace

Task<void> bounce_later(Means& means, MessagePtr message, Hit hit) {
  const std::chrono::milliseconds time = hit.time;
  co_await net::sleep_for(time);
  if (message->envelope.from.empty()) co_return; // nobody to tell (RFC 3464 section 2)
  std::string report = report_of(*message, hit);
  if (report.empty()) co_return;
  Envelope envelope{.from = {}, .to = {message->envelope.from}, .login = {}, .helo = {}, .client = {}, .tls = {}};
  std::set<std::string> names = message->inboxes;
  if (names.empty()) names.insert(inbox_of(message->envelope.from));
  means.inboxes.add(std::move(envelope), std::move(report), names);
}

} // namespace paquebot::sink
