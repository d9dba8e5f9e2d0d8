#pragma once

#include "base/clock.h"
#include "base/task.h"
#include "dns/resolver.h"
#include "mail/envelope.h"
#include "policy/client_lookup.h"
#include "policy/client_rates.h"
#include "policy/grey_table.h"
#include "policy/listed_book.h"
#include "policy/stranger_rules.h"

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace paquebot::service {

/// What all sessions with strangers share; all but the resolver outlive them.
struct StrangerMeans {
  std::shared_ptr<dns::Resolver> resolver;
  policy::FactsCache& facts;
  policy::ClientRates& rates;
  policy::GreyTable& grey;
  store::Books& books; ///< where what is greylisted is kept, also by other nodes
  const policy::ListedBook& book;
  const Clock& clock;
};

/// One session of a stranger who may bring mail: asks the DNS about the client while the dialogue goes on, and says at
/// the first recipient what follows from it. Belongs to one executor.
class StrangerDesk {
public:
  StrangerDesk(StrangerMeans means, std::shared_ptr<const policy::StrangerRules> options,
               boost::asio::any_io_executor executor, std::string address);
  /// Whom [guard] concerns: not allowed networks, not local sockets. What an operator has listed in `book` goes before
  /// the configuration.
  static bool concerns(const policy::StrangerRules& options, const policy::ListedBook& book,
                       const std::string& address);

  /// Before the greeting; `early`: the client spoke already. Positive: it is greeted, and the DNS is being asked.
  mail::Reply greet(bool early);
  /// The name it gave, and who we are.
  void helo(std::string name, const std::string& hostname, const std::string& here);
  /// MAIL: forgets the transaction before, and looks again whether the client is blocked. Code 0: go on.
  mail::Reply mail(const mail::Sender& sender);
  /// RCPT, before the recipient is looked up: what is against client and sender. Waits for the DNS, five seconds at
  /// most. Code 0: nothing. postmaster and abuse can be written to in spite of all but the list of blocked senders.
  Task<mail::Reply> recipient(mail::Sender sender, mail::Address to);
  /// RCPT, when the recipient is one of ours: greylisting, by the first of them. Code 0: taken.
  Task<mail::Reply> greylist(mail::Sender sender, mail::Address to);
  /// Faults of the client. Code 0, or the last words: it is shut out from now on.
  mail::Reply fault(unsigned count);
  /// Values of policy::kStrangerField for a message of this session.
  std::vector<std::string> tags() const;
  /// The client's name in the DNS when it leads back to it, as far as it is known yet; else "".
  std::string name() const;
  /// Waits until nothing is asked any more: call before it is destroyed.
  Task<void> finish();

private:
  struct Lookups;
  using Dns = std::shared_ptr<dns::Resolver>;
  static Task<void> look_up_reverse(Dns dns, std::string address, std::vector<policy::DnsList> lists,
                                    std::shared_ptr<Lookups> into);
  static Task<void> look_up_domain(Dns dns, policy::DnsList list, std::string name, std::shared_ptr<Lookups> into);
  void ask_domain(const std::string& name);
  policy::ClientFacts facts() const;
  static Task<void> look_up_list(Dns dns, policy::DnsList list, std::string address, std::shared_ptr<Lookups> into);
  static Task<void> look_up_helo(Dns dns, std::string name, unsigned turn, std::shared_ptr<Lookups> into);
  void start(Task<void> task);
  void begin();
  Task<void> await_facts();
  void note(const policy::StrangerVerdict& verdict) const;
  void note_block(const policy::Listed* entry, const std::string& from) const;
  /// Of an operator's list or the configuration; code 0: it is not blocked.
  mail::Reply blocked_client() const;
  mail::Reply blocked_sender(const mail::Address& from) const;
  bool is_allowed(const mail::Address& from) const;
  Task<std::chrono::seconds> ask_grey_table(policy::GreyTable::Caller caller);

  StrangerMeans means_;
  std::shared_ptr<const policy::StrangerRules> options_;
  boost::asio::any_io_executor executor_;
  std::string address_;
  std::string helo_;
  std::string helo_domain_, sender_domain_; ///< for lists of domains; empty: nothing to ask for
  policy::Stranger stranger_;
  std::shared_ptr<Lookups> lookups_;
  std::optional<policy::StrangerVerdict> verdict_; ///< of the name given last
  std::optional<mail::Reply> grey_;                ///< of this transaction
  std::string grey_tag_;
};

} // namespace paquebot::service
