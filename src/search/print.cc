#include "search/print.h"

#include "imap/texts.h"

#include <functional>
#include <optional>
#include <utility>

namespace paquebot::search {

Task<Result<imap::Fingerprint>> print_of(store::ContentStore& store, store::EntryContent content) {
  imap::TrigramSet head, body;
  imap::each_field(content.head, [&head](const std::string& text) {
    head.add(text);
    head.end_text();
  });
  imap::Fingerprint print;
  print.head = head.bits();
  std::size_t taken = 0;
  const imap::BodyTexts::Sink sink{[&](const std::string& text) {
                                     taken += text.size();
                                     body.add(text);
                                   },
                                   [&] { body.end_text(); }};
  const auto wanted = [&taken] { return taken < kMostText; };
  std::optional<imap::AskBody> asked;
  std::function<void(imap::Piece&)> then;
  imap::MessageReader reader([&](imap::AskBody question, std::function<void(imap::Piece&)> answered) {
    asked = question;
    then = std::move(answered);
  });
  const store::BodyRef ref = content.body;
  reader.begin({.row = {}, .head = std::move(content.head), .body_size = ref.size, .text = std::move(content.text)});
  imap::BodyTexts texts;
  texts.begin();
  const std::function<void()> resume = [] {};
  print.whole = ref.size <= kMostRead;
  while (print.whole && !texts.walk(reader, resume, sink, wanted)) {
    if (reader.failed() || !asked) co_return fail(Errc::io, "the message can't be read");
    const std::uint64_t offset = asked->offset;
    const std::size_t most = asked->most;
    asked.reset();
    auto bytes = co_await store.read_body(ref, offset, most);
    imap::Piece piece;
    if (bytes)
      piece.bytes = std::move(*bytes);
    else
      piece.fault = imap::Fault::unavailable;
    then(piece);
    if (reader.failed()) co_return fail(Errc::io, "the message can't be read");
  }
  print.whole = print.whole && wanted();
  print.body = body.bits();
  co_return std::move(print);
}

} // namespace paquebot::search
