#include "dns/addresses.h"

#include "base/text.h"

namespace paquebot::dns {

Task<Result<std::vector<std::string>>> addresses_of(Resolver& resolver, std::string host) {
  std::vector<std::string> found;
  bool unknown = false;
  for (const Type type : {Type::a, Type::aaaa}) {
    std::string name = host;
    const auto answer = co_await resolver.query(std::move(name), type);
    unknown = unknown || answer->status == Status::servfail;
    for (const Record& record : answer->records) found.push_back(record.text);
  }
  if (!found.empty()) co_return found;
  const std::string shown = printable(host, 200);
  if (unknown) co_return fail(Errc::temporary, "the DNS does not say which address " + shown + " has");
  co_return fail(Errc::not_found, "the DNS knows no address of " + shown);
}

} // namespace paquebot::dns
