#include "delivery/content.h"

#include "mail/report.h"

#include <algorithm>

namespace paquebot::delivery {

Content::Content(store::ContentStore& store, const queue::Job& job, std::string prefix)
    : store_(store), fresh_(job.fresh), head_id_(job.message.head), body_(job.message.body),
      prefix_(std::move(prefix)) {}

Task<Result<>> Content::open() {
  if (fresh_) {
    head_ = prefix_ + fresh_->head;
  } else {
    auto head = co_await store_.read_head(head_id_);
    if (!head) co_return std::unexpected(head.error());
    head_ = prefix_ + *head;
  }
  size_ = head_.size() + body_.size;
  co_return Result<>();
}

Task<Result<std::string_view>> Content::next() {
  if (!signature_sent_ && !signature_.empty()) {
    signature_sent_ = true;
    co_return std::string_view(signature_);
  }
  auto piece = co_await next_unsigned();
  co_return piece;
}

Task<Result<std::string_view>> Content::next_unsigned() {
  if (converter_) {
    auto piece = co_await next_converted();
    co_return piece;
  }
  auto piece = co_await next_raw();
  co_return piece;
}

Task<Result<std::string_view>> Content::next_raw() {
  if (!head_sent_) {
    head_sent_ = true;
    co_return std::string_view(head_);
  }
  if (redacted_) {
    std::string_view all = *redacted_;
    std::string_view rest = all.substr(std::min<std::size_t>(offset_, all.size()));
    offset_ = all.size();
    co_return rest;
  }
  if (offset_ >= body_.size) co_return std::string_view();
  if (fresh_) {
    std::string_view all = fresh_->body.bytes;
    std::string_view rest = all.substr(offset_);
    offset_ = body_.size;
    co_return rest;
  }
  auto piece = co_await store_.read_body(body_, offset_, store::kBodyChunk);
  if (!piece) co_return std::unexpected(piece.error());
  if (piece->empty()) co_return fail(Errc::io, "the stored body is shorter than it should be");
  piece_ = std::move(*piece);
  offset_ += piece_.size();
  co_return std::string_view(piece_);
}

Result<> Content::begin_conversion(mail::Conversion how) {
  converter_.emplace(how);
  how_ = how;
  converted_.clear();
  signature_sent_ = false;
  head_sent_ = true;
  offset_ = 0;
  finished_ = false;
  return converter_->start(head_, converted_);
}

Task<Result<std::string_view>> Content::next_converted() {
  piece_.clear();
  while (converted_.empty() && !finished_) {
    auto raw = co_await next_raw();
    if (!raw) co_return std::unexpected(raw.error());
    finished_ = raw->empty();
    auto done = finished_ ? converter_->finish(converted_) : converter_->feed(*raw, converted_);
    if (!done) co_return std::unexpected(done.error());
  }
  piece_.swap(converted_);
  converted_.clear();
  co_return std::string_view(piece_);
}

int Content::form() const {
  const int converted = how_ ? 1 + (how_->from_binary ? 1 : 0) + (how_->to_eight_bit ? 2 : 0) : 0;
  return converted + (redacted_ ? 8 : 0);
}

Task<Result<>> Content::redact() {
  if (redacted_) co_return Result<>();
  std::string body;
  head_sent_ = true;
  offset_ = 0;
  for (;;) {
    auto piece = co_await next_raw();
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) break;
    body += *piece;
  }
  auto redacted = mail::redact_report(head_, body);
  if (!redacted) co_return fail(Errc::unsupported, "it is no delivery report");
  head_ = std::move(redacted->head);
  redacted_ = std::move(redacted->body);
  size_ = head_.size() + redacted_->size();
  signature_.clear();
  co_return rewind();
}

Result<> Content::rewind() {
  if (how_) return begin_conversion(*how_);
  signature_sent_ = false;
  head_sent_ = false;
  offset_ = 0;
  return {};
}

Task<Result<>> Content::convert(mail::Conversion how) {
  signature_.clear();
  auto begun = begin_conversion(how);
  if (!begun) co_return begun;
  std::uint64_t size = 0;
  for (;;) {
    auto piece = co_await next_converted();
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) break;
    size += piece->size();
  }
  size_ = size;
  co_return begin_conversion(how);
}

Task<Result<bool>> Content::heads_are_ascii(bool binary) {
  mail::MessageConverter scan(mail::Conversion{.from_binary = binary, .to_eight_bit = true, .ascii_heads = true});
  std::string unused;
  bool fine = scan.start(head_, unused).has_value();
  head_sent_ = true;
  offset_ = 0;
  while (fine) {
    auto piece = co_await next_raw();
    if (!piece) co_return std::unexpected(piece.error());
    unused.clear();
    const bool over = piece->empty();
    const auto done = over ? scan.finish(unused) : scan.feed(*piece, unused);
    fine = done.has_value();
    if (over) break;
  }
  auto begun = rewind();
  if (!begun) co_return std::unexpected(begun.error());
  co_return fine;
}

} // namespace paquebot::delivery
