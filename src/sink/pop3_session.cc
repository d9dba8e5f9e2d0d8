#include "sink/pop3_session.h"

#include "net/channel.h"

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <utility>

namespace paquebot::sink {
namespace {

constexpr std::size_t kPiece = 64u << 10;

/// With the line end that the last line gets when it has none.
std::uint64_t sent_octets(const Message& message) {
  return message.raw->size() + (message.raw->ends_with("\r\n") ? 0 : 2);
}

} // namespace

std::shared_ptr<const pop3::ServerOptions> pop3_options() {
  auto options = std::make_shared<pop3::ServerOptions>();
  options->hostname = "sink.localhost";
  options->tls_available = options->login_in_clear = true;
  options->login.scram = false; // it would want to know the password
  options->login.tokens = true;
  options->max_errors = 1000;
  return options;
}

Pop3Session::Pop3Session(Means& means, net::Stream stream, boost::asio::any_io_executor executor)
    : means_(means), pump_(std::move(stream), net::Pump::Side::server), executor_(std::move(executor)),
      session_(means.pop3, false) {}

Task<void> Pop3Session::serve(std::shared_ptr<Pop3Session> self) {
  Pop3Session& session = *self;
  std::weak_ptr<service::LiveSession> weak = self;
  session.token_ = session.means_.sessions.enter(session.executor_, weak);
  std::exception_ptr broke; // what was taken is given back all the same
  try {
    co_await session.pump_.run(session);
  } catch (...) {
    broke = std::current_exception();
  }
  session.means_.sessions.leave(session.token_);
  session.pump_.stream().close();
  if (broke) std::rethrow_exception(broke);
}

void Pop3Session::shut_down() {
  session_.shut_down();
  pump_.wake();
}

net::Order Pop3Session::next() {
  using Kind = net::Order::Kind;
  for (;;) {
    action_ = session_.next();
    if (const auto* out = std::get_if<pop3::Send>(&action_))
      return {.kind = Kind::send, .bytes = out->bytes, .within = means_.pop3->idle_timeout};
    if (const auto* need = std::get_if<pop3::NeedInput>(&action_))
      return {.kind = Kind::read, .within = need->within, .window = need->window};
    if (std::holds_alternative<pop3::StartTls>(action_)) return {.kind = Kind::tls};
    if (std::holds_alternative<pop3::Close>(action_)) return {.kind = Kind::rest};
    std::visit(
        [this](const auto& action) { // all is in memory: nothing waits
          if constexpr (requires { ask(action); }) ask(action);
        },
        action_);
  }
}

Task<void> Pop3Session::answer() { throw std::logic_error("nothing is asked"); }

void Pop3Session::tls_started(net::TlsInfo) {
  session_.set_channel(net::channel_of(pump_.stream()));
  session_.tls_started();
}

void Pop3Session::ask(const pop3::AskLogin& ask) { session_.answer_login(ask.id, pop3::LoginVerdict::accepted); }

void Pop3Session::ask(const pop3::AskOpen& ask) {
  inbox_ = inbox_name(session_.user());
  means_.inboxes.expire();
  means_.inboxes.touch(inbox_);
  messages_ = means_.inboxes.list(inbox_);
  std::ranges::reverse(messages_);
  std::uint64_t octets = 0;
  for (const MessagePtr& one : messages_) octets += sent_octets(*one);
  session_.answer_open(ask.id, pop3::OpenVerdict::opened, static_cast<std::uint32_t>(messages_.size()), octets);
}

void Pop3Session::ask(const pop3::AskList& ask) {
  std::vector<pop3::ListItem> rows;
  for (std::size_t at = ask.first - 1; at < messages_.size() && rows.size() < ask.most; ++at)
    rows.push_back({static_cast<std::uint32_t>(at + 1), sent_octets(*messages_[at]), messages_[at]->id});
  session_.list_page(ask.id, std::move(rows));
}

/// Each message is kept for the session, also when somebody else has removed it meanwhile.
void Pop3Session::ask(const pop3::AskMessage& ask) {
  if (ask.first) given_ = 0;
  const std::string& raw = *messages_.at(ask.number - 1)->raw;
  const std::string_view piece = std::string_view(raw).substr(given_, kPiece);
  given_ += piece.size();
  if (const bool fresh = given_ >= raw.size() && !messages_[ask.number - 1]->read; fresh) {
    messages_[ask.number - 1]->read = true;
    means_.inboxes.changed();
  }
  session_.message_bytes(ask.id, piece, given_ >= raw.size());
}

void Pop3Session::ask(const pop3::AskCommit& ask) {
  for (const std::uint32_t number : *ask.deleted)
    if (const MessagePtr& one = messages_.at(number - 1); one->inboxes.contains(inbox_))
      means_.inboxes.remove(inbox_, one);
  session_.answer_commit(ask.id, true);
}

} // namespace paquebot::sink
