// Content in chunks: BDAT (RFC 3030).

#include "smtp/client_impl.h"

namespace paquebot::smtp {
namespace {

/// Chunks on their way without a reply read, where the peer has PIPELINING: one travels while the other is stored.
constexpr std::size_t kChunksInFlight = 2;

} // namespace

using Client = ClientSession::Impl;

/// Binary content knows no other way. For lines DATA is as good and known to every peer; but a large message gains: the
/// peer says no (too large, no room) after a chunk and not after all of it.
bool Client::wants_chunks() const {
  return features_.chunking && (message_.sender.body == mail::BodyType::binary || message_.size > options_.chunk);
}

/// All of the envelope was answered, and nothing like DATA has to be asked.
bool Client::envelope_over() {
  while (next_recipient_ < states_.size() && states_[next_recipient_] != RecipientState::waiting) ++next_recipient_;
  return mail_sent_ && next_recipient_ == states_.size();
}

bool Client::wants_content() const {
  const std::size_t most = chunks_ && features_.pipelining ? kChunksInFlight : 1;
  return phase_ == Phase::content && expected_.size() < most;
}

void Client::add_to_chunk(std::string_view bytes) {
  if (message_.sender.body == mail::BodyType::binary) {
    chunk_ += bytes;
  } else {
    encoder_.encode(bytes, chunk_);
  }
  if (chunk_.size() < options_.chunk) return;
  send_chunk(false);
  expected_.push_back({Command::bdat});
}

void Client::send_chunk(bool last) {
  out_ += "BDAT " + std::to_string(chunk_.size()) + (last ? " LAST\r\n" : "\r\n");
  out_ += chunk_;
  chunk_.clear();
}

/// Section 2: after a refusal the transaction has failed and no further chunk is sent; what is on its way is answered yet.
void Client::on_chunk(mail::Reply reply) {
  if (reply.code / 100 == 3) return malformed("a go-ahead to BDAT");
  if (reply.code / 100 != 2 && refusal_.code == 0) {
    settle_rest(reply, Settled::content);
    final_reply_ = reply;
    refusal_ = std::move(reply);
    refused_ = Settled::content;
  }
  if (refusal_.code == 0) return;
  if (phase_ == Phase::content) {
    phase_ = Phase::final;
    chunk_.clear();
  }
  if (expected_.empty()) message_done();
}

} // namespace paquebot::smtp
