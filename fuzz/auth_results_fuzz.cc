// Authentication-Results, DMARC records and reports, From fields and tag lists from strangers. What was read and is
// composed again reads the same, and stays one field.

#include "mail/head.h"
#include "mailauth/auth_results.h"
#include "mailauth/author.h"
#include "mailauth/dmarc_record.h"
#include "mailauth/dmarc_report.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace paquebot;
using namespace paquebot::mailauth;

namespace {

void check(bool good) {
  if (!good) std::abort();
}

bool has_control(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) < ' ' || c == 127) return true;
  return false;
}

/// Whether composing keeps every octet: it drops control characters, and cuts reasons.
bool survives(const AuthResults& all) {
  if (has_control(all.authserv_id) || all.authserv_id.empty()) return false;
  for (const auto& r : all.results) {
    if (r.reason.size() > 200 || has_control(r.reason)) return false;
    for (const auto& p : r.properties)
      if (has_control(p.value)) return false;
  }
  return true;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto all = parse_auth_results(input)) {
    const std::string value = compose_auth_results(*all);
    for (std::size_t at = value.find('\n'); at != std::string::npos; at = value.find('\n', at + 1))
      check(at + 1 < value.size() && value[at + 1] == '\t' && value[at - 1] == '\r');
    const auto again = parse_auth_results(value);
    check(again && again->results.size() == all->results.size());
    if (survives(*all)) check(compose_auth_results(*again) == value);
  }
  if (const auto record = parse_dmarc_record(input)) {
    check(record->rua.size() <= kMaxDmarcUris && record->ruf.size() <= kMaxDmarcUris);
    check(record->usable || record->p == DmarcPolicy::none);
  }
  if (const auto report = parse_dmarc_report(input))
    check(parse_dmarc_report(compose_dmarc_report(*report)).has_value());
  (void)TagList::parse(input);
  if (auto head = mail::Head::parse(std::string(input))) {
    const auto author = author_of(*head);
    check((author.state == Author::State::one) == !author.domain.empty());
    check(author.domains.size() <= kMostAuthors &&
          (author.state == Author::State::one) == (author.domains.size() == 1));
    (void)remove_forged_results(*head, "mx.test");
    check(!head->find("Authentication-Results") || head->count("Authentication-Results") <= 64);
  }
  return 0;
}
