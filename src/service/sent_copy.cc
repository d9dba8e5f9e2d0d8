#include "service/sent_copy.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "imap/requests.h"
#include "mail/head.h"
#include "mailauth/crypto.h"
#include "store/body_writer.h"

#include <utility>

namespace paquebot::service {
namespace {

constexpr std::size_t kDigest = 16; // octets

std::string digest_of_copy(const std::string& origin) {
  return std::string(mailauth::view(mailauth::sha256("sent " + origin))).substr(0, kDigest);
}

/// Errors as the store's. `request` has all but the content.
Task<Result<>> put_content(store::Acceptance& acceptance, std::string content, store::AcceptRequest& request) {
  mail::HeadSplitter splitter;
  store::BodyWriter writer(acceptance);
  const auto body = splitter.feed(content);
  if (!body) co_return std::unexpected(body.error());
  const std::string_view bytes = *body;
  auto written = co_await writer.write(bytes);
  if (!written) co_return written;
  const auto rest = splitter.finish();
  if (!rest) co_return std::unexpected(rest.error());
  const std::string_view last = *rest;
  written = co_await writer.write(last);
  if (!written) co_return written;
  auto finished = co_await writer.finish();
  if (!finished) co_return std::unexpected(finished.error());
  request.body = std::move(*finished);
  request.head = splitter.take_head();
  request.content_8bit = writer.has_8bit() || !is_ascii(request.head);
  if (request.content_8bit) request.body.type = mail::BodyType::eight_bit;
  co_return Result<>();
}

std::string why_not(const store::AcceptResult& result) {
  switch (result.status) {
    case store::AcceptStatus::accepted:
    case store::AcceptStatus::duplicate: return {};
    case store::AcceptStatus::over_quota: return "the account's quota is used up";
    case store::AcceptStatus::account_gone: return "the account was removed meanwhile";
    default: return result.why.empty() ? "there is no room" : result.why;
  }
}

} // namespace

Task<void> keep_sent_copy(store::Store& store, UlidSource& ids, SentCopy copy) {
  auto request = std::make_shared<store::AcceptRequest>();
  request->id = ids.next();
  request->new_id = true;
  request->klass = store::MessageClass::imported;
  request->account = copy.account.id;
  request->peer = copy.peer;
  request->accepted_at = request->expires_at = millis(system_clock().wall());
  request->note = "a copy of what was sent by the API";
  request->flags = store::kSeen;
  request->digest = digest_of_copy(copy.origin);
  store::NewRecipient recipient;
  recipient.address = copy.account.login;
  recipient.notify = mail::kNotifyNever;
  recipient.account = copy.account.id;
  recipient.handling = store::Handling::mailbox;
  recipient.special_use = imap::kSent;
  request->recipients.push_back(std::move(recipient));
  store::AcceptRequest& wanted = *request;
  store::Acceptance& acceptance = store.acceptance();
  std::string content = std::move(copy.content);
  const auto put = co_await put_content(acceptance, std::move(content), wanted);
  std::string why = put ? std::string() : put.error().message;
  if (put) {
    std::shared_ptr<const store::AcceptRequest> sealed = std::move(request);
    const auto result = co_await acceptance.accept(std::move(sealed));
    why = why_not(result);
  }
  if (!why.empty()) log::warning("sent-copy-lost", {{"account", copy.account.login}, {"why", why}});
}

} // namespace paquebot::service
