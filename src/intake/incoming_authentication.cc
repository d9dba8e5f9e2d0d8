// Where a message is from: what of it concerns Incoming.

#include "directory/directory.h"
#include "intake/dmarc_row_of.h"
#include "intake/incoming.h"

#include <algorithm>

namespace paquebot::intake {
namespace {

bool any_mailbox(const std::vector<queue::DraftRecipient>& recipients) {
  return std::ranges::any_of(recipients, [](const queue::DraftRecipient& recipient) {
    return std::ranges::any_of(
        recipient.nodes, [](const directory::Node& node) { return node.route == store::NewRecipient::Route::mailbox; });
  });
}

} // namespace

/// Whether whoever brings the message might forge what only we may say. What comes by LMTP, or from
/// authentication.skip_networks, was checked by a server of ours before.
bool Incoming::has_stranger() const {
  if (origin_.client.role == smtp::Role::lmtp) return false;
  return origin_.klass != store::MessageClass::incoming ||
         !options_.authentication.skip_networks.contains(origin_.client.address);
}

bool asks_about(const Services& services, const Options& options, const std::string& client) {
  const AuthenticationOptions& how = options.authentication;
  return services.verifier != nullptr && how.verify && !how.skip_networks.contains(client);
}

/// Mail from other servers is checked; our own users have shown who they are, but not who wrote what they send on to mailboxes here.
void Incoming::watch() {
  const AuthenticationOptions& options = options_.authentication;
  if (services_.verifier == nullptr || !options.verify || !has_stranger()) return;
  const std::string& address = origin_.client.address;
  // What a network of [relay] writes to others as well is none the less mail to mailboxes here.
  const bool relayed = origin_.klass == store::MessageClass::local && !options.skip_networks.contains(address);
  const bool from_others = origin_.client.role == smtp::Role::mx && (origin_.klass == store::MessageClass::incoming ||
                                                                     (relayed && any_mailbox(origin_.recipients)));
  const bool own = is_submitted() && any_mailbox(origin_.recipients);
  if (!own && !from_others) return;
  const auto ip = mailauth::parse_ip(address.substr(0, address.find('%'))); // a link-local one has its zone behind it
  if (!ip) return;
  authentication_ = std::make_unique<Authentication>(
      *services_.verifier, options,
      AuthenticationSubject{options_.hostname, *ip, origin_.client.helo, origin_.sender.reverse_path});
}

Task<void> Incoming::begin() {
  if (authentication_ && !is_submitted()) co_await authentication_->begin();
}

/// What other domains say of mail in their name. Decided before the commit, so that a forgery is refused in the session.
Task<mail::Reply> Incoming::authenticate() {
  if (authentication_ && is_submitted()) {
    if (resent_)
      authentication_->leave_spf();
    else
      authentication_.reset();
  }
  if (!authentication_) co_return mail::Reply();
  co_await authentication_->finish(head_);
  if (origin_.client.device && origin_.directory != nullptr) co_await believe_device();
  const Judgement& judgement = authentication_->judgement();
  note_for_report();
  if (judgement.action == Judgement::Action::refuse) co_return judgement.reply;
  if (judgement.action == Judgement::Action::hold) set_aside(judgement.reason);
  co_return mail::Reply();
}

/// Whether the sender is known to be whom MAIL names: who logged in, who is trusted, and those of whom the domain says so itself.
bool Incoming::vouched() const {
  if (origin_.klass != store::MessageClass::incoming || !has_stranger()) return true;
  return authentication_ && vouches_for(authentication_->findings(), origin_.sender.reverse_path.domain);
}

/// RFC 3461 section 5.2.3 and RFC 2852 section 4.1.4 would have us write to whomever a stranger names, for no fault of anybody and
/// to hosts of his choice, as often as he likes. docs/standards.md says why we do not.
void Incoming::leave_unreported() {
  if (vouched()) return;
  origin_.sender.deliver_by = {};
  for (queue::DraftRecipient& one : origin_.recipients) {
    std::uint8_t& notify = one.recipient.notify;
    if ((notify & mail::kNotifySuccess) == 0) continue;
    notify &= static_cast<std::uint8_t>(~mail::kNotifySuccess);
    if (notify == mail::kNotifyUnspecified) notify = mail::kNotifyNever; // he did not want to hear of failures
  }
}

/// A scanner or printer in a network of [relay] writes to us in our own name, and has neither signature nor SPF to show. Many know
/// only the name of the server.
Task<void> Incoming::believe_device() {
  const std::vector<std::string> domains = authentication_->domains_of_a_device();
  for (const std::string& domain : domains) {
    if (domain == options_.hostname || domain == options_.origin) continue;
    std::string name = domain;
    const auto ours = co_await origin_.directory->is_our_domain(std::move(name));
    if (!ours || !*ours) co_return;
  }
  if (!domains.empty()) authentication_->pass_over();
}

/// What the author's domain may be told of it tomorrow, whatever becomes of the message; unless it is to come again.
void Incoming::note_for_report() {
  const Findings& findings = authentication_->findings();
  if (services_.dmarc == nullptr || !services_.dmarc->on() || !findings.dmarc) return;
  const Judgement& judgement = authentication_->judgement();
  if (judgement.action == Judgement::Action::refuse && !judgement.reply.permanent()) return;
  services_.dmarc->count(*findings.dmarc, dmarc_row_of(findings, judgement));
}

/// Whom mail of an account is from that does not say so: the envelope's sender, which is an address of the account, or its name.
std::string Incoming::own_author() const {
  const mail::Address& sender = origin_.sender.reverse_path;
  return sender.empty() ? origin_.client.login : sender.to_string();
}

/// Nobody gets the message until it is released; then it comes home as if it had just arrived.
void Incoming::set_aside(const std::string& reason) {
  origin_.sender.hold = {};
  for (queue::DraftRecipient& recipient : origin_.recipients) {
    directory::Node held;
    held.address = recipient.nodes.front().address;
    held.route = store::NewRecipient::Route::held;
    held.hold = store::HoldKind::quarantine;
    held.reason = "quarantine: " + reason;
    recipient.nodes.assign(1, std::move(held));
  }
}

} // namespace paquebot::intake
