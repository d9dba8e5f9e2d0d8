#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "mail/address.h"
#include "mail/envelope.h"
#include "mail/status.h"
#include "mail/told.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::mail {

/// What became of a recipient (the Action of RFC 3464 section 2.3.3).
enum class Outcome : std::uint8_t { failed, delayed, delivered, relayed, expanded };

struct ReportRecipient {
  Address address;   ///< the last one we knew
  std::string orcpt; ///< as in Recipient::orcpt; may be empty
  Outcome outcome = Outcome::failed;
  Told told; ///< what the other server said of it, and what we do: a time-out is our own word
  std::optional<WallTime> last_attempt;
  std::optional<WallTime> will_retry_until; ///< shown for delayed only
};

struct ReportInput {
  std::string id;   ///< of the report, unique; goes into its Message-ID
  std::string host; ///< the reporting server's name
  Address to;       ///< reverse path of the message reported on; never empty
  WallTime now{};
  std::string original_id;            ///< our id of the message reported on
  std::string envid;                  ///< decoded; may be empty
  WallTime arrival{};                 ///< of the message reported on
  std::optional<WallTime> deliver_by; ///< by when its sender wanted it delivered (RFC 2852 section 5)
  std::string hold_request;           ///< mail::Hold::request (RFC 4865 section 5.1.2); may be empty
  Ret ret = Ret::unspecified;
  bool smtputf8 = false; ///< the message reported on may have UTF-8 in its head
  std::string_view head; ///< of the message reported on, with the empty line
  /// Its whole body, when it is at hand and small enough to return. It is returned with failures only,
  /// and not under RET=HDRS (RFC 3461 section 4.3).
  std::optional<std::string_view> body;
  bool binary = false; ///< head and body came with BODY=BINARYMIME and were not converted
  std::vector<ReportRecipient> recipients;
};

/// A message ready to be queued with a null reverse path.
struct Report {
  std::string head; ///< with the empty line
  std::string body;
  bool eight_bit = false; ///< the body holds UTF-8 (only with international addresses, RFC 6533)
  bool smtputf8 = false;  ///< the head holds UTF-8: the recipient's address is international
};

/// Composes a delivery report (RFC 3461 section 6, RFC 3464, RFC 6522, RFC 6533, RFC 3834): a text for a
/// person, the status fields, and the headers or the whole of the original. Every line has CRLF and at
/// most 998 octets, whatever a peer said.
Report compose_report(const ReportInput& input);

/// A report of ours without anything of the message that it is about, for a way that is not protected (RFC 8689 section
/// 5): text and status stay, and the text says so.
struct RedactedReport {
  std::string head; ///< with the empty line
  std::string body;
};
/// Nothing when it is no such report.
std::optional<RedactedReport> redact_report(std::string_view head, std::string_view body);

/// The status of RFC 3463 that a report gives: our own or the reply's, else the general one. Its class is that of the
/// action (2 for success, 4 for a delay); of a failure, that of the reply's code, whatever class the reply itself
/// named.
EnhancedCode status_of(const ReportRecipient& recipient);

/// Per-recipient fields as another server reported them; texts trimmed and unfolded, types such as
/// "rfc822;" left in front. Not escaped: octets from outside.
struct ParsedRecipient {
  std::string original_recipient;
  std::string final_recipient;
  std::string action; ///< lower case
  std::string status;
  std::string remote_mta;
  std::string diagnostic_code;
  std::string last_attempt_date;
  std::string will_retry_until;
};
struct ParsedReport {
  std::string reporting_mta;
  std::string original_envelope_id;
  std::string arrival_date;
  std::vector<ParsedRecipient> recipients; ///< at most 1000, the rest is dropped
  std::string returned_head; ///< of the message that it is about, at most 64 KiB; empty when it returns none of it
};
/// Reads a delivery report tolerantly from a whole message (head and body). Errc::not_found when it is
/// none, Errc::invalid when it is broken. Looks at no more than 1 MiB of status fields.
Result<ParsedReport> parse_report(std::string_view message);

/// A report of RFC 5965: somebody who got a message says what he thinks of it. Octets from outside, unfolded.
struct ParsedFeedback {
  std::string type;               ///< lower case: "abuse", "not-spam"
  std::string original_mail_from; ///< without angle brackets
  std::string returned_head;      ///< of the message that it is about, at most 64 KiB; empty when it returns none of it
};
/// From a whole message (head and body). Errc::not_found when it is none, Errc::invalid when it is broken.
Result<ParsedFeedback> parse_feedback(std::string_view message);

/// What we say ourselves, and of which server. For compose_report.
std::string own_words(const Told& told);
/// The part for a person; lines end in CRLF. Declared here for compose_report and its tests.
std::string report_text(const ReportInput& input, bool international);

} // namespace paquebot::mail
