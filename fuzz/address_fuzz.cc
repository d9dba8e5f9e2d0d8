// An address that is read is written and read again to the same; paths, lists and domains hold their bounds.

#include "mail/address.h"
#include "mail/head.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace paquebot::mail;

namespace {

void check(bool good) {
  if (!good) std::abort();
}

void check_again(const Address& address) {
  check(address.local.size() <= kMaxLocalPart && address.domain.size() <= kMaxDomain);
  if (address.domain.empty()) return;
  const std::string text = address.to_string();
  check(text.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
  const auto again = parse_address(text);
  check(again && *again == address);
  const auto path = parse_path("<" + text + ">");
  check(path && path->address == address && path->length == text.size() + 2);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto address = parse_address(input)) check_again(*address);
  check(!parse_address(input, false) || parse_address(input));
  if (const auto path = parse_path(input)) {
    check(path->length <= input.size());
    check_again(path->address);
  }
  if (const auto list = addresses_of(input)) {
    for (const Address& address : *list) check_again(address);
  }
  if (const auto domain = normalize_domain(input)) {
    check(normalize_domain(*domain) == *domain);
    check(!display_domain(*domain).empty());
  }
  return 0;
}
