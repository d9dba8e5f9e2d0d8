#include "cli/smtp_client.h"

#include "base/text.h"
#include "cli/output.h"

#include <fmt/format.h>

namespace paquebot::cli {

namespace {

using smtp::Breakage;

/// A bound that a size is beyond: to the octet where both would read the same.
std::string bound_text(std::uint64_t size, std::uint64_t most) {
  const std::string text = size_text(most);
  return text == size_text(size) ? fmt::format("{} B", most) : text;
}

class Submitter {
public:
  Submitter(const Target& target, ClientDriver& driver, const smtp::OutgoingMessage& message,
            const ContentSource& content, const FeatureCheck& offered)
      : target_(target), driver_(driver), message_(message), content_(content), offered_(offered),
        session_(options(target, driver), driver.encrypted()) {
    if (driver_.encrypted()) session_.set_channel(driver_.channel());
  }

  Result<Submitted> run() {
    while (!closed_) {
      smtp::ClientAction action = session_.next();
      std::visit([&](auto& a) { on(a); }, action);
    }
    if (own_error_) return std::unexpected(*own_error_);
    if (submitted_) return std::move(*submitted_);
    return std::unexpected(explain());
  }

private:
  static smtp::ClientOptions options(const Target& target, const ClientDriver& driver) {
    smtp::ClientOptions o;
    o.ehlo_name = driver.ehlo_literal();
    o.tls_wanted = driver.tls().wanted;
    o.tls_required = driver.tls().required;
    o.user = target.user;
    o.password = target.password;
    o.auth_in_clear = !driver.tls().required; // none, or loopback: the user's or plan_tls()'s decision
    return o;
  }

  void on(smtp::ClientSend& a) {
    if (auto done = driver_.write(a.bytes); !done) {
      io_error_ = done.error().message;
      session_.eof();
    }
  }
  void on(smtp::ClientNeedInput& a) {
    auto bytes = driver_.read(a.within, a.window);
    if (bytes && !bytes->empty()) return session_.feed(*bytes);
    if (!bytes && bytes.error().code == Errc::timeout) return session_.timed_out();
    if (!bytes) io_error_ = bytes.error().message;
    session_.eof();
  }
  void on(smtp::ClientStartTls&) {
    if (auto done = driver_.start_tls(); !done) {
      own_error_ = done.error();
      session_.tls_failed(done.error().message);
    } else {
      session_.set_channel(driver_.channel());
      session_.tls_started();
    }
  }
  void on(smtp::Ready&) {
    if (begun_) return session_.quit();
    const smtp::PeerFeatures& peer = session_.features();
    if (peer.max_size != 0 && message_.size > peer.max_size) { // RFC 1870 section 6.1
      own_error_ = Error{Errc::no_space, fmt::format("the message has {}, but {} takes at most {}: send smaller "
                                                     "attachments, or several messages",
                                                     size_text(message_.size), driver_.where(),
                                                     bound_text(message_.size, peer.max_size))};
      return session_.quit();
    }
    if (message_.sender.smtputf8 && !peer.smtputf8) {
      own_error_ =
          Error{Errc::unsupported,
                fmt::format("{} does not take addresses with letters beyond ASCII (SMTPUTF8)", driver_.where())};
      return session_.quit();
    }
    if (auto fine = offered_ ? offered_(peer, driver_.where()) : Result<>(); !fine) {
      own_error_ = fine.error();
      return session_.quit();
    }
    begun_ = true;
    session_.send(message_);
  }
  void on(smtp::NeedContent&) {
    auto piece = content_();
    if (!piece) {
      own_error_ = piece.error();
      return session_.abandon();
    }
    if (piece->empty())
      session_.end_content();
    else
      session_.content(*piece);
  }
  void on(smtp::MessageDone&) {
    auto results = session_.results();
    if (session_.breakage() != Breakage::none) return; // explain() says it
    submitted_ = Submitted{{results.begin(), results.end()}, session_.final_reply()};
  }
  void on(smtp::Closed&) { closed_ = true; }

  Error explain() const;

  const Target& target_;
  ClientDriver& driver_;
  const smtp::OutgoingMessage& message_;
  const ContentSource& content_;
  const FeatureCheck& offered_;
  smtp::ClientSession session_;
  bool begun_ = false, closed_ = false;
  std::string io_error_;
  std::optional<Error> own_error_;
  std::optional<Submitted> submitted_;
};

Error Submitter::explain() const {
  const std::string& where = driver_.where();
  std::string doubt = session_.in_doubt() ? " The message was sent whole, but the server's answer did not come: it may "
                                            "have been accepted. Look there before you send it again."
                                          : "";
  std::string cause = io_error_.empty() ? "" : fmt::format(" ({})", printable(io_error_));
  switch (session_.breakage()) {
    case Breakage::timeout:
      return {Errc::timeout, fmt::format("{} stopped answering.{}{}", where, doubt, driver_.silence_advice())};
    case Breakage::lost:
      return {Errc::closed,
              fmt::format("the connection to {} broke{}.{}{}", where, cause, doubt, driver_.silence_advice())};
    case Breakage::malformed:
      return {Errc::invalid,
              fmt::format("{} does not speak SMTP as it should. Is this the right port?{}", where, doubt)};
    case Breakage::tls_failed:
      return {Errc::io, fmt::format("TLS with {} failed: {}", where, session_.failure().to_string())};
    case Breakage::tls_unavailable:
      return {Errc::unsupported,
              fmt::format("{} does not offer TLS, and nothing is sent without it. Try its port with TLS "
                          "(465), or --tls none on a network that you trust.",
                          where)};
    case Breakage::auth_unavailable:
      return {Errc::unsupported,
              fmt::format("{} offers no login that this program knows. Is this its submission port (587 or "
                          "465)?",
                          where)};
    case Breakage::none: break;
  }
  const mail::Reply& reply = session_.failure();
  if (reply.code == 535 || reply.code == 534 || reply.code == 530) {
    return {Errc::permission, fmt::format("{} refused the login of \"{}\": {}. Check user name and password.", where,
                                          printable(target_.user), reply.to_string())};
  }
  return {reply.transient() ? Errc::temporary : Errc::refused,
          fmt::format("{} turned us away: {}", where, reply.to_string())};
}

} // namespace

Result<Submitted> submit(const Target& target, const smtp::OutgoingMessage& message, const ContentSource& content,
                         const FeatureCheck& offered) {
  auto where = parse_server(target.server);
  if (!where) return std::unexpected(where.error());
  if (where->port == 0) where->port = target.tls == TlsMode::implicit ? 465 : target.user.empty() ? 25 : 587;
  auto driver = ClientDriver::connect(target, *where);
  if (!driver) return std::unexpected(driver.error());
  return Submitter(target, *driver, message, content, offered).run();
}

} // namespace paquebot::cli
