// Whatever peers and senders say, a report keeps its lines short, is valid UTF-8 and names its recipients; and any
// message may be read as a report.

#include "base/text.h"
#include "mail/head.h"
#include "mail/report.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace paquebot;
using namespace paquebot::mail;

namespace {

void check(bool good) {
  if (!good) std::abort();
}

/// Takes the octets up to the next NUL.
std::string_view take(std::string_view& input) {
  const auto at = input.find('\0');
  const std::string_view part = input.substr(0, at);
  input.remove_prefix(at == std::string_view::npos ? input.size() : at + 1);
  return part;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  (void)parse_report(input);

  ReportInput in;
  in.id = "id";
  in.host = "mx.example.org";
  in.to = {"sender", "example.org"};
  in.smtputf8 = size % 2 == 0;
  ReportRecipient r;
  r.address = {"user", "example.net"};
  if (const auto address = parse_address(take(input))) r.address = *address;
  r.orcpt = take(input);
  r.told.host = take(input);
  r.told.place = r.told.host;
  Reply reply(static_cast<std::uint16_t>(size % 3 == 0 ? 450 : 550), {}, std::string(take(input)));
  if (size % 3 != 1) r.told.own = reply;
  reply.heard = true;
  if (size % 3 != 0) r.told.peer = reply;
  r.outcome = static_cast<Outcome>(size % 5);
  in.envid = take(input);
  HeadSplitter splitter;
  const std::string body(splitter.feed(input).value_or(""));
  (void)splitter.finish();
  in.head = splitter.head();
  in.body = body;
  in.recipients = {r, r};

  const Report report = compose_report(in);
  const std::string all = report.head + report.body;
  for (std::string_view rest = all; !rest.empty();) {
    const auto at = rest.find("\r\n");
    check(at != std::string_view::npos && at <= 998);
    check(rest.substr(0, at).find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
    rest.remove_prefix(at + 2);
  }
  check(is_ascii(report.head) && is_ascii(report.body) == !report.eight_bit);
  const auto parsed = parse_report(all);
  check(parsed && parsed->recipients.size() == 2);
  const auto redacted = redact_report(report.head, report.body);
  check(redacted && is_utf8(redacted->head + redacted->body)); // what is returned may be in any charset
  const auto left = parse_report(redacted->head + redacted->body);
  check(left && left->recipients.size() == 2 && left->returned_head.empty());
  return 0;
}
