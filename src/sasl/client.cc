#include "sasl/client.h"

#include "base/text.h"
#include "sasl/secret.h"

#include <algorithm>

namespace paquebot::sasl {
namespace {

class WithCredentials : public ClientMechanism {
public:
  explicit WithCredentials(Credentials credentials) : credentials_(std::move(credentials)) {}
  ~WithCredentials() override { wipe(credentials_.password); }

protected:
  Credentials credentials_;
};

/// RFC 4616.
class Plain final : public WithCredentials {
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
class Login final : public WithCredentials {
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

private:
  int step_ = 0;
};

bool offers(std::span<const std::string> offered, std::string_view name) {
  return std::ranges::any_of(offered, [&](const std::string& one) { return iequals(one, name); });
}

} // namespace

std::unique_ptr<ClientMechanism> make_client(std::span<const std::string> offered, Credentials credentials) {
  if (offers(offered, "PLAIN")) return std::make_unique<Plain>(std::move(credentials));
  if (offers(offered, "LOGIN")) return std::make_unique<Login>(std::move(credentials));
  return nullptr;
}

} // namespace paquebot::sasl
