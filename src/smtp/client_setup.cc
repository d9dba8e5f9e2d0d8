// From the greeting to Ready: EHLO, STARTTLS, login.

#include "base/encoding.h"
#include "base/text.h"
#include "sasl/secret.h"
#include "smtp/client_impl.h"

#include <algorithm>

namespace paquebot::smtp {
namespace {

/// Octets of the greeting that are kept for the trail.
constexpr std::size_t kMaxGreeting = 512;

} // namespace

using Client = ClientSession::Impl;

void Client::on_greeting(mail::Reply reply) {
  if (reply.code / 100 != 2) return fail_setup(std::move(reply));
  greeting_ = reply.text.substr(0, kMaxGreeting);
  say_hello();
}

void Client::say_hello() {
  features_ = {}; // RFC 3207 section 4.2: what was said before TLS is forgotten
  command(Command::ehlo, (options_.lmtp ? "LHLO " : "EHLO ") + options_.ehlo_name);
}

void Client::on_ehlo(mail::Reply reply) {
  // RFC 5321 section 3.2: who does not know EHLO gets HELO.
  if (reply.permanent() && !options_.lmtp) return command(Command::helo, "HELO " + options_.ehlo_name);
  if (reply.code / 100 != 2) return fail_setup(std::move(reply));
  features_.esmtp = true;
  const auto lines = split(reply.text, '\n');
  for (std::size_t i = 1; i < lines.size(); ++i) read_feature(lines[i]);
  after_hello();
}

void Client::on_helo(mail::Reply reply) {
  if (reply.code / 100 != 2) return fail_setup(std::move(reply));
  after_hello();
}

void Client::read_feature(std::string_view line) {
  const auto words = split(line, ' ');
  const auto is = [&](std::string_view name) { return iequals(words[0], name); };
  auto& f = features_;
  f.pipelining = f.pipelining || is("PIPELINING");
  f.eight_bit = f.eight_bit || is("8BITMIME");
  f.smtputf8 = f.smtputf8 || is("SMTPUTF8");
  f.dsn = f.dsn || is("DSN");
  f.starttls = f.starttls || is("STARTTLS");
  f.chunking = f.chunking || is("CHUNKING");
  f.binary = f.binary || is("BINARYMIME");
  f.enhanced = f.enhanced || is("ENHANCEDSTATUSCODES");
  if (is("SIZE")) {
    f.size = true;
    if (words.size() > 1) f.max_size = parse_u64(words[1]).value_or(0);
  }
  if (is("LIMITS")) {
    for (std::size_t i = 1; i < words.size(); ++i) read_limit(words[i]);
  }
  read_sending_feature(words);
  read_auth(line);
}

/// RFC 4954 section 4, and the form of old servers, "AUTH=PLAIN LOGIN": the equals sign is a blank there. Many say both.
void Client::read_auth(std::string_view line) {
  if (!istarts_with(line, "AUTH")) return;
  line.remove_prefix(4);
  if (line.empty() || (line.front() != ' ' && line.front() != '=')) return;
  for (const std::string_view name : split(line.substr(1), ' ')) {
    const auto same = [&](const std::string& known) { return iequals(known, name); };
    if (!name.empty() && std::ranges::none_of(features_.auth, same)) features_.auth.emplace_back(name);
  }
}

/// RFC 9422 section 4: one to six digits, no leading zero. What is unknown or malformed is ignored.
void Client::read_limit(std::string_view word) {
  const auto equals = std::min(word.find('='), word.size());
  const auto name = word.substr(0, equals);
  const auto digits = word.substr(std::min(equals + 1, word.size()));
  const auto value = digits.size() > 6 || digits.starts_with('0') ? std::nullopt : parse_u64(digits);
  if (!value) return;
  const auto limit = static_cast<std::uint32_t>(*value);
  if (iequals(name, "MAILMAX")) features_.mail_max = limit;
  if (iequals(name, "RCPTMAX")) features_.rcpt_max = limit;
  if (iequals(name, "RCPTDOMAINMAX")) features_.rcpt_domain_max = limit;
}

void Client::after_hello() {
  const bool wanted = (options_.tls_wanted || options_.tls_required) && !encrypted_;
  if (wanted && features_.starttls) return command(Command::starttls, "STARTTLS");
  if (options_.tls_required && !encrypted_) {
    breakage_ = Breakage::tls_unavailable;
    return fail_setup({450, {4, 7, 10}, "the other server offers no TLS, which is required here"});
  }
  log_in();
}

void Client::on_starttls(mail::Reply reply) {
  if (reply.code / 100 == 2) {
    phase_ = Phase::handshake;
    // RFC 3207 section 6: nothing said in clear may be taken for something said under TLS.
    if (!unread_.empty() || !parser_.empty()) malformed("bytes in clear behind the reply to STARTTLS");
    return;
  }
  if (options_.tls_required) {
    breakage_ = Breakage::tls_unavailable;
    return fail_setup(std::move(reply));
  }
  log_in();
}

void Client::log_in() {
  if (options_.user.empty()) {
    phase_ = Phase::ready;
    return;
  }
  if (encrypted_ || options_.auth_in_clear) {
    mechanism_ = sasl::make_client(features_.auth, {"", options_.user, options_.password}, channel_);
  }
  if (!mechanism_) {
    breakage_ = Breakage::auth_unavailable;
    return fail_setup({450,
                       {4, 7, 4},
                       encrypted_ || options_.auth_in_clear ? "the other server offers no login that we know"
                                                            : "no login without TLS, which it does not offer"});
  }
  begin_auth();
}

void Client::begin_auth() {
  std::string line = "AUTH ";
  line += mechanism_->name();
  if (auto initial = mechanism_->initial()) {
    line += ' ';
    line += initial->empty() ? "=" : base64_encode(*initial);
    sasl::wipe(*initial);
  }
  command(Command::auth, line);
  sasl::wipe(line);
}

void Client::on_auth(mail::Reply reply) {
  if (reply.code / 100 == 2) {
    // RFC 5802 section 3: whoever skips the proof does not know the password.
    if (!mechanism_->complete()) return malformed("it says that we are logged in before the login was through");
    mechanism_.reset();
    phase_ = Phase::ready;
    return;
  }
  if (reply.code != 334) {
    auto other =
        reply.permanent() && refused_login_.empty()
            ? sasl::make_fallback(*mechanism_, features_.auth, {"", options_.user, options_.password}, channel_)
            : nullptr;
    if (!other) return fail_setup(std::move(reply));
    refused_login_ = std::string(mechanism_->name()) + ": " + std::to_string(reply.code) + " " + reply.text;
    mechanism_ = std::move(other);
    return begin_auth();
  }
  // A prompt that is no base 64 is only a prompt: PLAIN and LOGIN do not look at it.
  auto response = mechanism_->respond(base64_decode(reply.text).value_or(""));
  if (!response) return malformed(response.error().message);
  std::string line = base64_encode(*response);
  sasl::wipe(*response);
  command(Command::auth, line);
  sasl::wipe(line);
}

/// No message can be sent: takes leave without waiting for the answer.
void Client::fail_setup(mail::Reply reply) {
  if (reply.code < 400)
    reply = {451, {4, 5, 0}, "the other server gave an answer that fits nothing asked: " + std::to_string(reply.code)};
  end_with(reply);
  out_ = "QUIT\r\n";
}

} // namespace paquebot::smtp
