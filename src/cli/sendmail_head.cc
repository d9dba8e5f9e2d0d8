#include "cli/sendmail_head.h"

#include "base/clock.h"
#include "base/text.h"
#include "base/ulid.h"
#include "intake/drop.h"
#include "mail/date.h"
#include "mail/loose_list.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <fmt/format.h>

namespace paquebot::cli {
namespace {

constexpr std::array<std::string_view, 11> kAddressFields = {"From",      "Sender",    "Reply-To",    "To",
                                                             "Cc",        "Bcc",       "Resent-From", "Resent-Sender",
                                                             "Resent-To", "Resent-Cc", "Resent-Bcc"};

bool holds_addresses(const mail::Field& field) {
  return std::ranges::any_of(kAddressFields, [&](std::string_view name) { return field.is(name); });
}

/// An author is one person, as a rule: beside an address with a domain, a bare name is part of what it is shown with
/// ("Smith, Ann <ann@example.org>"), not another author.
bool is_complete_author(const mail::Field& field) {
  if (field.is("To") || field.is("Cc") || field.is("Bcc") || field.is("Resent-To") || field.is("Resent-Cc") ||
      field.is("Resent-Bcc"))
    return false;
  const auto named = mail::read_loosely(field.value(), "");
  return std::ranges::any_of(named, [](const mail::LooseAddress& one) { return one.address.has_value(); });
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

void qualify(mail::Head& head, const std::string& origin) {
  for (std::size_t i = 0; i < head.fields().size(); ++i) {
    const mail::Field& field = head.fields()[i];
    if (!holds_addresses(field) || is_complete_author(field)) continue;
    std::string value = mail::qualify_addresses(field.value(), origin);
    if (value == field.value()) continue;
    if (value.starts_with(' ')) value.erase(0, 1); // one is put in front
    const std::string name(field.name());
    head.replace(i, name, value);
  }
}

std::string new_message_id(const std::string& hostname) {
  return "<" + UlidSource().next().to_string() + "@" + hostname + ">";
}

} // namespace

Result<> complete_head(mail::Head& head, const HeadDefaults& defaults) {
  qualify(head, defaults.origin);
  const WallTime now = system_clock().wall();
  if (head.count("From") == 0) {
    const auto author = defaults.sender.empty() ? mail::Address{"mailer-daemon", defaults.hostname} : defaults.sender;
    head.append("From", from_value(defaults.full_name, author));
  }
  if (head.count("To") + head.count("Cc") == 0) head.append("To", "undisclosed-recipients:;");
  if (head.count("Date") == 0) head.append("Date", mail::format_date(now, zone_minutes(now)));
  if (head.count("Message-ID") == 0) head.append("Message-ID", new_message_id(defaults.hostname));
  if (head.to_string().size() > intake::kMaxDropHead) return fail(Errc::invalid, "the header is larger than 960 KiB");
  return {};
}

Result<> add_recipients(DropRecipients& recipients, std::string_view list, const std::string& origin) {
  for (mail::LooseAddress& one : mail::read_loosely(list, origin, intake::kMaxDropRecipients)) {
    if (!one.address) {
      recipients.bad.push_back(std::move(one.text));
      continue;
    }
    const bool known =
        std::ranges::any_of(recipients.good, [&](const auto& recipient) { return recipient.address == *one.address; });
    if (!known) recipients.good.push_back({.address = std::move(*one.address)});
    if (recipients.good.size() > intake::kMaxDropRecipients)
      return fail(Errc::invalid, "there are too many recipients");
  }
  return {};
}

Result<> add_head_recipients(DropRecipients& recipients, const mail::Head& head, const std::string& origin) {
  const bool resent = head.count("Resent-To") + head.count("Resent-Cc") + head.count("Resent-Bcc") > 0;
  for (const auto& field : head) {
    const bool wanted = resent ? field.is("Resent-To") || field.is("Resent-Cc") || field.is("Resent-Bcc")
                               : field.is("To") || field.is("Cc") || field.is("Bcc");
    if (!wanted) continue;
    if (auto added = add_recipients(recipients, field.value(), origin); !added) return added;
  }
  return {};
}

std::string compose_bad_recipients(const DropRecipients& recipients, const mail::Head& about, const mail::Address& to,
                                   const std::string& hostname) {
  const WallTime now = system_clock().wall();
  std::string text =
      fmt::format("From: Mail server {0} <mailer-daemon@{0}>\r\n"
                  "To: <{1}>\r\n"
                  "Subject: A mail of yours was not sent to all that it names\r\n"
                  "Date: {2}\r\n"
                  "Message-ID: {3}\r\n"
                  "Auto-Submitted: auto-replied\r\n"
                  "MIME-Version: 1.0\r\n"
                  "Content-Type: text/plain; charset=utf-8\r\n"
                  "Content-Transfer-Encoding: 8bit\r\n"
                  "\r\n"
                  "Nothing was sent to these, for they are no mail addresses:\r\n\r\n",
                  hostname, to.to_string(), mail::format_date(now, zone_minutes(now)), new_message_id(hostname));
  constexpr std::size_t kShown = 100;
  for (std::size_t i = 0; i < std::min(recipients.bad.size(), kShown); ++i)
    text += "    " + printable(recipients.bad[i], 256) + "\r\n";
  if (recipients.bad.size() > kShown) text += fmt::format("    and {} more\r\n", recipients.bad.size() - kShown);
  text += fmt::format("\r\nThe other {} got it. The mail:\r\n\r\n", recipients.good.size());
  for (const char* name : {"Subject", "From", "Date", "Message-ID"})
    if (about.count(name) > 0) text += fmt::format("    {}: {}\r\n", name, printable(about.value(name), 512));
  return text;
}

} // namespace paquebot::cli
