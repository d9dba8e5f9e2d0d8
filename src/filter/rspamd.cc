#include "filter/rspamd.h"

#include "filter/http_answer.h"
#include "filter/rspamd_answer.h"

namespace paquebot::filter {

Task<Result<>> Rspamd::send(Client client, Content& content) {
  constexpr std::size_t most = 256u << 10;
  const std::string head = content.head().to_string();
  const std::string place = options().place.path.empty() ? options().place.host : "localhost";
  const std::string start = rspamd::request_head(client, content, place, head.size() + content.body_size()) + head;
  std::string_view bytes = start;
  auto written = co_await link_.write(bytes);
  for (std::uint64_t offset = 0; written && offset < content.body_size();) {
    auto piece = co_await content.read(offset, most);
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) co_return fail(Errc::io, "the message is shorter than it was");
    offset += piece->size();
    bytes = *piece;
    link_.begin_step();
    written = co_await link_.write(bytes);
  }
  co_return written;
}

Task<Result<Outcome>> Rspamd::answer() {
  HttpAnswer http(rspamd::kMaxAnswer);
  link_.begin_step();
  for (bool whole = false; !whole;) {
    auto got = co_await link_.read_to_end();
    if (!got) co_return std::unexpected(got.error());
    auto fed = http.feed(*got);
    if (!fed) co_return std::unexpected(fed.error());
    whole = *fed;
  }
  if (http.status() != 200) co_return fail(Errc::temporary, "rspamd answered " + std::to_string(http.status()));
  co_return rspamd::read_answer(http.body(), options());
}

Task<Result<Outcome>> Rspamd::check(Client client, Content& content) {
  link_.begin_step();
  auto made = co_await link_.connect();
  if (!made) co_return std::unexpected(made.error());
  auto sent = co_await send(std::move(client), content);
  if (!sent) co_return std::unexpected(sent.error());
  co_return co_await answer();
}

Task<Result<Outcome>> Rspamd::content(Client client, Content& content) {
  link_.begin_total();
  auto outcome = co_await check(std::move(client), content);
  link_.end_total();
  link_.close();
  co_return outcome;
}

} // namespace paquebot::filter
