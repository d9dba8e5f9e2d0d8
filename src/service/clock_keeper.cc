#include "service/clock_keeper.h"

#include "base/log.h"
#include "base/text.h"
#include "mail/timestamp.h"

#include <fmt/format.h>

namespace paquebot::service {
namespace {

constexpr std::chrono::seconds kBeat{60};

} // namespace

Task<bool> ClockKeeper::begin() {
  const auto heartbeat = co_await store_.last_beat();
  const std::string key = store::kClockSetting;
  const auto synchronised = co_await store_.get_setting(key);
  if (!heartbeat || !synchronised) co_return false;
  const auto space = synchronised->find(' ');
  const auto passed = parse_u64(std::string_view(*synchronised).substr(0, space)).value_or(0);
  const auto said =
      space == std::string::npos ? std::nullopt : parse_u64(std::string_view(*synchronised).substr(space + 1));
  kept_doubt_ = !synchronised->empty();
  written_ = *heartbeat;
  trust_.begin({*heartbeat, std::chrono::milliseconds(passed), static_cast<std::int64_t>(said.value_or(0))});
  begun_ = true;
  // The first heartbeat of a store is written down at once: without it the next run believes any clock.
  const Instant now = trust_.now();
  beat_at_ = *heartbeat == 0 ? now - kBeat : now;
  co_return true;
}

Task<void> ClockKeeper::tick() {
  if (!begun_) {
    const bool ready = co_await begin();
    if (!ready) co_return;
  }
  tell();
  if (trust_.now() - beat_at_ < kBeat) co_return;
  beat_at_ = trust_.now();
  ClockTrust::Kept kept = trust_.beat();
  tell();
  const auto done = co_await keep(kept);
  if (!done) log::error("heartbeat-not-kept", {{"why", done.error().message}});
}

Task<Result<>> ClockKeeper::keep(ClockTrust::Kept kept) {
  const bool doubt = !trust_.state().trusted;
  if (doubt || kept_doubt_) {
    std::string key = store::kClockSetting;
    std::string value =
        doubt ? std::to_string(kept.synchronised.count()) + " " + std::to_string(kept.wall) : std::string();
    const auto done = co_await store_.set_setting(std::move(key), std::move(value));
    if (!done) co_return done;
    kept_doubt_ = doubt;
  }
  if (doubt) co_return Result<>();
  const auto done = co_await store_.beat(kept.heartbeat);
  const std::int64_t minute = std::chrono::milliseconds(kBeat).count();
  if (done && kept.heartbeat + minute < written_.exchange(kept.heartbeat)) went_back_ = true;
  co_return done;
}

void ClockKeeper::tell() {
  const ClockTrust::State state = trust_.state();
  if (state.trusted != doubted_) return;
  doubted_ = !state.trusted;
  if (state.trusted) {
    log::info("clock-believed", {{"now", mail::format_timestamp(from_millis(state.wall))}});
    return;
  }
  log::warning(
      "clock-doubted",
      {{"now", mail::format_timestamp(from_millis(state.wall))},
       {"believed", mail::format_timestamp(from_millis(state.believed))},
       {"why", "the clock is days away from where it should be: nothing is deleted, returned or forgotten for its "
               "age until it has been synchronised for a day"},
       {"advice", "set the clock; if it is right: paquebot clock confirm"}});
}

Task<Result<>> ClockKeeper::confirm() {
  ClockTrust::Kept kept = trust_.confirm();
  co_return co_await keep(kept);
}

std::string ClockKeeper::status() const {
  const ClockTrust::State state = trust_.state();
  if (state.trusted) return R"({"trusted":true})";
  if (!state.begun) return R"({"trusted":false,"why":"the store could not be read yet"})";
  const auto hours = std::chrono::ceil<std::chrono::hours>(state.left).count();
  return fmt::format(
      R"({{"trusted":false,"now":"{}","believed_until":"{}","synchronised":{},"hours_until_believed":{},)"
      R"("consequence":"nothing is deleted, returned or forgotten for its age",)"
      R"("advice":"set the clock; if it is right: paquebot clock confirm"}})",
      mail::format_timestamp(from_millis(state.wall)), mail::format_timestamp(from_millis(state.believed)),
      state.synchronised, hours);
}

} // namespace paquebot::service
