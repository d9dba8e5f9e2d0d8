#include "sasl/server.h"

#include "base/text.h"
#include "sasl/secret.h"

namespace paquebot::sasl {
namespace {

/// RFC 4616 section 2 allows 255 octets for each part; passwords of more occur, so they get room.
constexpr std::size_t kMaxName = 255;
constexpr std::size_t kMaxPassword = 1024;

Failure malformed(std::string cause) { return {true, std::move(cause)}; }

bool is_name(std::string_view text) {
  return text.size() <= kMaxName && text.find('\0') == std::string_view::npos && is_utf8(text);
}

bool is_password(std::string_view text) {
  return !text.empty() && text.size() <= kMaxPassword && text.find('\0') == std::string_view::npos && is_utf8(text);
}

/// What both mechanisms do once the question is asked.
class PasswordMechanism : public ServerMechanism {
public:
  Step answer(bool accepted) override {
    if (!accepted) return Failure{false, "bad credentials for \"" + printable(authcid_) + "\""};
    return Success{authcid_, authzid_.empty() ? authcid_ : authzid_};
  }

protected:
  std::string authzid_, authcid_;
};

/// RFC 4616: one message, [authzid] NUL authcid NUL passwd.
class Plain final : public PasswordMechanism {
public:
  Step step(const std::string* response) override {
    if (response == nullptr) return Challenge{};
    const std::string_view message(*response);
    const auto first = message.find('\0');
    const auto second = first == std::string_view::npos ? first : message.find('\0', first + 1);
    if (second == std::string_view::npos) return malformed("PLAIN: parts are missing");
    authzid_ = message.substr(0, first);
    authcid_ = message.substr(first + 1, second - first - 1);
    const std::string_view password = message.substr(second + 1);
    if (!is_name(authzid_) || !is_name(authcid_) || authcid_.empty()) return malformed("PLAIN: bad name");
    if (!is_password(password)) return malformed("PLAIN: bad password syntax");
    return Ask{{authzid_, authcid_, std::string(password)}};
  }
};

/// Never standardised, widely used: the name and the password, each asked for. A name may come as initial response.
class Login final : public PasswordMechanism {
public:
  Step step(const std::string* response) override {
    if (response == nullptr) return Challenge{"Username:"};
    if (authcid_.empty()) {
      if (response->empty() || !is_name(*response)) return malformed("LOGIN: bad name");
      authcid_ = *response;
      return Challenge{"Password:"};
    }
    if (!is_password(*response)) return malformed("LOGIN: bad password syntax");
    return Ask{{"", authcid_, *response}};
  }
};

} // namespace

std::vector<std::string_view> server_mechanisms() { return {"PLAIN", "LOGIN"}; }

std::unique_ptr<ServerMechanism> make_server(std::string_view name) {
  if (iequals(name, "PLAIN")) return std::make_unique<Plain>();
  if (iequals(name, "LOGIN")) return std::make_unique<Login>();
  return nullptr;
}

} // namespace paquebot::sasl
