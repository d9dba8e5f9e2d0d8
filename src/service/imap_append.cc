#include "base/clock.h"
#include "base/text.h"
#include "service/imap_mailbox.h"

#include <utility>

namespace paquebot::service {

Task<imap::Answer> ImapMailbox::answer(imap::AskAppend ask) {
  imap::Done done;
  const store::Id account = account_.id;
  std::string name = ask.mailbox;
  const auto info = co_await store_.mailboxes().open(account, std::move(name));
  if (!info) {
    done.fault = fault_of(info.error());
    co_return done;
  }
  const auto owner = co_await store_.directory().get_account(account);
  if (!owner)
    done.fault = fault_of(owner.error());
  else if (owner->quota != 0 && owner->used + ask.size > owner->quota)
    done.fault = imap::Fault::over_quota;
  else if (!store_.acceptance().has_room())
    done.fault = imap::Fault::unavailable;
  if (done.fault != imap::Fault::none) co_return done;
  append_ = std::make_unique<Append>(store_.acceptance());
  append_->wanted = std::move(ask);
  append_->mailbox = *info;
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

std::shared_ptr<store::AcceptRequest> ImapMailbox::request_of(store::NewBody body) {
  auto request = std::make_shared<store::AcceptRequest>();
  request->id = ids_.next();
  request->new_id = true;
  request->klass = store::MessageClass::imported;
  request->head = append_->head.take_head();
  request->content_8bit = append_->body.has_8bit() || !is_ascii(request->head);
  if (request->content_8bit) body.type = mail::BodyType::eight_bit;
  request->body = std::move(body);
  request->account = account_.id;
  request->peer = who_;
  request->accepted_at = request->expires_at = millis(system_clock().wall());
  request->note = "put there by " + who_;
  request->internal_date = append_->wanted.date;
  request->flags = append_->wanted.flags;
  request->keywords = append_->wanted.keywords;
  store::NewRecipient recipient;
  recipient.address = account_.login;
  recipient.notify = mail::kNotifyNever;
  recipient.account = account_.id;
  recipient.handling = store::Handling::mailbox;
  recipient.mailbox = append_->wanted.mailbox;
  request->recipients.push_back(std::move(recipient));
  return request;
}

imap::Fault ImapMailbox::fault_of(const store::AcceptResult& result) {
  switch (result.status) {
    case store::AcceptStatus::accepted: return imap::Fault::none;
    case store::AcceptStatus::over_quota: return imap::Fault::over_quota;
    case store::AcceptStatus::account_gone: return imap::Fault::not_found;
    default: trouble_ = result.why; return imap::Fault::unavailable;
  }
}

Task<imap::Answer> ImapMailbox::answer(imap::AskAppendEnd ask) {
  imap::Appended appended;
  appended.fault = imap::Fault::unavailable;
  if (!append_ || !ask.whole) {
    append_.reset();
    co_return appended;
  }
  const auto rest = append_->head.finish();
  const std::string_view bytes = rest.value_or(std::string_view());
  auto written = co_await write_body(bytes);
  if (!rest || !written) {
    appended.fault = rest ? fault_of(written.error()) : imap::Fault::too_large;
    append_.reset();
    co_return appended;
  }
  auto body = co_await append_->body.finish();
  if (!body) {
    appended.fault = fault_of(body.error());
    append_.reset();
    co_return appended;
  }
  std::shared_ptr<const store::AcceptRequest> request = request_of(std::move(*body));
  const auto result = co_await store_.acceptance().accept(std::move(request));
  appended.fault = fault_of(result);
  // Else it was deleted meanwhile, and the message is in INBOX: it has no uid to tell.
  if (!result.uids.empty() && result.mailboxes.front() == append_->mailbox.id) {
    appended.uidvalidity = append_->mailbox.uidvalidity;
    appended.uid = result.uids.front();
  }
  append_.reset();
  co_return appended;
}

} // namespace paquebot::service
