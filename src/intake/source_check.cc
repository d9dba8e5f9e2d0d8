#include "intake/source_check.h"

#include "directory/directory.h"
#include "intake/dmarc_row_of.h"

#include <algorithm>

namespace paquebot::intake {
namespace {

bool any_mailbox(const std::vector<queue::DraftRecipient>& recipients) {
  return std::ranges::any_of(recipients, [](const queue::DraftRecipient& recipient) {
    return std::ranges::any_of(recipient.nodes,
                               [](const directory::Node& node) { return node.handling == store::Handling::mailbox; });
  });
}

} // namespace

bool asks_about(const IntakeMeans& means, const Options& options, const std::string& client) {
  const AuthenticationOptions& how = options.authentication;
  return means.verifier != nullptr && how.verify && !how.skip_networks.contains(client);
}

void SourceCheck::watch() {
  const Origin& origin = message_.origin;
  const AuthenticationOptions& options = message_.options.authentication;
  if (message_.means.verifier == nullptr || !options.verify || !message_.has_stranger()) return;
  const std::string& address = origin.client.address;
  // What a network of [relay] writes to others as well is none the less mail to mailboxes here.
  const bool relayed = origin.klass == store::MessageClass::local && !options.skip_networks.contains(address);
  const bool from_others = origin.client.role == smtp::Role::mx && (origin.klass == store::MessageClass::incoming ||
                                                                    (relayed && any_mailbox(origin.recipients)));
  const bool own = message_.is_submitted() && any_mailbox(origin.recipients);
  if (!own && !from_others) return;
  const auto ip = mailauth::parse_ip(address.substr(0, address.find('%'))); // a link-local one has its zone behind it
  if (!ip) return;
  message_.authentication = std::make_unique<Authentication>(
      *message_.means.verifier, options,
      AuthenticationSubject{message_.options.hostname, *ip, origin.client.helo, origin.sender.reverse_path});
}

Task<void> SourceCheck::begin() {
  if (message_.authentication && !message_.is_submitted()) co_await message_.authentication->begin();
}

Task<void> SourceCheck::run() {
  if (message_.authentication && message_.is_submitted()) {
    if (message_.resent)
      message_.authentication->leave_spf();
    else
      message_.authentication.reset();
  }
  if (!message_.authentication || !message_.fine()) co_return;
  Authentication& authentication = *message_.authentication;
  const mail::Head& head = message_.head;
  co_await authentication.finish(head);
  if (message_.origin.client.device && message_.origin.directory != nullptr) co_await believe_device();
  note_for_report();
  const Judgement& judgement = authentication.judgement();
  if (judgement.action == Judgement::Action::refuse) message_.failure = judgement.reply;
  if (judgement.action == Judgement::Action::hold) set_aside(judgement.reason);
}

bool SourceCheck::vouched() const {
  const Origin& origin = message_.origin;
  if (origin.klass != store::MessageClass::incoming || !message_.has_stranger()) return true;
  return message_.authentication && vouches_for(message_.authentication->findings(), origin.sender.reverse_path.domain);
}

void SourceCheck::leave_unreported() {
  if (vouched()) return;
  message_.origin.sender.deliver_by = {};
  for (queue::DraftRecipient& one : message_.origin.recipients) {
    std::uint8_t& notify = one.recipient.notify;
    if ((notify & mail::kNotifySuccess) == 0) continue;
    notify &= static_cast<std::uint8_t>(~mail::kNotifySuccess);
    if (notify == mail::kNotifyUnspecified) notify = mail::kNotifyNever; // he did not want to hear of failures
  }
}

/// A scanner or printer in a network of [relay] writes to us in our own name, and has neither signature nor SPF to
/// show. Many know only the name of the server.
Task<void> SourceCheck::believe_device() {
  const std::vector<std::string> domains = message_.authentication->domains_of_a_device();
  for (const std::string& domain : domains) {
    if (domain == message_.options.hostname || domain == message_.options.origin) continue;
    std::string name = domain;
    const auto ours = co_await message_.origin.directory->is_our_domain(std::move(name));
    if (!ours || !*ours) co_return;
  }
  if (!domains.empty()) message_.authentication->pass_over();
}

/// What the author's domain may be told of it tomorrow, whatever becomes of the message; unless it is to come again.
void SourceCheck::note_for_report() {
  const Findings& findings = message_.authentication->findings();
  DmarcBook* const book = message_.means.dmarc;
  if (book == nullptr || !book->on() || !findings.dmarc) return;
  const Judgement& judgement = message_.authentication->judgement();
  if (judgement.action == Judgement::Action::refuse && !judgement.reply.permanent()) return;
  book->count(*findings.dmarc, dmarc_row_of(findings, judgement));
}

/// Nobody gets the message until it is released; then it comes home as if it had just arrived.
void SourceCheck::set_aside(const std::string& reason) {
  message_.origin.sender.hold = {};
  for (queue::DraftRecipient& recipient : message_.origin.recipients) {
    directory::Node held;
    held.address = recipient.nodes.front().address;
    held.handling = store::Handling::held;
    held.hold = store::HoldKind::quarantine;
    held.reason = "quarantine: " + reason;
    recipient.nodes.assign(1, held);
  }
}

} // namespace paquebot::intake
