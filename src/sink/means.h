#pragma once

#include "base/task.h"
#include "net/tls.h"
#include "pop3/server_session.h"
#include "service/sessions.h"
#include "sink/faults.h"
#include "sink/inboxes.h"
#include "smtp/server_session.h"

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace paquebot::sink {

/// What sessions of the sink work with; all of it outlives them. All is on one thread.
struct Means {
  Inboxes& inboxes;
  Faults& faults;
  service::Sessions& sessions;
  std::shared_ptr<const smtp::ServerOptions> smtp;
  std::shared_ptr<const pop3::ServerOptions> pop3;
  /// By kind: "" is the good one, beside it those of Does::certificate.
  std::map<std::string, std::shared_ptr<net::TlsContext>> tls;
  std::uint64_t& coming; ///< octets of messages that come and are not in an inbox yet
  std::function<void(Task<void>)> launch;
};

/// How long a session of SMTP or POP3 may be idle, and the words that it begins with.
std::shared_ptr<const smtp::ServerOptions> smtp_options(std::uint64_t most_octets);
std::shared_ptr<const pop3::ServerOptions> pop3_options();

/// Does::bounce: when its time is over, a report of this failure is in the message's inboxes.
Task<void> bounce_later(Means& means, MessagePtr message, Hit hit);

} // namespace paquebot::sink
