// The server's mechanisms end every exchange, ask only about well-formed names and secrets, and believe no proof that
// was not made with a key.
//
// The input: an octet that chooses the mechanism, then responses, each of its length in one octet and its bytes.

#include "base/text.h"
#include "sasl/server.h"

#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace paquebot;

namespace {

void check(bool good) {
  if (!good) std::abort();
}

bool is_text(const std::string& text) { return is_utf8(text) && text.find('\0') == std::string::npos; }

const sasl::Offer& offer() {
  static const sasl::Offer all{.channel = {.bindings = {{"tls-exporter", "0123456789"}}, .certificate_names = {"a@b"}},
                               .tokens = true,
                               .nonce = "server"};
  return all;
}

/// Whatever was asked, the outside says no at last.
sasl::Step answer(sasl::ServerMechanism& mechanism, const sasl::Question& q) {
  using Kind = sasl::Question::Kind;
  check(is_text(q.authzid) && is_text(q.authcid) && is_text(q.secret));
  if (q.kind == Kind::scram_keys) {
    check(!q.authcid.empty());
    return mechanism.answer_keys({"salt", 4096, {{std::string(32, 'k'), std::string(32, 's')}}});
  }
  if (q.kind == Kind::scram) check(!q.right); // nobody can make this proof
  if (q.kind == Kind::password || q.kind == Kind::token) check(!q.secret.empty());
  return mechanism.answer(false);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  static const auto names = sasl::server_mechanisms(offer());
  const auto mechanism = sasl::make_server(names[(data[0] >> 1) % names.size()], offer());
  sasl::Step step = (data[0] & 1) != 0 ? mechanism->step(nullptr) : sasl::Step(sasl::Challenge{});
  for (int round = 0;; ++round) {
    check(round < 10);
    if (const auto* ask = std::get_if<sasl::Ask>(&step)) {
      const sasl::Question question = ask->question;
      step = answer(*mechanism, question);
      continue;
    }
    if (!std::holds_alternative<sasl::Challenge>(step)) break;
    const std::size_t length = input.empty() ? 0 : static_cast<std::uint8_t>(input.front());
    if (!input.empty()) input.remove_prefix(1);
    const std::string response(input.substr(0, length));
    input.remove_prefix(response.size());
    step = mechanism->step(&response);
  }
  check(std::holds_alternative<sasl::Failure>(step));
  return 0;
}
