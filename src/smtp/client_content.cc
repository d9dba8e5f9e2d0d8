// The content of a message: behind DATA, or in chunks by BDAT (RFC 3030).

#include "smtp/client_impl.h"

namespace paquebot::smtp {
namespace {

/// Chunks on their way without a reply read, where the peer has PIPELINING: one travels while the other is stored.
constexpr std::size_t kChunksInFlight = 2;

} // namespace

/// Binary content knows no other way than chunks. For lines DATA is as good and known to every peer; but a large
/// message gains: the peer says no (too large, no room) after a chunk and not after all of it.
void ClientSession::Content::begin() {
  const Message& message = session_.message;
  const bool large = message.outgoing().size > session_.options.chunk;
  chunks_ = session_.setup.features().chunking && (message.binary() || large);
  chunk_.clear();
  encoder_ = DotEncoder(!chunks_);
}

bool ClientSession::Content::wanted() const {
  const std::size_t most = chunks_ && session_.setup.features().pipelining ? kChunksInFlight : 1;
  return session_.phase == Impl::Phase::content && session_.expected.size() < most;
}

void ClientSession::Content::add(std::string_view bytes) {
  if (!chunks_) return encoder_.encode(bytes, session_.out);
  if (session_.message.binary()) {
    chunk_ += bytes;
  } else {
    encoder_.encode(bytes, chunk_);
  }
  if (chunk_.size() < session_.options.chunk) return;
  send_chunk(false);
  session_.expected.push_back({Impl::Command::bdat});
}

void ClientSession::Content::end() {
  if (!chunks_) {
    encoder_.finish(session_.out);
  } else {
    if (!session_.message.binary()) encoder_.finish(chunk_);
    send_chunk(true);
  }
  session_.phase = Impl::Phase::final;
  session_.message.await_final();
}

void ClientSession::Content::send_chunk(bool last) {
  session_.out += "BDAT " + std::to_string(chunk_.size()) + (last ? " LAST\r\n" : "\r\n");
  session_.out += chunk_;
  chunk_.clear();
}

/// Section 2: after a refusal the transaction has failed and no further chunk is sent; what is on its way is answered
/// yet.
void ClientSession::Content::on_chunk(mail::Reply reply) {
  Message& message = session_.message;
  if (reply.code / 100 == 3) return session_.malformed("a go-ahead to BDAT");
  if (reply.code / 100 != 2 && !message.refused()) message.on_refused_chunk(std::move(reply));
  if (!message.refused()) return;
  if (session_.phase == Impl::Phase::content) {
    session_.phase = Impl::Phase::final;
    chunk_.clear();
  }
  if (session_.expected.empty()) message.finish();
}

} // namespace paquebot::smtp
