#include "cli/sendmail.h"

#include "base/text.h"
#include "base/ulid.h"
#include "cli/message_source.h"
#include "intake/drop.h"
#include "mail/date.h"
#include "mail/head.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <istream>
#include <ostream>
#include <pwd.h>
#include <unistd.h>

namespace paquebot::cli {
namespace {

constexpr const char* kDefaultDrop = "/var/lib/paquebot/drop";

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return mail::normalize_domain(name.data()).value_or("localhost");
}

/// Users may not be allowed to read the configuration: then the standard places.
ServerPlace find_place(Session& session) {
  auto place = session.place();
  ServerPlace found = place ? std::move(*place) : ServerPlace{};
  if (found.drop_dir.empty()) found.drop_dir = kDefaultDrop;
  if (found.hostname.empty()) found.hostname = host_name();
  return found;
}

int refuse(Session& session, Exit code, const std::string& why) {
  session.err() << "sendmail: " << printable(why, 1024) << '\n';
  return code;
}

std::string user_name() {
  const passwd* entry = ::getpwuid(::getuid());
  return entry == nullptr ? "uid" + std::to_string(::getuid()) : entry->pw_name;
}

/// -f, or the user who calls; -f "<>" and -f "" are the null reverse-path.
Result<mail::Address> find_sender(const SendmailOptions& options, const std::string& hostname) {
  if (!options.sender_given) return mail::make_address(user_name(), hostname);
  if (options.sender.empty() || options.sender == "<>") return mail::Address{};
  const auto list = mail::addresses_of(options.sender, {.default_domain = hostname, .most = 1});
  if (!list || list->size() != 1) return fail(Errc::invalid, "the sender \"" + options.sender + "\" is not an address");
  return list->front();
}

Result<> add_recipients(std::vector<mail::Recipient>& recipients, const std::string& text,
                        const std::string& hostname) {
  const auto list = mail::addresses_of(text, {.default_domain = hostname});
  if (!list)
    return fail(Errc::invalid, "\"" + printable(text, 256) + "\" holds no valid address: " + list.error().message);
  for (const auto& address : *list) {
    const bool known =
        std::ranges::any_of(recipients, [&](const auto& recipient) { return recipient.address == address; });
    if (!known) recipients.push_back({.address = address});
    if (recipients.size() > intake::kMaxDropRecipients) return fail(Errc::invalid, "there are too many recipients");
  }
  return {};
}

/// -t: the recipients in the head; those of a resent message when it is one (RFC 5322 section 3.6.6).
Result<> add_head_recipients(std::vector<mail::Recipient>& recipients, const mail::Head& head,
                             const std::string& hostname) {
  const bool resent = head.count("Resent-To") + head.count("Resent-Cc") + head.count("Resent-Bcc") > 0;
  for (const auto& field : head) {
    const bool wanted = resent ? field.is("Resent-To") || field.is("Resent-Cc") || field.is("Resent-Bcc")
                               : field.is("To") || field.is("Cc") || field.is("Bcc");
    if (!wanted) continue;
    if (auto added = add_recipients(recipients, std::string(field.value()), hostname); !added) return added;
  }
  return {};
}

int zone_minutes(WallTime when) {
  const std::time_t seconds = millis(when) / 1000;
  std::tm parts{};
  return ::localtime_r(&seconds, &parts) == nullptr ? 0 : static_cast<int>(parts.tm_gmtoff / 60);
}

/// "Ann Smith <ann@example.org>", the name quoted where it needs to be.
std::string from_value(const std::string& name, const mail::Address& address) {
  if (name.empty() || !is_utf8(name)) return address.to_string();
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\" <" + address.to_string() + ">";
}

/// Adds what a program on this machine may leave out (RFC 5322 section 3.6, RFC 6409 section 8).
void complete(mail::Head& head, const SendmailOptions& options, const mail::Address& sender,
              const std::string& hostname) {
  const WallTime now = system_clock().wall();
  if (head.count("From") == 0) {
    const auto author = sender.empty() ? mail::Address{"mailer-daemon", hostname} : sender;
    head.append("From", from_value(options.full_name, author));
  }
  if (head.count("To") + head.count("Cc") == 0) head.append("To", "undisclosed-recipients:;");
  if (head.count("Date") == 0) head.append("Date", mail::format_date(now, zone_minutes(now)));
  if (head.count("Message-ID") == 0)
    head.append("Message-ID", "<" + UlidSource().next().to_string() + "@" + hostname + ">");
}

/// Reads up to the end of the head; the octets of the body that came with it go to `body`.
Result<mail::Head> read_head(LineFixer& fixer, std::string& body) {
  mail::HeadSplitter splitter;
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

int deliver(const SendmailOptions& options, Session& session) {
  const ServerPlace place = find_place(session);
  intake::DropEnvelope envelope;
  const auto sender = find_sender(options, place.hostname);
  if (!sender) return refuse(session, kUsage, sender.error().message);
  for (const auto& text : options.recipients) {
    if (auto added = add_recipients(envelope.recipients, text, place.hostname); !added)
      return refuse(session, kBadData, added.error().message);
  }
  LineFixer fixer(session.in(), options.dot_ends);
  std::string body;
  auto head = read_head(fixer, body);
  if (!head) return refuse(session, kBadData, head.error().message);
  if (!fixer.good()) return refuse(session, kNoInput, "the message can't be read");
  if (options.from_headers) {
    if (auto added = add_head_recipients(envelope.recipients, *head, place.hostname); !added)
      return refuse(session, kBadData, added.error().message);
  }
  if (envelope.recipients.empty())
    return refuse(session, kUsage, "say to whom: name the recipients, or use -t to take them from the message");
  if (options.from_headers) {
    head->remove("Bcc");
    head->remove("Resent-Bcc");
  }
  complete(*head, options, *sender, place.hostname);
  envelope.sender.reverse_path = *sender;
  envelope.sender.ret = options.ret;
  envelope.sender.envid = options.envid;
  for (mail::Recipient& recipient : envelope.recipients) recipient.notify = options.notify;
  envelope.sender.smtputf8 = sender->international() || std::ranges::any_of(envelope.recipients, [](const auto& r) {
                               return r.address.international();
                             });
  MessageBuffer buffer(head->to_string() + body, fixer);
  std::istream message(&buffer);
  const auto id = intake::drop_message(place.drop_dir, envelope, message);
  return id ? int{kOk} : refuse(session, drop_code(id.error()), id.error().message);
}

} // namespace

int sendmail(const std::vector<std::string>& arguments, Session& session) {
  const auto options = parse_sendmail(arguments);
  if (!options) return refuse(session, kUsage, options.error().message);
  Arguments none;
  switch (options->mode) {
    case SendmailOptions::Mode::deliver: return deliver(*options, session);
    case SendmailOptions::Mode::smtp: return sendmail_smtp(session, find_place(session));
    case SendmailOptions::Mode::list_queue: return queue_list(session, none);
    case SendmailOptions::Mode::run_queue: none.set("--all", {""}); return queue_retry(session, none);
    case SendmailOptions::Mode::aliases: break; // aliases live in the store: nothing is to be built
  }
  return kOk;
}

} // namespace paquebot::cli
