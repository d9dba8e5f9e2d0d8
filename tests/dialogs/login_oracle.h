#pragma once

#include "sasl/server.h"

#include <map>
#include <string>
#include <string_view>

/// The logins of README.md, for both engines: what the outside answers to a question about one.
namespace paquebot::dialogs {

inline const std::map<std::string, std::string, std::less<>>& accounts() {
  static const std::map<std::string, std::string, std::less<>> all = {
      {"alice", "wonderland"}, {"bob", "builder"}, {"full", "brimful"}, {"gone", "departed"}};
  return all;
}

inline std::string_view without_domain(std::string_view name) {
  if (name.ends_with("@example.test")) name.remove_suffix(13);
  return name;
}

/// Salt "salt", 4096 rounds; a key that nothing fits for who does not exist.
inline sasl::ScramCredentials scram_keys_of(const sasl::Question& question) {
  static std::map<std::string, sasl::ScramKey> made; // a dialog is played hundreds of times
  const std::string name(without_domain(question.authcid));
  const auto account = accounts().find(name);
  if (account == accounts().end()) return {"salt", 4096, {{std::string(32, 'x'), std::string(32, 'x')}}};
  auto& key = made[name + (question.hash == sasl::ScramHash::sha1 ? "/1" : "/256")];
  if (key.stored.empty()) key = sasl::make_scram_key(question.hash, account->second, "salt", 4096);
  return {"salt", 4096, {key}};
}

/// The token "alices-token" is alice's; her certificate is there when the dialog says so.
inline bool is_right(const sasl::Question& question) {
  using Kind = sasl::Question::Kind;
  const std::string name(without_domain(question.authcid));
  const bool as_alice = question.authzid.empty() || without_domain(question.authzid) == "alice";
  if (question.kind == Kind::token) return question.secret == "alices-token" && as_alice;
  if (question.kind == Kind::certificate) return as_alice;
  if (!question.authzid.empty() && question.authzid != question.authcid) return false;
  const auto account = accounts().find(name);
  if (account == accounts().end()) return false;
  return question.kind == Kind::scram ? question.right : account->second == question.secret;
}

/// `option nonce`, `option binding=TYPE:DATA`, `option tokens=yes`, `option scram=no`, `option certificate=ADDRESS`.
template <class Dialog>
sasl::Offer offer_of(const Dialog& dialog) {
  sasl::Offer offer;
  offer.nonce = dialog.option("nonce", "");
  offer.tokens = dialog.option("tokens", "no") == "yes";
  offer.plus = !dialog.option("binding", "").empty();
  offer.scram = dialog.option("scram", "yes") == "yes";
  return offer;
}
template <class Dialog>
sasl::Channel channel_of(const Dialog& dialog) {
  sasl::Channel channel;
  const std::string binding = dialog.option("binding", "");
  if (const auto colon = binding.find(':'); colon != std::string::npos)
    channel.bindings.push_back({binding.substr(0, colon), binding.substr(colon + 1)});
  if (const std::string name = dialog.option("certificate", ""); !name.empty()) channel.certificate_names = {name};
  return channel;
}

} // namespace paquebot::dialogs
