#pragma once

#include "base/text.h"
#include "player.h"

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace paquebot::dialogs {

/// What the engines of all protocols have in common: the session, what it is told of the connection, and a handshake
/// that it may wait for.
template <class Session>
class SessionEngine : public Engine {
public:
  template <class... Arguments>
  explicit SessionEngine(Arguments&&... arguments) : session_(std::forward<Arguments>(arguments)...) {}

  void feed(std::string_view bytes) override {
    if (waiting_for_tls_ || deaf()) return;
    session_.feed(bytes);
    run();
  }
  void tls() override {
    if (!waiting_for_tls_) return broken.push_back("no handshake is due");
    waiting_for_tls_ = false;
    begin_tls();
    run();
  }
  void eof() override {
    session_.eof();
    run();
  }
  void timeout() override {
    session_.timed_out();
    run();
  }

protected:
  /// Performs actions until input is needed.
  virtual void run() = 0;
  /// What comes is dropped.
  virtual bool deaf() const { return closed(); }
  virtual void begin_tls() {}

  Session session_;
  bool waiting_for_tls_ = false;
};

/// A number among the options of a dialog; without it `into` stays as it is.
template <class Number>
void read_number(const Dialog& dialog, const char* name, Number& into) {
  if (const auto value = parse_u64(dialog.option(name, ""))) into = static_cast<Number>(*value);
}

} // namespace paquebot::dialogs
