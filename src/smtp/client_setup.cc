// From the greeting to Ready: EHLO, STARTTLS, login.

#include "base/encoding.h"
#include "base/text.h"
#include "sasl/secret.h"
#include "smtp/client_features.h"
#include "smtp/client_impl.h"

namespace paquebot::smtp {
namespace {

/// Octets of the greeting that are kept for the trail.
constexpr std::size_t kMaxGreeting = 512;

} // namespace

void ClientSession::Setup::on_greeting(mail::Reply reply) {
  if (reply.code / 100 != 2) return fail(std::move(reply));
  greeting_ = reply.text.substr(0, kMaxGreeting);
  say_hello();
}

void ClientSession::Setup::say_hello() {
  features_ = {}; // RFC 3207 section 4.2: what was said before TLS is forgotten
  const auto& o = session_.options;
  session_.command(Impl::Command::ehlo, (o.lmtp ? "LHLO " : "EHLO ") + o.ehlo_name);
}

void ClientSession::Setup::on_ehlo(mail::Reply reply) {
  const auto& o = session_.options;
  // RFC 5321 section 3.2: who does not know EHLO gets HELO.
  if (reply.permanent() && !o.lmtp) return session_.command(Impl::Command::helo, "HELO " + o.ehlo_name);
  if (reply.code / 100 != 2) return fail(std::move(reply));
  features_.esmtp = true;
  const auto lines = split(reply.text, '\n');
  for (std::size_t i = 1; i < lines.size(); ++i) read_feature(features_, lines[i]);
  after_hello();
}

void ClientSession::Setup::on_helo(mail::Reply reply) {
  if (reply.code / 100 != 2) return fail(std::move(reply));
  after_hello();
}

void ClientSession::Setup::after_hello() {
  const auto& o = session_.options;
  const bool wanted = (o.tls_wanted || o.tls_required) && !session_.encrypted;
  if (wanted && features_.starttls) return session_.command(Impl::Command::starttls, "STARTTLS");
  if (o.tls_required && !session_.encrypted) {
    session_.breakage = Breakage::tls_unavailable;
    return fail({450, {4, 7, 10}, "the other server offers no TLS, which is required here"});
  }
  log_in();
}

void ClientSession::Setup::on_starttls(mail::Reply reply) {
  if (reply.code / 100 == 2) {
    session_.phase = Impl::Phase::handshake;
    // RFC 3207 section 6: nothing said in clear may be taken for something said under TLS.
    if (!session_.unread.empty() || !session_.parser.empty())
      session_.malformed("bytes in clear behind the reply to STARTTLS");
    return;
  }
  if (session_.options.tls_required) {
    session_.breakage = Breakage::tls_unavailable;
    return fail(std::move(reply));
  }
  log_in();
}

void ClientSession::Setup::log_in() {
  const auto& o = session_.options;
  if (o.user.empty()) {
    session_.phase = Impl::Phase::ready;
    return;
  }
  const bool allowed = session_.encrypted || o.auth_in_clear;
  if (allowed) mechanism_ = sasl::make_client(features_.auth, {"", o.user, o.password}, channel_);
  if (!mechanism_) {
    session_.breakage = Breakage::auth_unavailable;
    return fail(
        {450,
         {4, 7, 4},
         allowed ? "the other server offers no login that we know" : "no login without TLS, which it does not offer"});
  }
  begin_auth();
}

void ClientSession::Setup::begin_auth() {
  std::string line = "AUTH ";
  line += mechanism_->name();
  if (auto initial = mechanism_->initial()) {
    line += ' ';
    line += initial->empty() ? "=" : base64_encode(*initial);
    sasl::wipe(*initial);
  }
  session_.command(Impl::Command::auth, line);
  sasl::wipe(line);
}

void ClientSession::Setup::on_auth(mail::Reply reply) {
  if (reply.code / 100 == 2) {
    // RFC 5802 section 3: whoever skips the proof does not know the password.
    if (!mechanism_->complete())
      return session_.malformed("it says that we are logged in before the login was through");
    mechanism_.reset();
    session_.phase = Impl::Phase::ready;
    return;
  }
  if (reply.code != 334) {
    const auto& o = session_.options;
    auto other = reply.permanent() && refused_login_.empty()
                     ? sasl::make_fallback(*mechanism_, features_.auth, {"", o.user, o.password}, channel_)
                     : nullptr;
    if (!other) return fail(std::move(reply));
    refused_login_ = std::string(mechanism_->name()) + ": " + std::to_string(reply.code) + " " + reply.text;
    mechanism_ = std::move(other);
    return begin_auth();
  }
  // A prompt that is no base 64 is only a prompt: PLAIN and LOGIN do not look at it.
  auto response = mechanism_->respond(base64_decode(reply.text).value_or(""));
  if (!response) return session_.malformed(response.error().message);
  std::string line = base64_encode(*response);
  sasl::wipe(*response);
  session_.command(Impl::Command::auth, line);
  sasl::wipe(line);
}

/// No message can be sent: takes leave without waiting for the answer.
void ClientSession::Setup::fail(mail::Reply reply) {
  if (reply.code < 400)
    reply = {451, {4, 5, 0}, "the other server gave an answer that fits nothing asked: " + std::to_string(reply.code)};
  session_.end_with(reply);
  session_.out = "QUIT\r\n";
}

} // namespace paquebot::smtp
