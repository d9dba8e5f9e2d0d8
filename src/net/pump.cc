#include "net/pump.h"

#include "base/clock.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace paquebot::net {
namespace {

/// For what a server has said before it closed, when a write to it fails.
constexpr std::chrono::seconds kLastWords{5};

} // namespace

Pump::Pump(Stream stream, Side side) : stream_(std::move(stream)), side_(side) {}

/// Its frame lives as long as the connection, most of the time in the read: no step but that one is awaited here
/// itself.
Task<void> Pump::run(Session& session) {
  running_ = true;
  for (;;) {
    const Step step = advance(session);
    if (step == Step::rest) co_return;
    if (step == Step::read) {
      auto input = co_await stream_.read();
      end_read(session, input);
      continue;
    }
    Task<void> task = start(session, step);
    co_await std::move(task);
  }
}

Task<void> Pump::start(Session& session, Step step) {
  assert(step == Step::write || step == Step::tls || step == Step::question);
  if (step == Step::question) return session.answer();
  return step == Step::write ? write(session) : shake_hands(session);
}

/// As far as it goes without a wait: what is sent nearly always fits into the socket.
Pump::Step Pump::advance(Session& session) {
  while (!cut_) {
    Order order = session.next();
    switch (order.kind) {
      case Order::Kind::send:
        if (side_ == Side::client) window_ = ~0u;
        if (broken_) continue;
        order.bytes.remove_prefix(stream_.write_now(order.bytes));
        if (order.bytes.empty()) continue;
        begin_write(order);
        return Step::write;
      case Order::Kind::read: begin_read(order); return Step::read;
      case Order::Kind::tls: return Step::tls;
      case Order::Kind::question: return Step::question;
      case Order::Kind::rest: return Step::rest;
    }
  }
  return Step::rest;
}

void Pump::begin_read(const Order& order) {
  assert(!reading_ && !writing_);
  began_ = system_clock().now();
  if (order.window != window_) {
    window_ = order.window;
    deadline_ = began_ + order.within;
    hurried_ = false;
  }
  Instant until = std::min(deadline_, order.by);
  if (order.total.count() > 0) {
    if (order.total_window != total_window_) {
      total_window_ = order.total_window;
      total_deadline_ = began_ + order.total;
    }
    until = std::min(until, total_deadline_);
  }
  stream_.set_deadline(until);
  stream_.release_buffer();
  woken_ = false;
  reading_ = true;
}

void Pump::end_read(Session& session, const Result<std::string_view>& input) {
  reading_ = false;
  if (input && !input->empty())
    session.feed(*input);
  else if (input || input.error().code != Errc::timeout)
    session.eof();
  else if (!woken_)
    session.out_of_time();
}

void Pump::begin_write(const Order& order) {
  assert(!reading_ && !writing_);
  began_ = system_clock().now();
  stream_.set_deadline(std::min(began_ + order.within, order.by));
  hurried_ = false;
  unsent_ = order.bytes;
  writing_ = true;
}

Task<void> Pump::write(Session& session) {
  auto written = co_await stream_.write(unsent_);
  writing_ = false;
  if (written) co_return;
  if (side_ == Side::client && written.error().code == Errc::timeout) {
    session.out_of_time();
    co_return;
  }
  broken_ = true;
  if (side_ == Side::client) { // it may have said why before it closed: a 552 in the middle of data, a 421
    stream_.set_deadline(system_clock().now() + kLastWords);
    auto last_words = co_await stream_.read();
    if (last_words && !last_words->empty()) session.feed(*last_words);
  }
  session.eof();
}

Task<Result<TlsInfo>> Pump::accept_tls(TlsContext& context, std::chrono::seconds limit) {
  const Instant now = system_clock().now();
  stream_.set_deadline(leaving() ? now : now + limit);
  auto info = co_await stream_.start_tls_server(context);
  co_return info;
}

Task<void> Pump::shake_hands(Session& session) {
  const Session::Handshake wanted = session.handshake();
  hurried_ = true;
  stream_.set_deadline(system_clock().now() + kHandshake);
  stream_.release_buffer();
  Result<TlsInfo> info;
  if (wanted.dane != nullptr)
    info = co_await stream_.start_tls_client(wanted.context, *wanted.dane);
  else if (wanted.server_name != nullptr)
    info = co_await stream_.start_tls_client(wanted.context, *wanted.server_name);
  else
    info = co_await stream_.start_tls_server(wanted.context);
  if (info) {
    session.tls_started(std::move(*info));
    co_return;
  }
  broken_ = true;
  session.tls_failed(info.error());
}

void Pump::wake() {
  draining_ = true;
  if (running_ && !reading_) return;
  woken_ = reading_;
  stream_.set_deadline(system_clock().now());
}

void Pump::nudge() {
  if (!reading_) return; // next() is asked anyway
  woken_ = true;
  stream_.interrupt();
}

void Pump::cut() {
  cut_ = true;
  stream_.close();
}

void Pump::hurry() {
  if (std::exchange(hurried_, true)) return;
  deadline_ = system_clock().now();
  stream_.set_deadline(deadline_);
}

std::chrono::steady_clock::duration Pump::waited() const { return system_clock().now() - began_; }

} // namespace paquebot::net
