#pragma once

#include "mail/envelope.h"
#include "mail/status.h"
#include "service/smtp_client.h"

#include <string>
#include <vector>

namespace paquebot::service {

/// Tells what one session did not take, and what it let pass: the log, and policy::Refusals for those who ask
/// afterwards where a mail is that never came in.
class SmtpNotes {
public:
  explicit SmtpNotes(SmtpClient& client) : client_(client) {}

  /// What the session refused or tolerated by itself: nobody else tells why.
  void take_remarks();
  /// TLS came to nothing, or came where it was not expected.
  void refused_tls(policy::Attempt::What what, const std::string& why) const;
  void refused_by_filter(const mail::Reply& reply) const;
  void refused_sender(const mail::Sender& sender, const mail::Reply& reply);
  void refused_recipient(const mail::Sender& sender, const mail::Address& named, const mail::Address& meant,
                         const mail::Reply& reply);
  /// Whom the content that comes now is for: when it is refused, the session may have forgotten already.
  void name_recipients();
  /// On the content: one for all, or in LMTP one for each.
  void verdicts(const std::vector<mail::Reply>& verdicts);

private:
  /// Recipients of refused content that are remembered, each for itself.
  static constexpr std::size_t kMostNamed = 10;

  void add(std::string from, std::string to, std::string reply);
  void refused_command(const smtp::Remark& refused);
  void refused_program(const smtp::Remark& refused) const;
  void refused_content(const std::string& reply);

  SmtpClient& client_;
  std::vector<std::string> named_; ///< the first recipients of the content under way
  std::string named_from_;         ///< its sender
};

} // namespace paquebot::service
