#include "delivery/host_answers.h"

#include "base/clock.h"

#include <utility>

namespace paquebot::delivery {

Task<HostAnswers::Both> HostAnswers::look_up(std::string host) {
  const auto known = asked_.find(host);
  if (known != asked_.end()) co_return known->second;
  const auto begun = system_clock().now();
  const auto nothing = std::make_shared<const dns::Answer>(dns::Answer{.status = dns::Status::no_data});
  Both both;
  both.four = both.six = nothing;
  if (ipv4_) both.four = co_await resolver_.query(host, dns::Type::a);
  if (ipv6_) both.six = co_await resolver_.query(host, dns::Type::aaaa);
  taken_ += system_clock().now() - begun;
  asked_[host] = both;
  co_return both;
}

Task<std::shared_ptr<const dns::Answer>> HostAnswers::ask(std::string name, dns::Type type) {
  const auto begun = system_clock().now();
  auto answer = co_await resolver_.query(std::move(name), type);
  taken_ += system_clock().now() - begun;
  co_return answer;
}

} // namespace paquebot::delivery
