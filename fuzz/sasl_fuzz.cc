// The server's mechanisms end every exchange, and ask only about well-formed names and passwords.
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

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto mechanism = sasl::make_server((data[0] & 1) != 0 ? "PLAIN" : "LOGIN");
  sasl::Step step = (data[0] & 2) != 0 ? mechanism->step(nullptr) : sasl::Step(sasl::Challenge{});
  for (int round = 0; std::holds_alternative<sasl::Challenge>(step); ++round) {
    check(round < 4);
    const std::size_t length = input.empty() ? 0 : static_cast<std::uint8_t>(input.front());
    if (!input.empty()) input.remove_prefix(1);
    const std::string response(input.substr(0, length));
    input.remove_prefix(response.size());
    step = mechanism->step(&response);
  }
  if (const auto* ask = std::get_if<sasl::Ask>(&step)) {
    const auto& q = ask->question;
    check(!q.authcid.empty() && !q.password.empty() && is_utf8(q.authcid) && is_utf8(q.authzid) && is_utf8(q.password));
    check(q.authcid.find('\0') == std::string::npos && q.password.find('\0') == std::string::npos);
    check(std::get<sasl::Failure>(mechanism->answer(false)).malformed == false);
    const auto success = std::get<sasl::Success>(mechanism->answer(true));
    check(success.authcid == q.authcid && !success.authzid.empty());
  }
  return 0;
}
