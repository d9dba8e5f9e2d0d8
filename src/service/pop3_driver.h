#pragma once

#include "directory/directory.h"
#include "net/stream.h"
#include "net/tls.h"
#include "pop3/server_session.h"
#include "service/login.h"
#include "service/login_delay.h"
#include "service/mailbox_holders.h"
#include "service/numbering.h"
#include "service/sessions.h"
#include "store/store.h"

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>

namespace paquebot::service {

struct Pop3ListenerOptions {
  std::shared_ptr<const pop3::ServerOptions> session;
  std::shared_ptr<net::TlsContext> tls; ///< null: none
  bool implicit_tls = false;
  bool scram_by_accounts = false;          ///< ScramSwitch says whether SCRAM is offered
  std::chrono::seconds takeover_after{10}; ///< who has been silent for longer gives way to a newer login
};

struct Pop3Parts {
  store::Store& store;
  directory::Directory& directory;
  Sessions& sessions;
  LoginDelay& login_delay;
  MailboxHolders& holders;
  LoginParts logins;
};

/// Drives one pop3::ServerSession over one connection. Holds the mailbox's lock from login to the end; message numbers are
/// resolved to uids by Numbering.
class Pop3Connection : public LiveSession, public MailboxHolder {
public:
  Pop3Connection(Pop3Parts parts, std::shared_ptr<const Pop3ListenerOptions> options, net::Stream stream,
                 boost::asio::any_io_executor executor);
  static Task<void> serve(std::shared_ptr<Pop3Connection> self);

  void shut_down() override;
  void end() override;
  bool give_way() override;

private:
  Task<void> release_mailbox();
  std::unique_ptr<store::MailboxLock> give_up();
  Task<bool> begin();
  Task<void> loop();
  Task<void> perform(pop3::Send send);
  Task<void> perform(pop3::NeedInput need);
  Task<void> perform(pop3::StartTls);
  Task<void> perform(pop3::AskLogin ask);
  Task<void> perform(pop3::AskOpen ask);
  Task<void> perform(pop3::AskList ask);
  Task<void> perform(pop3::AskMessage ask);
  Task<void> perform(pop3::AskCommit ask);
  Task<Result<std::vector<std::uint32_t>>> uids_of(const std::vector<std::uint32_t>* numbers);
  Task<Result<>> read_ahead(std::uint32_t number);
  Task<bool> open_message(std::uint32_t number);
  Task<Result<std::unique_ptr<store::MailboxLock>>> lock(store::Id mailbox);
  Task<Result<std::uint64_t>> surrogate_size(std::uint32_t uid);

  Pop3Parts parts_;
  std::shared_ptr<const Pop3ListenerOptions> options_;
  net::Stream stream_;
  boost::asio::any_io_executor executor_;
  std::weak_ptr<MailboxHolder> self_;
  std::string peer_;
  std::unique_ptr<pop3::ServerSession> session_;
  Sessions::Token token_ = 0;
  std::optional<LoginDesk> desk_;
  store::Account account_;
  std::unique_ptr<store::MailboxLock> lock_; ///< from login to the end
  store::Id locked_ = 0;                     ///< mailbox
  std::optional<Numbering> numbering_;
  // The message being sent.
  store::EntryContent entry_;
  std::deque<store::EntryContent>
      ahead_; ///< messages read ahead, from ahead_number_ on; empty while the client is idle
  std::uint32_t ahead_number_ = 0;
  std::uint64_t offset_ = 0;
  std::string piece_;
  std::chrono::steady_clock::time_point deadline_;
  std::uint32_t window_ = ~0u;
  std::chrono::steady_clock::time_point heard_;            ///< when the client last said or took something
  std::map<std::uint32_t, std::uint64_t> surrogate_sizes_; ///< by uid
  bool reading_ = false;
  bool writing_ = false;
  bool broken_ = false;
  bool shutting_down_ = false;
  bool ended_ = false;
};

} // namespace paquebot::service
