// Verbs that belong to no part of the session: HELP, STARTTLS and ETRN (RFC 1985).

#include "mail/address.h"
#include "smtp/server_impl.h"
#include "smtp/verbs.h"

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

void Impl::help(std::string_view arguments) {
  const Verb* verb = arguments.empty() ? nullptr : find_verb(arguments);
  if (verb != nullptr && !verb->syntax.empty()) return replies.say("214 2.0.0 " + std::string(verb->syntax));
  const auto role = options->role == Role::lmtp ? kLmtp : kSmtp;
  std::string line = "214 2.0.0 commands:";
  for (const Verb& one : all_verbs()) {
    if (!one.syntax.empty() && (one.roles & role) != 0) line.append(" ").append(one.name);
  }
  replies.say(line);
}

void Impl::starttls() {
  if (encrypted) return replies.refuse("503 5.5.1 TLS is on already");
  if (!options->tls_available) return replies.refuse("502 5.5.1 TLS is not available");
  replies.say("220 2.0.0 go ahead");
  mode = Mode::tls;
  input = {}; // RFC 3207 section 6: what came in clear must never be taken for something said under TLS
}

bool Impl::etrn_offered() const {
  const bool here =
      options->role == Role::submission || (options->role == Role::mx && connection.etrn && greeting.told() == nullptr);
  return options->wishes && here;
}

void Impl::etrn(std::string_view arguments) {
  if (!etrn_offered()) return replies.refuse("502 5.5.1 command not implemented");
  const bool marked = arguments.starts_with('@') || arguments.starts_with('#');
  const char option = marked ? arguments.front() : '\0';
  const auto node = arguments.substr(marked ? 1 : 0);
  if (option == '#') {
    if (!is_queue_name(node)) return replies.refuse("501 5.5.4 that is not a queue's name");
    asked_node = node;
  } else {
    auto domain = mail::normalize_domain(node);
    if (!domain || domain->starts_with('[')) return replies.refuse("501 5.5.4 that is not a domain");
    asked_node = std::move(*domain);
  }
  ask(Question::etrn, AskEtrn{0, option, asked_node});
}

void Impl::etrn_answered(mail::Reply verdict) {
  if (!verdict.positive()) return replies.pass_on(std::move(verdict));
  replies.say(std::move(verdict), "250 2.0.0 queuing started");
}

} // namespace paquebot::smtp
