// Fuzzes what an index for searches knows of a message: what a search finds by reading must never be ruled out, and
// what is known must not depend on how the message is cut. Octet 0: how large the pieces are; up to the first NUL what
// is searched for; the rest is a message.

#include "imap/search_filter.h"
#include "imap/texts.h"

#include <cstdlib>

using namespace paquebot::imap;

namespace {

struct Known {
  Fingerprint print;
  std::vector<bool> in_head, in_body;
};

/// Reads all of a message, in pieces of `step` octets.
Known read(const std::string& head, std::string_view body, std::size_t step, const std::vector<std::string>& needles) {
  Known known;
  known.in_head.resize(needles.size());
  known.in_body.resize(needles.size());
  TrigramSet of_head, of_body;
  each_field(head, [&](const std::string& text) {
    of_head.add(text);
    of_head.end_text();
    for (std::size_t i = 0; i < needles.size(); ++i)
      if (text.find(needles[i]) != std::string::npos) known.in_head[i] = true;
  });
  std::optional<AskBody> asked;
  std::function<void(Piece&)> then;
  MessageReader reader([&](AskBody question, std::function<void(Piece&)> answered) {
    asked = question;
    then = std::move(answered);
  });
  Content content;
  content.head = head;
  content.body_size = body.size();
  reader.begin(std::move(content));
  BodyTexts texts;
  std::string part;
  const BodyTexts::Sink sink{[&](const std::string& text) {
                               of_body.add(text);
                               part += text;
                             },
                             [&] {
                               of_body.end_text();
                               for (std::size_t i = 0; i < needles.size(); ++i)
                                 if (part.find(needles[i]) != std::string::npos) known.in_body[i] = true;
                               part.clear();
                             }};
  while (!texts.walk(reader, [] {}, sink)) {
    if (reader.failed() || !asked) std::abort();
    Piece piece;
    piece.bytes = std::string(body.substr(asked->offset, std::min(step, asked->most)));
    asked.reset();
    then(piece);
  }
  known.print.head = of_head.bits();
  known.print.body = of_body.bits();
  return known;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 8192) return 0;
  const std::size_t step = data[0] + std::size_t{1};
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string words = " " + std::string(rest.substr(0, rest.find('\0')));
  const std::string_view message = words.size() > rest.size() ? std::string_view() : rest.substr(words.size());
  const auto end = message.find("\r\n\r\n");
  const std::string head(end == std::string_view::npos ? "\r\n" : message.substr(0, end + 4));
  const std::string_view body = end == std::string_view::npos ? message : message.substr(end + 4);
  Lexer lexer(words);
  SearchProgram program;
  const auto resolve = [](std::string_view, bool) { return std::optional<UidSet>(UidSet{{1, 9}}); };
  if (parse_search(lexer, resolve, 0, program) != SearchProblem::none) return 0;
  const FilterPlan plan = plan_of(program);
  const Known whole = read(head, body, body.size() + 1, program.needles);
  const Known cut = read(head, body, step, program.needles);
  if (whole.print.head != cut.print.head || whole.print.body != cut.print.body) std::abort();
  Row row;
  row.uid = 1;
  const std::vector<Keyword> keywords;
  const SearchFacts facts{&row, &keywords, &head, &whole.in_head, &whole.in_body};
  const bool found = judge(program.root, facts) == Verdict::yes;
  if (found && !plan.may_match(whole.print.head, whole.print.body, true)) std::abort();
  if (!plan.may_match(whole.print.head, {}, false) && plan.may_match(whole.print.head, whole.print.body, true))
    std::abort();
  return 0;
}
