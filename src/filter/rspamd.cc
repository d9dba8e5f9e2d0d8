#include "filter/rspamd.h"

#include "filter/rspamd_answer.h"

namespace paquebot::filter {
namespace {

http::Call call_for(const Client& client, const Content& content, const std::string& host) {
  http::Call call;
  call.method = "POST";
  call.target = "/checkv2";
  call.host = host.empty() ? "localhost" : host.contains(':') ? "[" + host + "]" : host;
  call.fields = rspamd::request_fields(client, content);
  call.content = content.head().to_string();
  call.rest = content.body_size();
  call.close = true;
  return call;
}

std::shared_ptr<const http::ClientOptions> answer_bounds() {
  auto options = std::make_shared<http::ClientOptions>();
  options->max_content = rspamd::kMaxAnswer;
  return options; // its times count for nothing here: a Link has its own
}

} // namespace

/// The body follows what the engine has written.
Task<Result<>> Rspamd::send(http::ClientSession& engine, Content& content) {
  constexpr std::size_t most = 256u << 10;
  const http::ClientAction begun = engine.next();
  Result<> written;
  if (const auto* first = std::get_if<http::Send>(&begun)) {
    std::string_view bytes = first->bytes;
    written = co_await link_.write(bytes);
  }
  for (std::uint64_t offset = 0; written && offset < content.body_size();) {
    auto piece = co_await content.read(offset, most);
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) co_return fail(Errc::io, "the message is shorter than it was");
    offset += piece->size();
    std::string_view bytes = *piece;
    link_.begin_step();
    written = co_await link_.write(bytes);
  }
  co_return written;
}

Task<Result<Outcome>> Rspamd::answer(http::ClientSession& engine) {
  link_.begin_step();
  for (;;) {
    const http::ClientAction action = engine.next();
    if (const auto* failed = std::get_if<http::Failed>(&action)) co_return std::unexpected(failed->error);
    if (const auto* answered = std::get_if<http::Answered>(&action)) {
      const unsigned status = answered->answer->status;
      if (status != 200) co_return fail(Errc::temporary, "rspamd answered " + std::to_string(status));
      co_return rspamd::read_answer(answered->answer->content, options());
    }
    auto got = co_await link_.read_to_end();
    if (!got) co_return std::unexpected(got.error());
    if (got->empty())
      engine.eof();
    else
      engine.feed(*got);
  }
}

Task<Result<Outcome>> Rspamd::check(Client client, Content& content) {
  link_.begin_step();
  auto made = co_await link_.connect();
  if (!made) co_return std::unexpected(made.error());
  http::ClientSession engine(answer_bounds());
  auto called = engine.call(call_for(client, content, options().place.host));
  if (!called) co_return std::unexpected(called.error());
  auto sent = co_await send(engine, content);
  if (!sent) co_return std::unexpected(sent.error());
  co_return co_await answer(engine);
}

Task<Result<Outcome>> Rspamd::content(Client client, Content& content) {
  link_.begin_total();
  auto outcome = co_await check(std::move(client), content);
  link_.end_total();
  link_.close();
  co_return outcome;
}

} // namespace paquebot::filter
