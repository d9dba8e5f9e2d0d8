#pragma once

#include "service/pace.h"
#include "service/smtp_client.h"
#include "service/smtp_notes.h"

#include <memory>
#include <optional>
#include <vector>

namespace paquebot::service {

/// The mail transactions of one session: answers what its engine asks from MAIL to the verdict on the content. For
/// MAIL, RCPT and DATA there is a decision first, from what memory knows: known, or must ask. What is known is answered
/// at once, what must be asked by a coroutine; both are settled at one place.
class SmtpTransaction {
public:
  SmtpTransaction(SmtpClient& client, SmtpNotes& notes) : client_(client), notes_(notes) {}

  /// The session begins, or its client is another one (XCLIENT): for whom memory is held from now on.
  void count_for_client();
  /// Something is held that end() gives back.
  bool holds() const { return !recipients_.empty() || recipient_memory_.held() > 0; }
  /// Whatever it was for is gone with it.
  void end();
  /// The session ends: content that came is given up, and all else.
  Task<void> abandon();

  /// True: the question was known and is answered. False: ask() it.
  bool answer_known(const smtp::Action& question);
  Task<void> ask(smtp::AskMail ask);
  Task<void> ask(smtp::AskRecipient ask);
  Task<void> ask(smtp::AskData ask);
  Task<void> ask(smtp::Chunk chunk);
  Task<void> ask(smtp::AskContent ask);
  Task<void> ask(smtp::Discard);

  /// Content comes, between DATA and its verdict.
  bool receives() const { return incoming_ != nullptr; }
  /// How long we may wait for the next of it; max() while none comes.
  Pace::Duration patience() const { return incoming_ ? pace_.left() : Pace::Duration::max(); }
  /// So much of the connection's input came after a wait.
  void came(std::size_t octets, Pace::Duration waited);

private:
  /// Addresses that the recipients of one message expand to, beside themselves: a stranger may name a large alias again
  /// and again.
  static constexpr std::size_t kMaxExpanded = 10'000;

  // Decisions, without effect. Nothing: must ask.
  std::optional<mail::Reply> known_sender() const;
  std::optional<policy::RecipientVerdict> known_recipient(const mail::Recipient& recipient) const;
  std::optional<mail::Reply> known_data() const;

  bool begin(const smtp::AskMail& ask);
  bool add(const smtp::AskRecipient& ask);
  bool begin_content(const smtp::AskData& ask);
  void settle(const smtp::AskMail& ask, mail::Reply reply);
  void settle(const smtp::AskRecipient& ask, mail::Recipient recipient, policy::RecipientVerdict verdict);

  void bound(policy::RecipientVerdict& verdict) const;
  Task<policy::RecipientVerdict> judge(const mail::Sender& sender, const mail::Recipient& recipient);
  std::uint64_t octets_with(std::size_t more) const;
  std::uint32_t named() const;
  void open_content();
  intake::Origin origin();

  SmtpClient& client_;
  SmtpNotes& notes_;
  std::unique_ptr<policy::Client> sender_; ///< the client, as it was at MAIL; null between transactions
  std::vector<queue::DraftRecipient> recipients_;
  std::unique_ptr<policy::Returned> returned_; ///< the one recipient is a return address of ours
  WallTime mail_at_{};                         ///< when MAIL came
  std::size_t nodes_ = 0;                      ///< that they expand to
  store::BudgetShare recipient_memory_;        ///< for these
  bool no_memory_ = false;                     ///< for more of them, as it turned out
  Pace pace_;                                  ///< of the content that comes
  std::unique_ptr<intake::Incoming> incoming_; ///< while a message comes; large, and most of the time there is none
};

} // namespace paquebot::service
