#include "http/server_impl.h"

#include <cassert>
#include <utility>

namespace paquebot::http {

namespace {
constexpr std::size_t kKeptMemory = 512; // octets of input and output memory, each, that an idle connection keeps

void empty(std::string& text) {
  text.clear();
  if (text.capacity() > kKeptMemory) std::string().swap(text);
}
} // namespace

ServerSession::Impl::Impl(std::shared_ptr<const ServerOptions> o) : options(std::move(o)), head(options->head) {}

void ServerSession::Impl::drop() {
  forget = forget || state == State::asked || state == State::content || state == State::due || state == State::stream;
  state = State::closed;
  out.clear();
  out_given = false;
}

Action ServerSession::Impl::next() {
  if (std::exchange(out_given, false)) empty(out);
  for (;;) {
    if (std::exchange(forget, false)) return Forget{id};
    if (!out.empty()) {
      out_given = true;
      return Send{out};
    }
    if (auto action = step()) return *action;
  }
}

/// One step; nothing when there is another one to take.
std::optional<Action> ServerSession::Impl::step() {
  switch (state) {
    case State::head:
      if (going_down && !head.started()) {
        state = State::finish;
        return {};
      }
      if (unread().empty()) return need();
      read_head();
      return {};
    case State::asked: return AskRequest{id, &request};
    case State::due: return AskResponse{id};
    case State::stream: return AskContent{id};
    case State::content:
    case State::drain: return read_content();
    case State::finish:
      state = close_hard ? State::closed : State::linger;
      since_step = 0;
      ++window;
      if (close_hard) return {};
      return EndOutput{};
    case State::linger: return linger();
    case State::closed: break;
  }
  return Close{};
}

/// What was read is used up then: an idle connection keeps none of it.
NeedInput ServerSession::Impl::need() {
  if (unread().empty()) {
    empty(input);
    used = 0;
  }
  switch (state) {
    case State::head:
      if (head.started()) return {options->head_timeout, window, false};
      return {options->idle_timeout, window, true};
    case State::linger: return {options->linger_timeout, window, false};
    default: return {options->body_timeout, window, false};
  }
}

void ServerSession::Impl::read_head() {
  const bool fresh = !head.started();
  auto rest = unread();
  const auto step = head.read(rest);
  use(rest);
  if (fresh && head.started()) ++window;
  if (!step) return error(step.error());
  switch (*step) {
    case HeadReader::Step::more: return;
    case HeadReader::Step::start: return start_line(true);
    case HeadReader::Step::start_too_long: return start_line(false);
    case HeadReader::Step::whole: return whole_head();
  }
}

void ServerSession::Impl::start_line(bool whole) {
  const auto line = head.start_line();
  if (whole) {
    if (const auto taken = take_start_line(line); !taken) error(taken.error());
    return;
  }
  // RFC 9112 section 3: too long a method is an unknown one.
  if (line.contains(' ')) return error({414, "the request line is too long"});
  error({501, "too long a method"});
}

void ServerSession::Impl::whole_head() {
  ++id;
  ++requests;
  ++window;
  since_step = 0;
  if (const auto taken = take_head(head.take_fields()); !taken) return error(taken.error());
  state = State::asked;
  if (auto answer = answer_at_once()) respond(std::move(*answer));
}

std::optional<Action> ServerSession::Impl::read_content() {
  const bool wanted = state == State::content;
  auto rest = unread();
  const auto piece = body.next(rest);
  use(rest);
  if (!piece) {
    if (wanted)
      fail_content(piece.error());
    else
      state = State::finish; // the answer is out already
    return {};
  }
  since_step += piece->size();
  if (since_step >= options->body_step) {
    since_step = 0;
    ++window;
  }
  if (!piece->empty()) {
    if (!wanted) return {};
    return Content{id, *piece};
  }
  if (!body.done()) return need();
  if (wanted)
    state = State::due;
  else
    renew();
  return {};
}

Action ServerSession::Impl::linger() {
  since_step += unread().size();
  used = input.size();
  if (since_step > options->max_linger) {
    state = State::closed;
    return Close{};
  }
  return need();
}

/// The answer is out and the connection goes on.
void ServerSession::Impl::renew() {
  assert(body.done() && "the next request begins behind this one");
  state = State::head;
  request = {};
  body = {};
  ++window;
}

bool ServerSession::Impl::answered(std::uint32_t which, State a, State b, State c) const {
  return which == id && (state == a || state == b || state == c);
}

ServerSession::ServerSession(std::shared_ptr<const ServerOptions> options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
ServerSession::~ServerSession() = default;

void ServerSession::feed(std::string_view bytes) {
  if (impl_->state == Impl::State::closed) return;
  if (impl_->used == impl_->input.size()) {
    empty(impl_->input);
    impl_->used = 0;
  }
  impl_->input.append(bytes);
}

void ServerSession::timed_out() {
  const Fault slow{408, "the request came too slowly"};
  if (impl_->state == Impl::State::head && impl_->head.started()) return impl_->error(slow, false);
  if (impl_->state == Impl::State::content) return impl_->fail_content(slow, false);
  impl_->drop();
}

void ServerSession::eof() { impl_->drop(); }
void ServerSession::shut_down() { impl_->going_down = true; }

void ServerSession::read_content(std::uint32_t id, std::uint64_t most, bool sized) {
  using State = Impl::State;
  if (!impl_->answered(id, State::asked, State::asked, State::asked)) return;
  const Request& request = impl_->request;
  if (request.framing == Framing::none) {
    impl_->state = State::due;
    return;
  }
  if (sized && request.framing != Framing::length) return impl_->fail_content({411, "the length must be told"});
  if (request.length > most) return impl_->fail_content({413, "the content is too large"});
  impl_->body.set_most(most);
  impl_->state = State::content;
  ++impl_->window; // the time that the driver took is not the client's
  if (request.expects_continue) impl_->out += "HTTP/1.1 100 Continue\r\n\r\n";
}

void ServerSession::respond(std::uint32_t id, Response response) {
  using State = Impl::State;
  if (impl_->answered(id, State::asked, State::content, State::due)) impl_->respond(std::move(response));
}

void ServerSession::content(std::uint32_t id, std::string_view bytes, bool last, bool failed) {
  using State = Impl::State;
  if (!impl_->answered(id, State::stream, State::stream, State::stream)) return;
  if (!failed) return impl_->stream_piece(bytes, last);
  impl_->state = State::closed;
}

Action ServerSession::next() { return impl_->next(); }
std::optional<Fault> ServerSession::take_fault() { return std::exchange(impl_->last_fault, std::nullopt); }
bool ServerSession::has_input() const { return !impl_->unread().empty(); }

} // namespace paquebot::http
