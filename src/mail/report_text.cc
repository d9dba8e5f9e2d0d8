// The part of a delivery report that is for a person: what happened to whom, what the other server
// said, and what to do now.

#include "base/text.h"
#include "mail/date.h"
#include "mail/report.h"

#include <algorithm>
#include <fmt/format.h>

namespace paquebot::mail {
namespace {

constexpr std::size_t kWidth = 74;
/// One reply is shown up to here.
constexpr std::size_t kMaxReply = 2000;

struct Advice {
  std::uint16_t subject;
  std::uint16_t detail; ///< 0: any
  std::string_view text;
};

/// What a status means for the sender (RFC 3463 section 3); the first match counts.
constexpr Advice kAdvice[] = {
    {1, 1, "There is no such mailbox. Check the address for typing mistakes, or ask the recipient for the right one."},
    {1, 2, "There is no such domain for mail. Check the part of the address after the @ for typing mistakes."},
    {1, 3, "The address is not written correctly. Check it for typing mistakes."},
    {1, 10, "The domain says that it takes no mail at all. Use another address of the recipient."},
    {1, 0, "The address is not accepted. Check it, or ask the recipient for another one."},
    {2, 1, "The mailbox is closed. Reach the recipient in another way."},
    {2, 2, "The recipient's mailbox is full. Try again in some days, or reach the recipient in another way."},
    {2, 3, "The message is too large for that mailbox. Send less at once, or a link in place of the attachment."},
    {3, 4, "The message is too large for that server. Send less at once, or a link in place of the attachment."},
    {4, 1, "The server of that domain does not answer. Try again later, or reach the recipient in another way."},
    {4, 4, "No server could be found for that domain. Check the part of the address after the @."},
    {4, 6, "The message went round in a loop between servers. Tell the recipient or the postmaster of that domain."},
    {4, 7, "The time for trying has run out. Send the message again later, or reach the recipient in another way."},
    {4, 0, "The server of that domain could not be reached or did not do its part. Try again later."},
    {6, 0,
     "The other server cannot take a message of this kind. Send it in a simpler form: plain text and ordinary "
     "addresses."},
    {7, 0,
     "The other server refuses the message by its rules. Ask the recipient, or the postmaster of that domain, why."},
};

std::string_view advice_for(EnhancedCode status) {
  for (const Advice& advice : kAdvice) {
    if (advice.subject == status.subject && (advice.detail == 0 || advice.detail == status.detail)) return advice.text;
  }
  return "If you do not know why, show this report to your postmaster.";
}

/// Appends `text` broken at spaces, each line with `indent`; a longer word is cut hard.
void append_wrapped(std::string& out, std::string_view text, std::string_view indent) {
  while (!text.empty()) {
    std::size_t length = std::min(text.size(), kWidth - indent.size());
    if (length < text.size()) {
      const auto space = text.substr(0, length + 1).rfind(' ');
      if (space != std::string_view::npos && space > 0) length = space;
      // Never within a character of UTF-8.
      while (length > 1 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) --length;
    }
    out += indent;
    out += text.substr(0, length);
    out += "\r\n";
    text.remove_prefix(length);
    while (!text.empty() && text[0] == ' ') text.remove_prefix(1);
  }
}

std::string shown(std::string_view text, bool international, std::size_t most) {
  std::string out = printable(text, most);
  if (international) return out;
  // The "…" of a cut text is the only thing beyond ASCII that is ours.
  if (out.ends_with("…")) out.replace(out.size() - 3, 3, "...");
  std::ranges::replace_if(out, [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '?');
  return out;
}

/// The server that refused, took or put off; empty: none did.
std::string server_of(const ReportRecipient& r) {
  const bool spoke = r.told.peer.code != 0 && !r.told.host.empty();
  return spoke ? printable(r.told.host, 255) : std::string();
}

std::string what_happened(const ReportRecipient& r, const std::string& host) {
  const std::string remote = server_of(r);
  switch (r.outcome) {
    case Outcome::failed:
      return remote.empty() || r.told.own.code != 0 || !r.told.peer.permanent()
                 ? "was not delivered."
                 : fmt::format("was refused by the server {}.", remote);
    case Outcome::delayed:
      return r.will_retry_until ? fmt::format("is not delivered yet. The server {} keeps trying until {}.", host,
                                              format_date(*r.will_retry_until))
                                : "is not delivered yet. The server keeps trying.";
    case Outcome::delivered: return "was delivered to the mailbox.";
    case Outcome::relayed:
      return fmt::format("was handed on{}, which sends no report about its delivery.",
                         remote.empty() ? " to another server" : " to the server " + remote);
    case Outcome::expanded: return "was delivered to an address that stands for several others.";
  }
  return {};
}

void append_recipient(std::string& out, const ReportRecipient& r, const ReportInput& input, bool international) {
  out += "\r\n";
  const std::string address = shown(r.address.to_string(), international, kMaxPath);
  append_wrapped(out, fmt::format("<{}> {}", address, shown(what_happened(r, input.host), international, 1000)), "");
  const auto at = r.orcpt.find(';');
  const std::string original = at == std::string::npos ? "" : r.orcpt.substr(at + 1);
  if (!original.empty() && !iequals(original, r.address.to_string())) {
    append_wrapped(out, fmt::format("You had sent it to <{}>.", shown(original, international, 500)), "  ");
  }
  const auto say = [&](std::string_view who, const std::string& words) {
    append_wrapped(out, who, "  ");
    append_wrapped(out, shown(words, international, kMaxReply), "    ");
  };
  if (r.told.own.code != 0) say("The reason:", own_words(r.told));
  if (r.told.peer.code != 0) {
    const std::string remote = shown(server_of(r), international, 255);
    say(remote.empty() ? "The other server said:" : "The server " + remote + " said:", r.told.peer.to_string());
  }
  if (r.outcome == Outcome::failed) append_wrapped(out, advice_for(status_of(r)), "  ");
}

std::string_view summary(const ReportInput& input) {
  const auto has = [&input](Outcome o) {
    return std::ranges::any_of(input.recipients, [o](const auto& r) { return r.outcome == o; });
  };
  const bool one = input.recipients.size() == 1;
  if (has(Outcome::failed)) {
    return one ? "Your message could not be delivered."
               : "Your message could not be delivered to all of its recipients.";
  }
  if (has(Outcome::delayed)) {
    return "Your message is delayed. You need not send it again: this server goes on trying and tells you if it fails.";
  }
  return "You had asked for a report: here is what became of your message.";
}

} // namespace

std::string own_words(const Told& told) {
  const bool about_peer = !told.place.empty() && told.peer.code == 0;
  return about_peer ? told.own.text + " (" + told.place + ")" : told.own.text;
}

EnhancedCode status_of(const ReportRecipient& recipient) {
  const Reply& reply = recipient.told.verdict();
  EnhancedCode status = reply.enhanced;
  // Named in another class than the reply's: "450 5.1.1 …".
  if (!status && reply.heard) status = EnhancedCode::parse(reply.text).value_or(EnhancedCode{});
  switch (recipient.outcome) {
    case Outcome::failed: status.klass = reply.transient() ? 4 : 5; break;
    case Outcome::delayed: status.klass = 4; break;
    case Outcome::delivered:
    case Outcome::relayed:
    case Outcome::expanded: status.klass = 2; break;
  }
  return status;
}

std::string report_text(const ReportInput& input, bool international) {
  std::string out;
  append_wrapped(out, fmt::format("This is the mail server {}.", shown(input.host, international, kMaxDomain)), "");
  out += "\r\n";
  append_wrapped(out, summary(input), "");
  for (const ReportRecipient& recipient : input.recipients) append_recipient(out, recipient, input, international);
  if (!input.original_id.empty()) {
    out += "\r\n";
    append_wrapped(
        out,
        fmt::format("The message came in on {}; its id here is {}. With that id the postmaster can tell more.",
                    format_date(input.arrival), shown(input.original_id, international, 100)),
        "");
  }
  return out;
}

} // namespace paquebot::mail
