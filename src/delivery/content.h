#pragma once

#include "mail/convert.h"
#include "queue/queue.h"
#include "store/content_store.h"

#include <optional>
#include <string>
#include <string_view>

namespace paquebot::delivery {

/// The content of a message as it goes to a peer, piece by piece: from memory when fresh, else from the store;
/// converted when the peer needs that. Never whole in memory unless it is small.
class Content {
public:
  /// `prefix`: header lines to put in front, each with CRLF.
  Content(store::ContentStore& store, const queue::Job& job, std::string prefix);

  /// Reads the head. Call once, first.
  Task<Result<>> open();
  const std::string& head() const { return head_; }
  /// Octets that next() will give.
  std::uint64_t size() const { return signature_.size() + size_; }
  /// From now on next() gives the content as quoted-printable or base 64 where it has what the peer can't take (RFC
  /// 6152 section 3, RFC 3030 section 3). Reads it through once, to be sure before anything is sent; unsupported when
  /// it can't be done.
  Task<Result<>> convert(mail::Conversion how);
  /// Whether the head and those of all parts are ASCII; false when that can't be told. Reads the content through.
  Task<Result<bool>> heads_are_ascii(bool binary);
  /// From now on next() gives a report of ours without what it returns of the message that it is about (RFC 8689
  /// section 5). unsupported when it is none. Before convert().
  Task<Result<>> redact();
  /// Which of its forms next() gives: 0 as it is stored, another number for each conversion, and for what is redacted.
  int form() const;
  /// Puts whole fields in front of the head; call before the first next(), or after rewind(). convert() takes them
  /// away.
  void put_signature(std::string fields) { signature_ = std::move(fields); }
  const std::string& signature() const { return signature_; }
  /// next() begins anew.
  Result<> rewind();
  /// The next piece, valid until the next call; empty at the end.
  Task<Result<std::string_view>> next();

private:
  Task<Result<std::string_view>> next_unsigned();
  Task<Result<std::string_view>> next_raw();
  Task<Result<std::string_view>> next_converted();
  Result<> begin_conversion(mail::Conversion how);

  store::ContentStore& store_;
  std::shared_ptr<const store::AcceptRequest> fresh_;
  store::Id head_id_;
  store::BodyRef body_;
  std::string prefix_;
  std::string head_;
  std::string signature_;
  std::optional<std::string> redacted_; ///< instead of the stored body
  std::string piece_;
  std::string converted_;
  std::uint64_t size_ = 0;
  std::uint64_t offset_ = 0;            ///< in the body
  std::optional<mail::Conversion> how_; ///< the conversion under way
  bool signature_sent_ = false;
  bool head_sent_ = false;
  bool finished_ = false; ///< the converter has given all
  std::optional<mail::MessageConverter> converter_;
};

} // namespace paquebot::delivery
