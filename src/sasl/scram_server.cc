// SCRAM, server side (RFC 5802, 7677).

#include "base/encoding.h"
#include "base/text.h"
#include "sasl/server_mechanisms.h"

#include <algorithm>

namespace paquebot::sasl {
namespace {

constexpr std::size_t kMaxMessage = 4096; ///< octets; a client's message has some hundred

class ScramServer final : public ServerMechanism {
public:
  ScramServer(ScramHash hash, bool plus, const Offer& offer)
      : hash_(hash), plus_(plus), bindings_(offer.plus ? offer.channel.bindings : std::vector<ChannelBinding>()),
        own_nonce_(offer.nonce.empty() ? make_nonce() : offer.nonce) {}

  Step step(const std::string* response) override {
    if (response == nullptr) return Challenge{}; // section 5: the client speaks first
    if (response->size() > kMaxMessage) return malformed("SCRAM: too long");
    switch (state_) {
      case State::first: return client_first(*response);
      case State::final: return client_final(*response);
      case State::last: break;
      case State::outside: return malformed("SCRAM: out of order");
    }
    if (!response->empty()) return malformed("SCRAM: something behind the last message");
    return Success{authcid_, authzid_.empty() ? authcid_ : authzid_};
  }

  Step answer_keys(ScramCredentials credentials) override {
    credentials_ = std::move(credentials);
    server_first_ =
        "r=" + nonce_ + ",s=" + base64_encode(credentials_.salt) + ",i=" + std::to_string(credentials_.iterations);
    state_ = State::final;
    return Challenge{server_first_};
  }

  Step answer(bool accepted) override {
    if (!accepted || !right_) return Failure{false, "bad SCRAM proof for \"" + printable(authcid_) + "\""};
    state_ = State::last;
    const std::string& key = credentials_.keys[key_].server;
    return Challenge{"v=" + base64_encode(hmac(hash_, key, auth_message_))};
  }

private:
  enum class State { first, outside, final, last };

  /// Section 6: is the channel binding that the client names the one that belongs to the mechanism it chose?
  const char* wrong_binding(const Gs2Header& gs2) const {
    if (gs2.flag == 'p') {
      if (!plus_) return "channel binding without -PLUS";
      return binding_of(gs2.binding) == nullptr ? "a type of channel binding that this connection has not" : nullptr;
    }
    if (plus_) return "-PLUS without channel binding";
    // It could and thinks that we can't, though we said so: somebody changed our list on the way.
    return gs2.flag == 'y' && !bindings_.empty() ? "the list of mechanisms was changed on the way" : nullptr;
  }

  const ChannelBinding* binding_of(std::string_view type) const {
    const auto found = std::ranges::find(bindings_, type, &ChannelBinding::type);
    return found == bindings_.end() ? nullptr : &*found;
  }

  Step client_first(const std::string& message) {
    const auto gs2 = read_gs2_header(message);
    if (!gs2) return malformed("SCRAM: bad GS2 header");
    if (const char* why = wrong_binding(*gs2)) return Failure{false, std::string("SCRAM: ") + why};
    std::string_view bare = gs2->rest;
    if (bare.starts_with("m=")) return Failure{false, "SCRAM: an extension that we must know and don't"};
    const auto user = take_attribute(bare, 'n');
    const auto nonce = take_attribute(bare, 'r');
    const auto name = user ? unescape_scram_name(*user) : std::nullopt;
    if (!name || !nonce || !is_nonce(*nonce)) return malformed("SCRAM: bad first message");
    authcid_ = *name;
    authzid_ = gs2->authzid;
    nonce_ = std::string(*nonce) + own_nonce_;
    client_first_bare_ = gs2->rest;
    cbind_input_ = gs2->header;
    if (gs2->flag == 'p') cbind_input_ += binding_of(gs2->binding)->data;
    state_ = State::outside;
    Question question{.kind = Question::Kind::scram_keys, .authcid = authcid_};
    question.hash = hash_;
    return Ask{std::move(question)};
  }

  Step client_final(const std::string& message) {
    const auto at = message.rfind(",p=");
    if (at == std::string::npos) return malformed("SCRAM: no proof");
    std::string_view rest = std::string_view(message).substr(0, at);
    const std::string without_proof(rest);
    const auto proof = base64_decode(std::string_view(message).substr(at + 3));
    const auto binding = take_attribute(rest, 'c');
    const auto nonce = take_attribute(rest, 'r');
    const auto bound = binding ? base64_decode(*binding) : std::nullopt;
    if (!proof || !bound || !nonce) return malformed("SCRAM: bad last message");
    auth_message_ = client_first_bare_ + "," + server_first_ + "," + without_proof;
    right_ = find_key(*proof) && equal_constant_time(*bound, cbind_input_) && *nonce == nonce_;
    state_ = State::outside;
    Question question{.kind = Question::Kind::scram, .authzid = authzid_, .authcid = authcid_};
    question.hash = hash_;
    question.right = right_;
    question.key = key_;
    return Ask{std::move(question)};
  }

  /// Tries every key, whichever is the right one.
  bool find_key(const std::string& proof) {
    bool found = false;
    for (std::size_t i = 0; i < credentials_.keys.size(); ++i) {
      const std::string& stored = credentials_.keys[i].stored;
      const std::string signature = hmac(hash_, stored, auth_message_);
      const std::string client_key = exclusive_or(proof, signature);
      const bool same = proof.size() == signature.size() && equal_constant_time(digest(hash_, client_key), stored);
      if (same) key_ = i;
      found = found || same;
    }
    return found;
  }

  const ScramHash hash_;
  const bool plus_;
  const std::vector<ChannelBinding> bindings_;
  const std::string own_nonce_;
  State state_ = State::first;
  std::string authcid_, authzid_, nonce_;
  std::string client_first_bare_, server_first_, cbind_input_, auth_message_;
  ScramCredentials credentials_;
  bool right_ = false;
  std::size_t key_ = 0;
};

} // namespace

std::unique_ptr<ServerMechanism> make_scram_server(ScramHash hash, bool plus, const Offer& offer) {
  return std::make_unique<ScramServer>(hash, plus, offer);
}

} // namespace paquebot::sasl
