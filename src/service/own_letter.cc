#include "service/own_letter.h"

#include "base/log.h"
#include "base/text.h"
#include "delivery/addressee.h"
#include "mail/date.h"
#include "mail/timestamp.h"

#include <fmt/format.h>
#include <utility>

namespace paquebot::service {
namespace {

constexpr std::size_t kMostShown = 500; // octets of somebody else's words on a line

/// One for each time that a hook began to fail, so that whoever is told again after a crash is told nothing new.
Ulid letter_id(const store::Hook& hook) {
  Ulid id;
  constexpr unsigned time_octets = 6, number_octets = 8, octet = 8;
  for (unsigned i = 0; i < time_octets; ++i)
    id.bytes.at(i) = static_cast<std::uint8_t>(hook.failing_since >> (octet * (time_octets - 1 - i)));
  for (unsigned i = 0; i < number_octets; ++i)
    id.bytes.at(id.bytes.size() - 1 - i) = static_cast<std::uint8_t>(hook.id >> (octet * i));
  return id;
}

std::string text_of(const store::Hook& hook) {
  const std::string whose = hook.login.empty() ? "the server" : hook.login;
  return fmt::format("Webhook {} of {}, which leads to\r\n\r\n    {}\r\n\r\n"
                     "is paused: nothing is posted to it any more. It has failed since {}, lastly so:\r\n\r\n"
                     "    {}\r\n\r\n"
                     "What happens is kept for three days. When the receiver works again, let the hook go on:\r\n"
                     "in the console at Hooks, or with\r\n\r\n"
                     "    paquebot hook resume {}\r\n\r\n"
                     "This is told once for each pause.\r\n",
                     hook.id, whose, printable(hook.url, kMostShown),
                     mail::format_timestamp(from_millis(hook.failing_since)), printable(hook.last_error, kMostShown),
                     hook.id);
}

} // namespace

Task<std::string> operators_address(Assembly& parts) {
  std::string to = parts.current()->doctor.report_to;
  if (!to.empty()) co_return to;
  const auto domains = co_await parts.store.directory().list_domains();
  if (!domains || domains->empty()) co_return std::string();
  co_return "postmaster@" + domains->front().name;
}

Task<Result<>> send_own_letter(Assembly& parts, OwnLetter letter) {
  auto address = mail::parse_address(letter.to);
  if (!address) co_return fail(Errc::not_found, "nobody can write to this address");
  mail::Address target = std::move(*address);
  directory::Directory& directory = parts.accounts.directory;
  auto row = co_await delivery::addressee(directory, std::move(target));
  if (!row) co_return std::unexpected(row.error());
  queue::Draft draft;
  draft.id = letter.id;
  draft.klass = store::MessageClass::report;
  draft.sender.smtputf8 = !is_ascii(letter.to); // RFC 6531 section 3.4
  draft.head = fmt::format("From: Mail server {0} <postmaster@{0}>\r\n"
                           "To: <{1}>\r\n"
                           "Subject: {2}\r\n"
                           "Date: {3}\r\n"
                           "Message-ID: <{4}@{0}>\r\n"
                           "Auto-Submitted: auto-generated\r\n"
                           "MIME-Version: 1.0\r\n"
                           "Content-Type: text/plain; charset=utf-8\r\n"
                           "Content-Transfer-Encoding: 8bit\r\n"
                           "\r\n",
                           parts.options.hostname, letter.to, letter.subject, mail::format_date(system_clock().wall()),
                           draft.id.to_string());
  draft.body.size = letter.text.size();
  draft.body.type = mail::BodyType::eight_bit;
  draft.body.bytes = std::move(letter.text);
  draft.note = std::move(letter.note);
  draft.recipients.push_back(std::move(*row));
  const store::AcceptResult result = co_await parts.intake.queue.accept(std::move(draft));
  const bool sent = result.status == store::AcceptStatus::accepted || result.status == store::AcceptStatus::duplicate;
  if (!sent) co_return fail(Errc::closed, result.why);
  co_return Result<>();
}

Task<void> tell_of_paused_hook(Assembly& parts, store::Hook hook) {
  OwnLetter letter{.to = hook.login,
                   .subject = "A webhook is paused on " + parts.options.hostname,
                   .text = text_of(hook),
                   .note = "a webhook is paused",
                   .id = letter_id(hook)};
  if (letter.to.empty()) letter.to = co_await operators_address(parts);
  if (letter.to.empty()) co_return;
  const std::string to = letter.to, id = letter.id.to_string();
  const auto sent = co_await send_own_letter(parts, std::move(letter));
  log::info("hook-letter", {{"hook", hook.id}, {"to", to}, {"id", id}, {"why", sent ? "" : sent.error().message}});
}

} // namespace paquebot::service
