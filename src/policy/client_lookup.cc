#include "policy/client_lookup.h"

#include "base/log.h"
#include "base/text.h"
#include "mail/address.h"
#include "net/endpoint.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>

namespace paquebot::policy {
namespace {

constexpr std::size_t kNames = 10;
constexpr std::size_t kListText = 200;
constexpr std::size_t kLongestName = 253;
constexpr std::size_t kCached = 4096;
constexpr std::chrono::minutes kKept{5};

bool same_address(const std::string& a, const std::string& b) {
  std::array<unsigned char, 16> x{}, y{};
  const int family = a.find(':') == std::string::npos ? AF_INET : AF_INET6;
  return inet_pton(family, a.c_str(), x.data()) == 1 && inet_pton(family, b.c_str(), y.data()) == 1 && x == y;
}

/// Where a list's answers lie.
bool is_answer(const std::string& address) {
  static const net::Networks answers = net::Networks::parse({"127.0.0.0/8"}).value();
  static const net::Networks refusals = net::Networks::parse({"127.255.255.0/24"}).value();
  return answers.contains(address) && !refusals.contains(address);
}

} // namespace

std::string reversed_name(std::string_view address, std::string_view zone) {
  constexpr std::string_view kHex = "0123456789abcdef";
  const std::string text(address);
  std::array<unsigned char, 16> octets{};
  std::string name;
  if (inet_pton(AF_INET, text.c_str(), octets.data()) == 1) {
    for (int i = 3; i >= 0; --i) name += std::to_string(octets[static_cast<std::size_t>(i)]) + ".";
  } else if (inet_pton(AF_INET6, text.c_str(), octets.data()) == 1) {
    for (int i = 15; i >= 0; --i) {
      const unsigned char octet = octets[static_cast<std::size_t>(i)];
      name += {kHex[octet & 15], '.', kHex[octet >> 4], '.'};
    }
  } else {
    return {};
  }
  return name + std::string(zone);
}

bool is_listing(const DnsList& list, const dns::Answer& answer) {
  if (answer.status != dns::Status::ok) return false;
  bool listed = false;
  for (const dns::Record& record : answer.records) {
    if (!is_answer(record.text)) {
      log::warning("dns-list-broken", {{"zone", list.zone}, {"answer", record.text}});
      return false;
    }
    listed = listed || list.answers.empty() || list.answers.contains(record.text);
  }
  return listed;
}

Task<std::pair<ReverseDns, std::string>> look_up_names(std::shared_ptr<dns::Resolver> resolver, std::string address) {
  const bool six = address.find(':') != std::string::npos;
  std::string question = reversed_name(address, six ? "ip6.arpa" : "in-addr.arpa");
  if (question.empty()) co_return std::pair(ReverseDns::unknown, std::string());
  const auto names = co_await resolver->query(std::move(question), dns::Type::ptr);
  if (names->status == dns::Status::servfail) co_return std::pair(ReverseDns::unknown, std::string());
  if (names->status != dns::Status::ok || names->records.empty()) co_return std::pair(ReverseDns::none, std::string());
  const dns::Type type = six ? dns::Type::aaaa : dns::Type::a;
  bool failed = false;
  for (std::size_t i = 0; i < names->records.size() && i < kNames; ++i) {
    std::string name = names->records[i].text;
    const auto addresses = co_await resolver->query(std::move(name), type);
    failed = failed || addresses->status == dns::Status::servfail;
    for (const dns::Record& record : addresses->records)
      if (same_address(address, record.text)) co_return std::pair(ReverseDns::confirmed, names->records[i].text);
  }
  co_return std::pair(failed ? ReverseDns::unknown : ReverseDns::mismatch, std::string());
}

std::string listable_domain(std::string_view name) {
  if (name.starts_with('[') || name.find('.') == std::string_view::npos || net::is_ip_address(name)) return {};
  return mail::normalize_domain(name).value_or("");
}

namespace {

/// RFC 5782 section 5: what must not be on a list is not, and what must be is.
Task<bool> names_everybody(std::shared_ptr<dns::Resolver> resolver, DnsList list) {
  std::string nobody = list.domains ? "invalid." + list.zone : reversed_name("127.0.0.1", list.zone);
  const auto control = co_await resolver->query(std::move(nobody), dns::Type::a);
  if (control->status == dns::Status::ok) {
    const char* why = list.domains ? "it lists the domain \"invalid\", so it lists everybody"
                                   : "it lists 127.0.0.1, so it lists everybody";
    log::warning("dns-list-broken", {{"zone", list.zone}, {"why", why}});
    co_return true;
  }
  if (!list.domains) co_return false;
  std::string somebody = "test." + list.zone;
  const auto test = co_await resolver->query(std::move(somebody), dns::Type::a);
  if (test->status == dns::Status::nxdomain || test->status == dns::Status::no_data)
    log::info("dns-list-untested", {{"zone", list.zone}, {"why", "it does not list the domain \"test\""}});
  co_return false;
}

} // namespace

Task<std::optional<ListHit>> ask_list(std::shared_ptr<dns::Resolver> resolver, DnsList list, std::string what) {
  const std::string name = list.domains ? what + "." + list.zone : reversed_name(what, list.zone);
  if (name.empty() || name.size() > kLongestName) co_return std::nullopt;
  std::string question = name;
  const auto answer = co_await resolver->query(std::move(question), dns::Type::a);
  if (!is_listing(list, *answer)) co_return std::nullopt;
  const bool everybody = co_await names_everybody(resolver, list);
  if (everybody) co_return std::nullopt;
  ListHit hit{list.zone, list.score, {}, std::move(what)};
  question = name;
  const auto text = co_await resolver->query(std::move(question), dns::Type::txt);
  if (text->status == dns::Status::ok && !text->records.empty())
    hit.text = printable(text->records.front().text, kListText);
  co_return std::move(hit);
}

Task<bool> is_known_host(std::shared_ptr<dns::Resolver> resolver, std::string name) {
  const std::string host = to_lower(name);
  for (const dns::Type type : {dns::Type::a, dns::Type::aaaa, dns::Type::mx}) {
    std::string question = host;
    const auto answer = co_await resolver->query(std::move(question), type);
    if (answer->status == dns::Status::ok || answer->status == dns::Status::servfail) co_return true;
    if (answer->status == dns::Status::nxdomain) co_return false;
  }
  co_return false;
}

std::shared_ptr<const ClientFacts> FactsCache::find(const std::string& address) {
  const std::lock_guard lock(mutex_);
  const auto found = index_.find(address);
  if (found == index_.end() || found->second->until < clock_.now()) return nullptr;
  return found->second->facts;
}

void FactsCache::keep(const std::string& address, std::shared_ptr<const ClientFacts> facts) {
  const std::lock_guard lock(mutex_);
  if (const auto found = index_.find(address); found != index_.end()) {
    order_.erase(found->second);
    index_.erase(found);
  } else if (order_.size() >= kCached) {
    index_.erase(order_.back().address);
    order_.pop_back();
  }
  order_.push_front({address, std::move(facts), clock_.now() + kKept});
  index_.emplace(address, order_.begin());
}

void FactsCache::clear() {
  const std::lock_guard lock(mutex_);
  index_.clear();
  order_.clear();
}

} // namespace paquebot::policy
