#include "acme/renewal.h"

#include "http/date.h"

#include <algorithm>
#include <utility>

namespace paquebot::acme {
namespace {

using std::chrono::seconds;

constexpr std::chrono::milliseconds kFirstBackOff{60'000};
constexpr std::chrono::milliseconds kLongestBackOff{24LL * 3600 * 1000};

} // namespace

std::int64_t moment_in(const Window& window, std::int64_t chosen, std::uint64_t random) {
  if (chosen >= window.start && chosen < window.end) return chosen;
  const auto span = static_cast<std::uint64_t>(window.end - window.start);
  return window.start + static_cast<std::int64_t>(random % std::max<std::uint64_t>(span, 1));
}

std::int64_t two_thirds(const Issued& facts) { return facts.not_before + (facts.not_after - facts.not_before) / 3 * 2; }

std::int64_t late_from(const Issued& facts) { return facts.not_after - (facts.not_after - facts.not_before) / 4; }

std::chrono::milliseconds back_off(unsigned failures, seconds wanted) {
  const unsigned doublings = std::min(failures == 0 ? 0 : failures - 1, 11u);
  const auto own = kFirstBackOff * (1u << doublings);
  return std::min(std::max<std::chrono::milliseconds>(own, wanted), kLongestBackOff);
}

RenewalQuery::RenewalQuery(std::string directory_url, PrivateKey key, std::string id)
    : id_(std::move(id)), conversation_(std::move(directory_url), std::move(key)) {
  conversation_.look_up();
}

RenewalQuery::Action RenewalQuery::next() {
  while (!answer_) {
    const Conversation::Step said = conversation_.next();
    if (const auto* ask = std::get_if<Conversation::Ask>(&said)) return *ask;
    if (const auto* pause = std::get_if<Conversation::Pause>(&said)) return *pause;
    if (const auto* heard = std::get_if<Conversation::Heard>(&said)) {
      const Reply reply = *heard->reply; // what follows asks anew
      hear(reply);
    } else {
      answer_ = Answer{};
    }
  }
  return *answer_;
}

void RenewalQuery::hear(const Reply& reply) {
  if (!asked_) {
    asked_ = true;
    const std::string& base = conversation_.directory().renewal_info;
    if (base.empty() || id_.empty())
      answer_ = Answer{.again = seconds(24 * 3600)};
    else
      conversation_.get(base + "/" + id_);
    return;
  }
  answer_ = Answer{};
  if (reply.status != 200) return;
  if (auto window = read_window(reply.content)) answer_->window = std::move(*window);
  if (const auto again = http::retry_after(reply.fields, now_ / 1000, seconds(24 * 3600)); again && answer_->window)
    answer_->again = std::max(*again, seconds(60));
}

void RenewalQuery::answered(Reply reply, std::int64_t now) {
  now_ = now;
  conversation_.answered(std::move(reply), now);
}

} // namespace paquebot::acme
