#include "http/client_session.h"

#include "base/text.h"
#include "http/grammar.h"
#include "http/path.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace paquebot::http {

namespace {

constexpr std::string_view kCallersNot[] = {
    "content-length", "transfer-encoding", "host", "connection", "expect", "te", "upgrade", "trailer", "keep-alive"};

bool may_be_called(const Field& field) {
  if (!is_token(field.name) || !is_field_value(field.value)) return false;
  return std::ranges::none_of(kCallersNot, [&](std::string_view own) { return iequals(own, field.name); });
}

/// Content of a method that is there for it has its length told, also when there is none (RFC 9110 section 8.6).
bool tells_length(const Call& call) {
  return !call.content.empty() || call.rest > 0 || call.method == "POST" || call.method == "PUT" ||
         call.method == "PATCH";
}

} // namespace

struct ClientSession::Impl {
  enum class State : std::uint8_t { rest, head, content, answered, failed };

  explicit Impl(std::shared_ptr<const ClientOptions> o) : options(std::move(o)), head(options->head) {}

  void write(const Call& call);
  void read_head();
  void status_line();
  void whole_head();
  void read_content();
  void done();
  void fail_with(Errc code, std::string_view what);
  void fail_with(const Fault& what) {
    const bool large = what.status == 413 || what.status == 431;
    fail_with(large ? Errc::no_space : Errc::invalid, what.detail);
  }
  std::string_view unread() const { return std::string_view(input).substr(used); }
  void use(std::string_view rest) { used = input.size() - rest.size(); }

  std::shared_ptr<const ClientOptions> options;
  State state = State::rest;
  std::string input;
  std::size_t used = 0; ///< octets of input that were read
  std::string out;
  bool out_given = false;
  bool waits = false; ///< the input is used up
  std::uint32_t window = 1;
  std::uint64_t since_step = 0;

  HeadReader head;
  BodyReader body;
  bool head_call = false;
  bool http10 = false;
  bool reusable = true;
  bool heard = false; ///< something of an answer has come
  std::uint32_t interim = 0;
  Reply answer;
  Error error{Errc::closed, ""};
};

void ClientSession::Impl::write(const Call& call) {
  const auto told = std::back_inserter(out);
  fmt::format_to(told, "{} {} HTTP/1.1\r\nHost: {}\r\n", call.method, call.target, call.host);
  for (const Field& field : call.fields) fmt::format_to(told, "{}: {}\r\n", field.name, field.value);
  if (tells_length(call)) fmt::format_to(told, "Content-Length: {}\r\n", call.content.size() + call.rest);
  if (call.close) out += "Connection: close\r\n";
  out += "\r\n";
  out += call.content;
}

void ClientSession::Impl::fail_with(Errc code, std::string_view what) {
  state = State::failed;
  error = {code, "the HTTP server's answer: " + std::string(what)};
  out.clear();
}

void ClientSession::Impl::read_head() {
  auto rest = unread();
  heard = heard || !rest.empty();
  const auto step = head.read(rest);
  use(rest);
  if (!step) return fail_with(step.error());
  switch (*step) {
    case HeadReader::Step::more: waits = true; return;
    case HeadReader::Step::start: return status_line();
    case HeadReader::Step::start_too_long: return fail_with({431, "the status line is too long"});
    case HeadReader::Step::whole: return whole_head();
  }
}

void ClientSession::Impl::status_line() {
  const auto line = parse_status_line(head.start_line());
  if (!line) return fail_with(line.error());
  answer = {.status = line->status};
  http10 = line->minor == 0;
}

void ClientSession::Impl::whole_head() {
  answer.fields = head.take_fields();
  if (answer.status == 101) return fail_with({502, "it changes to a protocol that nobody asked for"});
  if (answer.status < 200) {
    if (++interim > options->max_interim) return fail_with({502, "too many answers before the one that counts"});
    return; // the next head counts
  }
  reusable = reusable && keeps_alive(answer.fields, http10);
  auto extent = extent_of(answer.fields, http10);
  if (!extent) return fail_with(extent.error());
  if (head_call || answer.status == 204 || answer.status == 304) {
    extent = Extent{};
  } else if (extent->framing == Framing::none) {
    if (options->delimited) return fail_with({502, "it does not tell where it ends"});
    extent->framing = Framing::until_close;
    reusable = false;
  }
  if (extent->length > options->max_content) return fail_with({413, "the content is too large"});
  body = BodyReader(*extent, options->body);
  body.set_most(options->max_content);
  state = State::content;
  since_step = 0;
  ++window;
}

void ClientSession::Impl::read_content() {
  auto rest = unread();
  const auto piece = body.next(rest);
  use(rest);
  if (!piece) return fail_with(piece.error());
  answer.content += *piece;
  since_step += piece->size();
  if (since_step >= options->body_step) {
    since_step = 0;
    ++window;
  }
  if (body.done()) return done();
  waits = unread().empty();
}

void ClientSession::Impl::done() {
  state = State::answered;
  if (!unread().empty()) reusable = false; // whatever that is, nobody asked for it
}

ClientSession::ClientSession(std::shared_ptr<const ClientOptions> options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
ClientSession::~ClientSession() = default;

Result<> ClientSession::call(Call call) {
  const auto host = parse_authority(call.host);
  if (!host || host->host.empty()) return fail(Errc::invalid, "a host for HTTP that is none");
  if (!is_token(call.method) || call.method == "CONNECT") return fail(Errc::invalid, "a method for HTTP that is none");
  const auto target = parse_target(call.method, call.target);
  if (!target || target->form != Form::origin) return fail(Errc::invalid, "a path for HTTP that is none");
  if (!std::ranges::all_of(call.fields, may_be_called)) return fail(Errc::invalid, "a field for HTTP that is none");
  const bool ready = impl_->state == Impl::State::rest || (impl_->state == Impl::State::answered && impl_->reusable);
  if (!ready) return fail(Errc::conflict, "this HTTP connection can take no other request");
  impl_->head_call = call.method == "HEAD";
  impl_->reusable = !call.close;
  impl_->heard = false;
  impl_->interim = 0;
  impl_->answer = {};
  impl_->write(call);
  impl_->state = Impl::State::head;
  ++impl_->window;
  return {};
}

void ClientSession::feed(std::string_view bytes) {
  using State = Impl::State;
  if (bytes.empty() || impl_->state == State::failed) return;
  if (impl_->state == State::rest || impl_->state == State::answered) {
    impl_->reusable = false;
    if (impl_->state == State::rest) impl_->fail_with(Errc::invalid, "it came before the request");
    return;
  }
  if (impl_->used == impl_->input.size()) {
    impl_->input.clear();
    impl_->used = 0;
  }
  impl_->input.append(bytes);
}

void ClientSession::timed_out() {
  using State = Impl::State;
  if (impl_->state == State::answered) return;
  impl_->fail_with(Errc::timeout, "it came too slowly");
}

void ClientSession::eof() {
  using State = Impl::State;
  impl_->reusable = false;
  if (impl_->state == State::answered || impl_->state == State::failed) return;
  if (impl_->state == State::content && impl_->body.framing() == Framing::until_close) return impl_->done();
  impl_->fail_with(Errc::closed, "the connection was closed before it was whole");
}

ClientAction ClientSession::next() {
  using State = Impl::State;
  Impl& at = *impl_;
  if (std::exchange(at.out_given, false)) {
    at.out.clear();
    ++at.window; // the time that sending took is not the answer's
  }
  for (;;) {
    if (!at.out.empty()) {
      at.out_given = true;
      return Send{at.out};
    }
    at.waits = false;
    switch (at.state) {
      case State::rest: return Rest{};
      case State::head: at.read_head(); break;
      case State::content: at.read_content(); break;
      case State::answered: return Answered{&at.answer, at.reusable};
      case State::failed: return Failed{at.error, !at.heard};
    }
    if (!at.waits) continue;
    const bool head = at.state == State::head;
    return NeedInput{head ? at.options->answer_timeout : at.options->body_timeout, at.window, false};
  }
}

} // namespace paquebot::http
