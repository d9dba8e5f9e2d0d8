// The SMTP client engine keeps its promises whatever the server says: a result for each recipient, and an end.
//
// The input: an octet that chooses options, then segments that end with 0xFF and an octet that chooses what happens
// there.

#include "smtp/client_session.h"

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

ClientOptions options_of(std::uint8_t bits) {
  ClientOptions options;
  options.ehlo_name = "here.example";
  options.lmtp = (bits & 1) != 0;
  options.tls_wanted = (bits & 2) != 0;
  options.tls_required = (bits & 4) != 0;
  if ((bits & 8) != 0) options.user = "ann";
  options.password = "secret";
  options.auth_in_clear = (bits & 16) != 0;
  options.max_reply_line = 200;
  options.max_reply_lines = 10;
  return options;
}

OutgoingMessage message(std::size_t recipients) {
  OutgoingMessage out;
  out.sender.reverse_path = {"ann", "here.example"};
  out.sender.body = mail::BodyType::eight_bit;
  out.sender.envid = "id+1";
  out.size = 100;
  // With one recipient more, what only some peers take (RFC 8689, 2852, 6710).
  out.sender.tls = recipients > 1 ? mail::TlsWish::required : mail::TlsWish::unspecified;
  out.sender.priority = static_cast<int>(recipients) - 2;
  out.sender.deliver_by = {recipients > 1 ? mail::DeliverBy::Mode::give_back : mail::DeliverBy::Mode::notify, true, 300,
                           0};
  for (std::size_t i = 0; i < recipients; ++i) {
    out.recipients.push_back({{i == 1 ? "j\xC3\xBCrgen" : "bob", "there.example"}, mail::kNotifyDelay, "rfc822;x=y"});
  }
  return out;
}

class Harness {
public:
  explicit Harness(std::uint8_t bits) : session_(options_of(bits), (bits & 32) != 0) { run(); }

  void feed(std::string_view bytes) {
    const std::string own(bytes);
    session_.feed(own);
    run();
  }
  void event(std::uint8_t what) {
    switch (what % 4) {
      case 0: session_.eof(); break;
      case 1: session_.timed_out(); break;
      case 2: session_.tls_failed("no"); break;
      default: session_.tls_started(); break;
    }
    run();
  }
  bool closed() const { return closed_; }

private:
  void run() {
    for (int i = 0; i < 1000; ++i) {
      const ClientAction action = session_.next();
      if (closed_) return check(std::holds_alternative<Closed>(action));
      if (const auto* send = std::get_if<ClientSend>(&action)) {
        check(!send->bytes.empty() && (given_ > 0 || send->bytes.ends_with("\r\n")));
        for (std::size_t at = send->bytes.find('\n'); at != std::string_view::npos;
             at = send->bytes.find('\n', at + 1)) {
          check(at > 0 && send->bytes[at - 1] == '\r');
        }
      } else if (std::holds_alternative<MessageDone>(action)) {
        check(std::exchange(open_, false) && session_.results().size() == messages_);
        for (const auto& reply : session_.results())
          check(reply.code >= 200 && reply.code < 600 && (reply.code < 300 || reply.code >= 400));
      } else if (std::holds_alternative<Ready>(action)) {
        check(!open_);
        if (messages_ == 3) {
          session_.quit();
        } else {
          open_ = true;
          given_ = 0;
          session_.send(message(++messages_));
        }
      } else if (std::holds_alternative<NeedContent>(action)) {
        check(open_);
        if (given_++ < 3) {
          session_.content(".a\rb\nc\r\n");
        } else {
          session_.end_content();
        }
      } else if (std::holds_alternative<Closed>(action)) {
        check(!open_ && (session_.breakage() == Breakage::none || session_.failure().code >= 400 || messages_ > 0));
        closed_ = true;
        return;
      } else {
        return; // input or TLS
      }
    }
    check(false); // it never asks for input
  }

  ClientSession session_;
  std::size_t messages_ = 0;
  int given_ = 0;
  bool open_ = false, closed_ = false;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  Harness harness(data[0]);
  std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  while (!input.empty()) {
    const auto mark = input.find('\xFF');
    harness.feed(input.substr(0, mark));
    if (mark == std::string_view::npos || mark + 1 >= input.size()) break;
    harness.event(static_cast<std::uint8_t>(input[mark + 1]));
    input.remove_prefix(mark + 2);
  }
  harness.event(0);
  harness.event(0);
  check(harness.closed());
  return 0;
}
