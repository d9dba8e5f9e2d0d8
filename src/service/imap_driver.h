#pragma once

#include "imap/server_session.h"
#include "service/compression.h"
#include "service/imap_mailbox.h"
#include "service/mailbox_news.h"
#include "service/reader_connection.h"
#include "store/store.h"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

namespace paquebot::service {

struct ImapListenerOptions : ReaderListener {
  std::shared_ptr<const imap::ServerOptions> session;
  std::size_t max_per_account = 20;       ///< sessions that are logged in to one account
  std::chrono::seconds write_within{300}; ///< a client that does not read what it asked for
};

struct ImapMeans {
  store::Store& store;
  MailboxNews& news;
  AccountSeats& seats;
  UlidSource& ids;
  LoginMeans logins;
  search::Index* index = nullptr; ///< of texts; null: there is none
};

/// One IMAP session over one connection: net::Pump performs what imap::ServerSession wants of the connection; what it
/// asks is answered by ImapMailbox.
class ImapConnection : public ReaderConnection<imap::ServerSession>, public MailboxWatcher {
public:
  ImapConnection(ImapMeans means, std::shared_ptr<const ImapListenerOptions> options, net::Stream stream,
                 boost::asio::any_io_executor executor);
  static Task<void> serve(std::shared_ptr<ImapConnection> self);

  net::LiveFacts facts() const override;
  void mailbox_changed() override;

private:
  net::Order next() override;
  Task<void> answer() override;
  void feed(std::string_view bytes) override;
  std::unique_ptr<imap::ServerSession> make_engine() const override;
  Task<void> leave() override;
  void listen() override;
  void note_sent(std::size_t octets);
  Task<void> ask(imap::AskLogin ask);
  Task<void> ask(imap::Ask ask);
  Task<imap::Answer> may_compress();
  bool begin_compression();
  bool unpack_some();
  Task<void> let_others();
  imap::LoginVerdict seat(store::Account account);

  std::shared_ptr<const ImapListenerOptions> options_;
  AccountSeats& seats_;
  std::weak_ptr<MailboxWatcher> self_;
  ImapMailbox mailbox_;
  store::Id seated_ = 0;                     ///< whose seat it has
  imap::Action action_;                      ///< the one under way
  std::unique_ptr<Compression> compression_; ///< null: there is none
  std::size_t unpacked_ = 0;                 ///< octets, since others had their turn
  std::shared_ptr<std::size_t> told_;        ///< octets that were written down as lines, and not sent yet
};

} // namespace paquebot::service
