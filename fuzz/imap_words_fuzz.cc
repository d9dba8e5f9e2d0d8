// Fuzzes what reads words of IMAP and parts of messages: UTF-7, sets, patterns, envelopes, structures, decoders. Octet
// 0 says which; octet 1 how large the pieces are. What can be written again must be read as the same.

#include "imap/envelope.h"
#include "imap/fetch_items.h"
#include "imap/mailbox_name.h"
#include "imap/message_reader.h"
#include "imap/search_program.h"
#include "imap/uid_set.h"
#include "imap/utf7.h"

#include <cstdlib>

using namespace paquebot;
using namespace paquebot::imap;

namespace {

void utf7(std::string_view text) {
  const auto name = utf7_decode(text);
  if (name && utf7_encode(*name) != text) std::abort();
}

void sets(std::string_view text) {
  const auto set = parse_sequence_set(text);
  if (!set) return;
  const UidSet resolved = set->resolve(1000);
  if (count_of(intersect(resolved, {{1, 1000}})) + count_of(without(resolved, {{1, 1000}})) != count_of(resolved))
    std::abort();
  if (resolved.empty()) return;
  const auto again = parse_sequence_set(to_text(resolved));
  if (!again || again->resolve(1000) != resolved) std::abort();
}

std::string structure_of(std::string_view head, std::string_view body, std::size_t step) {
  mail::MimeParser parser(head);
  for (std::size_t at = 0; at < body.size(); at += step) parser.feed(body.substr(at, step));
  const auto part = parser.finish();
  std::string out;
  put_structure(out, *part, true);
  const auto check = [&](const auto& self, const mail::MimePart& one, std::uint64_t most) -> void {
    if (one.head_offset + one.head_size > one.body_offset || one.body_offset + one.body_size > most) std::abort();
    for (const auto& inner : one.parts) self(self, *inner, most);
  };
  check(check, *part, head.size() + body.size());
  return out;
}

void structure(std::string_view text, std::size_t step) {
  const auto end = text.find("\n\n");
  const std::string_view head = text.substr(0, end == std::string_view::npos ? 0 : end + 2);
  const std::string_view body = text.substr(head.size());
  if (structure_of(head, body, step) != structure_of(head, body, body.size() + 1)) std::abort();
}

void decode(std::string_view text, std::size_t step) {
  for (const auto encoding : {PartDecoder::Encoding::base64, PartDecoder::Encoding::quoted_printable}) {
    std::string whole, pieces;
    PartDecoder one(encoding), other(encoding);
    one.feed(text, whole);
    one.finish(whole);
    for (std::size_t at = 0; at < text.size(); at += step) other.feed(text.substr(at, step), pieces);
    other.finish(pieces);
    if (whole != pieces) std::abort();
  }
}

void search(std::string_view text) {
  Lexer lexer(text);
  SearchProgram program;
  const auto resolve = [](std::string_view set, bool) -> std::optional<UidSet> {
    const auto parsed = parse_sequence_set(set);
    if (!parsed) return {};
    return parsed->resolve(5);
  };
  if (parse_search(lexer, resolve, 1'795'435'200'000, program) != SearchProblem::none) return;
  const Row row{.uid = 1};
  const std::vector<Keyword> keywords;
  const std::string head = "Subject: x\r\n\r\n";
  const std::vector<bool> found(program.needles.size());
  if (judge(program.root, {&row, &keywords, &head, &found, &found}) == Verdict::unknown) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 16384) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t step = data[1] + std::size_t{1};
  switch (data[0] % 8) {
    case 0: utf7(text); break;
    case 1: sets(text); break;
    case 2: structure(text, step); break;
    case 3: decode(text, step); break;
    case 4: search(text); break;
    case 5: envelope_addresses(text); break;
    case 6: {
      Lexer lexer(text);
      (void)parse_fetch_items(lexer);
      break;
    }
    default: {
      const auto half = text.size() / 2;
      (void)name_matches(text.substr(0, std::min<std::size_t>(half, 200)), text.substr(half, 500));
    }
  }
  return 0;
}
