// The SMTP server engine keeps its promises whatever the client sends, and does the same however the bytes are cut.
//
// The input: an octet that chooses options, then segments that end with 0xFF and an octet that chooses what happens
// there.

#include "smtp/server_session.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace paquebot;
using namespace paquebot::smtp;

namespace {

void check(bool good) {
  if (!good) std::abort();
}

std::shared_ptr<const ServerOptions> options_of(std::uint8_t bits) {
  auto options = std::make_shared<ServerOptions>();
  options->role = (bits & 3) == 1 ? Role::submission : (bits & 3) == 2 ? Role::lmtp : Role::mx;
  options->hostname = "mx.example.test";
  options->tls_available = (bits & 4) != 0;
  options->tls_required = (bits & 8) != 0 && options->tls_available;
  options->auth_available = (bits & 16) != 0;
  options->auth_required = (bits & 32) != 0 && options->auth_available;
  options->auth_in_clear = (bits & 64) != 0;
  options->max_message_size = (bits & 128) != 0 ? 40 : 0;
  options->hold_most = 1'000'000;
  options->max_recipients = 3;
  options->max_errors = 12;
  options->max_line = 200;
  return options;
}

class Harness {
public:
  Harness(std::uint8_t bits, bool by_octet)
      : by_octet_(by_octet),
        session_(options_of(bits),
                 {.peer_address = "192.0.2.1", .xclient = true, .wall = 1'795'435'200'000, .etrn = (bits & 4) != 0}) {
    run();
  }

  void segment(std::string_view bytes) {
    if (by_octet_) {
      for (std::size_t i = 0; i < bytes.size(); ++i) piece(bytes.substr(i, 1));
    } else if (!bytes.empty()) {
      piece(bytes);
    }
  }

  void event(std::uint8_t what) {
    switch (what % 8) {
      case 0: session_.eof(); break;
      case 1: session_.timed_out(); break;
      case 2: session_.shut_down(); break;
      case 3: session_.refuse_content({452, {4, 3, 1}, "no room"}); break;
      case 4: refusals_ = what >> 3; break;
      default:
        if (tls_) session_.tls_started("", "");
        tls_ = false;
        break;
    }
    if (!tls_) run();
  }

  std::string sent_all, accepted; ///< kept apart: how replies are gathered depends on how the input is cut

private:
  void piece(std::string_view bytes) {
    if (tls_ || closed_) return;
    const std::string own(bytes);
    session_.feed(own);
    run();
  }

  void run() {
    for (;;) {
      const Action action = session_.next();
      if (closed_) return check(std::holds_alternative<Close>(action));
      if (const auto* send = std::get_if<Send>(&action)) {
        sent(send->bytes);
      } else if (const auto* chunk = std::get_if<Chunk>(&action)) {
        check(staged_ && !chunk->bytes.empty());
        content_ += chunk->bytes;
      } else if (std::holds_alternative<Discard>(action)) {
        check(std::exchange(staged_, false));
        content_.clear();
      } else if (std::holds_alternative<NeedInput>(action)) {
        return;
      } else if (std::holds_alternative<StartTls>(action)) {
        tls_ = true;
        return;
      } else if (std::holds_alternative<Close>(action)) {
        check(!staged_);
        closed_ = true;
        return;
      } else {
        answer(action);
      }
    }
  }

  void sent(std::string_view bytes) {
    check(bytes.ends_with("\r\n"));
    sent_all += bytes;
    while (!bytes.empty()) {
      const auto end = bytes.find("\r\n");
      const auto line = bytes.substr(0, end);
      check(line.size() >= 4 && line.size() <= 510 && line[0] >= '2' && line[0] <= '5' &&
            (line[3] == ' ' || line[3] == '-'));
      check(line.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
      bytes.remove_prefix(end + 2);
    }
  }

  void check_sender(const mail::Sender& sender) const {
    check(sender.envid.size() <= 100);
    check(sender.priority >= mail::kMinPriority && sender.priority <= mail::kMaxPriority);
    check(sender.priority <= 0 || !session_.login().empty());
    check(std::abs(sender.deliver_by.seconds) <= mail::kMaxByTime && sender.hold.seconds <= 1'000'000);
    check(sender.tls == mail::TlsWish::unspecified || session_.encrypted());
  }

  void answer(const Action& action) {
    std::uint32_t id = 0;
    std::visit(
        [&](const auto& what) {
          if constexpr (requires { what.id; }) id = what.id;
        },
        action);
    const bool refused = (refusals_ >> (questions_++ % 5) & 1) != 0;
    const mail::Reply verdict = refused ? mail::Reply{550, {}, "no"} : mail::Reply{250, {}, ""};
    if (std::holds_alternative<AskData>(action)) check(!std::exchange(staged_, true));
    if (std::holds_alternative<AskContent>(action)) {
      check(staged_ && !session_.recipients().empty());
      if (!refused) {
        staged_ = false;
        accepted += "{" + std::exchange(content_, {}) + "}";
      }
    }
    if (const auto* mail = std::get_if<AskMail>(&action)) check_sender(*mail->sender);
    if (const auto* etrn = std::get_if<AskEtrn>(&action)) check(!etrn->node.empty() && etrn->node.size() <= 255);
    session_.answer(id, verdict);
  }

  const bool by_octet_;
  ServerSession session_;
  bool tls_ = false, closed_ = false, staged_ = false;
  unsigned refusals_ = 0, questions_ = 0;
  std::string content_;
};

std::string play(std::string_view input, bool by_octet) {
  Harness harness(static_cast<std::uint8_t>(input.front()), by_octet);
  input.remove_prefix(1);
  while (!input.empty()) {
    const auto mark = input.find('\xFF');
    harness.segment(input.substr(0, mark));
    if (mark == std::string_view::npos || mark + 1 >= input.size()) break;
    harness.event(static_cast<std::uint8_t>(input[mark + 1]));
    input.remove_prefix(mark + 2);
  }
  harness.event(0);
  return harness.sent_all + harness.accepted;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check(play(input, false) == play(input, true));
  return 0;
}
