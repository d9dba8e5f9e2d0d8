#include "control/event_stream.h"

#include "base/clock.h"
#include "net/wheel.h"

namespace paquebot::control {
namespace {

using namespace std::chrono_literals;

constexpr auto kLook = 200ms;    // between two looks at the feed
constexpr auto kHeartbeat = 15s; // without an event
constexpr auto kAskAgain = 5s;   // whether who asked still may
constexpr std::size_t kPieceOctets = 64u << 10;

class EventStream final : public http::ContentSource {
public:
  EventStream(FeedReader reader, Asker asker, AskAgain again, std::shared_ptr<StreamPlace> place)
      : reader_(std::move(reader)), asker_(std::move(asker)), again_(std::move(again)), place_(std::move(place)),
        asked_(system_clock().now()), said_(asked_) {}

  Task<Result<std::string>> next() override {
    std::string piece;
    if (!begun_) piece = "retry: 2000\n\n";
    begun_ = true;
    while (!has_ended() && piece.empty()) {
      const auto now = system_clock().now();
      if (now - asked_ >= kAskAgain) {
        const bool may = co_await ask_again();
        if (!may) co_return std::string();
      }
      if (!reader_.has_event() && reader_.behind()) {
        const auto read = co_await reader_.read();
        if (!read) co_return fail(read.error().code, read.error().message);
      }
      while (reader_.has_event() && piece.size() < kPieceOctets) add(reader_.take(), piece);
      if (piece.empty() && now - said_ >= kHeartbeat) piece = ":\n\n";
      if (!piece.empty()) break;
      co_await net::sleep_for(kLook);
    }
    said_ = system_clock().now();
    if (has_ended()) co_return std::string();
    co_return piece;
  }

  void stop() override { stopped_ = true; }

private:
  bool has_ended() const { return stopped_ || (place_ && place_->ended); }

  Task<bool> ask_again() {
    asked_ = system_clock().now();
    reader_.keep_writing();
    std::optional<Asker> asker = co_await again_();
    if (!asker) co_return false;
    asker_ = std::move(*asker);
    co_return true;
  }

  /// JSON has no line end in it, so that nothing of it is taken for a field of the stream.
  void add(const FeedEvent& event, std::string& piece) const {
    if (!may_see(asker_.grants, event)) return;
    piece +=
        "id: " + event.id + "\nevent: " + event.word + "\ndata: " + to_text(told_to(asker_.grants, event)) + "\n\n";
  }

  FeedReader reader_;
  Asker asker_;
  AskAgain again_;
  std::shared_ptr<StreamPlace> place_;
  Instant asked_, said_;
  bool begun_ = false;
  bool stopped_ = false;
};

} // namespace

std::shared_ptr<StreamPlace> StreamCount::enter(const std::string& who) {
  const std::lock_guard lock(mutex_);
  if (all_ >= kMost) return nullptr;
  auto& own = open_[who];
  if (own.size() >= kMostOfOne) {
    own.front()->ended = true;
    own.pop_front();
  }
  auto place = std::make_unique<StreamPlace>();
  own.push_back(place.get());
  ++all_;
  return {place.release(), [this, who](StreamPlace* one) { leave(who, one); }};
}

void StreamCount::leave(const std::string& who, StreamPlace* place) {
  const std::unique_ptr<StreamPlace> mine(place);
  const std::lock_guard lock(mutex_);
  --all_;
  const auto own = open_.find(who);
  if (own == open_.end()) return;
  std::erase(own->second, place);
  if (own->second.empty()) open_.erase(own);
}

std::unique_ptr<http::ContentSource> make_event_stream(FeedReader reader, Asker asker, AskAgain again,
                                                       std::shared_ptr<StreamPlace> place) {
  return std::make_unique<EventStream>(std::move(reader), std::move(asker), std::move(again), std::move(place));
}

} // namespace paquebot::control
