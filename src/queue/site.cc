#include "queue/site.h"

#include <algorithm>
#include <utility>

namespace paquebot::queue {
namespace {

constexpr std::int64_t kMinute = 60'000;
constexpr std::int64_t kCalm = 5'000;
constexpr std::int64_t kSlow = 30'000;
constexpr std::int64_t kBlock = 10 * kMinute;
constexpr std::int64_t kLongestBlock = 240 * kMinute;
constexpr std::int64_t kPerConnectionKnown = 60 * kMinute;
constexpr std::int64_t kSlowest = kMinute; // from one message to the next
constexpr std::int64_t kFastest = 10;
constexpr unsigned kWindows = 10; // full ones until there is one connection more
constexpr unsigned kRate = 10;    // messages that show one

} // namespace

bool Site::knows_something() const {
  return learned_.most > 0 || learned_.interval > 0 || learned_.per_connection > 0 || learned_.pause_until > 0 ||
         learned_.blocks > 0;
}

unsigned Site::window(unsigned configured) const {
  if (learned_.blocks > 0) return std::min(1U, configured);
  return learned_.most == 0 ? configured : std::min(learned_.most, configured);
}

std::int64_t Site::goes_at(std::int64_t now) const {
  const std::int64_t turn = learned_.interval > 0 ? std::min(next_, now + learned_.interval) : 0; // clocks jump
  return std::max({learned_.pause_until, turn, std::int64_t{0}});
}

unsigned Site::per_connection(std::int64_t now) const {
  return learned_.learned_at + kPerConnectionKnown <= now ? 0 : learned_.per_connection;
}

void Site::begins(std::int64_t now) {
  if (since_ == 0 || now < since_ || now - since_ > 2 * kMinute) {
    since_ = now;
    count_ = 0;
  }
  ++count_;
  relax(now);
  if (learned_.interval > 0) next_ = now + learned_.interval;
}

/// What was learnt of the rate, with each quiet minute that has passed.
void Site::relax(std::int64_t now) {
  if (learned_.interval == 0) return;
  if (quiet_from_ == 0 || quiet_from_ > now + kSlow)
    quiet_from_ = now; // it comes from the store, or the clock was ahead
  if (fastest_ == 0) fastest_ = learned_.interval / 2;
  while (learned_.interval > 0 && now - quiet_from_ >= kMinute) {
    quiet_from_ += kMinute;
    learned_.interval = learned_.hasty ? fastest_ : learned_.interval * 20 / 21;
    if (learned_.interval > std::max(fastest_, kFastest)) continue;
    learned_.interval = fastest_ = 0;
    learned_.hasty = false;
  }
}

void Site::judged(std::int64_t now, unsigned configured, bool full) {
  relax(now);
  learned_.blocks = 0;
  if (learned_.most == 0 || !full) return;
  if (++full_ < kWindows * learned_.most) return;
  full_ = 0;
  if (++learned_.most >= configured) learned_.most = 0;
}

void Site::too_many(std::int64_t now, unsigned configured, unsigned open, std::string why) {
  if (now < calm_until_ && calm_until_ <= now + kCalm) return; // others were refused with it
  const unsigned before = window(configured);
  learned_.most = std::clamp(before * 7 / 10, 1U, std::max(1U, open));
  learned_.why = std::move(why);
  learned_.learned_at = now;
  calm_until_ = now + kCalm;
  full_ = 0;
}

void Site::used_up(std::int64_t now, unsigned messages) {
  learned_.per_connection = messages;
  learned_.learned_at = now;
}

void Site::too_fast(std::int64_t now, std::string why) {
  if (learned_.interval > 0 && now < quiet_from_ && quiet_from_ <= now + kSlow) return; // it was slowed down just now
  const std::int64_t took = std::max<std::int64_t>(now - since_, 1000);
  std::int64_t seen = since_ == 0 || count_ == 0 ? 1000 : took / count_;
  learned_.hasty = learned_.interval == 0 && count_ < kRate;
  seen = std::max(seen, learned_.interval);
  learned_.interval = std::clamp(seen * 100 / 85, kFastest, kSlowest);
  fastest_ = learned_.interval / 2;
  quiet_from_ = now + kSlow;
  next_ = now + learned_.interval;
  learned_.why = std::move(why);
  learned_.learned_at = now;
  since_ = now;
  count_ = 0;
}

void Site::blocked(std::int64_t now, std::string why) {
  if (now < learned_.pause_until) return;
  std::int64_t pause = kBlock;
  for (unsigned i = 0; i < learned_.blocks && pause < kLongestBlock; ++i) pause *= 2;
  ++learned_.blocks;
  learned_.pause_until = now + std::min(pause, kLongestBlock);
  learned_.why = std::move(why);
  learned_.learned_at = now;
}

void Site::pause(std::int64_t now, std::int64_t until, std::string why) {
  learned_.pause_until = until;
  learned_.why = std::move(why);
  learned_.learned_at = now;
}

void Site::resume() {
  learned_.pause_until = 0;
  learned_.blocks = 0;
}

} // namespace paquebot::queue
