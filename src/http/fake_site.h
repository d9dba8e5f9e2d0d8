#pragma once

#include "http/server_session.h"

#include <algorithm>
#include <string>
#include <vector>

namespace paquebot::http {

/// A driver and a small site in memory, for tests: performs a session's actions and keeps what it sent. Its paths:
/// /hello (any method), /show (what the engine understood, its fields sorted not), /echo (takes content up to `most`),
/// /sized (the same, only with a length), /early (403 without reading), /midway (422 at the first piece of content),
/// /stream, /counted (streamed without and with a length), /broken, /short, /long (streams that end wrongly), /empty
/// (204), /same (304), /bye (ends the connection), /split, /framed (answers that may not be sent); all others are 404.
class FakeSite {
public:
  std::uint64_t most = 100'000; ///< octets of content

  std::string sent;                  ///< everything the session wrote
  std::vector<std::string> accepted; ///< contents of requests that were answered
  std::vector<Fault> faults;         ///< what the engine refused by itself
  std::vector<std::string> broken;   ///< broken promises of the engine
  std::size_t asked = 0;             ///< requests that came through
  std::size_t forgotten = 0;
  std::size_t biggest_send = 0;
  bool ended = false;  ///< our direction is closed
  bool closed = false; ///< all is
  NeedInput need{};

  void perform(ServerSession& session) {
    while (!closed) {
      const Action action = session.next();
      if (const auto fault = session.take_fault()) faults.push_back(*fault);
      if (const auto* input = std::get_if<NeedInput>(&action)) {
        need = *input;
        return;
      }
      std::visit([&](const auto& what) { on(session, what); }, action);
    }
  }
  void feed(ServerSession& session, std::string_view bytes) {
    if (closed) return;
    session.feed(bytes);
    perform(session);
  }

private:
  void on(ServerSession&, const NeedInput&) {}
  void on(ServerSession&, const Send& send) {
    if (send.bytes.empty()) broken.emplace_back("empty Send");
    if (ended) broken.emplace_back("Send behind EndOutput");
    sent += send.bytes;
    biggest_send = std::max(biggest_send, send.bytes.size());
  }
  void on(ServerSession& session, const AskRequest& ask) {
    if (open_) broken.emplace_back("AskRequest before the last one is answered");
    if (ask.id <= id_) broken.emplace_back("an id that does not grow");
    ++asked;
    open_ = true;
    id_ = ask.id;
    content_.clear();
    request_ = ask.request;
    session.respond(ask.id - 1, {}); // late, must be ignored
    const std::string& path = ask.request->path;
    if (path == "/echo" || path == "/midway") return session.read_content(ask.id, most);
    if (path == "/sized") return session.read_content(ask.id, most, true);
    answer(session, answer_to(path));
  }
  void on(ServerSession& session, const Content& piece) {
    if (piece.bytes.empty() || piece.id != id_ || !open_) broken.emplace_back("Content that nobody asked for");
    content_ += piece.bytes;
    if (content_.size() > most) broken.emplace_back("more content than may be");
    if (request_->path == "/midway") answer(session, text(422, "enough\r\n"));
  }
  void on(ServerSession& session, const AskResponse& ask) {
    if (ask.id != id_ || !open_) broken.emplace_back("AskResponse for nothing");
    const auto octets = std::to_string(content_.size());
    accepted.push_back(std::move(content_));
    answer(session, text(200, octets + " octets\r\n"));
  }
  void on(ServerSession& session, const AskContent& ask) {
    session.content(ask.id + 1, "late", false);
    if (step_ >= pieces_.size()) return session.content(ask.id, "", true);
    const std::string piece = pieces_[step_++];
    session.content(ask.id, piece, step_ == pieces_.size() && !fails_, false);
    if (fails_ && step_ == pieces_.size()) session.content(ask.id, "", false, true);
  }
  void on(ServerSession&, const Forget& what) {
    if (what.id != id_) broken.emplace_back("Forget of another request");
    ++forgotten;
    open_ = false;
    content_.clear();
  }
  void on(ServerSession&, const EndOutput&) {
    if (ended) broken.emplace_back("EndOutput twice");
    ended = true;
  }
  void on(ServerSession&, const Close&) { closed = true; }

  void answer(ServerSession& session, Response response) {
    open_ = false;
    step_ = 0;
    session.respond(id_, std::move(response));
  }
  static Response text(unsigned status, std::string content) {
    return {.status = status, .fields = {{"Content-Type", "text/plain"}}, .content = std::move(content)};
  }
  Response stream(std::vector<std::string> pieces, std::optional<std::uint64_t> length, bool fails = false) {
    pieces_ = std::move(pieces);
    fails_ = fails;
    return {.fields = {{"Content-Type", "text/plain"}}, .streamed = true, .length = length};
  }
  Response answer_to(const std::string& path) {
    if (path == "/hello" || path == "/") return text(200, "hello\r\n");
    if (path == "/show") return text(200, shown());
    if (path == "/early") return text(403, "no\r\n");
    if (path == "/stream") return stream({"one\r\n", "", "two\r\n", "three\r\n"}, {});
    if (path == "/counted") return stream({"one\r\n", "two\r\n", "three\r\n"}, 17);
    if (path == "/broken") return stream({"one\r\n", "two\r\n"}, {}, true);
    if (path == "/short") return stream({"one\r\n"}, 17);
    if (path == "/long") return stream({"one\r\n", "two\r\n"}, 7);
    if (path == "/empty") return {.status = 204};
    if (path == "/same") return {.status = 304, .fields = {{"ETag", "\"7\""}}};
    if (path == "/split") return {.fields = {{"Location", "/a\r\nSet-Cookie: b=c"}}};
    if (path == "/framed") return {.fields = {{"content-length", "7"}}};
    if (path != "/bye") return text(404, "not here\r\n");
    Response last = text(200, "bye\r\n");
    last.close = true;
    return last;
  }
  std::string shown() const {
    std::string out = request_->method + " host=" + request_->host +
                      (request_->port ? ":" + std::to_string(*request_->port) : "") + " path=" + request_->path +
                      " query=" + request_->query + "\r\n";
    for (const Field& field : request_->fields) {
      if (field.name != "host") out += field.name + "=" + field.value + "\r\n";
    }
    return out;
  }

  const Request* request_ = nullptr;
  std::uint32_t id_ = 0;
  bool open_ = false; ///< a request was asked about and not answered
  std::string content_;
  std::vector<std::string> pieces_;
  std::size_t step_ = 0;
  bool fails_ = false;
};

} // namespace paquebot::http
