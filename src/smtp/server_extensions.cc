// What the extensions of grammar_extensions.h add to EHLO and MAIL, and ETRN (RFC 1985).

#include "mail/address.h"
#include "mail/timestamp.h"
#include "smtp/server_impl.h"

#include <algorithm>

namespace paquebot::smtp {
namespace {

constexpr std::size_t kMaxQueueName = 64;

bool is_queue_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxQueueName && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_';
  });
}

} // namespace

using Impl = ServerSession::Impl;

bool Impl::etrn_offered() const {
  const bool here = options_->role == Role::submission || (options_->role == Role::mx && connection_.etrn && !told_);
  return options_->wishes && here;
}

Offers Impl::mail_offers() const {
  const auto& o = *options_;
  Offers offers{.extended = extended_, .auth = auth_offered(), .max_size = o.max_message_size};
  offers.lenient = o.lenient;
  offers.wishes = o.wishes;
  offers.requiretls = o.wishes && encrypted_;
  offers.deliver_by_least = o.deliver_by_least;
  // RFC 4865 section 4.2 item 2: on no other port than that for submission.
  offers.hold_most = o.role == Role::submission ? std::min(o.hold_most, mail::kMaxHold) : 0;
  offers.hold_from = connection_.wall;
  return offers;
}

void Impl::say_parameter_extensions() {
  const auto& o = *options_;
  const Offers offers = mail_offers();
  if (offers.wishes) {
    say("250-DELIVERBY " + std::to_string(o.deliver_by_least));
    say(o.priority_policy.empty() ? "250-MT-PRIORITY" : "250-MT-PRIORITY " + o.priority_policy);
  }
  if (offers.requiretls) say("250-REQUIRETLS"); // RFC 8689 section 2
  if (offers.hold_most > 0) {
    const auto latest = from_millis(offers.hold_from + offers.hold_most * 1000);
    say("250-FUTURERELEASE " + std::to_string(offers.hold_most) + " " + mail::format_timestamp(latest));
  }
  if (etrn_offered()) say("250-ETRN");
}

/// RFC 6710 section 4.1: nobody whom we do not know may raise the priority of a message.
bool Impl::lower_priority() {
  if (sender_.priority <= 0 || !login_.empty()) return false;
  sender_.priority = 0;
  return true;
}

void Impl::do_etrn(std::string_view arguments) {
  if (!etrn_offered()) return refuse("502 5.5.1 command not implemented");
  const bool marked = arguments.starts_with('@') || arguments.starts_with('#');
  const char option = marked ? arguments.front() : '\0';
  const auto node = arguments.substr(marked ? 1 : 0);
  if (option == '#') {
    if (!is_queue_name(node)) return refuse("501 5.5.4 that is not a queue's name");
    asked_node_ = node;
  } else {
    auto domain = mail::normalize_domain(node);
    if (!domain || domain->starts_with('[')) return refuse("501 5.5.4 that is not a domain");
    asked_node_ = std::move(*domain);
  }
  ask(Question::etrn, AskEtrn{0, option, asked_node_});
}

void Impl::etrn_answered(mail::Reply verdict) {
  const bool permanent = verdict.permanent();
  say(std::move(verdict), "250 2.0.0 queuing started");
  if (permanent) after_error(1);
}

} // namespace paquebot::smtp
