#pragma once

#include "directory/directory.h"
#include "mail/envelope.h"
#include "mail/status.h"
#include "policy/limit_book.h"
#include "policy/relay_rates.h"
#include "policy/return_paths.h"
#include "smtp/server_session.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace paquebot::policy {

/// What a configured network may do without a login.
struct RelayRules {
  std::vector<std::string> senders; ///< beside our domains: addresses, domains, and "<>"
  RelayLimits limits;
};

/// Who is at the other end of a session.
struct Client {
  smtp::Role role = smtp::Role::mx;
  std::string address; ///< IP address
  std::string helo;
  store::Id account = 0; ///< logged in as
  std::string login;
  std::uint32_t recipients = 0;              ///< named already for the current message; without a login those elsewhere
  std::shared_ptr<const RelayRules> relay{}; ///< it is in a network that may send to others; null: it isn't
  bool device = false;                       ///< it is, and it is believed when it writes in our own name
};

struct RecipientVerdict {
  mail::Reply reply;                  ///< positive: accepted
  std::vector<directory::Node> nodes; ///< accepted: where it goes. One node with handling `remote` when it is not ours.
  /// It is a return address of ours. Such a message has this one recipient only, since what is no report goes on in
  /// another form.
  std::optional<Returned> returned{};
};

struct AuthorVerdict {
  mail::Reply reply;
  bool resent = false; ///< it is by somebody else, and the account sends it on (RFC 5322 section 3.6.6)
};

/// The one place that decides who may send what to whom (docs/policy.md lists every reason with its reply text).
class Policy {
public:
  /// All must outlive it; without a book nothing is bounded, without return paths no bounce finds its way back through
  /// us.
  explicit Policy(directory::Directory& directory, LimitBook* limits = nullptr, ReturnPaths* paths = nullptr,
                  RelayRates* relays = nullptr);

  LimitBook* limits() const { return limits_; }

  /// End of data for a return address: something comes back as message `report`. Code 0: it may.
  Task<mail::Reply> take_return(Returned returned, std::string address, Ulid report);

  /// What a return address of ours was given out for; nothing: it is none.
  Task<Result<std::optional<Returned>>> whose_return(mail::Address address);

  /// MAIL: submission may use only the account's own addresses, or "<>" (answers of the account's programs: RFC 3834,
  /// 8098).
  Task<mail::Reply> check_sender(const Client& client, const mail::Sender& sender);
  /// The same at once, for the mail of others, of which nothing has to be asked; nothing: ask check_sender().
  std::optional<mail::Reply> check_sender_now(const Client& client) const;
  /// RCPT: ours and known, or (logged in, or in a configured network) anywhere; never a relay for strangers in any
  /// form of address. An alias of ours may be for some senders only.
  Task<RecipientVerdict> check_recipient(const Client& client, const mail::Sender& sender,
                                         const mail::Recipient& recipient);
  /// The same at once, for a stranger's recipient that memory knows as one mailbox of ours; nothing: ask
  /// check_recipient().
  std::optional<RecipientVerdict> check_recipient_now(const Client& client, const mail::Recipient& recipient) const;
  /// End of data on submission: there is exactly one From and at most one Sender, and every address in them belongs to
  /// the account, in each reading of them that programs may make; a message without From is intake's to complete. Or
  /// the first Resent-From is the account's, and no address in those is of a domain of ours, or below one, unless it is
  /// the account's: then `resent` is set. `head`: the header block. Positive for the other roles.
  Task<AuthorVerdict> check_header_sender(Client client, std::string head);

private:
  Task<RecipientVerdict> check_bounce(mail::Sender sender, std::string address, Returned returned);
  Task<mail::Reply> check_relay(Client client, mail::Address sender, mail::Address recipient);
  Task<mail::Reply> check_alias(const Client& client, const mail::Address& sender, const mail::Address& alias,
                                const directory::Resolution& found);
  Task<mail::Reply> check_authors(Client client, std::string field, std::string value);
  Task<mail::Reply> check_strangers(Client client, std::string field, std::string value);
  Task<AuthorVerdict> check_fields(Client client, std::string field, std::vector<std::string> values, bool resends);
  Task<Result<bool>> is_below_ours(std::string domain);

  directory::Directory& directory_;
  LimitBook* limits_;
  ReturnPaths* paths_;
  RelayRates* relays_;
};

} // namespace paquebot::policy
