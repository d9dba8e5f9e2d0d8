#include "sasl/client.h"

#include "base/text.h"
#include "sasl/prepare.h"
#include "sasl/scram.h"
#include "sasl/secret.h"

#include <algorithm>

namespace paquebot::sasl {
namespace {

class WithCredentials : public ClientMechanism {
public:
  explicit WithCredentials(Credentials credentials) : credentials_(std::move(credentials)) {}
  ~WithCredentials() override {
    wipe(credentials_.password);
    wipe(credentials_.token);
  }

protected:
  Credentials credentials_;
};

/// RFC 4616.
class PlainClient final : public WithCredentials {
public:
  using WithCredentials::WithCredentials;
  std::string_view name() const override { return "PLAIN"; }
  std::optional<std::string> initial() override {
    done_ = true;
    return message();
  }
  Result<std::string> respond(std::string_view) override {
    if (done_) return fail(Errc::refused, "the server asks for more than PLAIN has");
    done_ = true;
    return message();
  }
  bool complete() const override { return done_; }

private:
  std::string message() const {
    std::string out = credentials_.authzid;
    out += '\0';
    out += credentials_.authcid;
    out += '\0';
    out += credentials_.password;
    return out;
  }
  bool done_ = false;
};

/// First the name, then the password, whatever the prompts say (they differ between servers).
class LoginClient final : public WithCredentials {
public:
  using WithCredentials::WithCredentials;
  std::string_view name() const override { return "LOGIN"; }
  std::optional<std::string> initial() override { return {}; }
  Result<std::string> respond(std::string_view) override {
    switch (step_++) {
      case 0: return credentials_.authcid;
      case 1: return credentials_.password;
      default: return fail(Errc::refused, "the server asks for more than LOGIN has");
    }
  }
  bool complete() const override { return step_ >= 2; }

private:
  int step_ = 0;
};

/// One message, and what to say to the error that comes when it was refused: the server ends the exchange after it.
class OneMessage : public WithCredentials {
public:
  using WithCredentials::WithCredentials;
  std::optional<std::string> initial() override {
    said_ = true;
    return message();
  }
  Result<std::string> respond(std::string_view) override {
    if (!said_) return *initial();
    if (refused_) return fail(Errc::refused, "the server asks for more than the login has");
    refused_ = true;
    return after_error();
  }
  bool complete() const override { return said_ && !refused_; }

protected:
  virtual std::string message() const = 0;
  virtual std::string after_error() const = 0;

private:
  bool said_ = false;
  bool refused_ = false;
};

/// RFC 7628 section 3.1.
class OauthBearerClient final : public OneMessage {
public:
  using OneMessage::OneMessage;
  std::string_view name() const override { return "OAUTHBEARER"; }

protected:
  std::string message() const override {
    return "n,a=" + escape_scram_name(credentials_.authcid) + ",\x01" + "auth=Bearer " + credentials_.token +
           "\x01\x01";
  }
  std::string after_error() const override { return "\x01"; } // section 3.2.3
};

/// As Google describes it.
class Xoauth2Client final : public OneMessage {
public:
  using OneMessage::OneMessage;
  std::string_view name() const override { return "XOAUTH2"; }

protected:
  std::string message() const override {
    return "user=" + credentials_.authcid + "\x01" + "auth=Bearer " + credentials_.token + "\x01\x01";
  }
  std::string after_error() const override { return {}; }
};

/// RFC 4422 appendix A.
class ExternalClient final : public OneMessage {
public:
  using OneMessage::OneMessage;
  std::string_view name() const override { return "EXTERNAL"; }

protected:
  std::string message() const override { return credentials_.authzid; }
  std::string after_error() const override { return {}; }
};

bool offers(std::span<const std::string> offered, std::string_view name) {
  return std::ranges::any_of(offered, [&](const std::string& one) { return iequals(one, name); });
}

std::unique_ptr<ClientMechanism> make_password_client(std::span<const std::string> offered, Credentials credentials,
                                                      const Channel& channel, std::string nonce) {
  const bool can_scram = prepare_password(credentials.password, false).has_value();
  for (const std::string_view name : {"SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1"}) {
    if (!can_scram || !offers(offered, name)) continue;
    if (name.ends_with("-PLUS") && channel.bindings.empty()) continue;
    const bool plus = name.ends_with("-PLUS") || offers(offered, std::string(name) + "-PLUS");
    return make_scram_client(name, plus, std::move(credentials), channel, std::move(nonce));
  }
  if (offers(offered, "PLAIN")) return std::make_unique<PlainClient>(std::move(credentials));
  if (offers(offered, "LOGIN")) return std::make_unique<LoginClient>(std::move(credentials));
  return nullptr;
}

} // namespace

std::unique_ptr<ClientMechanism> make_client(std::span<const std::string> offered, Credentials credentials,
                                             const Channel& channel, std::string nonce) {
  if (credentials.external) {
    if (!offers(offered, "EXTERNAL")) return nullptr;
    return std::make_unique<ExternalClient>(std::move(credentials));
  }
  if (credentials.token.empty())
    return make_password_client(offered, std::move(credentials), channel, std::move(nonce));
  if (offers(offered, "OAUTHBEARER")) return std::make_unique<OauthBearerClient>(std::move(credentials));
  if (offers(offered, "XOAUTH2")) return std::make_unique<Xoauth2Client>(std::move(credentials));
  return nullptr;
}

std::unique_ptr<ClientMechanism> make_fallback(const ClientMechanism& refused, std::span<const std::string> offered,
                                               Credentials credentials, const Channel& channel) {
  if (!refused.name().starts_with("SCRAM-") || !channel.verified || !offers(offered, "PLAIN")) return nullptr;
  return std::make_unique<PlainClient>(std::move(credentials));
}

} // namespace paquebot::sasl
