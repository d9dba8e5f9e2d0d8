// Fuzzes the HTTP server engine. Octet 0: options as bits, octet 1: how large the pieces of input are; the rest is what
// the client sends. What the server says and what it takes must not depend on how the input is cut.

#include "http/fake_site.h"

#include <cstdint>
#include <cstdlib>

using namespace paquebot::http;

namespace {

std::shared_ptr<const ServerOptions> options_of(unsigned flags) {
  auto options = std::make_shared<ServerOptions>();
  options->encrypted = (flags & 1) != 0;
  if ((flags & 2) != 0) options->hosts = {"a", "localhost"};
  if ((flags & 4) != 0) options->methods = {"GET", "HEAD"};
  options->http10 = (flags & 8) == 0;
  if ((flags & 16) != 0) options->max_requests = 3;
  if ((flags & 32) != 0) options->head = {.start_line = 64, .field = 48, .fields = 6, .head = 200};
  if ((flags & 64) != 0) options->body = {.chunk_line = 16, .chunk_extensions = 32, .trailer = 32};
  if ((flags & 128) != 0) options->max_drain = 8;
  return options;
}

FakeSite talk(unsigned flags, std::string_view input, std::size_t step) {
  ServerSession session(options_of(flags));
  FakeSite site;
  site.most = 200;
  site.perform(session);
  for (std::size_t at = 0; at < input.size(); at += step) site.feed(session, input.substr(at, step));
  const auto accepted = site.accepted;
  session.eof();
  site.perform(session);
  if (!site.closed || site.accepted != accepted || !site.broken.empty()) std::abort();
  return site;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3 || size > 16384) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
  const FakeSite whole = talk(data[0], input, input.size());
  const FakeSite cut = talk(data[0], input, data[1] + std::size_t{1});
  if (whole.sent != cut.sent || whole.accepted != cut.accepted || whole.asked != cut.asked) std::abort();
  if (whole.ended != cut.ended || whole.faults != cut.faults || whole.forgotten != cut.forgotten) std::abort();
  return 0;
}
