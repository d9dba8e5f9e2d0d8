// Fuzzes the IMAP server engine over mailboxes in memory. Octet 0: options as bits, octet 1: how large the pieces of
// input are; the rest is what the client sends, after a login when the options say so. What the server says must not
// depend on how input is cut, and what it keeps must be sound.

#include "imap/fake_answer.h"

#include <cstdlib>

using namespace paquebot::imap;

namespace {

struct Talk {
  FakeStore store;
  std::string sent;
  std::size_t biggest = 0;
  bool closed = false, wants_tls = false;

  void perform(ServerSession& session) {
    while (!closed && !wants_tls) {
      const Action action = session.next();
      if (std::holds_alternative<NeedInput>(action)) return;
      std::visit([&](const auto& what) { on(session, what); }, action);
    }
  }
  void feed(ServerSession& session, std::string_view bytes) {
    if (closed) return;
    session.feed(bytes);
    perform(session);
    if (!wants_tls) return;
    wants_tls = false;
    sent += "<TLS>";
    session.tls_started();
    perform(session);
  }
  void on(ServerSession&, const NeedInput&) {}
  void on(ServerSession&, const StartTls&) { wants_tls = true; }
  void on(ServerSession& session, const StartCompression&) {
    sent += "<DEFLATE>";
    session.compression_started();
  }
  void on(ServerSession&, const Close&) { closed = true; }
  void on(ServerSession&, const Send& send) {
    sent += send.bytes;
    biggest = std::max(biggest, send.bytes.size());
  }
  void on(ServerSession& session, const AskLogin& ask) {
    if (ask.question->kind == paquebot::sasl::Question::Kind::scram_keys) return session.answer_keys(ask.id, {});
    session.answer_login(ask.id, ask.question->authcid == "anna" ? LoginVerdict::accepted : LoginVerdict::wrong);
  }
  void on(ServerSession& session, const Ask& ask) { session.answer(ask.id, answer_of(store, *ask.question)); }
};

Talk talk(unsigned flags, std::string_view input, std::size_t step) {
  auto options = std::make_shared<ServerOptions>();
  options->hostname = "mx.test";
  options->tls_available = (flags & 2) != 0;
  options->login_in_clear = (flags & 4) != 0;
  options->login.nonce = "fixed";
  options->max_message = 5000;
  Talk talk;
  talk.store.deliver("INBOX", "From: a@b\r\nSubject: one\r\n\r\nhello\r\n");
  talk.store.deliver("INBOX",
                     "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b\r\nContent-Type: "
                     "message/rfc822\r\n\r\nSubject: in\r\n\r\ny\r\n--b--\r\n",
                     kSeen);
  talk.store.small = (flags & 16) != 0 ? 0 : 100;
  talk.store.piece = 7;
  talk.store.broken = (flags & 32) != 0;
  ServerSession session(options, (flags & 1) != 0);
  talk.perform(session);
  if ((flags & 8) != 0) talk.feed(session, "a LOGIN anna x\r\nb SELECT INBOX\r\n");
  for (std::size_t at = 0; at < input.size(); at += step) talk.feed(session, input.substr(at, step));
  if (!talk.closed) {
    session.eof();
    talk.perform(session);
    if (!talk.closed) std::abort();
  }
  return talk;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 8192) return 0;
  const unsigned flags = data[0];
  const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
  const Talk whole = talk(flags, input, input.size() + 1);
  const Talk cut = talk(flags, input, data[1] + std::size_t{1});
  const bool can_start_tls = (flags & 3) == 2; // then input behind STARTTLS is dropped, wherever the cut is
  if (!can_start_tls && whole.sent != cut.sent) std::abort();
  if (whole.biggest > (8u << 20)) std::abort();
  return 0;
}
