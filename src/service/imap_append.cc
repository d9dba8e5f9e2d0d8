#include "base/clock.h"
#include "base/text.h"
#include "service/imap_mailbox.h"

#include <utility>

namespace paquebot::service {
namespace {

/// Of messages of one command: heads, and bodies that are small, wait in memory. One alone is always less.
constexpr std::uint64_t kAppendMemory = 8u << 20;

std::shared_ptr<const store::AcceptRequest> request_of(AppendedMessage whole, Ulid id, const store::Account& account,
                                                       const std::string& who) {
  auto request = std::make_shared<store::AcceptRequest>();
  request->id = id;
  request->new_id = true;
  request->klass = store::MessageClass::imported;
  request->head = std::move(whole.head);
  request->content_8bit = whole.content_8bit;
  if (request->content_8bit) whole.body.type = mail::BodyType::eight_bit;
  request->body = std::move(whole.body);
  request->account = account.id;
  request->peer = who;
  request->accepted_at = request->expires_at = millis(system_clock().wall());
  request->note = "put there by " + who;
  request->internal_date = whole.wanted.date;
  request->flags = whole.wanted.flags;
  request->keywords = std::move(whole.wanted.keywords);
  store::NewRecipient recipient;
  recipient.address = account.login;
  recipient.notify = mail::kNotifyNever;
  recipient.account = account.id;
  recipient.handling = store::Handling::mailbox;
  recipient.mailbox = std::move(whole.wanted.mailbox);
  request->recipients.push_back(std::move(recipient));
  return request;
}

} // namespace

Task<imap::Answer> ImapMailbox::answer(imap::AskAppend ask) {
  imap::Done done;
  if (append_) { // the message before is whole
    done.fault = co_await end_message();
  } else {
    whole_.clear();
    whole_size_ = whole_memory_ = 0;
    const store::Id id = account_.id;
    std::string name = ask.mailbox;
    const auto info = co_await store_.mailboxes().open(id, std::move(name));
    if (info)
      target_ = *info;
    else
      done.fault = fault_of(info.error());
  }
  if (done.fault != imap::Fault::none) co_return done;
  const store::Id account = account_.id;
  const auto owner = co_await store_.directory().get_account(account);
  if (!owner)
    done.fault = fault_of(owner.error());
  else if (owner->quota != 0 && owner->used + whole_size_ + ask.size > owner->quota)
    done.fault = imap::Fault::over_quota;
  else if (!store_.acceptance().has_room())
    done.fault = imap::Fault::unavailable;
  if (done.fault != imap::Fault::none) co_return done;
  append_ = std::make_unique<Append>(store_.acceptance());
  append_->wanted = std::move(ask);
  co_return done;
}

Task<Result<>> ImapMailbox::write_body(std::string_view bytes) {
  if (append_->body.write_now(bytes)) co_return Result<>();
  auto written = co_await append_->body.write(bytes);
  co_return written;
}

Task<imap::Answer> ImapMailbox::answer(imap::AskAppendPiece ask) {
  imap::Done done;
  if (!append_) {
    done.fault = imap::Fault::unavailable;
    co_return done;
  }
  const auto body = append_->head.feed(ask.bytes);
  if (!body) {
    done.fault = imap::Fault::too_large;
  } else {
    const std::string_view bytes = *body;
    const auto written = co_await write_body(bytes);
    if (!written) done.fault = fault_of(written.error());
  }
  if (done.fault != imap::Fault::none) append_.reset();
  co_return done;
}

imap::Fault ImapMailbox::fault_of(const store::AcceptResult& result) {
  switch (result.status) {
    case store::AcceptStatus::accepted: return imap::Fault::none;
    case store::AcceptStatus::over_quota: return imap::Fault::over_quota;
    case store::AcceptStatus::account_gone: return imap::Fault::not_found;
    default: trouble_ = result.why; return imap::Fault::unavailable;
  }
}

/// All of a message has come: it waits for the others.
Task<imap::Fault> ImapMailbox::end_message() {
  const std::unique_ptr<Append> append = std::move(append_);
  append_.reset();
  const auto rest = append->head.finish();
  if (!rest) co_return imap::Fault::too_large;
  const std::string_view bytes = *rest;
  if (!append->body.write_now(bytes)) {
    const auto written = co_await append->body.write(bytes);
    if (!written) co_return fault_of(written.error());
  }
  auto body = co_await append->body.finish();
  if (!body) co_return fault_of(body.error());
  AppendedMessage whole{std::move(append->wanted), append->head.take_head(), std::move(*body), false};
  whole.content_8bit = append->body.has_8bit() || !is_ascii(whole.head);
  whole_size_ += whole.head.size() + whole.body.size;
  whole_memory_ += whole.head.size() + (whole.body.staged ? 0 : whole.body.size);
  if (whole_memory_ > kAppendMemory) co_return imap::Fault::too_many;
  whole_.push_back(std::move(whole));
  co_return imap::Fault::none;
}

/// One after the other; one that can't be kept takes those before it with it.
Task<imap::Fault> ImapMailbox::accept_all(imap::Appended& appended) {
  std::vector<AppendedMessage> all = std::move(whole_);
  whole_.clear();
  std::vector<std::uint32_t> kept;
  imap::Fault fault = imap::Fault::none;
  for (AppendedMessage& one : all) {
    std::shared_ptr<const store::AcceptRequest> request = request_of(std::move(one), ids_.next(), account_, who_);
    const auto result = co_await store_.acceptance().accept(std::move(request));
    fault = fault_of(result);
    if (fault != imap::Fault::none) break;
    // Else it was deleted meanwhile, and the message is in INBOX: it has no uid to tell.
    if (!result.uids.empty() && result.mailboxes.front() == target_.id) kept.push_back(result.uids.front());
  }
  if (fault != imap::Fault::none && !kept.empty()) {
    const store::Id id = target_.id;
    std::string who = who_;
    const auto taken = co_await store_.mailboxes().expunge(id, std::move(kept), std::move(who));
    if (!taken) trouble_ = taken.error().message;
    co_return fault;
  }
  appended.uidvalidity = target_.uidvalidity;
  for (const std::uint32_t uid : kept) imap::append(appended.uids, uid);
  co_return fault;
}

Task<imap::Answer> ImapMailbox::answer(imap::AskAppendEnd ask) {
  imap::Appended appended;
  appended.fault = imap::Fault::unavailable;
  if (append_ && ask.whole) appended.fault = co_await end_message();
  if (appended.fault == imap::Fault::none) appended.fault = co_await accept_all(appended);
  append_.reset();
  whole_.clear();
  if (appended.fault != imap::Fault::none || ask.replaces == 0) co_return appended;
  const store::Id mailbox = view_.mailbox;
  std::vector<std::uint32_t> old{ask.replaces};
  std::string who = who_;
  const auto gone = co_await store_.mailboxes().expunge(mailbox, std::move(old), std::move(who));
  if (!gone) trouble_ = gone.error().message;
  appended.both = !gone;
  co_return appended;
}

} // namespace paquebot::service
