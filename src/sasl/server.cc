#include "sasl/server.h"

#include "base/text.h"
#include "sasl/server_mechanisms.h"

#include <algorithm>

namespace paquebot::sasl {

/// RFC 4616 section 2 allows 255 octets for each part; passwords of more occur, so they get room.
constexpr std::size_t kMaxPlainName = 255;
constexpr std::size_t kMaxPassword = 1024;

Failure malformed(std::string cause) { return {true, std::move(cause)}; }

bool is_sasl_name(std::string_view text) {
  return text.size() <= kMaxPlainName && text.find('\0') == std::string_view::npos && is_utf8(text);
}

namespace {

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
  Step ask(std::string password) const {
    return Ask{{.authzid = authzid_, .authcid = authcid_, .secret = std::move(password)}};
  }

  std::string authzid_, authcid_;
};

/// RFC 4616: one message, [authzid] NUL authcid NUL passwd.
class PlainServer final : public PasswordMechanism {
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
    if (!is_sasl_name(authzid_) || !is_sasl_name(authcid_) || authcid_.empty()) return malformed("PLAIN: bad name");
    if (!is_password(password)) return malformed("PLAIN: bad password syntax");
    return ask(std::string(password));
  }
};

/// Never standardised, widely used: the name and the password, each asked for. A name may come as initial response.
class LoginServer final : public PasswordMechanism {
public:
  Step step(const std::string* response) override {
    if (response == nullptr) return Challenge{"Username:"};
    if (authcid_.empty()) {
      if (response->empty() || !is_sasl_name(*response)) return malformed("LOGIN: bad name");
      authcid_ = *response;
      return Challenge{"Password:"};
    }
    if (!is_password(*response)) return malformed("LOGIN: bad password syntax");
    return ask(*response);
  }
};

/// One row a mechanism, in order of preference: from it both the list and the makers derive.
struct Row {
  std::string_view name;
  bool (*offered)(const Offer& offer);
  std::unique_ptr<ServerMechanism> (*make)(const Offer& offer);
};

using Made = std::unique_ptr<ServerMechanism>;
bool always(const Offer&) { return true; }
bool with_scram(const Offer& offer) { return offer.scram; }
bool with_binding(const Offer& offer) { return offer.scram && offer.plus && !offer.channel.bindings.empty(); }
bool with_tokens(const Offer& offer) { return offer.tokens; }
bool with_certificate(const Offer& offer) { return !offer.channel.certificate_names.empty(); }

const Row kRows[] = {
    {"SCRAM-SHA-256-PLUS", with_binding, [](const Offer& o) { return make_scram_server(ScramHash::sha256, true, o); }},
    {"SCRAM-SHA-1-PLUS", with_binding, [](const Offer& o) { return make_scram_server(ScramHash::sha1, true, o); }},
    {"SCRAM-SHA-256", with_scram, [](const Offer& o) { return make_scram_server(ScramHash::sha256, false, o); }},
    {"SCRAM-SHA-1", with_scram, [](const Offer& o) { return make_scram_server(ScramHash::sha1, false, o); }},
    {"PLAIN", always, [](const Offer&) -> Made { return std::make_unique<PlainServer>(); }},
    {"LOGIN", always, [](const Offer&) -> Made { return std::make_unique<LoginServer>(); }},
    {"OAUTHBEARER", with_tokens, [](const Offer&) { return make_oauthbearer_server(); }},
    {"XOAUTH2", with_tokens, [](const Offer&) { return make_xoauth2_server(); }},
    {"EXTERNAL", with_certificate, [](const Offer&) { return make_external_server(); }},
};

} // namespace

std::vector<std::string_view> server_mechanisms(const Offer& offer) {
  std::vector<std::string_view> names;
  for (const Row& row : kRows)
    if (row.offered(offer)) names.push_back(row.name);
  return names;
}

std::unique_ptr<ServerMechanism> make_server(std::string_view name, const Offer& offer) {
  for (const Row& row : kRows)
    if (iequals(row.name, name) && row.offered(offer)) return row.make(offer);
  return nullptr;
}

} // namespace paquebot::sasl
