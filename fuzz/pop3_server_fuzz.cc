// Fuzzes the POP3 server engine. Octet 0: options as bits, octet 1: how large the pieces of input are, octet 2: how
// large the pieces of messages are; the rest is what the client sends. What the server says must not depend on how
// input is cut.

#include "pop3/fake_mailbox.h"

#include <cstdlib>

using namespace paquebot::pop3;

namespace {

struct Plan {
  unsigned flags, input_piece, message_piece;
  std::string_view input;
};

FakeMailbox talk(const Plan& plan, std::size_t step) {
  auto options = std::make_shared<ServerOptions>();
  options->hostname = "mx.test";
  options->tls_available = (plan.flags & 2) != 0;
  options->login_in_clear = (plan.flags & 4) != 0;
  FakeMailbox box;
  box.messages = {"Subject: one\r\n\r\n.dot\r\n..\r\nlast\r\n", "A: b\r\n", "", "x\n.\n"};
  box.messages.resize(4 + (plan.flags & 8) * 100, "S: t\r\n\r\n");
  box.piece = plan.message_piece + 1;
  box.fail_listing = (plan.flags & 16) != 0;
  if ((plan.flags & 32) != 0) box.fail_after = 1;
  box.fail_commit = (plan.flags & 64) != 0;
  ServerSession session(options, (plan.flags & 1) != 0);
  box.perform(session);
  for (std::size_t at = 0; at < plan.input.size(); at += step) box.feed(session, plan.input.substr(at, step));
  if (box.closed) return box;
  auto committed = box.committed;
  session.eof();
  box.perform(session);
  if (!box.closed || box.committed != committed) std::abort();
  return box;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3 || size > 8192) return 0;
  Plan plan{data[0], data[1], data[2], {reinterpret_cast<const char*>(data) + 3, size - 3}};
  FakeMailbox whole = talk(plan, plan.input.size() + 1);
  FakeMailbox cut = talk(plan, plan.input_piece + 1);
  bool can_start_tls = (plan.flags & 3) == 2; // then input behind STLS is dropped, wherever the cut is
  if (!can_start_tls && (whole.sent != cut.sent || whole.committed != cut.committed)) std::abort();
  if (whole.biggest_send > 64 * 1024) std::abort();
  return 0;
}
