// Fuzzes the HTTP client engine. Octet 0: the method and bounds as bits, octet 1: how large the pieces of input are;
// the rest is what the server sends before it closes. What becomes of the request must not depend on how the input is
// cut.

#include "http/client_session.h"

#include <cstdint>
#include <cstdlib>

using namespace paquebot::http;

namespace {

constexpr std::uint64_t kMost = 64;

struct Outcome {
  std::optional<Reply> answer;
  bool failed = false;
  bool untouched = false;
};

/// Until input is needed or there is an end.
void perform(ClientSession& session, Outcome& outcome) {
  for (;;) {
    const ClientAction action = session.next();
    if (std::holds_alternative<Send>(action)) continue;
    if (const auto* answered = std::get_if<Answered>(&action)) outcome.answer = *answered->answer;
    if (const auto* failed = std::get_if<Failed>(&action)) {
      outcome.failed = true;
      outcome.untouched = failed->untouched;
    }
    return;
  }
}

Outcome talk(unsigned flags, std::string_view input, std::size_t step) {
  auto options = std::make_shared<ClientOptions>();
  options->max_content = kMost;
  options->max_interim = 2;
  if ((flags & 2) != 0) options->head = {.start_line = 64, .field = 48, .fields = 6, .head = 200};
  if ((flags & 4) != 0) options->body = {.chunk_line = 16, .chunk_extensions = 32, .trailer = 32};
  ClientSession session(options);
  if (!session.call({.method = (flags & 1) != 0 ? "HEAD" : "GET", .host = "a", .target = "/"})) std::abort();
  Outcome outcome;
  perform(session, outcome);
  for (std::size_t at = 0; at < input.size() && !outcome.answer && !outcome.failed; at += step) {
    session.feed(input.substr(at, step));
    perform(session, outcome);
  }
  session.eof();
  perform(session, outcome);
  if (outcome.answer.has_value() == outcome.failed) std::abort();
  if (outcome.answer && (outcome.answer->content.size() > kMost || outcome.answer->status < 200)) std::abort();
  return outcome;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3 || size > 16384) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
  const Outcome whole = talk(data[0], input, input.size());
  const Outcome cut = talk(data[0], input, data[1] + std::size_t{1});
  if (whole.failed != cut.failed || whole.untouched != cut.untouched) std::abort();
  if (!whole.answer) return 0;
  if (whole.answer->content != cut.answer->content || whole.answer->fields != cut.answer->fields) std::abort();
  return 0;
}
