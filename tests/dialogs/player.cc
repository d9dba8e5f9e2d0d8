#include "player.h"

#include "base/text.h"

#include <algorithm>

namespace paquebot::dialogs {
namespace {

class Player {
public:
  Player(Engine& engine, Cut cut, std::string* transcript) : engine_(engine), cut_(cut), transcript_(transcript) {}

  /// What went wrong, or "".
  std::string step(const Step& step) {
    if (step.kind == StepKind::client) {
      if (block_.empty() && !engine_.output.empty()) return "the server said more: " + printable(engine_.output);
      block_ += step.text;
      return "";
    }
    send_block();
    switch (step.kind) {
      case StepKind::server: return expect_line(step.text);
      case StepKind::server_reply:
        if (step.text.starts_with("head ")) return expect_head(step.text.substr(5));
        return step.text.starts_with("http ") ? expect_answer(step.text.substr(5)) : expect_reply(step.text);
      case StepKind::server_raw: return expect_octets(step.text);
      case StepKind::tls: engine_.tls(); return "";
      case StepKind::eof: engine_.eof(); return "";
      case StepKind::timeout: engine_.timeout(); return "";
      case StepKind::closed: return engine_.closed() ? "" : "the server has not closed";
      case StepKind::content: return expect_content(step.text);
      case StepKind::no_content:
        return engine_.accepted.empty() ? "" : "a message was accepted: " + printable(engine_.accepted[0]);
      case StepKind::answer: return engine_.set_answer(step.text) ? "" : "no such answer";
      case StepKind::client: break;
    }
    return "";
  }

  std::string finish() {
    send_block();
    if (!engine_.output.empty()) return "the server said more: " + printable(engine_.output);
    return "";
  }

private:
  /// Sends what has come together, cut as asked for.
  void send_block() {
    std::string_view rest = block_;
    while (!rest.empty()) {
      std::size_t length = rest.size();
      if (cut_.every_octet) length = 1;
      if (cut_.at > sent_ && cut_.at - sent_ < length) length = cut_.at - sent_;
      engine_.feed(std::string(rest.substr(0, length))); // a copy of its own: reads beyond it show under the sanitizer
      sent_ += length;
      rest.remove_prefix(length);
    }
    block_.clear();
  }

  std::optional<std::string> take_line() {
    const auto end = engine_.output.find("\r\n");
    if (end == std::string::npos) return {};
    std::string line = engine_.output.substr(0, end);
    engine_.output.erase(0, end + 2);
    if (transcript_ != nullptr) *transcript_ += line + "\n";
    return line;
  }

  std::string expect_line(const std::string& pattern) {
    const auto line = take_line();
    if (!line) return "the server says nothing; expected " + pattern;
    return matches(pattern, *line) ? "" : "expected " + pattern + ", the server says " + printable(*line);
  }

  std::string expect_reply(const std::string& code) {
    if (code.starts_with("tagged ")) return expect_tagged(code.substr(7));
    for (;;) {
      const auto line = take_line();
      if (!line) return "the server says nothing; expected a reply " + code;
      if (code == ".") {
        if (*line == ".") return "";
        continue;
      }
      if (!line->starts_with(code)) return "expected a reply " + code + ", the server says " + printable(*line);
      if (line->size() == code.size() || (*line)[code.size()] == ' ') return "";
    }
  }

  /// IMAP: lines up to and with the one that has this tag and word.
  std::string expect_tagged(const std::string& words) {
    const std::string tag = words.substr(0, words.find(' ') + 1);
    for (;;) {
      const auto line = take_line();
      if (!line) return "the server says nothing; expected " + words;
      if (line->starts_with(tag))
        return line->starts_with(words + " ") ? "" : "expected " + words + ", the server says " + printable(*line);
    }
  }

  std::string expect_octets(const std::string& octets) {
    const std::string said = engine_.output.substr(0, octets.size());
    engine_.output.erase(0, octets.size());
    if (transcript_ != nullptr) *transcript_ += said;
    return said == octets ? "" : "expected " + printable(octets) + ", the server says " + printable(said);
  }

  /// HTTP: a status line with this code and fields up to an empty line; says how long the content is in `length`.
  std::string expect_head(const std::string& code, std::size_t* length = nullptr) {
    static constexpr std::string_view kLength = "Content-Length: ";
    const auto first = take_line();
    if (!first) return "the server says nothing; expected an answer " + code;
    if (!first->starts_with("HTTP/1.1 " + code + " ")) {
      return "expected an answer " + code + ", the server says " + printable(*first);
    }
    for (;;) {
      const auto line = take_line();
      if (!line) return "an answer whose head does not end";
      if (line->empty()) return "";
      if (length != nullptr && line->starts_with(kLength))
        *length = parse_u64(line->substr(kLength.size())).value_or(0);
    }
  }

  /// The same with its content, whatever that is.
  std::string expect_answer(const std::string& code) {
    std::size_t length = 0;
    if (auto wrong = expect_head(code, &length); !wrong.empty()) return wrong;
    if (engine_.output.size() < length) return "the content is shorter than it should be";
    return expect_octets(engine_.output.substr(0, length));
  }

  std::string expect_content(const std::string& pattern) {
    if (engine_.accepted.empty()) return "no message was accepted";
    const std::string content = engine_.accepted.front();
    engine_.accepted.erase(engine_.accepted.begin());
    if (transcript_ != nullptr) *transcript_ += "content " + printable(content, 100000) + "\n";
    return matches(pattern, content) ? "" : "the content is " + printable(content);
  }

  Engine& engine_;
  const Cut cut_;
  std::string* const transcript_;
  std::string block_;
  std::size_t sent_ = 0;
};

} // namespace

std::optional<std::string> play(const Dialog& dialog, Engine& engine, Cut cut, std::string* transcript) {
  Player player(engine, cut, transcript);
  const auto where = [&](int line) { return dialog.name + ".dialog:" + std::to_string(line) + ": "; };
  for (const Step& step : dialog.steps) {
    const std::string wrong = player.step(step);
    if (!engine.broken.empty()) return where(step.line) + "broken promise: " + engine.broken.front();
    if (!wrong.empty()) return where(step.line) + wrong;
  }
  const std::string wrong = player.finish();
  if (!wrong.empty()) return where(dialog.steps.empty() ? 0 : dialog.steps.back().line) + wrong;
  return {};
}

std::size_t client_octets(const Dialog& dialog) {
  std::size_t octets = 0;
  for (const Step& step : dialog.steps) {
    if (step.kind == StepKind::client) octets += step.text.size();
  }
  return octets;
}

} // namespace paquebot::dialogs
