#pragma once

#include "base/ulid.h"
#include "mail/envelope.h"
#include "mail/status.h"
#include "store/sending.h"
#include "store/types.h"

#include <functional>
#include <string>
#include <vector>

namespace paquebot::control {

/// What became of one recipient.
struct SubmittedTo {
  mail::Address address;
  mail::Reply reply; ///< positive: the message goes to it
};

/// A message that an account hands in by the API, as it would in a session of submission.
struct Submission {
  Ulid id;
  store::Account account;
  std::string who;     ///< asks for it, for the trail: "ann@example.org's token backup"
  std::string address; ///< that it comes from; empty: this machine
  mail::Sender sender;
  std::vector<mail::Recipient> recipients;
  std::string content;    ///< head and body, with CRLF
  store::Sending sending; ///< without the answer
  /// What is told if it is accepted, which is kept with it.
  std::function<std::string(const std::vector<SubmittedTo>& recipients)> answer;
};

/// What the server says of it: the reply that a session would have got, and of each recipient.
struct Submitted {
  mail::Reply reply;
  std::vector<SubmittedTo> recipients;
};

/// Octets of a request to send at most: files in base 64 are a third longer than they are.
inline constexpr std::size_t kMostSent = 16u << 20;

} // namespace paquebot::control
