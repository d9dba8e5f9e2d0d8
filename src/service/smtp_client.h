#pragma once

#include "directory/directory.h"
#include "filter/session.h"
#include "intake/incoming.h"
#include "mail/received.h"
#include "net/network.h"
#include "net/pump.h"
#include "net/tls.h"
#include "policy/policy.h"
#include "policy/refusals.h"
#include "service/etrn.h"
#include "service/login.h"
#include "service/pace.h"
#include "service/sessions.h"
#include "service/stranger_desk.h"
#include "smtp/server_session.h"

#include <memory>

namespace paquebot::service {

/// What all SMTP sessions of one listener share: an immutable snapshot.
struct SmtpListenerOptions {
  std::shared_ptr<const smtp::ServerOptions> session;
  std::shared_ptr<net::TlsContext> tls; ///< null: none
  bool implicit_tls = false;
  bool scram_by_accounts = false; ///< ScramSwitch says whether SCRAM is offered
  net::Networks xclient_from;     ///< who may tell by XCLIENT whose session it really is
  net::Networks relay_from;       ///< who may send to others without a login
  net::Networks bare_lf_from;     ///< of these: whose LF alone is mended on port 25
  net::Networks checked_devices;  ///< of these: who is not believed when he writes in our name
  std::shared_ptr<const policy::RelayRules> relay;
  std::uint64_t content_pace = 0; ///< octets in a minute that content must come with (Pace); 0: any
  std::chrono::milliseconds pace_window = Pace::kWindow;
  intake::Options intake;
  std::shared_ptr<const filter::Chain> filters;           ///< of content; null: none
  std::shared_ptr<const policy::StrangerRules> strangers; ///< of strangers; null: not for this listener
  std::vector<std::string> etrn_hosts;                    ///< addresses that may use ETRN without a login
};

/// The server's parts that sessions of one thread work with; all outlive them. Sessions share it: an idle one is to be
/// small.
struct SmtpMeans {
  intake::IntakeMeans intake;
  directory::Directory& directory;
  Sessions& sessions;
  Etrn& etrn;
  LoginMeans logins;
  filter::LinkMeans filter_links; ///< of content filters, on the session's own thread
  StrangerMeans strangers;
  policy::Refusals& refusals;
};

/// Who is at the other end of an SMTP session, as far as it is known by now, and who has to be asked about it. What the
/// session works with is told of the client in the words of each.
struct SmtpClient {
  SmtpClient(std::shared_ptr<const SmtpMeans> means, std::shared_ptr<const SmtpListenerOptions> options,
             net::Stream stream);

  /// Of a new session; not yet that the client is logged in, or what it said.
  smtp::ConnectionInfo connection() const;
  /// Empty without a login; an exchange cancelled at its end is none.
  std::string login() const;
  /// Who can send to others without a login, by its network.
  bool in_relay_network() const;
  policy::Client for_policy() const;
  filter::Client for_filters() const;
  /// All but id, recipient and date.
  mail::Arrival arrival() const;
  /// RFC 5321 sections 4.1.3, 4.5.1: an address literal that names where the client connected to is our own name.
  mail::Recipient meant(const mail::Recipient& named) const;

  std::shared_ptr<const SmtpMeans> means;
  std::shared_ptr<const SmtpListenerOptions> options;
  net::Pump pump;
  std::string address;                          ///< its own, or as XCLIENT told
  std::unique_ptr<smtp::ServerSession> session; ///< null before implicit TLS is there
  std::unique_ptr<filter::Session> filters;     ///< null: there are none
  std::unique_ptr<StrangerDesk> strangers;      ///< of a stranger; null: nothing is asked of this client
  unsigned refused = 0;                         ///< recipients, for good, since the last message
  net::TlsInfo tls;
  store::Account account;
};

std::string_view role_name(smtp::Role role);

} // namespace paquebot::service
