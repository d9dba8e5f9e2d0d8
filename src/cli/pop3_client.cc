#include "cli/pop3_client.h"

#include "base/text.h"

#include <fmt/format.h>
#include <optional>

namespace paquebot::cli {

using pop3::ClientFailure;

namespace {

pop3::ClientOptions options(const Target& target, const ClientDriver& driver) {
  pop3::ClientOptions o;
  o.tls_wanted = driver.tls().wanted;
  o.tls_required = driver.tls().required;
  o.user = target.user;
  o.password = target.password;
  return o;
}

} // namespace

struct Pop3Client::Impl {
  Impl(const Target& target, ClientDriver connected)
      : user(target.user), driver(std::move(connected)), session(options(target, driver), driver.encrypted()) {
    if (driver.encrypted()) session.set_channel(driver.channel());
  }

  Result<> drive(const ContentSink* sink, const std::function<void()>* done = nullptr);
  void read(const pop3::ClientNeedInput& need);
  Error explain() const;

  std::string user;
  ClientDriver driver;
  pop3::ClientSession session;
  std::optional<Error> own_error;
};

void Pop3Client::Impl::read(const pop3::ClientNeedInput& need) {
  auto bytes = driver.read(need.within, need.window);
  if (bytes && !bytes->empty())
    session.feed(*bytes);
  else if (!bytes && bytes.error().code == Errc::timeout)
    session.timed_out();
  else
    session.eof();
}

/// Performs the session's actions until it is ready for the next command, or over.
Result<> Pop3Client::Impl::drive(const ContentSink* sink, const std::function<void()>* done) {
  for (;;) {
    pop3::ClientAction action = session.next();
    if (auto* send = std::get_if<pop3::ClientSend>(&action)) {
      if (!driver.write(send->bytes)) session.eof();
    } else if (auto* need = std::get_if<pop3::ClientNeedInput>(&action)) {
      read(*need);
    } else if (std::holds_alternative<pop3::ClientStartTls>(action)) {
      auto started = driver.start_tls();
      if (started) {
        session.set_channel(driver.channel());
        session.tls_started();
      } else {
        own_error = started.error();
        session.tls_failed(started.error().message);
      }
    } else if (auto* chunk = std::get_if<pop3::ClientChunk>(&action)) {
      if (auto taken = (*sink)(chunk->bytes); !taken) {
        own_error = taken.error();
        session.eof();
      }
    } else if (std::holds_alternative<pop3::ClientDone>(action)) {
      if (done) (*done)();
    } else {
      if (own_error) return std::unexpected(*own_error);
      if (session.ok()) return {};
      return std::unexpected(explain());
    }
  }
}

Error Pop3Client::Impl::explain() const {
  const std::string& where = driver.where();
  const std::string& said = session.error();
  switch (session.failure()) {
    case ClientFailure::login:
      return {Errc::permission, fmt::format("{} refused the login of \"{}\": {}", where, printable(user), said)};
    case ClientFailure::tls_unavailable:
      return {
          Errc::unsupported,
          fmt::format("{}: {}. Try its port with TLS (995), or --tls none on a network that you trust.", where, said)};
    case ClientFailure::greeting: return {Errc::temporary, fmt::format("{} turned us away: {}", where, said)};
    case ClientFailure::command: return {Errc::refused, fmt::format("{} says: {}", where, said)};
    case ClientFailure::timeout:
      return {Errc::timeout, fmt::format("{} stopped answering.{}", where, driver.silence_advice())};
    case ClientFailure::malformed: return {Errc::invalid, fmt::format("{}: {}. Is this the right port?", where, said)};
    default: return {Errc::closed, fmt::format("{}: {}.{}", where, said, driver.silence_advice())};
  }
}

Pop3Client::Pop3Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Pop3Client::~Pop3Client() = default;
Pop3Client::Pop3Client(Pop3Client&&) noexcept = default;
Pop3Client& Pop3Client::operator=(Pop3Client&&) noexcept = default;

Result<Pop3Client> Pop3Client::open(const Target& target) {
  auto where = parse_server(target.server);
  if (!where) return std::unexpected(where.error());
  bool clear_start = target.tls == TlsMode::starttls || target.tls == TlsMode::none;
  if (where->port == 0) where->port = clear_start ? 110 : 995;
  auto driver = ClientDriver::connect(target, *where);
  if (!driver) return std::unexpected(driver.error());
  auto impl = std::make_unique<Impl>(target, std::move(*driver));
  if (auto ready = impl->drive(nullptr); !ready) return std::unexpected(ready.error());
  return Pop3Client(std::move(impl));
}

Result<const std::vector<pop3::MailboxItem>*> Pop3Client::list() {
  impl_->session.list();
  if (auto done = impl_->drive(nullptr); !done) return std::unexpected(done.error());
  return &impl_->session.items();
}

Result<> Pop3Client::retrieve(std::uint32_t number, const ContentSink& sink, long lines) {
  impl_->session.retrieve(number, lines);
  return impl_->drive(&sink);
}

Result<> Pop3Client::retrieve_all(std::vector<std::uint32_t> numbers, const ContentSink& sink,
                                  const std::function<Result<>(std::uint32_t, const Result<>&)>& done, long lines) {
  impl_->session.retrieve_all(numbers, lines);
  std::size_t at = 0;
  const std::function<void()> each = [&] {
    const Result<> came = impl_->session.ok() ? Result<>() : Result<>(std::unexpected(impl_->explain()));
    if (auto taken = done(numbers[at++], came); !taken) {
      impl_->own_error = taken.error();
      impl_->session.eof();
    }
  };
  auto driven = impl_->drive(&sink, &each);
  if (!driven && driven.error().code == Errc::refused) return {}; // of the last one: `done` was told
  return driven;
}

Result<> Pop3Client::remove(std::uint32_t number) {
  impl_->session.remove(number);
  return impl_->drive(nullptr);
}

Result<> Pop3Client::quit() {
  impl_->session.quit();
  return impl_->drive(nullptr);
}

} // namespace paquebot::cli
