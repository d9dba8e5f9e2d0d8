// Fuzzes the POP3 client engine. Octet 0: options as bits, octet 1: how large the pieces of input are; the rest is what
// the server sends. The client logs in, lists, reads two messages, deletes one and quits, as far as the server lets it.

#include "pop3/client_session.h"

#include <cstdlib>

using namespace paquebot::pop3;

namespace {

class Driver {
public:
  Driver(ClientSession& client, std::string_view input, std::size_t step)
      : client_(client), input_(input), step_(step) {}
  std::string message;

  /// Until ready or closed; false when closed.
  bool run() {
    for (;;) {
      ClientAction action = client_.next();
      if (std::holds_alternative<ClientReady>(action)) return true;
      if (std::holds_alternative<ClientClosed>(action)) return false;
      if (std::holds_alternative<ClientStartTls>(action)) client_.tls_started();
      if (auto* chunk = std::get_if<ClientChunk>(&action)) message += chunk->bytes;
      if (std::holds_alternative<ClientNeedInput>(action)) {
        if (input_.empty()) client_.eof();
        client_.feed(input_.substr(0, step_));
        input_.remove_prefix(std::min(step_, input_.size()));
      }
    }
  }

private:
  ClientSession& client_;
  std::string_view input_;
  std::size_t step_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 65536) return 0;
  ClientOptions options;
  options.user = "anna";
  options.password = "secret";
  options.tls_wanted = (data[0] & 2) != 0;
  options.tls_required = (data[0] & 4) != 0;
  options.max_line = 1024;
  ClientSession client(options, (data[0] & 1) != 0);
  Driver driver(client, {reinterpret_cast<const char*>(data) + 2, size - 2}, data[1] + std::size_t{1});
  if (!driver.run()) {
    if (client.ok() || client.error().empty()) std::abort();
    return 0;
  }
  if (options.tls_required && !client.encrypted()) std::abort();
  client.list();
  if (!driver.run()) return 0;
  client.retrieve(1);
  if (!driver.run()) return 0;
  for (std::size_t at = driver.message.find('\n'); at != std::string::npos; at = driver.message.find('\n', at + 1)) {
    if (at == 0 || driver.message[at - 1] != '\r') std::abort(); // every line end is CRLF
  }
  client.retrieve(2, 0);
  if (!driver.run()) return 0;
  client.remove(1);
  if (!driver.run()) return 0;
  client.quit();
  if (driver.run()) std::abort();
  return 0;
}
