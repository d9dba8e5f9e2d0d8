// A milter that says anything: every question ends, and what is let through may stand in a message.
//
// The input: octets that the filter says; how many of them come at once is their first octet.

#include "base/text.h"
#include "filter/head_edit.h"
#include "filter/milter_engine.h"
#include "filter/said.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace paquebot;
using namespace paquebot::filter;

namespace {

void check(bool good) {
  if (!good) std::abort();
}

struct Talk {
  milter::Engine engine{"fuzz", 10'000};
  std::string_view input;
  std::size_t step = 1;
  std::uint64_t body = 0;
  std::vector<HeadChange> head;
  bool at_end = false;

  void look(const milter::Action& action) {
    if (const auto* piece = std::get_if<milter::BodyPiece>(&action)) body += piece->bytes.size();
    if (const auto* change = std::get_if<HeadChange>(&action)) {
      check(is_field_name(change->name));
      head.push_back(*change);
    }
    const bool changes =
        std::holds_alternative<milter::BodyPiece>(action) || std::holds_alternative<HeadChange>(action) ||
        std::holds_alternative<milter::AddRecipient>(action) || std::holds_alternative<milter::Hold>(action) ||
        std::holds_alternative<milter::NewSender>(action);
    check(at_end || !changes);
    check(body <= 10'000 && head.size() <= 5000);
  }

  /// True when the question was answered.
  bool answered() {
    for (;;) {
      const milter::Action action = engine.next();
      look(action);
      if (std::holds_alternative<milter::Broken>(action)) return false;
      if (const auto* done = std::get_if<milter::Done>(&action)) {
        const mail::Reply& reply = done->verdict.reply;
        check(reply.code == 0 || (reply.code >= 400 && reply.code < 600 && is_ascii(reply.text)));
        return true;
      }
      if (!std::holds_alternative<milter::NeedInput>(action)) continue;
      if (input.empty()) return false;
      engine.feed(input.substr(0, step));
      input.remove_prefix(std::min(step, input.size()));
    }
  }

  bool go() {
    Client client{.hostname = "mx.test", .address = "192.0.2.1", .helo = "h"};
    mail::Sender sender;
    sender.reverse_path = {"a", "b.test"};
    engine.negotiate();
    if (!answered()) return false;
    engine.connect(client);
    if (!answered()) return false;
    engine.helo(client);
    if (!answered()) return false;
    engine.mail(client, sender);
    if (!answered()) return false;
    engine.recipient({{"c", "d.test"}, 0, ""});
    if (!answered()) return false;
    engine.data();
    if (!answered()) return false;
    engine.end_of_header();
    if (!answered()) return false;
    engine.body("text\r\n");
    if (!answered()) return false;
    engine.end_of_message();
    at_end = true;
    return answered();
  }
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  Talk talk;
  talk.step = 1 + data[0];
  talk.input = {reinterpret_cast<const char*>(data) + 1, size - 1};
  (void)talk.go();
  auto head = mail::Head::parse("Subject: x\r\nTo: y\r\nSubject: z\r\n\r\n");
  if (edit(*head, talk.head)) { // no change makes more fields than it names
    const auto again = mail::Head::parse(head->to_string());
    check(again && again->fields().size() == head->fields().size());
    check(head->fields().size() <= 3 + talk.head.size());
  }
  return 0;
}
