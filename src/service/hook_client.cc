#include "service/hook_client.h"

#include <utility>

namespace paquebot::service {
namespace {

constexpr std::chrono::milliseconds kHookConnect{5'000};
constexpr std::chrono::milliseconds kHookTime{15'000}; ///< for a whole request: who is slower has not answered
constexpr std::uint64_t kMostHookAnswer = 64u << 10;

Task<Result<std::vector<std::string>>> hook_addresses(std::shared_ptr<dns::Resolver> resolver, std::string host) {
  std::vector<std::string> addresses;
  std::string why;
  for (const dns::Type type : {dns::Type::aaaa, dns::Type::a}) {
    std::string name = host;
    const auto answer = co_await resolver->query(std::move(name), type);
    for (const dns::Record& record : answer->records) addresses.push_back(record.text);
    if (answer->status == dns::Status::servfail) why = answer->why;
  }
  if (addresses.empty()) co_return fail(Errc::not_found, host + " has no address" + (why.empty() ? "" : ": " + why));
  co_return addresses;
}

} // namespace

void HookClient::configure(control::HookRules rules) {
  const std::lock_guard lock(mutex_);
  rules_ = std::move(rules);
  client_.reset();
}

control::HookRules HookClient::rules() {
  const std::lock_guard lock(mutex_);
  return rules_;
}

std::shared_ptr<net::HttpClient> HookClient::client() {
  const std::lock_guard lock(mutex_);
  if (client_) return client_;
  net::HttpClientOptions options;
  options.plain = rules_.plain;
  options.also = rules_.also;
  options.connect_timeout = kHookConnect;
  options.timeout = kHookTime;
  options.answer.max_content = kMostHookAnswer;
  client_ = std::make_shared<net::HttpClient>(
      executor_, wheel_, [resolver = resolver_](std::string host) { return hook_addresses(resolver, std::move(host)); },
      std::move(options));
  return client_;
}

Task<Result<http::Reply>> HookClient::send(net::HttpRequest request) {
  const std::shared_ptr<net::HttpClient> asked = client(); // which it keeps until it is answered
  auto reply = co_await asked->send(std::move(request));
  co_return reply;
}

} // namespace paquebot::service
