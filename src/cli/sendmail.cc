#include "cli/sendmail.h"

#include "base/text.h"
#include "cli/message_source.h"
#include "cli/sendmail_head.h"
#include "intake/drop.h"

#include <algorithm>
#include <istream>
#include <ostream>
#include <pwd.h>
#include <sstream>
#include <unistd.h>

namespace paquebot::cli {
namespace {

const std::string kHoldsNul = "the message holds NUL, which mail can't carry: encode it, or attach it as a file";

int refuse(Session& session, Exit code, const std::string& why) {
  for (const std::string_view line : split(why, '\n')) session.err() << "sendmail: " << printable(line, 1024) << '\n';
  return code;
}

/// Where the server looks for mail. Another place would be one where nobody looks.
Result<ServerPlace> find_place(Session& session) {
  auto place = session.place();
  if (!place)
    return fail(place.error().code, "the configuration " + session.config +
                                        " can't be used, so it is not known where the server takes mail from:\n" +
                                        place.error().message);
  if (place->origin.empty()) place->origin = place->hostname;
  return place;
}

std::string user_name() {
  const passwd* entry = ::getpwuid(::getuid());
  return entry == nullptr ? "uid" + std::to_string(::getuid()) : entry->pw_name;
}

/// -f, or the user who calls; -f "<>" and -f "" are the null reverse-path.
Result<mail::Address> find_sender(const SendmailOptions& options, const std::string& origin) {
  if (!options.sender_given) return mail::make_address(user_name(), origin);
  if (options.sender.empty() || options.sender == "<>") return mail::Address{};
  const auto list = mail::addresses_of(options.sender, {.default_domain = origin, .most = 1});
  if (!list || list->size() != 1) return fail(Errc::invalid, "the sender \"" + options.sender + "\" is not an address");
  return list->front();
}

/// Reads up to the end of the head; the octets of the body that came with it go to `body`.
Result<mail::Head> read_head(LineFixer& fixer, std::string& body) {
  mail::HeadSplitter splitter(intake::kMaxDropHead);
  while (!splitter.head_complete()) {
    const std::string piece = fixer.next();
    const auto part = piece.empty() ? splitter.finish() : splitter.feed(piece);
    if (!part) return fail(Errc::invalid, part.error().message);
    body += *part;
    if (piece.empty()) break;
  }
  return mail::Head::parse(splitter.take_head());
}

Exit drop_code(const Error& error) {
  if (error.code == Errc::invalid) return kBadData;
  return error.code == Errc::permission ? kCantCreate : kTemporary;
}

void set_wishes(const SendmailOptions& options, intake::DropEnvelope& envelope) {
  envelope.sender.ret = options.ret;
  envelope.sender.envid = options.envid;
  for (mail::Recipient& recipient : envelope.recipients) recipient.notify = options.notify;
  const auto international = [](const mail::Recipient& recipient) { return recipient.address.international(); };
  envelope.sender.smtputf8 =
      envelope.sender.reverse_path.international() || std::ranges::any_of(envelope.recipients, international);
}

/// One that can't be read does not stop the mail to the others: who called is told here, and by mail, since programs
/// seldom read what is said here.
void tell_of_bad(Session& session, const ServerPlace& place, const DropRecipients& recipients, const mail::Head& head,
                 const mail::Address& sender) {
  for (const std::string& text : recipients.bad)
    session.err() << "sendmail: \"" << printable(text, 256) << "\" is not an address: nothing was sent to it\n";
  if (recipients.bad.empty() || sender.empty()) return;
  intake::DropEnvelope envelope;
  envelope.recipients.push_back({.address = sender, .notify = mail::kNotifyNever});
  envelope.sender.smtputf8 = sender.international();
  std::istringstream notice(compose_bad_recipients(recipients, head, sender, place.hostname));
  if (const auto id = intake::drop_message(place.drop_dir, envelope, notice, 0); !id)
    session.err() << "sendmail: " << printable(id.error().message, 1024) << '\n';
}

int deliver(const SendmailOptions& options, Session& session) {
  const auto place = find_place(session);
  if (!place) return refuse(session, kTemporary, place.error().message);
  const auto sender = find_sender(options, place->origin);
  if (!sender) return refuse(session, kUsage, sender.error().message);
  DropRecipients recipients;
  for (const auto& text : options.recipients) {
    if (auto added = add_recipients(recipients, text, place->origin); !added)
      return refuse(session, kBadData, added.error().message);
  }
  LineFixer fixer(session.in(), options.dot_ends);
  std::string body;
  auto head = read_head(fixer, body);
  if (!head) return refuse(session, kBadData, head.error().message);
  if (!fixer.good()) return refuse(session, kNoInput, "the message can't be read");
  if (fixer.has_nul()) return refuse(session, kBadData, kHoldsNul);
  if (options.from_headers) {
    if (auto added = add_head_recipients(recipients, *head, place->origin); !added)
      return refuse(session, kBadData, added.error().message);
    head->remove("Bcc");
    head->remove("Resent-Bcc");
  }
  if (recipients.good.empty() && recipients.bad.empty())
    return refuse(session, kUsage, "say to whom: name the recipients, or use -t to take them from the message");
  if (recipients.good.empty())
    return refuse(session, kBadData, "\"" + printable(recipients.bad.front(), 256) + "\" is not an address");
  if (auto done = complete_head(*head, {place->origin, place->hostname, *sender, options.full_name}); !done)
    return refuse(session, kBadData, done.error().message);
  intake::DropEnvelope envelope;
  envelope.sender.reverse_path = *sender;
  envelope.recipients = recipients.good;
  set_wishes(options, envelope);
  MessageBuffer buffer(head->to_string() + body, fixer);
  std::istream message(&buffer);
  const auto id = intake::drop_message(place->drop_dir, envelope, message, place->message_size);
  if (!id && fixer.has_nul()) return refuse(session, kBadData, kHoldsNul);
  if (!id) return refuse(session, drop_code(id.error()), id.error().message);
  tell_of_bad(session, *place, recipients, *head, *sender);
  return kOk;
}

/// The modes that work where the server takes mail from.
int with_place(const SendmailOptions& options, Session& session) {
  const auto place = find_place(session);
  if (!place) return refuse(session, kTemporary, place.error().message);
  return options.mode == SendmailOptions::Mode::smtp ? sendmail_smtp(session, *place)
                                                     : sendmail_verify(session, options, *place);
}

} // namespace

int sendmail(const std::vector<std::string>& arguments, Session& session) {
  using Mode = SendmailOptions::Mode;
  const auto options = parse_sendmail(arguments);
  if (!options) return refuse(session, kUsage, options.error().message + " (see: sendmail --help)");
  Arguments none;
  switch (options->mode) {
    case Mode::deliver: return deliver(*options, session);
    case Mode::smtp:
    case Mode::verify: return with_place(*options, session);
    case Mode::list_queue: return queue_list(session, none);
    case Mode::run_queue: none.set("--all", {""}); return queue_retry(session, none);
    case Mode::help: session.out() << kSendmailHelp; break;
    case Mode::version: session.out() << "sendmail of paquebot " << session.environment().version << '\n'; break;
    case Mode::aliases: break; // aliases live in the store: nothing is to be built
  }
  return kOk;
}

} // namespace paquebot::cli
