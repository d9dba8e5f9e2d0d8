#pragma once

// Conversations of the SMTP client, written as text, for its tests.

#include "base/text.h"
#include "smtp/client_session.h"

#include <gtest/gtest.h>

namespace paquebot::smtp::script {

using namespace std::string_literals;

/// How the server's bytes are cut.
struct Cut {
  bool every_octet = false;
  std::size_t at = 0;
};

/// What came of a conversation.
struct Outcome {
  std::vector<std::string> results; ///< of all messages, one line a recipient
  std::string failure;              ///< of the set-up
  Breakage breakage = Breakage::none;
  bool in_doubt = false, closed = false, encrypted = false;
  std::string wrong; ///< what did not go as written
  std::string
      settled{}; ///< a letter for each result: u(nsent) m(ail) r(cpt) d(ata) c(ontent) b(roken); empty: not looked at

  bool operator==(const Outcome&) const = default;
};

struct Setting {
  ClientOptions options;
  bool encrypted = false;
  std::vector<OutgoingMessage> messages;
  std::string content = "Subject: hello\r\n\r\n.body\r\n";
  bool abandons = false;
};

/// Plays a conversation written as lines "S: what the server says", "C: what the client must say", "S<< raw", and the
/// words tls, tls-fails, eof, timeout. Several S lines in a row are fed at once.
class Play {
public:
  Play(const Setting& setting, Cut cut) : setting_(setting), cut_(cut), session_(setting.options, setting.encrypted) {}

  Outcome run(std::string_view script) {
    perform();
    for (const auto line : split(script, '\n')) {
      if (!line.empty()) step(line);
    }
    flush_server();
    if (!said_.empty()) outcome_.wrong += "the client said more: " + printable(said_) + "\n";
    outcome_.failure = session_.failure().code == 0 ? "" : session_.failure().to_string();
    judge_voice(session_.failure());
    outcome_.breakage = session_.breakage();
    outcome_.in_doubt = session_.in_doubt();
    outcome_.encrypted = session_.encrypted();
    return outcome_;
  }

private:
  void step(std::string_view line) {
    if (line.starts_with("S: ")) {
      server_ += std::string(line.substr(3)) + "\r\n";
      return;
    }
    if (line.starts_with("S<< ")) {
      server_ += line.substr(4);
      return;
    }
    flush_server();
    if (line.starts_with("C: ")) return expect(line.substr(3));
    if (line == "tls") {
      if (!std::exchange(tls_due_, false)) outcome_.wrong += "no handshake is due\n";
      session_.tls_started();
    } else if (line == "tls-fails") {
      session_.tls_failed("bad certificate");
    } else if (line == "eof") {
      session_.eof();
    } else if (line == "timeout") {
      session_.timed_out();
    } else {
      outcome_.wrong += "bad script line: " + std::string(line) + "\n";
    }
    perform();
  }

  void flush_server() {
    std::string_view rest = server_;
    while (!rest.empty()) {
      std::size_t length = cut_.every_octet ? 1 : rest.size();
      if (cut_.at > fed_ && cut_.at - fed_ < length) length = cut_.at - fed_;
      session_.feed(std::string(rest.substr(0, length)));
      heard_ += rest.substr(0, length);
      fed_ += length;
      rest.remove_prefix(length);
      perform();
    }
    server_.clear();
  }

  void expect(std::string_view line) {
    const auto end = said_.find("\r\n");
    const std::string got = said_.substr(0, end);
    said_.erase(0, end == std::string::npos ? end : end + 2);
    if (got != line)
      outcome_.wrong += "expected \"" + std::string(line) + "\", the client said \"" + printable(got) + "\"\n";
  }

  void perform() {
    for (int i = 0; i < 100000; ++i) {
      const ClientAction action = session_.next();
      if (const auto* send = std::get_if<ClientSend>(&action)) {
        said_ += send->bytes;
      } else if (std::holds_alternative<ClientNeedInput>(action)) {
        return;
      } else if (std::holds_alternative<ClientStartTls>(action)) {
        tls_due_ = true;
        return;
      } else if (std::holds_alternative<Closed>(action)) {
        outcome_.closed = true;
        return;
      } else if (std::holds_alternative<MessageDone>(action)) {
        for (const auto& reply : session_.results()) {
          outcome_.results.push_back(reply.to_string());
          judge_voice(reply);
        }
        for (const Settled what : session_.settled()) outcome_.settled += "umrdcb"[static_cast<std::size_t>(what)];
      } else if (std::holds_alternative<NeedContent>(action)) {
        if (!give_content()) return;
      } else if (next_message_ < setting_.messages.size()) {
        given_ = 0;
        session_.send(setting_.messages[next_message_++]);
      } else {
        session_.quit();
      }
    }
    outcome_.wrong += "it goes round and round\n";
  }

  /// What counts as the server's word is what it said, and what it did not say is ours.
  void judge_voice(const mail::Reply& reply) {
    const std::string_view line =
        std::string_view(reply.text).substr(0, std::min(reply.text.find('\n'), std::size_t{20}));
    const bool was_said =
        heard_.find(std::to_string(reply.code)) != std::string::npos && heard_.find(line) != std::string::npos;
    if (reply.code != 0 && reply.heard != was_said)
      outcome_.wrong += (reply.heard ? "never said: " : "of the server, not ours: ") + reply.to_string() + "\n";
  }

  bool give_content() {
    const std::string& content = setting_.content;
    if (given_ > 0 && setting_.abandons) {
      session_.abandon();
    } else if (given_ < content.size()) {
      session_.content(std::string_view(content).substr(given_, 7));
      given_ += 7;
    } else {
      session_.end_content();
    }
    return true;
  }

  const Setting& setting_;
  const Cut cut_;
  ClientSession session_;
  std::string server_, said_, heard_;
  std::size_t fed_ = 0, next_message_ = 0, given_ = 0;
  bool tls_due_ = false;
  Outcome outcome_;
};

inline OutgoingMessage message_to(std::initializer_list<std::string> recipients) {
  OutgoingMessage message;
  message.sender.reverse_path = {"ann", "here.example"};
  for (const auto& one : recipients) message.recipients.push_back({{one, "there.example"}, 0, ""});
  return message;
}

struct Case {
  const char* name;
  Setting setting;
  const char* script;
  Outcome expected;
};

inline Setting plain(std::vector<OutgoingMessage> messages = {message_to({"bob"})}) {
  Setting setting;
  setting.options.ehlo_name = "here.example";
  setting.messages = std::move(messages);
  return setting;
}

inline Setting with(Setting setting, void (*change)(Setting&)) {
  change(setting);
  return setting;
}

inline void check(const Case& c) {
  Outcome expected = c.expected;
  const auto same = [&](const Outcome& got, const std::string& how) {
    EXPECT_EQ(got.wrong, "") << c.name << how;
    EXPECT_EQ(got.results, expected.results) << c.name << how;
    EXPECT_EQ(got.failure, expected.failure) << c.name << how;
    EXPECT_EQ(got.breakage, expected.breakage) << c.name << how;
    EXPECT_EQ(got.in_doubt, expected.in_doubt) << c.name << how;
    if (!expected.settled.empty()) {
      EXPECT_EQ(got.settled, expected.settled) << c.name << how;
    }
    EXPECT_EQ(got.closed, true) << c.name << how;
  };
  same(Play(c.setting, {}).run(c.script), "");
  same(Play(c.setting, {true, 0}).run(c.script), " (octet by octet)");
  const std::size_t octets = std::string_view(c.script).size();
  for (std::size_t at = 1; at < octets && at < 1200 && !testing::Test::HasFailure(); ++at) {
    same(Play(c.setting, {false, at}).run(c.script), " (cut at octet " + std::to_string(at) + ")");
  }
}

inline constexpr char kGreeting[] = "S: 220 there.example ESMTP\nC: EHLO here.example\n";

inline constexpr char kTransaction[] = R"(
C: MAIL FROM:<ann@here.example>
S: 250 ok
C: RCPT TO:<bob@there.example>
S: 250 ok
C: DATA
S: 354 go on
C: Subject: hello
C: 
C: ..body
C: .
S: 250 ok
C: QUIT
S: 221 bye
)";

} // namespace paquebot::smtp::script
