#include "filter/clamd.h"

#include "filter/clamd_answer.h"

namespace paquebot::filter {

Task<Result<>> Clamd::send_piece(std::string_view piece) {
  link_.begin_step();
  const std::string length = clamd::length_of(piece.size());
  std::string_view bytes = length;
  auto written = co_await link_.write(bytes);
  if (!written) co_return written;
  co_return co_await link_.write(piece);
}

/// The whole message, head first: clamd tells mail by its fields.
Task<Result<>> Clamd::send(Content& content) {
  constexpr std::size_t most = 256u << 10;
  std::string_view bytes = clamd::kBegin;
  auto written = co_await link_.write(bytes);
  const std::string head = content.head().to_string();
  bytes = head;
  if (written) written = co_await send_piece(bytes);
  for (std::uint64_t offset = 0; written && offset < content.body_size();) {
    auto piece = co_await content.read(offset, most);
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) break;
    offset += piece->size();
    bytes = *piece;
    written = co_await send_piece(bytes);
  }
  if (!written) co_return written;
  bytes = clamd::kEnd;
  co_return co_await link_.write(bytes);
}

Task<Result<std::string>> Clamd::answer() {
  std::string said;
  link_.begin_step();
  for (;;) {
    auto got = co_await link_.read_to_end();
    if (!got) co_return std::unexpected(got.error());
    said += *got;
    const auto end = said.find('\0');
    if (end != std::string::npos) co_return clamd::read_answer(std::string_view(said).substr(0, end));
    if (got->empty()) co_return fail(Errc::closed, "clamd closed the connection without an answer");
    if (said.size() > clamd::kMaxAnswer) co_return fail(Errc::invalid, "clamd's answer does not end");
  }
}

Task<Result<std::string>> Clamd::scan(Content& content) {
  link_.begin_step();
  auto made = co_await link_.connect();
  if (!made) co_return std::unexpected(made.error());
  auto sent = co_await send(content);
  if (sent) co_return co_await answer();
  if (sent.error().code == Errc::timeout) co_return std::unexpected(sent.error());
  auto why = co_await answer(); // it may have closed early and told the reason: a limit
  const bool told = !why && why.error().code == Errc::no_space;
  co_return std::unexpected(told ? why.error() : sent.error());
}

Task<Result<Outcome>> Clamd::content(Client, Content& content) {
  link_.begin_total();
  auto found = co_await scan(content);
  link_.end_total();
  link_.close();
  if (!found) co_return std::unexpected(found.error());
  Outcome outcome;
  const std::string field = "X-Virus-Status"; // as clamav-milter names it
  outcome.head.push_back({HeadChange::Kind::remove, 0, field, {}});
  if (found->empty()) co_return outcome;
  outcome.note = "found " + *found;
  switch (options().bad) {
    case Deed::refuse:
      outcome.verdict.kind = Verdict::Kind::refuse;
      outcome.verdict.reply = {
          550, {5, 7, 1}, "this message holds a virus: " + *found, "by the filter " + options().name};
      break;
    case Deed::hold: outcome.hold = "it holds a virus: " + *found; break;
    case Deed::tag: outcome.head.push_back({HeadChange::Kind::append, 0, field, "Infected (" + *found + ")"}); break;
  }
  co_return outcome;
}

} // namespace paquebot::filter
