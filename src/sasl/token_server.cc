// What proves itself outside of the exchange: bearer tokens (OAUTHBEARER, XOAUTH2) and certificates (EXTERNAL).

#include "base/text.h"
#include "sasl/server_mechanisms.h"

#include <algorithm>
#include <optional>

namespace paquebot::sasl {
namespace {

constexpr char kSeparator = '\x01';
constexpr std::size_t kMaxToken = 8192; ///< octets; the line of an AUTH exchange has at most 12288 in base 64

/// The token of "Bearer TOKEN" (RFC 6750 section 2.1: b64token).
std::optional<std::string> bearer_token(std::string_view value) {
  if (!istarts_with(value, "bearer ")) return {};
  value.remove_prefix(7);
  const auto fine = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~+/=").find(c) != std::string_view::npos;
  };
  if (value.empty() || value.size() > kMaxToken || !std::ranges::all_of(value, fine)) return {};
  return std::string(value);
}

/// The value of `key` among "key=value^A" pairs, which end with one more ^A; nothing when they are malformed or it is
/// missing.
std::optional<std::string_view> find_pair(std::string_view pairs, std::string_view key) {
  if (pairs.empty() || pairs.back() != kSeparator) return {};
  pairs.remove_suffix(1);
  std::optional<std::string_view> found;
  while (!pairs.empty()) {
    const auto end = pairs.find(kSeparator);
    const auto equals = pairs.find('=');
    if (end == pairs.npos || equals == pairs.npos || equals > end || equals == 0) return {};
    if (pairs.substr(0, equals) == key) found = pairs.substr(equals + 1, end - equals - 1);
    pairs.remove_prefix(end + 1);
  }
  return found;
}

class Bearer : public ServerMechanism {
public:
  Step step(const std::string* response) override {
    if (refused_) return Failure{false, "the token was refused"}; // whatever the client says to that
    if (response == nullptr) return Challenge{};
    return read(*response);
  }
  Step answer(bool accepted) override {
    if (accepted) return Success{name_, name_};
    refused_ = true;
    return Challenge{error_text()};
  }

protected:
  virtual Step read(std::string_view message) = 0;
  virtual std::string error_text() const = 0;

  Step ask(std::string authzid, std::string token, std::string_view mechanism) {
    name_ = authzid.empty() ? std::string(mechanism) : authzid;
    return Ask{{.kind = Question::Kind::token, .authzid = std::move(authzid), .secret = std::move(token)}};
  }

private:
  std::string name_;
  bool refused_ = false;
};

/// RFC 7628 section 3.1: GS2 header, ^A, pairs, ^A.
class OauthBearerServer final : public Bearer {
  Step read(std::string_view message) override {
    const auto gs2 = read_gs2_header(message);
    if (!gs2 || gs2->flag == 'p' || !gs2->rest.starts_with(kSeparator)) return malformed("OAUTHBEARER: bad header");
    const auto value = find_pair(gs2->rest.substr(1), "auth");
    auto token = value ? bearer_token(*value) : std::nullopt;
    if (!token) return malformed("OAUTHBEARER: no token");
    return ask(gs2->authzid, std::move(*token), "OAUTHBEARER");
  }
  /// Section 3.2.2; the client answers with ^A.
  std::string error_text() const override { return R"({"status":"invalid_token"})"; }
};

/// As Google describes it: "user=NAME^Aauth=Bearer TOKEN^A^A".
class Xoauth2Server final : public Bearer {
  Step read(std::string_view message) override {
    const auto user = find_pair(message, "user");
    const auto value = find_pair(message, "auth");
    auto token = value ? bearer_token(*value) : std::nullopt;
    if (!user || user->empty() || !is_sasl_name(*user) || !token) return malformed("XOAUTH2: bad response");
    return ask(std::string(*user), std::move(*token), "XOAUTH2");
  }
  /// The client answers with nothing.
  std::string error_text() const override { return R"({"status":"401","schemes":"bearer","scope":"mail"})"; }
};

/// RFC 4422 appendix A: the response is the authorisation identity, or empty.
class ExternalServer final : public ServerMechanism {
  Step step(const std::string* response) override {
    if (response == nullptr) return Challenge{};
    if (!is_sasl_name(*response)) return malformed("EXTERNAL: bad name");
    name_ = response->empty() ? "EXTERNAL" : *response;
    return Ask{{.kind = Question::Kind::certificate, .authzid = *response}};
  }
  Step answer(bool accepted) override {
    if (!accepted) return Failure{false, "the certificate is of nobody who may log in so"};
    return Success{name_, name_};
  }
  std::string name_;
};

} // namespace

std::unique_ptr<ServerMechanism> make_oauthbearer_server() { return std::make_unique<OauthBearerServer>(); }
std::unique_ptr<ServerMechanism> make_xoauth2_server() { return std::make_unique<Xoauth2Server>(); }
std::unique_ptr<ServerMechanism> make_external_server() { return std::make_unique<ExternalServer>(); }

} // namespace paquebot::sasl
