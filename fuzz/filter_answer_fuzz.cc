// What rspamd (in JSON) and clamd may say: whatever it is, it is read in bounds, and what is made of it may stand
// in a reply.

#include "base/text.h"
#include "filter/clamd_answer.h"
#include "filter/rspamd_answer.h"
#include "filter/said.h"

#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace paquebot;
using namespace paquebot::filter;

namespace {

void check(bool good) {
  if (!good) std::abort();
}

void read_rspamd(std::string_view body) {
  const Options options{.name = "fuzz"};
  const auto outcome = rspamd::read_answer(body, options);
  if (!outcome) return;
  check(outcome->head.size() <= 510 && outcome->added.size() <= 500 && outcome->removed.size() <= 500);
  for (const HeadChange& change : outcome->head) check(is_field_name(change.name));
  check(is_ascii(outcome->verdict.reply.text) && outcome->verdict.reply.text.find('\r') == std::string::npos);
  check(printable(outcome->note, 4096) == outcome->note);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto found = clamd::read_answer(input)) check(is_ascii(*found) && found->size() <= 100);
  read_rspamd(input);
  return 0;
}
