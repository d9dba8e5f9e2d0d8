// Fuzzes what proxies say of visitors. Octet 0: which of the two kinds of fields is there. Whatever a visitor writes,
// what a proxy adds behind it counts, and an address comes out that is one.

#include "net/endpoint.h"
#include "service/forwarded.h"

#include <cstdint>
#include <cstdlib>
#include <string>

using namespace paquebot;

namespace {

constexpr const char* kPeer = "10.0.0.1";

http::Visitor ask(const http::Fields& fields, const char* peer = kPeer) {
  static const net::Networks proxies = net::Networks::parse({"10.0.0.0/8", "fd00::/8"}).value();
  http::Request request;
  request.fields = fields;
  http::Visitor from;
  from.address = peer;
  return service::visitor_for(request, from, proxies);
}

void expect(bool holds) {
  if (!holds) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 || size > 8192) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  http::Fields fields;
  if ((data[0] & 1) != 0) fields.push_back({"forwarded", text});
  if ((data[0] & 2) != 0) fields.push_back({"x-forwarded-for", text});
  if ((data[0] & 4) != 0) fields.push_back({"x-forwarded-proto", text});
  expect(net::is_ip_address(ask(fields).address));
  expect(ask(fields, "192.0.2.1").address == "192.0.2.1");
  expect(!ask(fields, "192.0.2.1").encrypted);
  const http::Visitor standard = ask({{"forwarded", text + ", for=192.0.2.60;proto=https"}});
  expect(standard.address == "192.0.2.60" && standard.encrypted);
  expect(ask({{"x-forwarded-for", text + ", 192.0.2.60"}}).address == "192.0.2.60");
  expect(ask({{"x-forwarded-for", text}, {"x-forwarded-for", "192.0.2.60"}}).address == "192.0.2.60");
  return 0;
}
