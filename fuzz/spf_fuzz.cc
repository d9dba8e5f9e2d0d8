// A record, a local part, a domain and an explanation, separated by NULs: an evaluation ends, asks a bounded number of
// questions that can be asked, and says only what may stand in a reply.

#include "base/fake_clock.h"
#include "base/text.h"
#include "dns/wire.h"
#include "mailauth/spf.h"
#include "mailauth/spf_macro.h"
#include "net/test_support.h"

#include <algorithm>
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

std::string_view take(std::string_view& input) {
  const auto at = input.find('\0');
  const std::string_view part = input.substr(0, at);
  input.remove_prefix(at == std::string_view::npos ? input.size() : at + 1);
  return part;
}

/// The record for the domain, the explanation for other texts, an address and a few names for the rest.
class World final : public dns::Resolver {
public:
  World(std::string record, std::string other) : record_(std::move(record)), other_(std::move(other)) {}
  unsigned asked = 0;

  Task<std::shared_ptr<const dns::Answer>> query(std::string name, dns::Type type) override {
    check(dns::is_escaped_query_name(name));
    ++asked;
    auto answer = std::make_shared<dns::Answer>();
    answer->status = dns::Status::ok;
    const bool odd = name.size() % 2 == 1;
    switch (type) {
      case dns::Type::txt: answer->records.push_back({odd ? record_ : other_}); break;
      case dns::Type::a: answer->records.push_back({odd ? "192.0.2.2" : "192.0.2.1"}); break;
      case dns::Type::aaaa: answer->status = dns::Status::no_data; break;
      default: answer->records.push_back({"mx.test"}); answer->records.push_back({"b.test"});
    }
    co_return answer;
  }

private:
  std::string record_;
  std::string other_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static net::test::Loop loop;
  std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string record(take(input));
  SpfQuestion question;
  question.ip = *parse_ip(size % 3 == 0 ? "2001:db8::1" : "192.0.2.1");
  question.helo = "client.test";
  question.local = take(input);
  question.domain = take(input);
  World world(record, std::string(take(input)));

  const FakeClock clock;
  const SpfLimits limits;
  const auto outcome = loop.run(check_spf(question, world, clock, limits));
  // Ten terms with at most ten hosts each, the names of the address, the records and the explanation.
  check(world.asked <= 150);
  check(outcome.explanation.size() <= 400);
  check(std::ranges::all_of(outcome.explanation, [](char c) { return c >= ' ' && c < 127; }));
  check(printable(outcome.reason, 4096) == outcome.reason);

  SpfMacroValues values;
  values.local = question.local;
  values.sender_domain = values.domain = question.domain;
  values.ip = question.ip;
  check(expand_spf_macros(record, values, 500).size() <= 500);
  (void)spf_target_name(record, values);
  return 0;
}
