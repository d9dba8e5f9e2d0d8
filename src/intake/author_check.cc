#include "intake/author_check.h"

namespace paquebot::intake {

Task<void> AuthorCheck::run() {
  if (!message_.fine() || !message_.is_submitted()) co_return;
  policy::Client client = message_.origin.client;
  std::string head = message_.head.to_string();
  policy::AuthorVerdict verdict = co_await message_.means.policy.check_header_sender(client, head);
  message_.resent = verdict.resent;
  if (!verdict.reply.positive()) message_.failure = std::move(verdict.reply);
}

} // namespace paquebot::intake
