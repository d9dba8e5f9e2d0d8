// SCRAM, client side (RFC 5802, 7677).

#include "base/encoding.h"
#include "base/text.h"
#include "sasl/client.h"
#include "sasl/prepare.h"
#include "sasl/scram.h"
#include "sasl/secret.h"

namespace paquebot::sasl {
namespace {

constexpr std::size_t kMaxSalt = 1024;

class ScramClient final : public ClientMechanism {
public:
  ScramClient(std::string_view name, bool plus_offered, Credentials credentials, const Channel& channel,
              std::string nonce)
      : name_(name), hash_(name.starts_with("SCRAM-SHA-256") ? ScramHash::sha256 : ScramHash::sha1),
        credentials_(std::move(credentials)), own_nonce_(nonce.empty() ? make_nonce() : std::move(nonce)) {
    // RFC 5802 section 6: "p" with -PLUS; "y" when we could and the server seems not to; "n" when we can't.
    const bool could = !channel.bindings.empty();
    header_ = name_.ends_with("-PLUS") ? "p=" + channel.bindings.front().type
              : could && !plus_offered ? std::string("y")
                                       : std::string("n");
    header_ += ',';
    if (!credentials_.authzid.empty()) header_ += "a=" + escape_scram_name(credentials_.authzid);
    header_ += ',';
    cbind_input_ = header_;
    if (name_.ends_with("-PLUS")) cbind_input_ += channel.bindings.front().data;
    bare_ = "n=" + escape_scram_name(prepare_name(credentials_.authcid).value_or(credentials_.authcid)) +
            ",r=" + own_nonce_;
  }
  ~ScramClient() override {
    wipe(credentials_.password);
    wipe(server_signature_);
  }

  std::string_view name() const override { return name_; }
  std::optional<std::string> initial() override { return first_message(); }

  Result<std::string> respond(std::string_view challenge) override {
    switch (state_) {
      case State::begin: return first_message();
      case State::first: return answer_first(challenge);
      case State::final: return check_last(challenge);
      case State::done: break;
    }
    return fail(Errc::refused, "the server asks for more than " + name_ + " has");
  }
  bool complete() const override { return state_ == State::done; }

private:
  enum class State { begin, first, final, done };

  std::string first_message() {
    state_ = State::first;
    return header_ + bare_;
  }

  Result<std::string> answer_first(std::string_view message) {
    const std::string server_first(message);
    std::string_view rest = message;
    if (rest.starts_with("m="))
      return fail(Errc::refused, "the server asks for an extension of SCRAM that we don't know");
    const auto nonce = take_attribute(rest, 'r');
    const auto salt_text = take_attribute(rest, 's');
    const auto count = take_attribute(rest, 'i');
    const auto salt = salt_text ? base64_decode(*salt_text) : std::nullopt;
    const std::uint64_t iterations = count ? parse_u64(*count).value_or(0) : 0;
    // Section 5.1, "r": ours in front, and more than ours, else an old exchange could be played again.
    if (!nonce || !is_nonce(*nonce) || !nonce->starts_with(own_nonce_) || nonce->size() == own_nonce_.size())
      return fail(Errc::refused, "the server's nonce is not an answer to ours");
    if (!salt || salt->empty() || salt->size() > kMaxSalt)
      return fail(Errc::invalid, "the server's SCRAM message is malformed");
    if (iterations < kLeastIterations || iterations > kMostIterations)
      return fail(Errc::refused, "the server asks for " + std::to_string(iterations) +
                                     " iterations; between 4096 and 1000000 are taken");
    auto password = prepare_password(credentials_.password, false);
    if (!password) return fail(Errc::invalid, "the password holds characters that SCRAM can't have");
    std::string salted = salted_password(hash_, *password, *salt, static_cast<std::uint32_t>(iterations));
    wipe(*password);
    const std::string without_proof = "c=" + base64_encode(cbind_input_) + ",r=" + std::string(*nonce);
    const std::string auth_message = bare_ + "," + server_first + "," + without_proof;
    std::string client_key = hmac(hash_, salted, "Client Key");
    const std::string signature = hmac(hash_, digest(hash_, client_key), auth_message);
    const std::string proof = exclusive_or(client_key, signature);
    server_signature_ = hmac(hash_, hmac(hash_, salted, "Server Key"), auth_message);
    wipe(salted);
    wipe(client_key);
    state_ = State::final;
    return without_proof + ",p=" + base64_encode(proof);
  }

  Result<std::string> check_last(std::string_view message) {
    const auto signature_text = take_attribute(message, 'v');
    const auto signature = signature_text ? base64_decode(*signature_text) : std::nullopt;
    if (!signature || !equal_constant_time(*signature, server_signature_))
      return fail(Errc::refused, "the server does not know the password: it is not what it says it is");
    state_ = State::done;
    return std::string();
  }

  const std::string name_;
  const ScramHash hash_;
  Credentials credentials_;
  const std::string own_nonce_;
  std::string header_, cbind_input_, bare_, server_signature_;
  State state_ = State::begin;
};

} // namespace

std::unique_ptr<ClientMechanism> make_scram_client(std::string_view name, bool plus_offered, Credentials credentials,
                                                   const Channel& channel, std::string nonce) {
  return std::make_unique<ScramClient>(name, plus_offered, std::move(credentials), channel, std::move(nonce));
}

} // namespace paquebot::sasl
