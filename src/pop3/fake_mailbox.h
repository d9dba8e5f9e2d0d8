#pragma once

#include "pop3/server_session.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::pop3 {

/// A driver and a mailbox in memory, for tests: performs a server session's actions and keeps what it sent.
/// The one account is "anna" with "secret"; the names "disabled", "slow", "busy", "broken" and "locked" get the
/// other verdicts with any password.
class FakeMailbox {
public:
  std::vector<std::string> messages;
  bool international = false;        ///< the messages came as SMTPUTF8
  std::size_t piece = 7;             ///< octets of a message given at once
  std::size_t fail_after = SIZE_MAX; ///< pieces of a message before the store fails
  bool fail_listing = false;
  bool fail_commit = false;
  std::vector<std::uint32_t> gone; ///< numbers of messages that somebody else has deleted

  std::string sent; ///< everything the session wrote
  std::vector<std::uint32_t> committed;
  std::size_t biggest_send = 0;
  std::size_t pieces_unsent = 0; ///< pieces given since the last Send, at worst
  bool wants_tls = false, closed = false;
  NeedInput need{};

  /// Performs actions until the session needs input, TLS or is closed.
  void perform(ServerSession& session) {
    while (!closed && !wants_tls) {
      Action action = session.next();
      if (auto* need_input = std::get_if<NeedInput>(&action)) {
        need = *need_input;
        return;
      }
      std::visit([&](auto& a) { on(session, a); }, action);
    }
  }
  /// Feeds and performs; a session that wants TLS gets it at once.
  void feed(ServerSession& session, std::string_view bytes) {
    if (closed) return;
    session.feed(bytes);
    perform(session);
    if (!wants_tls) return;
    wants_tls = false;
    sent += "<TLS>";
    session.tls_started();
    perform(session);
  }

private:
  void on(ServerSession&, NeedInput&) {}
  void on(ServerSession&, Send& a) {
    sent += a.bytes;
    biggest_send = std::max(biggest_send, a.bytes.size());
    since_send_ = 0;
  }
  void on(ServerSession&, StartTls&) { wants_tls = true; }
  void on(ServerSession&, Close&) { closed = true; }
  void on(ServerSession& s, AskLogin& a) {
    const auto& q = *a.question;
    user_ = q.authzid.empty() ? q.authcid : q.authzid;
    if (q.kind == sasl::Question::Kind::scram_keys) {
      static const auto key = sasl::make_scram_key(sasl::ScramHash::sha256, "secret", "salt", 4096);
      return s.answer_keys(a.id, {"salt", 4096, {key}});
    }
    LoginVerdict verdict = LoginVerdict::wrong;
    if (q.kind == sasl::Question::Kind::scram && q.authcid == "anna" && q.right) verdict = LoginVerdict::accepted;
    if (q.authcid == "anna" && q.secret == "secret") verdict = LoginVerdict::accepted;
    if (q.authcid == "locked" || q.authcid == "broken") verdict = LoginVerdict::accepted;
    if (q.authcid == "disabled") verdict = LoginVerdict::disabled;
    if (q.authcid == "slow") verdict = LoginVerdict::slow_down;
    if (q.authcid == "busy") verdict = LoginVerdict::temporary_failure;
    s.answer_login(a.id, verdict);
  }
  void on(ServerSession& s, AskOpen& a) {
    if (user_ == "locked") return s.answer_open(a.id, OpenVerdict::in_use, 0, 0);
    if (user_ == "broken") return s.answer_open(a.id, OpenVerdict::temporary_failure, 0, 0);
    std::uint64_t octets = 0;
    for (const std::string& m : messages) octets += m.size();
    s.answer_open(a.id, OpenVerdict::opened, static_cast<std::uint32_t>(messages.size()), octets);
  }
  void on(ServerSession& s, AskList& a) {
    std::vector<ListItem> rows;
    for (std::uint32_t n = a.first; n <= messages.size() && rows.size() < a.most; ++n) {
      const bool is_gone = std::ranges::find(gone, n) != gone.end();
      rows.push_back({n, messages[n - 1].size(), "uid" + std::to_string(n), is_gone});
    }
    s.list_page(a.id, std::move(rows), fail_listing);
  }
  void on(ServerSession& s, AskMessage& a) {
    if (a.first) at_ = given_ = 0;
    if (given_++ >= fail_after) return s.message_bytes(a.id, {}, false, true);
    pieces_unsent = std::max(pieces_unsent, ++since_send_);
    const std::string& m = messages[a.number - 1];
    std::string_view part = std::string_view(m).substr(at_, piece);
    at_ += part.size();
    s.message_bytes(a.id, part, at_ == m.size(), false, international);
  }
  void on(ServerSession& s, AskCommit& a) {
    committed = *a.deleted;
    s.answer_commit(a.id, !fail_commit);
  }

  std::string user_;
  std::size_t at_ = 0, given_ = 0, since_send_ = 0;
};

} // namespace paquebot::pop3
