#include "intake/head_completion.h"

#include "base/text.h"
#include "mail/date.h"
#include "mail/fold.h"
#include "mailauth/auth_results.h"
#include "policy/stranger_rules.h"

#include <set>

namespace paquebot::intake {
namespace {

/// A field that is missing, or says nothing.
void fill_in(mail::Head& head, std::string_view name, std::string_view value) {
  head.remove_if(
      [name](const mail::Field& field) { return field.is(name) && trim(mail::unfold(field.value())).empty(); });
  if (!head.find(name)) head.append(name, value);
}

/// Fields that say the same as one above.
void drop_repeated(mail::Head& head, std::string_view name) {
  std::set<std::string> seen;
  head.remove_if(
      [&](const mail::Field& field) { return field.is(name) && !seen.insert(mail::unfold(field.value())).second; });
}

} // namespace

/// RFC 8689 section 4.1: the header field "TLS-Required: No" counts where MAIL did not say REQUIRETLS; given more than
/// once it is not what section 3 allows.
void HeadCompletion::read_tls_wish() {
  mail::TlsWish& wish = message_.origin.sender.tls;
  const mail::Head& head = message_.head;
  if (wish != mail::TlsWish::unspecified || head.count("TLS-Required") != 1) return;
  if (iequals(trim(mail::unfold(head.value("TLS-Required"))), "No")) wish = mail::TlsWish::not_required;
}

/// Nobody but us says what we noticed.
void HeadCompletion::note_tags() {
  message_.head.remove_alike(policy::kStrangerField);
  for (const std::string& tag : message_.origin.tags)
    message_.head.prepend(policy::kStrangerField, mailauth::ascii_text(tag));
}

/// Who sees a message must not see who else got it in secret (RFC 5322 section 3.6.3). A network that relays through us
/// may be a server, whose mail is none of ours to change.
bool HeadCompletion::removes_bcc() const {
  const Origin& origin = message_.origin;
  const bool program = origin.klass == store::MessageClass::local && origin.client.address.empty();
  return !message_.options.keep_bcc && (program || message_.is_submitted());
}

/// Whom mail of an account is from that does not say so: the envelope's sender, which is an address of the account, or
/// its name.
std::string HeadCompletion::own_author() const {
  const mail::Address& sender = message_.origin.sender.reverse_path;
  return sender.empty() ? message_.origin.client.login : sender.to_string();
}

void HeadCompletion::add_missing() {
  mail::Head& head = message_.head;
  fill_in(head, "Date", mail::format_date(message_.means.clock.wall()));
  fill_in(head, "Message-ID", "<" + message_.id.to_string() + "@" + message_.options.hostname + ">");
  if (message_.is_submitted() && !head.find("From")) head.append("From", own_author());
  // RFC 5322 section 3.6 allows one, and other servers refuse more.
  if (message_.is_submitted() && !message_.resent) drop_repeated(head, "From");
  mail::fold_long_lines(head);
}

void HeadCompletion::tidy() {
  if (message_.tidied) return;
  message_.tidied = true;
  mail::Head& head = message_.head;
  const bool own = message_.is_submitted() || message_.origin.klass == store::MessageClass::local;
  if (own) add_missing();
  if (removes_bcc()) {
    head.remove_alike("Bcc");
    head.remove_alike("Resent-Bcc");
  }
  if (message_.has_stranger()) remove_forged_fields(head, message_.options.hostname);
  head.remove("Return-Path"); // ours is put in front when the message is read (RFC 5321 section 4.4)
  if (!own) note_tags();
}

void HeadCompletion::complete() {
  read_tls_wish();
  tidy();
  Origin& origin = message_.origin;
  mail::Arrival& arrival = origin.arrival;
  arrival.host = message_.options.hostname;
  arrival.id = message_.id.to_string();
  arrival.when = message_.means.clock.wall();
  arrival.priority = origin.sender.priority;
  if (origin.recipients.size() == 1) arrival.recipient = origin.recipients.front().recipient.address;
  message_.head.prepend_raw(mail::compose_received(arrival));
  if (message_.authentication) message_.authentication->stamp(message_.head);
}

} // namespace paquebot::intake
