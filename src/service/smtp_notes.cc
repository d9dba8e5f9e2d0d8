#include "service/smtp_notes.h"

#include "base/log.h"
#include "base/text.h"
#include "metrics/counters.h"
#include "service/attempt_note.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace paquebot::service {
namespace {

void count_refusal(metrics::Stage stage, bool permanent) {
  metrics::refused.add(stage, permanent ? metrics::Permanence::permanent : metrics::Permanence::temporary);
}

} // namespace

void SmtpNotes::take_remarks() {
  using Kind = smtp::Remark::Kind;
  const std::string& peer = client_.address;
  const std::string account = client_.login();
  for (const smtp::Remark& one : client_.session->take_remarks()) {
    if (one.kind == Kind::tolerated) {
      log::info("tolerated", {{"client", peer}, {"account", account}, {"command", one.command}, {"what", one.reply}});
      continue;
    }
    const char* event = one.kind == Kind::command_refused ? "command-refused" : "content-refused";
    log::info(event, {{"client", peer}, {"account", account}, {"command", one.command}, {"reply", one.reply}});
    if (one.kind == Kind::command_refused) {
      refused_program(one);
      refused_command(one);
    } else {
      refused_content(one.reply);
    }
  }
}

void SmtpNotes::refused_tls(policy::Attempt::What what, const std::string& why) const {
  if (what == policy::Attempt::What::tls_failed) log::info("tls-failed", {{"client", client_.address}, {"why", why}});
  note_attempt(client_.means->logins, client_.pump.stream(), client_.address, "smtp", what, why);
}

/// What shows that a user's program is set up in a way that can't work.
void SmtpNotes::refused_program(const smtp::Remark& refused) const {
  using What = policy::Attempt::What;
  const bool login = istarts_with(refused.command, "AUTH");
  std::optional<What> what;
  if (login && refused.reply.starts_with("502")) what = What::not_for_login;
  if (login && (refused.reply.starts_with("538") || refused.reply.starts_with("530"))) what = What::clear_login;
  if (!login && refused.reply.starts_with("530"))
    what = client_.pump.stream().encrypted() ? What::no_login : What::clear_login;
  if (what) note_attempt(client_.means->logins, client_.pump.stream(), client_.address, "smtp", *what, {});
}

void SmtpNotes::add(std::string from, std::string to, std::string reply) {
  client_.means->refusals.add({.at = millis(client_.means->intake.clock.wall()),
                               .client = client_.address,
                               .account = client_.login(),
                               .from = std::move(from),
                               .to = std::move(to),
                               .reply = std::move(reply)});
}

/// MAIL and RCPT, by the address that they name.
void SmtpNotes::refused_command(const smtp::Remark& refused) {
  const bool sender = istarts_with(refused.command, "MAIL FROM:");
  const auto open = refused.command.find('<'), close = refused.command.find('>');
  const bool recipient = istarts_with(refused.command, "RCPT TO:");
  if (sender || recipient)
    count_refusal(sender ? metrics::Stage::sender : metrics::Stage::recipient, refused.reply.starts_with('5'));
  if ((!sender && !recipient) || open >= close || close == std::string::npos) return;
  std::string named = refused.command.substr(open + 1, close - open - 1);
  if (sender)
    add(std::move(named), {}, refused.reply);
  else
    add(client_.session->sender().reverse_path.to_string(), std::move(named), refused.reply);
}

void SmtpNotes::refused_by_filter(const mail::Reply& reply) const {
  count_refusal(metrics::Stage::filter, reply.permanent());
  log::info("refused-by-filter", {{"client", client_.address}, {"reply", reply.to_string()}, {"why", reply.cause}});
}

void SmtpNotes::refused_sender(const mail::Sender& sender, const mail::Reply& reply) {
  const std::string from = sender.reverse_path.to_string();
  count_refusal(metrics::Stage::sender, reply.permanent());
  log::info("sender-refused",
            {{"client", client_.address}, {"from", from}, {"reply", reply.to_string()}, {"why", reply.cause}});
  add(from, {}, reply.to_string());
}

void SmtpNotes::refused_recipient(const mail::Sender& sender, const mail::Address& named, const mail::Address& meant,
                                  const mail::Reply& reply) {
  const std::string from = sender.reverse_path.to_string();
  count_refusal(metrics::Stage::recipient, reply.permanent());
  log::info("recipient-refused", {{"client", client_.address},
                                  {"from", from},
                                  {"to", meant.to_string()},
                                  {"reply", reply.to_string()},
                                  {"why", reply.cause}});
  add(from, named.to_string(), reply.to_string());
}

void SmtpNotes::name_recipients() {
  const auto recipients = client_.session->recipients();
  named_.clear();
  for (const mail::Recipient& one : recipients.first(std::min(kMostNamed, recipients.size())))
    named_.push_back(one.address.to_string());
  named_from_ = client_.session->sender().reverse_path.to_string();
}

void SmtpNotes::refused_content(const std::string& reply) {
  count_refusal(metrics::Stage::content, reply.starts_with('5'));
  for (std::string& to : std::exchange(named_, {})) add(named_from_, std::move(to), reply);
}

void SmtpNotes::verdicts(const std::vector<mail::Reply>& verdicts) {
  for (const mail::Reply& one : verdicts)
    if (!one.positive()) count_refusal(metrics::Stage::content, one.permanent());
  const auto named = std::exchange(named_, {});
  for (std::size_t i = 0; i < named.size() && !verdicts.empty(); ++i) {
    const mail::Reply& verdict = verdicts[std::min(i, verdicts.size() - 1)];
    if (!verdict.positive()) add(named_from_, named[i], verdict.to_string());
  }
}

} // namespace paquebot::service
