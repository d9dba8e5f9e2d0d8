// A message is parted the same however it is cut; a head that is read is written back unchanged; nothing that is put
// into a field makes another one.

#include "mail/content_scan.h"
#include "mail/content_type.h"
#include "mail/date.h"
#include "mail/head.h"
#include "mail/received.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace paquebot::mail;

namespace {

void check(bool good) {
  if (!good) std::abort();
}

struct SplitMessage {
  std::string head, body;
  bool operator==(const SplitMessage&) const = default;
};

SplitMessage part(std::string_view message, std::size_t step) {
  HeadSplitter splitter;
  SplitMessage parts;
  for (; !message.empty(); message.remove_prefix(std::min(step, message.size()))) {
    const auto body = splitter.feed(message.substr(0, step));
    if (!body) return {};
    parts.body += *body;
  }
  parts.body += splitter.finish().value();
  parts.head = splitter.take_head();
  return parts;
}

void check_head(const std::string& text, std::string_view value) {
  auto head = Head::parse(text);
  if (!head) return;
  const std::string written = head->to_string();
  check(written.ends_with("\r\n"));
  check(std::string_view(text).starts_with(std::string_view(written).substr(0, written.size() - 2)));
  const std::size_t before = head->fields().size();
  head->prepend("X-Test", value);
  head->append("X-Test", value);
  Arrival arrival;
  arrival.helo = arrival.peer_name = arrival.peer_ip = arrival.tls_version = arrival.id = value;
  arrival.tls = true;
  head->prepend_raw(compose_received(arrival));
  const auto again = Head::parse(head->to_string());
  check(again && again->fields().size() == before + 3);
  check(head->remove("x-test") >= 2);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const SplitMessage whole = part(input, size + 1);
  check(part(input, size % 7 + 1) == whole);
  check(size == 0 || whole.head.ends_with("\n"));
  check_head(whole.head, input);

  parse_content_type(input);
  first_token(input);
  unfold(input);
  if (const auto date = parse_date(input))
    check(parse_date(format_date(*date)) == std::chrono::floor<std::chrono::seconds>(*date));

  ContentScan once, twice;
  once.feed(input);
  twice.feed(input.substr(0, size / 2));
  twice.feed(input.substr(size / 2));
  check(once.longest_line == twice.longest_line && once.bare_cr == twice.bare_cr && once.bare_lf == twice.bare_lf);
  check(once.has_8bit == twice.has_8bit && once.has_nul == twice.has_nul);
  return 0;
}
